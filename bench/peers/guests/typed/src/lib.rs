//! A typed plugin of Heimdall that does the same edit, without any JSON: what the others are measured against.

mod bindings {
    wit_bindgen::generate!({ path: ["../../../../wit/v0.1", "wit"], world: "bench:typed/peer", generate_all });
}

use std::sync::atomic::{AtomicBool, Ordering};

use bindings::exports::heimdall::plugin::{lifecycle, pre_llm_hook};
use bindings::heimdall::plugin::llm_types::{Content, LlmRequest, Message};
use bindings::heimdall::plugin::types::PluginError;

bindings::export!(Peer with_types_in bindings);

struct Peer;

static EDITS: AtomicBool = AtomicBool::new(false);

impl lifecycle::Guest for Peer {
    fn describe() -> lifecycle::Description {
        lifecycle::Description {
            name: "peer-typed".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Inserts a message, or does nothing.".into(),
            config_schema: None,
            extra: None,
        }
    }

    fn init(config: String) -> Result<(), PluginError> {
        EDITS.store(config.contains("edit"), Ordering::Relaxed);
        Ok(())
    }

    fn cleanup() {}
}

impl pre_llm_hook::Guest for Peer {
    fn before_call(request: &LlmRequest) -> Result<pre_llm_hook::Outcome, PluginError> {
        if EDITS.load(Ordering::Relaxed) {
            let system = Message {
                role: "system".into(),
                content: Content::Text("Answer in one sentence.".into()),
                extra: None,
            };
            request.insert_message(0, &system)?;
        }
        Ok(pre_llm_hook::Outcome::Proceed)
    }
}
