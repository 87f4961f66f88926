//! A plugin's modules, linked with each other and with the host.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use heimdall_host::failure::Cause;
use heimdall_host::functions::HostFunctions;
use heimdall_host::loader::Linked;
use heimdall_host::model::Context;
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{
    Account, HasTenant as _, Runtime, Tenant, World, add_wasi_to_module_linker, begin_call, instantiation_cause,
};
use wasmtime::{Extern, ExternType, Instance, InstancePre, Linker, Module, ModuleExport, Store};

use super::kernel::Kernel;
use super::rewrite::{INPUT_LENGTH, INPUT_OFFSET, KERNEL_MODULE, MEMORY, kernel_module};
use super::variables::Variables;
use super::{Guest, Shared, imports};
use crate::Input;
use crate::abi::assembly_script;

/// What instances of a plugin are made of.
#[derive(Clone)]
pub struct Template {
    pub(super) runtime: Runtime,
    code: Code,
    pub(super) account: Account,
    shared: Arc<Shared>,
    world: World,
    /// The variables of all instances; none: each has its own.
    variables: Option<Arc<Mutex<Variables>>>,
    /// What `init` is given, where there is one to call.
    pub(super) init: Option<Input>,
    /// Whether `cleanup` is to be called.
    pub(super) has_cleanup: bool,
    /// Whether the plugin has what a toolchain wants to be called first: in each instance it would be looked for by its name.
    pub(super) has_haskell: bool,
    pub(super) has_constructors: bool,
    pub(super) has_initialize: bool,
}

/// What a [`Template`] is made of.
pub struct Parts<'a> {
    /// The plugin's module.
    pub main: &'a Module,
    /// Modules that it imports from.
    pub linked: &'a [Linked],
    /// Functions of the embedder's.
    pub functions: &'a HostFunctions,
    /// Whose instances they are.
    pub account: Account,
    /// What the guest is told and may do.
    pub shared: Shared,
    /// What it sees of the world.
    pub world: World,
    /// Whether instances share their variables.
    pub shares_variables: bool,
    /// What `init` is given, where there is one to call.
    pub init: Option<Input>,
    /// Whether `cleanup` is to be called.
    pub has_cleanup: bool,
}

/// Code that is ready to be instantiated.
#[derive(Clone)]
enum Code {
    /// One module with a kernel of its own in it.
    One(InstancePre<Guest>, KernelExports),
    /// Several, which share a kernel and are instantiated one after the other.
    Several {
        linker: Linker<Guest>,
        kernel: Module,
        exports: KernelExports,
        main: Module,
        /// Each after those that it imports from.
        linked: Vec<(String, Module)>,
    },
}

/// Where a module has its kernel.
#[derive(Clone, Copy)]
struct KernelExports {
    memory: ModuleExport,
    input_offset: ModuleExport,
    input_length: ModuleExport,
}

impl KernelExports {
    fn of(module: &Module) -> wasmtime::Result<KernelExports> {
        let place = |name| {
            let place = module.get_export_index(name);
            place.ok_or_else(|| wasmtime::Error::msg("the module was compiled without its kernel"))
        };
        Ok(KernelExports {
            memory: place(MEMORY)?,
            input_offset: place(INPUT_OFFSET)?,
            input_length: place(INPUT_LENGTH)?,
        })
    }
}

impl Template {
    /// Links a plugin.
    ///
    /// # Errors
    /// The engine's, where an import has another type than what it is linked with.
    pub fn link(runtime: &Runtime, parts: Parts<'_>) -> wasmtime::Result<Template> {
        let mut linker = Linker::new(runtime.engine());
        add_wasi_to_module_linker(&mut linker)?;
        // A function of the embedder's goes before one of the host's.
        linker.allow_shadowing(true);
        assembly_script::add_to_linker(&mut linker)?;
        imports::add_to_linker(&mut linker)?;
        for function in parts.functions.iter() {
            imports::add_host_function(&mut linker, function)?;
        }
        let code = match parts.linked {
            [] => Code::One(linker.instantiate_pre(parts.main)?, KernelExports::of(parts.main)?),
            linked => {
                let kernel = Module::new(runtime.engine(), kernel_module())?;
                Code::Several {
                    exports: KernelExports::of(&kernel)?,
                    kernel,
                    main: parts.main.clone(),
                    linked: in_order(linked),
                    linker,
                }
            }
        };
        let has = |name| matches!(parts.main.get_export(name), Some(ExternType::Func(_)));
        Ok(Template {
            runtime: runtime.clone(),
            code,
            account: parts.account,
            shared: Arc::new(parts.shared),
            world: parts.world,
            variables: parts.shares_variables.then(Arc::default),
            init: parts.init,
            has_cleanup: parts.has_cleanup,
            has_haskell: has("hs_init"),
            has_constructors: has("__wasm_call_ctors"),
            has_initialize: has("_initialize"),
        })
    }

    /// The same for the plugin under the name that its guest has told.
    pub(super) fn renamed(&self, name: Arc<str>) -> Template {
        Template {
            account: self.account.renamed(name),
            ..self.clone()
        }
    }

    /// A new instance in a Store of its own; no function of it has run but what the module itself starts.
    pub(super) async fn instantiate(&self) -> Result<(Store<Guest>, Instance), Cause> {
        let guest = Guest {
            tenant: Tenant::in_world(&self.account, &self.world)?,
            kernel: None,
            shared: self.shared.clone(),
            variables: self.variables.clone().unwrap_or_default(),
            status: 0,
            headers: String::new(),
        };
        let mut store = self.runtime.store(guest);
        begin_call(&mut store, "start", Context::default(), Logged::default());
        let instantiated = match &self.code {
            Code::One(code, exports) => instantiate_one(code, *exports, &mut store).await,
            Code::Several {
                linker,
                kernel,
                exports,
                main,
                linked,
            } => instantiate_all(linker.clone(), (kernel, *exports), main, linked, &mut store).await,
        };
        match instantiated {
            Ok(instance) => Ok((store, instance)),
            Err(error) => Err(instantiation_cause(error, store.data_mut().tenant())),
        }
    }
}

/// Its kernel is there as soon as it is; what it starts by itself finds none, and moves nothing.
async fn instantiate_one(
    code: &InstancePre<Guest>,
    exports: KernelExports,
    store: &mut Store<Guest>,
) -> wasmtime::Result<Instance> {
    let instance = code.instantiate_async(&mut *store).await?;
    adopt_kernel(&instance, exports, store)?;
    Ok(instance)
}

async fn instantiate_all(
    mut linker: Linker<Guest>,
    (kernel, exports): (&Module, KernelExports),
    main: &Module,
    linked: &[(String, Module)],
    store: &mut Store<Guest>,
) -> wasmtime::Result<Instance> {
    let kernel = linker.instantiate_async(&mut *store, kernel).await?;
    linker.instance(&mut *store, KERNEL_MODULE, kernel)?;
    adopt_kernel(&kernel, exports, store)?;
    for (name, module) in linked {
        let instance = linker.instantiate_async(&mut *store, module).await?;
        start_reactor(&instance, store).await?;
        linker.instance(&mut *store, name, instance)?;
    }
    linker.instantiate_async(&mut *store, main).await
}

/// A module that others import from is ready before they are.
async fn start_reactor(instance: &Instance, store: &mut Store<Guest>) -> wasmtime::Result<()> {
    match instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
        Ok(initialize) => initialize.call_async(store, ()).await,
        Err(_) => Ok(()),
    }
}

fn adopt_kernel(instance: &Instance, exports: KernelExports, store: &mut Store<Guest>) -> wasmtime::Result<()> {
    let mut export = |place| instance.get_module_export(&mut *store, &place);
    let memory = export(exports.memory).and_then(Extern::into_memory);
    let offset = export(exports.input_offset).and_then(Extern::into_global);
    let length = export(exports.input_length).and_then(Extern::into_global);
    let (Some(memory), Some(offset), Some(length)) = (memory, offset, length) else {
        return Err(wasmtime::Error::msg("what the module exports as its kernel is none"));
    };
    store.data_mut().kernel = Some(Kernel::new(memory, offset, length));
    Ok(())
}

/// Each module after those that it imports from; those that import from each other as they are given.
fn in_order(linked: &[Linked]) -> Vec<(String, Module)> {
    let mut left: Vec<&Linked> = linked.iter().collect();
    let mut done: HashSet<&str> = HashSet::new();
    let mut ordered = Vec::with_capacity(linked.len());
    while !left.is_empty() {
        let is_ready = |module: &Linked| {
            let imports = module.artifact.shape.imports();
            let mut from = imports.iter().map(|import| import.module.as_str());
            from.all(|from| done.contains(from) || !linked.iter().any(|other| other.name == from))
        };
        let next = left.iter().position(|module| is_ready(module)).unwrap_or(0);
        let module = left.remove(next);
        done.insert(&module.name);
        ordered.push((module.name.clone(), module.module.clone()));
    }
    ordered
}
