//! A file that is ready to be loaded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Abi, Artifact, Candidate, Code, LoadError, Loaded, PluginSettings, Recognised};
use crate::pipeline::Breaker;
use crate::runtime::{Compiled, Runtime};

/// A file that was read and compiled. Each plugin that is loaded of it has settings and instances of its own.
pub struct Prepared {
    pub(super) runtime: Runtime,
    pub(super) abi: Arc<dyn Abi>,
    pub(super) artifact: Artifact,
    pub(super) compiled: Compiled<Code>,
    pub(super) recognised: Recognised,
    pub(super) took: Duration,
}

impl Prepared {
    /// Makes a plugin of it: links, starts and configures it.
    pub async fn load(&self, settings: PluginSettings) -> Result<Loaded, LoadError> {
        let start = Instant::now();
        let (on_failure, hide_headers) = (settings.on_failure, settings.hide_headers.clone());
        let (breaker, counters) = (Breaker::new(settings.breaker.clone()), settings.counters.clone());
        let candidate = Candidate {
            artifact: self.artifact.clone(),
            code: self.compiled.code.clone(),
            recognised: self.recognised.clone(),
            settings,
        };
        let plugin = self.abi.load(&self.runtime, candidate).await?;
        Ok(Loaded {
            plugin,
            on_failure,
            hide_headers,
            counters,
            breaker: Arc::new(breaker),
            switch: Arc::default(),
            load_time: self.took + start.elapsed(),
            from_cache: self.compiled.from_cache,
            holders: Arc::default(),
        })
    }
}
