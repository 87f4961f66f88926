//! One instance: made, asked once, gone.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{HostFunctions, Value, ValueType};
use heimdall_host::json::Document;
use heimdall_host::model::{Context, EditError};
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{
    Account, Deadline, Factory, HasTenant as _, Runtime, Stage, Tenant, World, add_wasi_to_module_linker, begin_call,
    cause_of, end_call, instantiation_cause,
};
use wasmtime::{Extern, Instance, InstancePre, Linker, Module, ModuleExport, Store, TypedFunc};

use super::conversation::{Answer, Ended, Served, answer_in, converse};
use super::messages::{RpcError, request};
use super::pipes::{Line, Said, Stdin, Stdout};
use super::{Guest, methods, wasi};
use crate::Input;
use crate::abi::{self, Argument};

/// What instances of a plugin are made of.
#[derive(Clone)]
pub struct Template {
    runtime: Runtime,
    code: InstancePre<Guest>,
    /// Looked up once for all instances.
    start: ModuleExport,
    memory: Option<ModuleExport>,
    account: Account,
    world: World,
    functions: HostFunctions,
}

/// What a [`Template`] is made of.
pub struct Parts<'a> {
    /// The plugin's module.
    pub module: &'a Module,
    /// Whose instances they are.
    pub account: Account,
    /// What the guest sees of the world.
    pub world: World,
    /// The methods that it may call, by their names alone.
    pub functions: HostFunctions,
}

impl Template {
    /// Links a plugin.
    ///
    /// # Errors
    /// The engine's, where an import has another type than what it is linked with.
    pub fn link(runtime: &Runtime, parts: Parts<'_>) -> wasmtime::Result<Template> {
        let mut linker = Linker::new(runtime.engine());
        add_wasi_to_module_linker(&mut linker)?;
        linker.allow_shadowing(true);
        wasi::add_to_linker(&mut linker)?;
        let start = parts.module.get_export_index("_start");
        Ok(Template {
            runtime: runtime.clone(),
            start: start.ok_or_else(|| wasmtime::Error::msg("it exports no `_start`"))?,
            memory: parts.module.get_export_index("memory"),
            code: linker.instantiate_pre(parts.module)?,
            account: parts.account,
            world: parts.world,
            functions: parts.functions,
        })
    }

    /// Whose instances it makes.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The same for the plugin under the name that its guest has told.
    pub fn renamed(&self, name: Arc<str>) -> Template {
        Template {
            account: self.account.renamed(name),
            ..self.clone()
        }
    }

    async fn instantiate(self: Arc<Self>) -> Result<StdioInstance, Cause> {
        let limits = self.account.limits();
        let stdin = Arc::new(Stdin::new(limits.input));
        let line = Arc::<Line>::default();
        let mut store = self.runtime.store(Guest {
            tenant: Tenant::in_world(&self.account, &self.world)?,
            memory: None,
            stdin: stdin.clone(),
            empty_reads: 0,
            stdout: Stdout::new(limits.output, line.clone()),
            said: Said::default(),
            closed: [false; 3],
        });
        begin_call(&mut store, "start", Context::default(), Logged::default());
        let instantiated = self.code.instantiate_async(&mut store).await;
        let started = instantiated.and_then(|instance| self.started(&mut store, instance));
        let start = started.map_err(|error| instantiation_cause(error, store.data_mut().tenant()))?;
        end_call(&mut store);
        Ok(StdioInstance {
            template: self,
            store,
            start,
            stdin,
            line,
            is_spent: false,
        })
    }

    fn started(&self, store: &mut Store<Guest>, instance: Instance) -> wasmtime::Result<TypedFunc<(), ()>> {
        let memory = self.memory.as_ref();
        let memory = memory.and_then(|memory| instance.get_module_export(&mut *store, memory));
        store.data_mut().memory = memory.and_then(Extern::into_memory);
        let start = instance.get_module_export(&mut *store, &self.start);
        let start = start.and_then(Extern::into_func);
        let start = start.ok_or_else(|| wasmtime::Error::msg("its `_start` is no function"))?;
        let start = start.typed(&*store);
        start.map_err(|error| error.context("its `_start`"))
    }
}

/// An instance in its Store, which has not run yet, or is spent.
pub struct StdioInstance {
    template: Arc<Template>,
    store: Store<Guest>,
    start: TypedFunc<(), ()>,
    stdin: Arc<Stdin>,
    line: Arc<Line>,
    is_spent: bool,
}

impl StdioInstance {
    /// Calls a method outside of any request. Inside: an error response.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn ask(mut self, method: &str, params: &Input, deadline: &Deadline) -> Result<Answer, Cause> {
        begin_call(
            &mut self.store,
            method.to_owned(),
            Context::default(),
            Logged::default(),
        );
        let asked = deadline.run(self.run(method, &[Argument::Text(params)])).await;
        end_call(&mut self.store);
        asked
    }

    async fn run(&mut self, method: &str, arguments: &[Argument<'_>]) -> Result<Answer, Cause> {
        if std::mem::replace(&mut self.is_spent, true) {
            return Err(Cause::AbiViolation("an instance answers once".into()));
        }
        let template = &*self.template;
        self.stdin.push(&request(method, arguments));
        let served = Served::new(&template.functions, template.account.limits(), &self.stdin);
        let guest = self.start.call_async(&mut self.store, ());
        match converse(guest, &self.line, served).await {
            Ok(answer) => Ok(answer),
            Err(Ended::Host(cause)) => Err(cause),
            Err(Ended::Guest(ended)) => {
                let rest = self.store.data_mut().stdout.rest();
                answer_in(rest).ok_or_else(|| self.unanswered(ended))
            }
        }
    }

    /// Why there is no answer, in the guest's own words where it has said some.
    fn unanswered(&self, ended: wasmtime::Result<()>) -> Cause {
        let guest = self.store.data();
        let said = || guest.said.told();
        let unanswered = |status| Cause::Unanswered { status, said: said() };
        match ended.map_err(|error| cause_of(error, &guest.tenant)) {
            Ok(()) => unanswered(0),
            Err(Cause::Exited(status)) => unanswered(status),
            Err(Cause::Trap(what)) => Cause::Trap(format!("{what}{}", said())),
            Err(other) => other,
        }
    }

    fn memory_used(&self) -> usize {
        self.store.data().tenant.memory_used()
    }
}

/// The result as the type that is wanted of it: numbers as such, everything else as JSON.
fn value(result: Bytes, wanted: ValueType, limit: usize) -> Result<Value, Cause> {
    let size = result.len();
    if size > limit {
        return Err(Cause::OutputTooLarge { size, limit });
    }
    match wanted {
        ValueType::Text | ValueType::Bytes | ValueType::Json | ValueType::Word => Ok(Value::Bytes(result)),
        other => {
            let document = Document::parse(result).map_err(|error| Cause::InvalidOutput(error.to_string()))?;
            let value = methods::typed(other, document.root());
            value.ok_or_else(|| Cause::InvalidOutput(format!("a result that is no {}", other.name())))
        }
    }
}

fn returned(error: &RpcError) -> Cause {
    Cause::Returned(EditError::Other(error.to_string()))
}

#[async_trait]
impl abi::Instance for StdioInstance {
    async fn call(
        &mut self,
        function: Cow<'static, str>,
        arguments: &[Argument<'_>],
        result: ValueType,
        context: &Context,
        deadline: &Deadline,
        logged: &mut Logged,
    ) -> Result<Value, Cause> {
        begin_call(&mut self.store, function.clone(), context.clone(), *logged);
        let answer = deadline.run(self.run(&function, arguments)).await;
        (_, *logged) = end_call(&mut self.store);
        let limit = self.template.account.limits().output;
        value(answer?.map_err(|error| returned(&error))?, result, limit)
    }

    fn is_spent(&self) -> bool {
        self.is_spent
    }

    fn serves_once(&self) -> bool {
        true
    }
}

/// Makes instances of a template.
pub struct StdioFactory(pub Arc<Template>);

impl StdioFactory {
    /// An instance that has not run yet.
    ///
    /// # Errors
    /// Why there can't be one.
    pub async fn start(&self) -> Result<StdioInstance, Cause> {
        let account = &self.0.account;
        let made = Deadline::after(account.limits().start_timeout).run(self.0.clone().instantiate());
        made.await.inspect_err(|cause| account.ran_over(cause, Stage::Start))
    }
}

#[async_trait]
impl Factory for StdioFactory {
    type Instance = StdioInstance;

    async fn create(&self) -> Result<StdioInstance, Cause> {
        self.start().await
    }

    async fn retire(&self, instance: StdioInstance) {
        drop(instance);
    }

    fn memory_used(&self, instance: &StdioInstance) -> usize {
        instance.memory_used()
    }

    fn fresh_memory(&self, instance: &StdioInstance) -> usize {
        instance.memory_used()
    }
}
