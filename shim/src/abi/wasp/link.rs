//! A plugin's module, linked with the host.

use std::sync::Arc;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{HostFunctions, ValueType};
use heimdall_host::model::Context;
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{Account, HasTenant as _, Runtime, Tenant, World, begin_call, instantiation_cause};
use wasmtime::{Instance, InstancePre, Linker, Module, Store};

use super::{Guest, imports};
use crate::Input;

/// What instances of a plugin are made of.
#[derive(Clone)]
pub struct Template {
    runtime: Runtime,
    code: InstancePre<Guest>,
    pub(super) account: Account,
    world: World,
    pub(super) life: Life,
}

/// What is called of a guest besides its functions.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// `_start` or `_initialize`, where its operator wants it.
    pub start: Option<String>,
    /// What `init` is given and what it gives, where there is one to call.
    pub init: Option<(Input, ValueType)>,
    /// What `cleanup` gives, where there is one to call.
    pub cleanup: Option<ValueType>,
}

/// What a [`Template`] is made of.
pub struct Parts<'a> {
    /// The plugin's module.
    pub module: &'a Module,
    /// Functions of the embedder's.
    pub functions: &'a HostFunctions,
    /// Whose instances they are.
    pub account: Account,
    /// What the guest sees of the world.
    pub world: World,
    /// What is called of it besides its functions.
    pub life: Life,
}

impl Template {
    /// Links a plugin.
    ///
    /// # Errors
    /// The engine's, where an import has another type than what it is linked with.
    pub fn link(runtime: &Runtime, parts: Parts<'_>) -> wasmtime::Result<Template> {
        let mut linker = Linker::new(runtime.engine());
        linker.allow_shadowing(true);
        imports::add_to_linker(&mut linker)?;
        for function in parts.functions.iter() {
            imports::add_host_function(&mut linker, function)?;
        }
        Ok(Template {
            runtime: runtime.clone(),
            code: linker.instantiate_pre(parts.module)?,
            account: parts.account,
            world: parts.world,
            life: parts.life,
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
        let tenant = Tenant::in_world(&self.account, &self.world)?;
        let mut store = self.runtime.store(Guest::new(tenant));
        begin_call(&mut store, "start", Context::default(), Logged::default());
        match self.code.instantiate_async(&mut store).await {
            Ok(instance) => Ok((store, instance)),
            Err(error) => Err(instantiation_cause(error, store.data_mut().tenant())),
        }
    }
}
