//! From bytes to a plugin: what a file is, whether this host can run it, and if not, why and what to do.
//!
//! A file is offered to every [`Abi`] that the host was built with, and the first that recognises it loads it. Typed
//! components are there from the start; the loader knows no more of them than of any other kind.
//!
//! ```
//! use heimdall_host::loader::{Host, LoadError};
//!
//! let host = Host::builder().build()?;
//! let error = host.inspect("notes.wasm", &"not WebAssembly".into()).unwrap_err();
//! assert!(matches!(error, LoadError::NotWasm { .. }));
//! # Ok::<(), heimdall_host::runtime::RuntimeError>(())
//! ```

mod abi;
mod artifact;
mod encode;
mod error;
mod inspect;
mod prepared;
mod read;
mod settings;
mod sizes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HeaderName;

pub use abi::{Abi, Candidate, Code, Recognised, Recognition};
pub use artifact::{Artifact, ComponentShape, Export, Import, Item, MemoryShape, ModuleShape, Shape, ValType};
pub use error::{LoadError, UnknownKind};
pub use inspect::{InspectedImport, Inspection};
pub use prepared::Prepared;
pub use read::component;
pub use settings::{CREDENTIAL_HEADERS, FailurePolicy, Isolation, PluginSettings, RecycleSettings};

use crate::component::Typed;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::pipeline::{Breaker, BreakerSettings};
use crate::plugin::Plugin;
use crate::runtime::{CompileError, Compiled, Runtime, RuntimeError, RuntimeSettings};

/// Loads plugins of the kinds that it was built with. Clones share it.
#[derive(Clone)]
pub struct Host {
    runtime: Runtime,
    abis: Arc<[Arc<dyn Abi>]>,
}

/// Builds a [`Host`].
pub struct HostBuilder {
    settings: RuntimeSettings,
    abis: Vec<Arc<dyn Abi>>,
}

impl HostBuilder {
    /// What the engine may use; without it, the defaults.
    pub fn runtime(mut self, settings: RuntimeSettings) -> Self {
        self.settings = settings;
        self
    }

    /// One more kind of plugin.
    pub fn abi(mut self, abi: impl Abi) -> Self {
        self.abis.push(Arc::new(abi));
        self
    }

    /// Starts the engine.
    pub fn build(self) -> Result<Host, RuntimeError> {
        Ok(Host {
            runtime: Runtime::new(self.settings)?,
            abis: self.abis.into(),
        })
    }
}

/// A plugin that is ready for requests. Clones are the same plugin.
#[derive(Clone)]
pub struct Loaded {
    /// The plugin.
    pub plugin: Arc<dyn Plugin>,
    /// Whether requests go on when it fails.
    pub on_failure: FailurePolicy,
    /// Headers that it can't read: see [`PluginSettings::hide_headers`].
    pub hide_headers: Vec<HeaderName>,
    /// Where what it does is counted.
    pub counters: Arc<Counters>,
    /// Whether it is called, though it keeps failing.
    pub breaker: Arc<Breaker>,
    /// Whether its operator lets it take part.
    pub switch: Arc<Switch>,
    /// From its bytes to readiness.
    pub load_time: Duration,
    /// Whether its code was compiled before.
    pub from_cache: bool,
    /// How many pipelines hold it: the last one to let it go retires it.
    pub holders: Arc<AtomicUsize>,
}

impl Loaded {
    /// One that was not made of a file, for an embedder's own plugin: it fails closed, and nothing of it is hidden.
    pub fn of(plugin: Arc<dyn Plugin>) -> Loaded {
        Loaded {
            plugin,
            on_failure: FailurePolicy::Closed,
            hide_headers: Vec::new(),
            counters: Arc::default(),
            breaker: Arc::new(Breaker::new(BreakerSettings::default())),
            switch: Arc::default(),
            holders: Arc::default(),
            load_time: Duration::ZERO,
            from_cache: false,
        }
    }
}

/// Whether a plugin takes part in requests. While it is off, requests pass as if it were not there.
#[derive(Debug, Default)]
pub struct Switch {
    is_off: AtomicBool,
}

impl Switch {
    /// From now on requests that begin pass it by; those that have begun do not.
    pub fn turn_off(&self) {
        self.is_off.store(true, Ordering::Relaxed);
    }

    /// Requests that begin from now on pass it again.
    pub fn turn_on(&self) {
        self.is_off.store(false, Ordering::Relaxed);
    }

    /// Whether it takes part.
    pub fn is_on(&self) -> bool {
        !self.is_off.load(Ordering::Relaxed)
    }
}

impl Host {
    /// A host of typed components; further kinds are added.
    pub fn builder() -> HostBuilder {
        HostBuilder {
            settings: RuntimeSettings::default(),
            abis: vec![Arc::new(Typed)],
        }
    }

    /// The engine, for what is made beside plugins.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Makes a plugin of a file: reads, compiles, links, starts and configures it.
    pub async fn load(&self, bytes: Bytes, settings: PluginSettings) -> Result<Loaded, LoadError> {
        let prepared = self.prepare(&settings.file, bytes, &settings.limits).await;
        let prepared = prepared.inspect_err(|error| error.count(&settings.counters))?;
        prepared.load(settings).await
    }

    /// Reads and compiles a file, once for any number of plugins that are loaded of it. Of the limits those count that say
    /// how large it may be.
    pub async fn prepare(&self, file: &str, bytes: Bytes, limits: &Limits) -> Result<Prepared, LoadError> {
        let start = Instant::now();
        let (name, sizes) = (file.to_owned(), limits.clone());
        let runtime = self.runtime.clone();
        let artifact = tokio::task::spawn_blocking(move || {
            sizes::check(&name, &bytes, &sizes)?;
            read::artifact_unless(&name, bytes, &|bytes| runtime.has_compiled(bytes))
        });
        let artifact = artifact.await;
        let artifact = artifact.map_err(|broken| LoadError::Invalid {
            file: file.to_owned(),
            reason: format!("reading it broke off: {broken}"),
        })??;
        let (abi, recognised) = self.recognise(file, &artifact)?;
        let compiled = self.compile(&artifact, limits).await;
        let compiled = compiled.map_err(|error| LoadError::Compile {
            file: file.to_owned(),
            error,
        })?;
        Ok(Prepared {
            runtime: self.runtime.clone(),
            abi: abi.clone(),
            artifact,
            compiled,
            recognised,
            took: start.elapsed(),
        })
    }

    /// Tells what a file is, without running it.
    pub fn inspect(&self, file: &str, bytes: &Bytes) -> Result<Inspection, LoadError> {
        let artifact = read::artifact(file, bytes.clone())?;
        let (abi, recognised) = self.recognise(file, &artifact)?;
        Ok(Inspection::new(file, bytes.len(), artifact, &**abi, recognised))
    }

    async fn compile(&self, artifact: &Artifact, limits: &Limits) -> Result<Compiled<Code>, CompileError> {
        match artifact.shape {
            Shape::Module(_) => {
                let Compiled { code, from_cache } = self.runtime.compile_module(&artifact.bytes, limits).await?;
                Ok(Compiled {
                    code: Code::Module(code),
                    from_cache,
                })
            }
            Shape::Component(_) => {
                let Compiled { code, from_cache } = self.runtime.compile_component(&artifact.bytes, limits).await?;
                Ok(Compiled {
                    code: Code::Component(code),
                    from_cache,
                })
            }
        }
    }

    fn recognise(&self, file: &str, artifact: &Artifact) -> Result<(&Arc<dyn Abi>, Recognised), LoadError> {
        let mut all_needs = Vec::new();
        let mut best = None;
        for abi in self.abis.iter() {
            match abi.recognise(artifact) {
                Recognition::Yes(recognised) => return Ok((abi, recognised)),
                Recognition::No { closest, needs, score } => {
                    all_needs.push((abi.name(), needs));
                    if let Some(how) = closest
                        && best.as_ref().is_none_or(|(best, _)| score > *best)
                    {
                        best = Some((score, (abi.name(), how)));
                    }
                }
            }
        }
        Err(LoadError::UnknownKind(Box::new(UnknownKind {
            file: file.into(),
            form: artifact.shape.form(),
            exports: artifact.shape.export_texts(),
            imports: artifact.shape.imports().iter().map(ToString::to_string).collect(),
            needs: all_needs,
            closest: best.map(|(_, closest)| closest),
        })))
    }
}

#[cfg(test)]
mod tests;
