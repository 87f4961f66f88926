//! One instance: its start, its allocator, its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::model::{Context, EditError};
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{
    Deadline, Stage, Tenant, begin_call, cause_of, end_call, escape_line, instantiation_cause, own_name,
};
use wasmtime::{Instance, Memory, Store, TypedFunc, WasmParams, WasmResults};

use super::heap::{Heap, HeapReport};
use super::memory::{self, Span};
use super::{Guest, Template};
use crate::abi::Argument;

/// Heaps of this size and above are not measured: they don't run dry within a plugin's life, or they grow.
const LARGE_HEAP: u32 = 8 << 20;

/// An instance in its Store.
pub struct PackedInstance {
    pub(super) template: Arc<Template>,
    pub(super) store: Store<Guest>,
    pub(super) memory: Memory,
    pub(super) malloc: Option<TypedFunc<u32, u32>>,
    pub(super) free: Option<Free>,
    pub(super) reset: Option<TypedFunc<(), ()>>,
    pub(super) hooks: Vec<(&'static str, Hook)>,
    instance: Instance,
    pub(super) heap: Heap,
    pub(super) spent: bool,
    /// Bytes of memory that it started with.
    pub(super) fresh: usize,
}

/// The guest's free, with or without the size.
pub(super) enum Free {
    Address(TypedFunc<u32, ()>),
    AddressAndSize(TypedFunc<(u32, u32), ()>),
}

/// A hook by the number of its inputs, each an address and a length.
pub(super) enum Hook {
    One(TypedFunc<(u32, u32), u64>),
    Two(TypedFunc<(u32, u32, u32, u32), u64>),
    Three(TypedFunc<(u32, u32, u32, u32, u32, u32), u64>),
}

impl PackedInstance {
    /// A new instance whose start functions have run, once.
    pub(super) async fn boot(template: Arc<Template>) -> Result<Self, Cause> {
        let tenant = Tenant::new(&template.account);
        let mut store = template.runtime.store(Guest { tenant });
        begin_call(&mut store, "start", Context::default(), Logged::default());
        let instance = match template.code.instantiate_async(&mut store).await {
            Ok(instance) => instance,
            Err(error) => return Err(instantiation_cause(error, &store.data().tenant)),
        };
        let layout = template.layout.clone();
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| Cause::AbiViolation("it exports no memory".into()))?;
        let free = match layout.free {
            None => None,
            Some((name, false)) => Some(Free::Address(typed(&instance, &mut store, name)?)),
            Some((name, true)) => Some(Free::AddressAndSize(typed(&instance, &mut store, name)?)),
        };
        let malloc = match layout.malloc {
            "" => None,
            name => Some(typed(&instance, &mut store, name)?),
        };
        let reset = if layout.reset {
            Some(typed(&instance, &mut store, "plugin_reset")?)
        } else {
            None
        };
        let mut hooks = Vec::with_capacity(layout.hooks.len());
        for (name, inputs) in layout.hooks {
            let hook = match inputs {
                1 => Hook::One(typed(&instance, &mut store, name)?),
                2 => Hook::Two(typed(&instance, &mut store, name)?),
                _ => Hook::Three(typed(&instance, &mut store, name)?),
            };
            hooks.push((name, hook));
        }
        let heap = Heap::default();
        let mut booted = PackedInstance {
            template,
            store,
            memory,
            malloc,
            free,
            reset,
            hooks,
            instance,
            heap,
            spent: false,
            fresh: 0,
        };
        booted.run_start(layout.start).await?;
        end_call(&mut booted.store);
        booted.fresh = booted.memory_used();
        Ok(booted)
    }

    /// `_initialize` of a reactor, `_start` of a command, which may end in `proc_exit(0)`.
    async fn run_start(&mut self, name: Option<&'static str>) -> Result<(), Cause> {
        let Some(name) = name else { return Ok(()) };
        let start: TypedFunc<(), ()> = typed(&self.instance, &mut self.store, name)?;
        match start.call_async(&mut self.store, ()).await {
            Ok(()) => Ok(()),
            Err(error) => match self.cause(error) {
                Cause::Exited(0) => Ok(()),
                cause => Err(cause),
            },
        }
    }

    /// Hands the guest its configuration.
    pub(super) async fn configure(&mut self) -> Result<(), Cause> {
        if !self.template.layout.init {
            return Ok(());
        }
        begin_call(&mut self.store, "init", Context::default(), Logged::default());
        let init: TypedFunc<(u32, u32), i32> = typed(&self.instance, &mut self.store, "init")?;
        let config = self.template.config.clone().into();
        let placed = self.place(&[Argument::Text(&config)]).await?;
        let span = placed.first().copied().unwrap_or(Span::NOTHING);
        let code = init.call_async(&mut self.store, (span.address, span.length)).await;
        let code = code.map_err(|error| self.cause(error))?;
        self.free_all(&placed).await;
        end_call(&mut self.store);
        match code {
            0 => Ok(()),
            code => Err(Cause::Returned(EditError::Other(format!(
                "`init` returned {code}, where 0 means success"
            )))),
        }
    }

    /// What the guest calls itself.
    pub(super) async fn name(&mut self) -> Result<Option<Arc<str>>, Cause> {
        if !self.template.layout.get_name {
            return Ok(None);
        }
        begin_call(&mut self.store, "get_name", Context::default(), Logged::default());
        let get_name: TypedFunc<(), u64> = typed(&self.instance, &mut self.store, "get_name")?;
        let packed = get_name
            .call_async(&mut self.store, ())
            .await
            .map_err(|error| self.cause(error))?;
        let taken = self
            .take_result(packed, Vec::new(), self.template.limits().output)
            .map_err(|cause| match cause {
                Cause::OutputTooLarge { size, limit } => {
                    Cause::InvalidOutput(format!("its name has {size} bytes, {limit} are allowed"))
                }
                cause => cause,
            });
        let (name, held) = taken?;
        self.free_all(&held).await;
        end_call(&mut self.store);
        let Some(name) = name else { return Ok(None) };
        let name = std::str::from_utf8(&name).map_err(|_| Cause::InvalidOutput("its name is no UTF-8".into()))?;
        match name.trim() {
            "" => Ok(None),
            name => own_name(name).map(Some),
        }
    }

    /// From now on it is of this plugin, whose name its guest has told.
    pub(super) fn belong_to(&mut self, template: Arc<Template>) {
        self.store.data_mut().tenant.rename(&template.account);
        self.template = template;
    }

    /// Bytes of linear memory.
    pub(super) fn memory_used(&self) -> usize {
        self.store.data().tenant.memory_used()
    }

    /// The guest's `cleanup`, within its deadline; then the instance is gone.
    pub(super) async fn retire(mut self) {
        let template = self.template.clone();
        let limits = template.limits();
        let deadline = Deadline::after(limits.cleanup_timeout);
        if let Err(cause) = deadline.run(self.cleanup()).await {
            template.account().ran_over(&cause, Stage::Cleanup);
            let cause = escape_line(&cause.to_string(), limits.log_line);
            tracing::warn!(plugin = &**template.plugin(), "`cleanup` failed: {cause}");
        }
    }

    async fn cleanup(&mut self) -> Result<(), Cause> {
        if !self.template.layout.cleanup {
            return Ok(());
        }
        begin_call(&mut self.store, "cleanup", Context::default(), Logged::default());
        let cleanup: TypedFunc<(), i32> = typed(&self.instance, &mut self.store, "cleanup")?;
        let code = cleanup
            .call_async(&mut self.store, ())
            .await
            .map_err(|error| self.cause(error))?;
        end_call(&mut self.store);
        match code {
            0 => Ok(()),
            code => Err(Cause::Returned(EditError::Other(format!(
                "it returned {code}, where 0 means success"
            )))),
        }
    }

    /// Tries the allocator out. A guest whose allocator fails here shows it in its first call.
    pub(super) async fn examine_heap(&mut self) -> HeapReport {
        let Some(first) = self.try_malloc(16).await else {
            return HeapReport::default();
        };
        self.free_quietly(first, 16).await;
        let second = self.try_malloc(16).await;
        if let Some(second) = second {
            self.free_quietly(second, 16).await;
        }
        let third = self.try_malloc(16).await;
        let starts_at_zero = first == 0 && second.is_some_and(|second| second != 0);
        let below = self
            .template
            .layout
            .heap_base
            .is_some_and(|base| first < base && first != 0);
        let rises = second.is_some_and(|second| second > first) && third > second;
        let mut report = HeapReport {
            first: Some(first),
            starts_at_zero,
            is_low: starts_at_zero || below,
            capacity: None,
        };
        if let Some(third) = third.filter(|_| rises && self.reset.is_none()) {
            report.capacity = self.measure(first, third).await;
        }
        report
    }

    /// The size of a heap that only rises: what can be had of it until it gives 0. None if it is large, or never does.
    async fn measure(&mut self, first: u32, last: u32) -> Option<u64> {
        let mut end = u64::from(last) + 16;
        let mut size = LARGE_HEAP;
        let mut ran_dry = false;
        while size >= 16 {
            match self.try_malloc(size).await? {
                0 => ran_dry = true,
                address if !(Span { address, length: size }).fits(self.memory, &self.store) => return None,
                _ if size == LARGE_HEAP => return None,
                address => end = end.max(u64::from(address) + u64::from(size)),
            }
            size /= 2;
        }
        ran_dry.then(|| end.saturating_sub(u64::from(first)))
    }

    /// None if it traps.
    async fn try_malloc(&mut self, size: u32) -> Option<u32> {
        let malloc = self.malloc.clone()?;
        malloc.call_async(&mut self.store, size).await.ok()
    }

    async fn free_quietly(&mut self, address: u32, length: u32) {
        // Whether it works shows in the first call; here it only matters what malloc gives next.
        let _outcome = self.call_free(Span { address, length }).await;
    }

    pub(super) fn cause(&self, error: wasmtime::Error) -> Cause {
        cause_of(error, &self.store.data().tenant)
    }

    pub(super) fn starts_at_zero(&self) -> bool {
        self.template.starts_at_zero.load(Ordering::Relaxed)
    }

    pub(super) fn capacity(&self) -> u64 {
        self.template.capacity.load(Ordering::Relaxed)
    }

    /// Copies a result out, and gives back what is to be freed with the inputs.
    pub(super) fn take_result(
        &mut self,
        packed: u64,
        mut inputs: Vec<Span>,
        limit: usize,
    ) -> Result<(Option<Bytes>, Vec<Span>), Cause> {
        let result = Span::unpack(packed);
        let output = match result.length {
            0 => None,
            _ => Some(memory::read(self.memory, &self.store, result, limit)?),
        };
        self.heap.result(result);
        // A result inside an input is freed with it.
        if output.is_some() && !inputs.iter().any(|input| input.overlaps(result)) {
            inputs.insert(0, result);
        }
        Ok((output, inputs))
    }
}

fn typed<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<Guest>,
    name: &str,
) -> Result<TypedFunc<P, R>, Cause> {
    let found = instance.get_typed_func(store, name);
    found.map_err(|error| Cause::AbiViolation(format!("its export `{name}` has another type: {error}")))
}
