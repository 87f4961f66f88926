//! A plugin without WebAssembly, through the same pipeline: what is left is the pipeline's own part.
//!
//! ```
//! use heimdall_bench::guests::Does;
//! use heimdall_bench::native::Native;
//! use heimdall_bench::world::pipeline;
//!
//! assert_eq!(pipeline(vec![Native::loaded(Does::Edit)])?.plugins().len(), 1);
//! # Ok::<(), heimdall_bench::Error>(())
//! ```

use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::failure::{Cause, Failure};
use heimdall_host::json::Document;
use heimdall_host::loader::Loaded;
use heimdall_host::model::{Content, LlmRequest, Message};
use heimdall_host::plugin::{Call, HookSet, Manifest, Plugin, PreOutcome};

use crate::guests::Does;

/// A plugin in Rust with `before-call`.
pub struct Native {
    manifest: Manifest,
    does: Does,
}

impl Native {
    /// One that does this, ready for a pipeline.
    pub fn loaded(does: Does) -> Loaded {
        let manifest = Manifest::native("native");
        Loaded::of(Arc::new(Native { manifest, does }))
    }
}

/// The message that every guest here inserts.
pub fn message() -> Message {
    Message {
        role: "system".to_owned(),
        content: Content::Text("Be kind.".to_owned()),
        extra: None,
    }
}

#[async_trait]
impl Plugin for Native {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn hooks(&self) -> HookSet {
        HookSet::PRE_LLM
    }

    async fn before_call(&self, _: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        match self.does {
            Does::Nothing | Does::Echo => {}
            Does::Read => drop(black_box(request.model().to_owned())),
            Does::ReadByName => drop(black_box(
                request.param("temperature").map(|value| Document::to_string(&value)),
            )),
            Does::Edit => request.insert_message(0, &message()).map_err(|error| Failure {
                plugin: self.manifest.name.clone(),
                file: self.manifest.file.clone(),
                hook: "before-call",
                cause: Cause::Returned(error),
            })?,
        }
        Ok(PreOutcome::Proceed)
    }

    async fn cleanup(&self) {}
}
