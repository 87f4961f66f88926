//! What all cases stand on: a host, and a runtime of one thread, as one worker of the gateway is.
//!
//! ```no_run
//! use heimdall_bench::guests::{Does, Hook, typed};
//! use heimdall_bench::world::{World, target_directory};
//!
//! let world = World::new(&target_directory()?)?;
//! let plugin = world.load("reader", typed(Hook::BeforeCall, Does::Read)?, |_| {})?;
//! # Ok::<(), heimdall_bench::Error>(())
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::loader::{Host, Loaded, PluginSettings};
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use heimdall_host::runtime::{CacheSettings, RuntimeSettings, Ticks};
use tokio::runtime::{Builder, Runtime};

use crate::Error;

/// A host and a runtime.
pub struct World {
    runtime: Rc<Runtime>,
    host: Host,
    settings: RuntimeSettings,
    folder: PathBuf,
}

/// Instances of a host with little address space: their memories take 32 GiB of it.
const FEW: u32 = 4;

impl World {
    /// With all limits of a host at their defaults. Compiled code is kept in a folder of `target`.
    ///
    /// # Errors
    /// Where the host or the runtime does not start.
    pub fn new(target: &Path) -> Result<World, Error> {
        World::with(target, RuntimeSettings::default())
    }

    /// With little address space, for tools that have little themselves, as Valgrind has.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn small(target: &Path) -> Result<World, Error> {
        let few = RuntimeSettings {
            instances: FEW,
            ..RuntimeSettings::default()
        };
        World::with(target, few)
    }

    fn with(target: &Path, settings: RuntimeSettings) -> Result<World, Error> {
        let folder = target.join("bench");
        let settings = cached(&folder, settings);
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(World {
            runtime: Rc::new(runtime.map_err(Error::io("the asynchronous runtime"))?),
            host: host(settings.clone())?,
            settings,
            folder,
        })
    }

    /// What asynchronous functions run on.
    pub fn runtime(&self) -> Rc<Runtime> {
        self.runtime.clone()
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Where cases may keep files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A host like this one, that no tick interrupts.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn without_ticks(&self) -> Result<World, Error> {
        let settings = RuntimeSettings {
            ticks: Ticks::Manual,
            ..self.settings.clone()
        };
        Ok(World {
            runtime: self.runtime.clone(),
            host: host(settings.clone())?,
            settings,
            folder: self.folder.clone(),
        })
    }

    /// A plugin under this name, its limits at their defaults.
    ///
    /// # Errors
    /// Where it can't be loaded.
    pub fn load(&self, name: &str, bytes: Bytes, change: impl Fn(&mut PluginSettings)) -> Result<Loaded, Error> {
        let mut settings = PluginSettings::new(format!("{name}.wasm"));
        settings.name = Some(name.to_owned());
        change(&mut settings);
        Ok(self.runtime.block_on(self.host.load(bytes, settings))?)
    }

    /// A pipeline of one plugin.
    ///
    /// # Errors
    /// Where it can't be loaded.
    pub fn alone(&self, bytes: Bytes) -> Result<Arc<Pipeline>, Error> {
        pipeline(vec![self.load("bench", bytes, |_| {})?])
    }

    /// A pipeline of one plugin with this configuration.
    ///
    /// # Errors
    /// Where it can't be loaded.
    pub fn configured(&self, bytes: Bytes, config: &str) -> Result<Arc<Pipeline>, Error> {
        let config = Document::parse(config.to_owned())?;
        pipeline(vec![
            self.load("bench", bytes, |settings| settings.config = Some(config.clone()))?,
        ])
    }
}

/// A pipeline with its limits at their defaults.
///
/// # Errors
/// Where two plugins have one name.
pub fn pipeline(plugins: Vec<Loaded>) -> Result<Arc<Pipeline>, Error> {
    Ok(Arc::new(Pipeline::new(plugins, PipelineSettings::default())?))
}

fn cached(folder: &Path, settings: RuntimeSettings) -> RuntimeSettings {
    let cache = CacheSettings {
        directory: folder.join("compiled"),
        key_file: folder.join("key/cache.key"),
    };
    RuntimeSettings {
        cache: Some(cache),
        ..settings
    }
}

/// A host of typed and legacy plugins.
///
/// # Errors
/// Where it does not start.
pub fn host(settings: RuntimeSettings) -> Result<Host, Error> {
    let builder = Host::builder().runtime(settings);
    let builder = builder.abis(heimdall_shim::abis());
    Ok(builder.build()?)
}

/// The folder in which this program was built.
///
/// # Errors
/// Where it is in none.
pub fn target_directory() -> Result<PathBuf, Error> {
    let what = "the folder `target` of this program";
    let program = std::env::current_exe().map_err(Error::io(what))?;
    let is_target = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    let found = program.ancestors().find(is_target).map(Path::to_owned);
    found.ok_or_else(|| Error::io(what)(io::ErrorKind::NotFound.into()))
}
