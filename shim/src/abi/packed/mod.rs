//! The packed ABI: inputs are written where the guest's malloc says, and a `u64` holds the place of the output, its address
//! in the upper half and its length in the lower.
//!
//! ```
//! use heimdall_shim::abi::packed;
//!
//! assert!(packed::offers("wasi_snapshot_preview1", "fd_write"));
//! assert!(packed::offers("env", "abort"));
//! assert!(!packed::offers("env", "open_socket"));
//! ```

mod call;
mod heap;
mod imports;
mod instance;
mod memory;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::limits::Limits;
use heimdall_host::runtime::{Account, Deadline, Factory, HasTenant, Runtime, Stage, Tenant};
use wasmtime::{InstancePre, Linker, Module};

pub use heap::HeapReport;
pub use imports::{OFFERED, offers};
pub use instance::PackedInstance;

use super::StartFailure;

/// The names of the exports that a module's calls go through.
#[derive(Debug, Clone)]
pub struct Layout {
    /// `plugin_malloc`, else `malloc`. A module whose hooks are given nothing needs none.
    pub malloc: &'static str,
    /// `plugin_free`, else `free`, and whether it takes the size.
    pub free: Option<(&'static str, bool)>,
    /// Whether there is a `plugin_reset`.
    pub reset: bool,
    /// `_initialize` or `_start`.
    pub start: Option<&'static str>,
    /// Whether there is an `init`.
    pub init: bool,
    /// Whether there is a `get_name`.
    pub get_name: bool,
    /// Whether there is a `cleanup`.
    pub cleanup: bool,
    /// The hooks, each with the number of its inputs.
    pub hooks: Vec<(&'static str, usize)>,
    /// Where the module's own stack and data end, as far as it is known.
    pub heap_base: Option<u32>,
}

/// A Store's data.
pub struct Guest {
    tenant: Tenant,
}

impl HasTenant for Guest {
    fn tenant(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}

/// What all instances of one plugin have in common: its code, linked, and what was found out about its allocator.
pub struct Template {
    runtime: Runtime,
    code: InstancePre<Guest>,
    layout: Layout,
    account: Account,
    config: Bytes,
    /// The allocator counts up from 0, so that 0 is a good address for the first allocation.
    starts_at_zero: AtomicBool,
    /// The size of a heap that runs dry; `u64::MAX` where none is known.
    capacity: AtomicU64,
}

/// An instance as it is right after load, and what it told.
pub struct Loaded {
    /// The instance.
    pub instance: PackedInstance,
    /// What `get_name` says.
    pub name: Option<Arc<str>>,
    /// What was found out about its allocator.
    pub heap: HeapReport,
}

impl Template {
    /// Links a module.
    ///
    /// # Errors
    /// The engine's, where an import has another type than the host's.
    pub fn link(
        runtime: &Runtime,
        module: &Module,
        layout: Layout,
        account: Account,
        config: Bytes,
    ) -> wasmtime::Result<Template> {
        let mut linker = Linker::new(runtime.engine());
        imports::add_to_linker(&mut linker)?;
        Ok(Template {
            runtime: runtime.clone(),
            code: linker.instantiate_pre(module)?,
            layout,
            account,
            config,
            starts_at_zero: AtomicBool::new(false),
            capacity: AtomicU64::new(u64::MAX),
        })
    }

    /// Whose code this is.
    pub fn plugin(&self) -> &Arc<str> {
        self.account.plugin()
    }

    /// What it may use, and where it is counted.
    pub fn account(&self) -> &Account {
        &self.account
    }

    fn limits(&self) -> &Limits {
        self.account.limits()
    }

    /// The same under another name.
    fn named(&self, plugin: Arc<str>) -> Template {
        Template {
            runtime: self.runtime.clone(),
            code: self.code.clone(),
            layout: self.layout.clone(),
            account: self.account.renamed(plugin),
            config: self.config.clone(),
            starts_at_zero: AtomicBool::new(self.starts_at_zero.load(Ordering::Relaxed)),
            capacity: AtomicU64::new(self.capacity.load(Ordering::Relaxed)),
        }
    }

    /// The first instance: finds out about the allocator, configures the guest and asks for its name.
    ///
    /// # Errors
    /// Where and why the start failed.
    pub async fn load(self: &Arc<Self>) -> Result<Loaded, StartFailure> {
        let heap = self.within_deadline("start", self.examine_heap()).await?;
        self.starts_at_zero.store(heap.starts_at_zero, Ordering::Relaxed);
        self.capacity
            .store(heap.capacity.unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut instance = self
            .within_deadline("start", PackedInstance::boot(self.clone()))
            .await?;
        self.within_deadline("init", instance.configure()).await?;
        let name = self.within_deadline("get_name", instance.name()).await?;
        Ok(Loaded { instance, name, heap })
    }

    /// In an instance of its own, which is thrown away: what is tried out there does no harm.
    async fn examine_heap(self: &Arc<Self>) -> Result<HeapReport, Cause> {
        if self.layout.malloc.is_empty() {
            return Ok(HeapReport::default());
        }
        let mut instance = PackedInstance::boot(self.clone()).await?;
        Ok(instance.examine_heap().await)
    }

    async fn within_deadline<T>(
        &self,
        hook: &'static str,
        step: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, StartFailure> {
        let (time, stage) = match hook {
            "init" => (self.limits().init_timeout, Stage::Init),
            _ => (self.limits().start_timeout, Stage::Start),
        };
        Deadline::after(time).run(step).await.map_err(|cause| {
            self.account.ran_over(&cause, stage);
            StartFailure { hook, cause }
        })
    }

    /// A further instance, ready for hooks.
    async fn start(self: &Arc<Self>) -> Result<PackedInstance, Cause> {
        let booted = self.within_deadline("start", PackedInstance::boot(self.clone())).await;
        let mut instance = booted.map_err(StartFailure::in_a_call)?;
        let configured = self.within_deadline("init", instance.configure()).await;
        configured.map_err(StartFailure::in_a_call)?;
        Ok(instance)
    }
}

impl Loaded {
    /// The same under the name that the guest told: the instance too, and every one that is made from now on.
    pub fn named(mut self, template: &Template, name: Arc<str>) -> (Arc<Template>, Loaded) {
        let template = Arc::new(template.named(name));
        self.instance.belong_to(template.clone());
        (template, self)
    }
}

/// Makes instances of a template.
pub struct PackedFactory(pub Arc<Template>);

#[async_trait]
impl Factory for PackedFactory {
    type Instance = PackedInstance;

    async fn create(&self) -> Result<PackedInstance, Cause> {
        self.0.start().await
    }

    async fn retire(&self, instance: PackedInstance) {
        instance.retire().await;
    }

    fn memory_used(&self, instance: &PackedInstance) -> usize {
        instance.memory_used()
    }

    fn fresh_memory(&self, instance: &PackedInstance) -> usize {
        instance.fresh
    }

    fn is_exhausted(&self, instance: &PackedInstance) -> bool {
        instance.heap.is_nearly_full(instance.capacity())
    }
}
