//! What every plugin in WebAssembly stands on, whatever its kind: the engine, compiled code and its cache, the data of
//! a Store, warm instances, deadlines, and how failures of a guest get their names.
//!
//! ```
//! use heimdall_host::limits::Limits;
//! use heimdall_host::runtime::{Runtime, RuntimeSettings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::new(RuntimeSettings { instances: 10, ..RuntimeSettings::default() })?;
//! let empty_module = b"\0asm\x01\0\0\0".as_slice();
//! let compiled = runtime.compile_module(&empty_module.into(), &Limits::default()).await?;
//! assert!(!compiled.from_cache);
//! # Ok(())
//! # }
//! ```

mod account;
#[allow(
    unsafe_code,
    reason = "code that was compiled earlier can only be trusted: this module decides when it is"
)]
mod cache;
mod cause;
mod compiler;
mod compiling;
mod deadline;
mod engine;
mod giving_way;
mod instances;
mod journal;
mod limiter;
mod live;
mod process;
mod seal;
mod stdio;
mod tenant;
mod wasi;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Store};

pub use account::{Account, Stage};
pub use cache::CacheSettings;
pub use cause::{cause_of, instantiation_cause};
pub use compiler::{CompileError, Compiler, compile_worker};
pub use deadline::Deadline;
pub use engine::{Extras, RuntimeSettings, Ticks};
pub use instances::{Factory, InstanceSettings, Instances, Lease};
pub use journal::{escape_line, is_shown, least_log_level};
pub use live::Live;
pub use seal::{Seal, SealError, make_directory, write_atomically};
use tenant::refuel;
pub use tenant::{HasTenant, Tenant, begin_call, end_call, own_name};
pub use wasi::{World, add_wasi_to_component_linker, add_wasi_to_module_linker};

use crate::limits::Limits;
use cache::{Cache, Code, adopt, precompile};
use compiler::Children;
use compiling::Compiling;
use live::InUse;

/// Why a [`Runtime`] could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine refused its settings.
    #[error("the WebAssembly engine does not start: {0:#}; lower `instances`, or give the host more address space")]
    Engine(wasmtime::Error),
    /// The thread that lets guests be interrupted could not be started.
    #[error("the thread that interrupts guests does not start: {0}; raise the limit of threads")]
    Ticker(std::io::Error),
}

/// Compiled code, and where it came from.
#[derive(Debug, Clone)]
pub struct Compiled<T> {
    /// A module or a component.
    pub code: T,
    /// Whether it was read from the cache.
    pub from_cache: bool,
}

impl<T> Compiled<T> {
    /// The same as something else.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Compiled<U> {
        Compiled {
            code: into(self.code),
            from_cache: self.from_cache,
        }
    }
}

/// The engine with its compilation cache. Clones share it.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    cache: Option<Arc<Cache>>,
    /// None: plugins are compiled in this process.
    children: Option<Children>,
    compiling: Compiling,
    in_use: InUse,
    settings: Arc<RuntimeSettings>,
    /// Engines beside the first, by what they have more.
    others: Arc<Mutex<HashMap<Extras, Runtime>>>,
}

impl Runtime {
    /// Starts an engine, and the thread that lets its guests be interrupted, which ends with the engine.
    pub fn new(settings: RuntimeSettings) -> Result<Self, RuntimeError> {
        Runtime::beside(settings, InUse::default(), Compiling::default())
    }

    /// One that shares with others what they count and the places to compile in.
    fn beside(settings: RuntimeSettings, in_use: InUse, compiling: Compiling) -> Result<Self, RuntimeError> {
        let engine = engine::build(&settings).map_err(RuntimeError::Engine)?;
        if settings.ticks == Ticks::Thread {
            engine::start_ticker(&engine).map_err(RuntimeError::Ticker)?;
        }
        let cache = settings
            .cache
            .as_ref()
            .and_then(|cache| Cache::open(cache, &engine, settings.extras))
            .map(Arc::new);
        Ok(Runtime {
            in_use: in_use.of(&engine),
            engine,
            cache,
            children: Children::new(&settings),
            compiling,
            settings: Arc::new(settings),
            others: Arc::default(),
        })
    }

    /// One whose engine has this: the same, or another, which is made when it is first asked for and shared from then on.
    pub fn with(&self, extras: Extras) -> Result<Runtime, RuntimeError> {
        if extras == self.settings.extras {
            return Ok(self.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = others.get(&extras) {
            return Ok(other.clone());
        }
        let settings = RuntimeSettings {
            extras,
            ..RuntimeSettings::clone(&self.settings)
        };
        let other = Runtime::beside(settings, self.in_use.clone(), self.compiling.clone())?;
        others.insert(extras, other.clone());
        Ok(other)
    }

    /// The engine that everything of this runtime belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What is in use of it, and of the engines beside it.
    pub fn live(&self) -> Live {
        self.in_use.live()
    }

    /// A Store whose guest is capped by its tenant's limits and gives way at each tick, so that deadlines hold and what else its
    /// thread has to do is done.
    pub fn store<T: HasTenant>(&self, mut data: T) -> Store<T> {
        let tenant = data.tenant();
        tenant.live(self.in_use.enter());
        let (output, handles) = (tenant.limits().output, tenant.limits().handles);
        let mut store = Store::new(&self.engine, data);
        store.limiter(|data| data.tenant().limiter());
        store.set_hostcall_fuel(output);
        store.set_max_component_handles(handles);
        store.epoch_deadline_callback(|mut context| Ok(context.data_mut().tenant().tick()));
        store.set_epoch_deadline(1);
        refuel(&mut store);
        store
    }

    /// Compiles a core module, or reads it from the cache. Of the limits those of compiling count, if it is done in a
    /// child process.
    pub async fn compile_module(&self, bytes: &Bytes, limits: &Limits) -> Result<Compiled<Module>, CompileError> {
        self.compile(bytes, limits).await
    }

    /// Compiles a component, or reads it from the cache. Of the limits those of compiling count, if it is done in a child
    /// process.
    pub async fn compile_component(&self, bytes: &Bytes, limits: &Limits) -> Result<Compiled<Component>, CompileError> {
        self.compile(bytes, limits).await
    }

    /// Whether there is compiled code that is said to be of these bytes; whether it is to be trusted shows when it is read.
    pub(crate) fn has_compiled(&self, bytes: &[u8]) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.has(&blake3::hash(bytes)))
    }

    async fn compile<C: Code>(&self, bytes: &Bytes, limits: &Limits) -> Result<Compiled<C>, CompileError> {
        let input = bytes.clone();
        let hash = blocking(move || blake3::hash(&input)).await?;
        let turn = self.compiling.turn(hash);
        let _turn = turn.lock().await;
        let runtime = self.clone();
        let kept = blocking(move || runtime.cache.and_then(|cache| cache.read(&runtime.engine, &hash))).await?;
        if let Some(code) = kept {
            return Ok(Compiled { code, from_cache: true });
        }
        let _place = self.compiling.place().await?;
        let native = match &self.children {
            Some(children) => children.compile(C::KIND, bytes, limits).await?,
            None => {
                let (engine, input) = (self.engine.clone(), bytes.clone());
                let compiled = blocking(move || precompile(&engine, C::KIND, &input)).await?;
                compiled.map_err(|error| CompileError::Refused(format!("{error:#}")))?
            }
        };
        let runtime = self.clone();
        let adopted = blocking(move || adopt(&runtime.engine, runtime.cache.as_deref(), &hash, &native)).await?;
        Ok(Compiled {
            // What its pool has no place for, the engine says only now.
            code: adopted.map_err(|error| CompileError::Refused(format!("{error:#}")))?,
            from_cache: false,
        })
    }
}

/// Does what blocks where nothing waits for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CompileError> {
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|broken| CompileError::Crashed(broken.to_string()))
}

#[cfg(test)]
mod tests;
