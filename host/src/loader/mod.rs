//! From bytes to a plugin: what a file is, whether this host can run it, and if not, why and what to do.
//!
//! A file is offered to every [`Abi`] that the host was built with, and the first that recognises it loads it. Typed
//! components are there from the start; the loader knows no more of them than of any other kind.
//!
//! ```
//! use heimdall_host::loader::{Host, LoadError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), heimdall_host::runtime::RuntimeError> {
//! let host = Host::builder().build()?;
//! let error = host.inspect("notes.wasm", &"not WebAssembly".into()).await.unwrap_err();
//! assert!(matches!(error, LoadError::NotWasm { .. }));
//! # Ok(())
//! # }
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

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HeaderName;

pub use abi::{Abi, Candidate, Code, Linked, Package, Recognised, Recognition};
pub use artifact::{Artifact, ComponentShape, Export, Import, Item, MemoryShape, ModuleShape, Shape, ValType};
pub use error::{LoadError, UnknownKind};
pub use inspect::{InspectedImport, Inspection};
pub use prepared::Prepared;
pub use read::component;
pub use settings::{CREDENTIAL_HEADERS, Directory, FailurePolicy, Isolation, PluginSettings, RecycleSettings};

use crate::component::Typed;
use crate::counters::Counters;
use crate::functions::Callable;
use crate::limits::Limits;
use crate::pipeline::{Breaker, BreakerSettings};
use crate::plugin::Plugin;
use crate::runtime::{Compiled, Extras, Runtime, RuntimeError, RuntimeSettings};

/// What WebAssembly begins with: a file that begins otherwise may be a manifest.
pub const WASM: &[u8] = b"\0asm";

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

    /// Further kinds of plugin, in the order in which a file is offered to them.
    pub fn abis(mut self, abis: impl IntoIterator<Item = Arc<dyn Abi>>) -> Self {
        self.abis.extend(abis);
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

    /// Makes a plugin of a file for a pipeline: reads, compiles, links, starts and configures it.
    pub async fn load(&self, bytes: Bytes, settings: PluginSettings) -> Result<Loaded, LoadError> {
        self.prepare_counted(bytes, &settings).await?.load(settings).await
    }

    /// Makes a plugin of a file whose functions an application calls.
    pub async fn functions(&self, bytes: Bytes, settings: PluginSettings) -> Result<Callable, LoadError> {
        self.prepare_counted(bytes, &settings).await?.functions(settings).await
    }

    /// Makes a plugin of the file that the settings name, or name one by its path alone: [`Host::functions`] of what it holds.
    pub async fn open(&self, settings: impl Into<PluginSettings>) -> Result<Callable, LoadError> {
        let settings = settings.into();
        let file = settings.file.clone();
        let read = move || std::fs::read(&file).map_err(|error| LoadError::Unreadable { file, error });
        let bytes = unblocked(&settings.file, read).await?;
        self.functions(bytes.into(), settings).await
    }

    async fn prepare_counted(&self, bytes: Bytes, settings: &PluginSettings) -> Result<Prepared, LoadError> {
        let prepared = self.prepare(&settings.file, bytes, &settings.limits).await;
        prepared.inspect_err(|error| error.count(&settings.counters))
    }

    /// Reads and compiles a file, once for any number of plugins that are loaded of it. Of the limits those count that say
    /// how large it may be.
    pub async fn prepare(&self, file: &str, bytes: Bytes, limits: &Limits) -> Result<Prepared, LoadError> {
        let start = Instant::now();
        let (opened, package) = self.unpack(file, bytes, limits).await?;
        let artifact = self.read(file, package.main, limits).await?;
        let (abi, recognised) = match opened {
            Some(abi) => (abi, recognised_by(abi, file, &artifact)?),
            None => self.recognise(file, &artifact)?,
        };
        let is_linked = !package.linked.is_empty();
        let mut parts = Vec::with_capacity(package.linked.len());
        for (name, bytes) in package.linked {
            let artifact = self.read(&name, bytes, limits).await?;
            parts.push((name, artifact));
        }
        let all = parts.iter().map(|(_, artifact)| artifact).chain([&artifact]);
        let runtime = self.runtime_for(file, &**abi, all, limits)?;
        let compiled = compile(&runtime, file, abi, &artifact, is_linked, limits).await?;
        let mut linked = Vec::with_capacity(parts.len());
        for (name, artifact) in parts {
            let compiled = compile(&runtime, &name, abi, &artifact, true, limits).await?;
            let Code::Module(module) = compiled.code else {
                return Err(LoadError::Manifest {
                    file: file.to_owned(),
                    reason: format!("`{name}` is a component, and only core modules can be linked with another"),
                });
            };
            linked.push(Linked { name, artifact, module });
        }
        Ok(Prepared {
            runtime,
            abi: abi.clone(),
            artifact,
            linked,
            manifest: package.manifest,
            compiled,
            recognised,
            took: start.elapsed(),
        })
    }

    /// Tells what a file is, without running it. Of a manifest that is its main module, which may have to be fetched.
    pub async fn inspect(&self, file: &str, bytes: &Bytes) -> Result<Inspection, LoadError> {
        let (opened, package) = self.unpack(file, bytes.clone(), &Limits::default()).await?;
        let size = package.main.len();
        let (name, main) = (file.to_owned(), package.main);
        let artifact = unblocked(file, move || read::artifact(&name, main)).await?;
        let (abi, recognised) = match opened {
            Some(abi) => (abi, recognised_by(abi, file, &artifact)?),
            None => self.recognise(file, &artifact)?,
        };
        if let Some(error) = read::unsupported(file, artifact.extras.difference(abi.extras())) {
            return Err(error);
        }
        Ok(Inspection::new(file, size, artifact, &**abi, recognised))
    }

    /// The files that a file names, if it is a manifest: where one of them changes, another plugin would be made of it. They are
    /// named whether or not they are there.
    pub fn named_files(&self, file: &str, bytes: &[u8], limits: &Limits) -> Vec<PathBuf> {
        if bytes.starts_with(WASM) {
            return Vec::new();
        }
        let abis = self.abis.iter();
        abis.flat_map(|abi| abi.named_files(file, bytes, limits)).collect()
    }

    /// What a file stands for: itself, or what it names as a manifest of the ABI that is given back with it.
    async fn unpack(
        &self,
        file: &str,
        bytes: Bytes,
        limits: &Limits,
    ) -> Result<(Option<&Arc<dyn Abi>>, Opened), LoadError> {
        if !bytes.starts_with(WASM) {
            for abi in self.abis.iter() {
                if let Some(package) = abi.open(file, &bytes, limits).await {
                    let Package { main, linked, manifest } = package?;
                    let manifest = Some(manifest);
                    return Ok((Some(abi), Opened { main, linked, manifest }));
                }
            }
        }
        let itself = Opened {
            main: bytes,
            linked: Vec::new(),
            manifest: None,
        };
        Ok((None, itself))
    }

    async fn read(&self, file: &str, bytes: Bytes, limits: &Limits) -> Result<Artifact, LoadError> {
        let (name, sizes) = (file.to_owned(), limits.clone());
        let runtime = self.runtime.clone();
        let read = unblocked(file, move || {
            sizes::check(&name, &bytes, &sizes)?;
            read::artifact_unless(&name, bytes, &|bytes| runtime.has_compiled(bytes))
        });
        read.await
    }

    /// Whose engine has what these need, and what the limits ask for.
    fn runtime_for<'a>(
        &self,
        file: &str,
        abi: &dyn Abi,
        all: impl Iterator<Item = &'a Artifact>,
        limits: &Limits,
    ) -> Result<Runtime, LoadError> {
        let mut extras = all.fold(Extras::empty(), |extras, artifact| extras.union(artifact.extras));
        if let Some(error) = read::unsupported(file, extras.difference(abi.extras())) {
            return Err(error);
        }
        extras.set(Extras::FUEL, limits.fuel.is_some());
        self.runtime.with(extras).map_err(|error| LoadError::Engine {
            file: file.to_owned(),
            error,
        })
    }

    fn recognise(&self, file: &str, artifact: &Artifact) -> Result<(&Arc<dyn Abi>, Recognised), LoadError> {
        let mut all_needs = Vec::new();
        let mut best = None;
        for abi in self.abis.iter() {
            match abi.recognise(artifact, false) {
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
        if let Some(error) = read::unsupported(file, artifact.extras) {
            return Err(error);
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

async fn compile(
    runtime: &Runtime,
    file: &str,
    abi: &Arc<dyn Abi>,
    artifact: &Artifact,
    linked: bool,
    limits: &Limits,
) -> Result<Compiled<Code>, LoadError> {
    let (translator, name, original) = (abi.clone(), file.to_owned(), artifact.clone());
    let bytes = unblocked(file, move || translator.translate(&name, &original, linked)).await?;
    let bytes = bytes.as_ref().unwrap_or(&artifact.bytes);
    let compiled = match artifact.shape {
        Shape::Module(_) => {
            let compiled = runtime.compile_module(bytes, limits).await;
            compiled.map(|compiled| compiled.map(Code::Module))
        }
        Shape::Component(_) => {
            let compiled = runtime.compile_component(bytes, limits).await;
            compiled.map(|compiled| compiled.map(Code::Component))
        }
    };
    compiled.map_err(|error| LoadError::Compile {
        file: file.to_owned(),
        error,
    })
}

/// Reads a file where nothing waits for it.
async fn unblocked<T: Send + 'static>(
    file: &str,
    read: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|broken| LoadError::Invalid {
        file: file.to_owned(),
        reason: format!("reading it broke off: {broken}"),
    })?
}

/// What a file stands for.
struct Opened {
    main: Bytes,
    linked: Vec<(String, Bytes)>,
    manifest: Option<Arc<dyn Any + Send + Sync>>,
}

/// What an ABI says of the file that a manifest of its own names.
fn recognised_by(abi: &Arc<dyn Abi>, file: &str, artifact: &Artifact) -> Result<Recognised, LoadError> {
    match abi.recognise(artifact, true) {
        Recognition::Yes(recognised) => Ok(recognised),
        Recognition::No { closest, needs, .. } => Err(LoadError::Manifest {
            file: file.to_owned(),
            reason: closest.unwrap_or(format!("its main module is not of its kind, which is {needs}")),
        }),
    }
}

#[cfg(test)]
mod tests;
