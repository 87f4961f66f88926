//! A file that is ready to be loaded.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Abi, Artifact, Candidate, Code, Linked, LoadError, Loaded, PluginSettings, Recognised};
use crate::functions::Callable;
use crate::pipeline::Breaker;
use crate::runtime::{Compiled, Runtime};

/// A file that was read and compiled. Each plugin that is loaded of it has settings and instances of its own.
pub struct Prepared {
    pub(super) runtime: Runtime,
    pub(super) abi: Arc<dyn Abi>,
    pub(super) artifact: Artifact,
    pub(super) linked: Vec<Linked>,
    pub(super) manifest: Option<Arc<dyn Any + Send + Sync>>,
    pub(super) compiled: Compiled<Code>,
    pub(super) recognised: Recognised,
    pub(super) took: Duration,
}

impl Prepared {
    /// Makes a plugin of it whose functions an application calls: links, starts and configures it.
    pub async fn functions(&self, settings: PluginSettings) -> Result<Callable, LoadError> {
        let file = settings.file.clone();
        let Loaded { plugin, .. } = self.start(settings, false).await?;
        let kind = plugin.manifest().kind.clone();
        Callable::new(plugin).ok_or(LoadError::NoFunctions { file, kind })
    }

    /// Makes a plugin of it for a pipeline: links, starts and configures it.
    pub async fn load(&self, settings: PluginSettings) -> Result<Loaded, LoadError> {
        let file = settings.file.clone();
        let loaded = self.start(settings, true).await?;
        if loaded.plugin.hooks().is_empty() && loaded.plugin.functions().is_some() {
            let kind = loaded.plugin.manifest().kind.clone();
            loaded.plugin.cleanup().await;
            return Err(LoadError::NoHooks { file, kind });
        }
        Ok(loaded)
    }

    /// Links, starts and configures it.
    async fn start(&self, settings: PluginSettings, for_pipeline: bool) -> Result<Loaded, LoadError> {
        let start = Instant::now();
        let (on_failure, hide_headers) = (settings.on_failure, settings.hide_headers.clone());
        let (breaker, counters) = (Breaker::new(settings.breaker.clone()), settings.counters.clone());
        let candidate = Candidate {
            artifact: self.artifact.clone(),
            code: self.compiled.code.clone(),
            linked: self.linked.clone(),
            manifest: self.manifest.clone(),
            recognised: self.recognised.clone(),
            settings,
            for_pipeline,
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
