//! One instance: its start, its calls, its end.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{Value, ValueType};
use heimdall_host::model::{Context, EditError};
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{
    Account, Deadline, Factory, HasTenant as _, Stage, begin_call, cause_of, end_call, escape_line,
};
use wasmtime::{Func, Instance, Store, Val, ValType};

use super::exports::{Exports, Form, violation};
use super::{Guest, Progress, Template};
use crate::Input;
use crate::abi::{self, Argument, StartFailure, Starter, life};

/// An instance in its Store.
pub struct WaspInstance {
    template: Arc<Template>,
    store: Store<Guest>,
    instance: Instance,
    exports: Arc<Exports>,
    /// What was called before: to look one up by its name takes as long as a small call.
    functions: Vec<(String, Export)>,
    is_spent: bool,
    /// Whether it has started: until then there is no fresh one to take its place.
    is_ready: bool,
    fresh: usize,
}

/// A function that can be called.
#[derive(Clone, Copy)]
struct Export {
    function: Func,
    gives: bool,
}

/// As many functions of an instance are remembered.
const REMEMBERED: usize = 32;

impl WaspInstance {
    /// A new instance that knows its configuration.
    ///
    /// # Errors
    /// Why it does not start.
    pub(super) async fn start(template: Arc<Template>) -> Result<Self, StartFailure> {
        let failed = |hook| move |cause| StartFailure { hook, cause };
        let account = template.account.clone();
        let booted = Deadline::after(account.limits().start_timeout).run(Self::boot(template.clone()));
        let booted = booted.await.inspect_err(|cause| account.ran_over(cause, Stage::Start));
        let mut instance = booted.map_err(failed("start"))?;
        if let Some((config, result)) = &template.life.init {
            let configured = life::configure(&mut instance, &account, config, *result).await;
            configured.map_err(failed("init"))?;
        }
        instance.check_usable().map_err(failed("start"))?;
        instance.fresh = instance.memory_used();
        instance.is_ready = true;
        Ok(instance)
    }

    async fn boot(template: Arc<Template>) -> Result<Self, Cause> {
        let (mut store, instance) = template.instantiate().await?;
        let exports = Exports::find(&mut store, |store, name| instance.get_export(&mut *store, name));
        let exports = match exports {
            Ok(exports) => Arc::new(exports),
            Err(error) => return Err(cause_of(error, store.data_mut().tenant())),
        };
        store.data_mut().exports = Some(exports.clone());
        let mut booted = WaspInstance {
            template,
            store,
            instance,
            exports,
            functions: Vec::new(),
            is_spent: false,
            is_ready: false,
            fresh: 0,
        };
        booted.initialise().await?;
        booted.free_all().await;
        end_call(&mut booted.store);
        Ok(booted)
    }

    /// Calls what its operator names, which may end in an exit that is no failure.
    async fn initialise(&mut self) -> Result<(), Cause> {
        if let Some(name) = self.template.clone().life.start.as_deref() {
            let called = self.enter(name, &[], ValueType::Nothing).await;
            match called.map_err(|error| self.cause(error)) {
                Ok(_) | Err(Cause::Exited(0)) => {}
                Err(cause) => return Err(cause),
            }
        }
        match self.store.data_mut().progress.raised.take() {
            Some(text) => Err(Cause::Instantiate(text)),
            None => Ok(()),
        }
    }

    /// What was called of it before its first call may have left it as no call may.
    fn check_usable(&self) -> Result<(), Cause> {
        match self.is_spent {
            true => Err(Cause::AbiViolation("it could not free what its start left".into())),
            false => Ok(()),
        }
    }

    fn cause(&mut self, error: wasmtime::Error) -> Cause {
        cause_of(error, self.store.data_mut().tenant())
    }

    fn function(&mut self, name: &str) -> wasmtime::Result<Export> {
        if let Some((_, known)) = self.functions.iter().find(|(known, _)| known == name) {
            return Ok(*known);
        }
        let function = self.instance.get_func(&mut self.store, name);
        let function = function.ok_or_else(|| violation(format!("it has no function `{name}`")))?;
        let kind = function.ty(&self.store);
        if !kind
            .params()
            .chain(kind.results())
            .all(|kind| matches!(kind, ValType::I32))
            || kind.results().len() > 1
        {
            return Err(violation(format!(
                "`{name}` is {kind}, and only functions of i32s with one result at most can be called"
            )));
        }
        let gives = kind.results().len() == 1;
        let export = Export { function, gives };
        if self.functions.len() < REMEMBERED {
            self.functions.push((name.to_owned(), export));
        }
        Ok(export)
    }

    /// What is given goes into the guest. Where that has no room, a fresh instance takes its place and it is tried once more: of the
    /// call nothing has happened yet.
    async fn place_or_renew(
        &mut self,
        function: &str,
        arguments: &[Argument<'_>],
        context: &Context,
    ) -> Result<Vec<Val>, Cause> {
        let placed = self.place_all(arguments).await;
        match placed.map_err(|error| self.cause(error)) {
            // For a fresh one the host has no room either.
            Err(cause) if self.is_ready && !matches!(cause, Cause::Exhausted(_)) => {
                Box::pin(self.renew(function, context, &cause)).await?;
                let placed = self.place_all(arguments).await;
                placed.map_err(|error| self.cause(error))
            }
            placed => placed,
        }
    }

    /// A fresh instance in place of this one, of which nothing is called any more.
    async fn renew(&mut self, function: &str, context: &Context, why: &Cause) -> Result<(), Cause> {
        life::tell_renewal(&self.template.account, function, context, &why.to_string());
        let fresh = WaspInstance::start(self.template.clone()).await;
        let fresh = fresh.map_err(StartFailure::in_a_call)?;
        let mut old = std::mem::replace(self, fresh);
        let (_, logged) = end_call(&mut old.store);
        begin_call(&mut self.store, function.to_owned(), context.clone(), logged);
        self.store.data_mut().progress = Progress::default();
        Ok(())
    }

    async fn place_all(&mut self, arguments: &[Argument<'_>]) -> wasmtime::Result<Vec<Val>> {
        let mut placed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            placed.push(Val::I32(self.place(argument).await?));
        }
        Ok(placed)
    }

    /// The function runs, and what it gives is copied out, unless the guest raised an error.
    async fn enter(&mut self, name: &str, given: &[Val], result: ValueType) -> wasmtime::Result<Value> {
        let export = self.function(name)?;
        let mut word = [Val::I32(0)];
        let gives = match export.gives {
            true => &mut word[..],
            false => &mut [],
        };
        export.function.call_async(&mut self.store, given, gives).await?;
        let [Val::I32(word)] = word else {
            return Ok(Value::Nothing);
        };
        match export.gives && self.store.data().progress.raised.is_none() {
            true => self.decode(word, result).await,
            false => Ok(Value::Nothing),
        }
    }

    async fn place(&mut self, argument: &Argument<'_>) -> wasmtime::Result<i32> {
        let (form, input): (Form, &Input) = match argument {
            Argument::I32(number) => return Ok(*number),
            Argument::Text(input) => (Form::Text, input),
            Argument::Bytes(input) => (Form::Bytes, input),
            Argument::I64(_) | Argument::F32(_) | Argument::F64(_) => {
                return Err(violation("its functions take texts, bytes and i32s alone".to_owned()));
            }
        };
        let block = self.exports.clone().give(&mut self.store, form, input).await?;
        self.store.data_mut().progress.lent.add(block);
        Ok(block.address.cast_signed())
    }

    async fn decode(&mut self, word: i32, result: ValueType) -> wasmtime::Result<Value> {
        let form = match result {
            ValueType::Text | ValueType::Json => Form::Text,
            ValueType::Bytes => Form::Bytes,
            ValueType::Nothing => return Ok(Value::Nothing),
            _ => return Ok(Value::I32(word)),
        };
        let exports = self.exports.clone();
        let Some((bytes, block)) = exports.take(&mut self.store, form, word.cast_unsigned()).await? else {
            return Ok(Value::Nothing);
        };
        self.store.data_mut().progress.lent.add(block);
        match form {
            Form::Bytes => Ok(Value::Bytes(bytes.into())),
            Form::Text => String::from_utf8(bytes).map(Value::Text).map_err(|error| {
                let error = error.utf8_error();
                wasmtime::Error::new(Cause::InvalidOutput(format!("a text that is no UTF-8: {error}")))
            }),
        }
    }

    /// What the call came to. The guest's own error says more than how its call ended.
    fn verdict(&mut self, called: Result<Value, Cause>) -> Result<Value, Cause> {
        self.is_spent = called.is_err();
        let raised = self.store.data_mut().progress.raised.take();
        match (raised, called) {
            (Some(text), Ok(_) | Err(Cause::Trap(_) | Cause::Exited(_))) => {
                Err(Cause::Returned(EditError::Other(text)))
            }
            (_, called) => called,
        }
    }

    /// Frees what the call left to the host, within the time for `cleanup`: what was copied out of the instance is good, whatever its
    /// `deallocate` does. After a trap, or when it does not return, the instance is not used again.
    async fn free_all(&mut self) {
        let deadline = Deadline::after(self.template.account.limits().cleanup_timeout);
        let freed = deadline.run(self.try_free_all());
        if let Err(cause) = freed.await {
            let account = &self.template.account;
            account.ran_over(&cause, Stage::Cleanup);
            let cause = escape_line(&cause.to_string(), account.limits().log_line);
            tracing::warn!(
                plugin = &**account.plugin(),
                "its `deallocate` failed, so this instance is done: {cause}"
            );
            self.is_spent = true;
        }
    }

    async fn try_free_all(&mut self) -> Result<(), Cause> {
        // What the guest passes on while it frees is not freed in turn.
        let mut lent = std::mem::take(&mut self.store.data_mut().progress.lent);
        // What was not remembered stays in the guest for good.
        self.is_spent |= lent.is_overfull();
        let exports = self.exports.clone();
        while let Some(block) = lent.next().filter(|_| exports.can_free()) {
            let freed = exports.free(&mut self.store, block).await;
            freed.map_err(|error| self.cause(error))?;
        }
        match self.store.data_mut().progress.raised.take() {
            Some(text) => Err(Cause::Returned(EditError::Other(text))),
            None => Ok(()),
        }
    }

    fn memory_used(&self) -> usize {
        self.store.data().tenant.memory_used()
    }

    /// The guest's `cleanup`, within its deadline; then the instance is gone.
    async fn retire(mut self) {
        let template = self.template.clone();
        if let Some(result) = template.life.cleanup {
            life::clean_up(&mut self, &template.account, result).await;
        }
    }

    /// From now on it is of this plugin, whose name its guest has told.
    fn belong_to(&mut self, template: Arc<Template>) {
        self.store.data_mut().tenant().rename(&template.account);
        self.template = template;
    }
}

#[async_trait]
impl abi::Instance for WaspInstance {
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
        self.store.data_mut().progress = Progress::default();
        let called = deadline.run(async {
            let given = self.place_or_renew(&function, arguments, context).await?;
            let called = self.enter(&function, &given, result).await;
            called.map_err(|error| self.cause(error))
        });
        let called = called.await;
        let value = self.verdict(called);
        if !self.is_spent {
            self.free_all().await;
        }
        (_, *logged) = end_call(&mut self.store);
        value
    }

    fn is_spent(&self) -> bool {
        self.is_spent
    }
}

/// Makes instances of a template.
pub struct WaspFactory(pub Arc<Template>);

#[async_trait]
impl Starter for WaspFactory {
    fn account(&self) -> &Account {
        &self.0.account
    }

    async fn start(&self) -> Result<WaspInstance, StartFailure> {
        WaspInstance::start(self.0.clone()).await
    }

    fn named(self, name: Arc<str>, instance: &mut WaspInstance) -> WaspFactory {
        let template = Arc::new(self.0.renamed(name));
        instance.belong_to(template.clone());
        WaspFactory(template)
    }
}

#[async_trait]
impl Factory for WaspFactory {
    type Instance = WaspInstance;

    async fn create(&self) -> Result<WaspInstance, Cause> {
        self.start().await.map_err(StartFailure::in_a_call)
    }

    async fn retire(&self, instance: WaspInstance) {
        instance.retire().await;
    }

    fn memory_used(&self, instance: &WaspInstance) -> usize {
        instance.memory_used()
    }

    fn fresh_memory(&self, instance: &WaspInstance) -> usize {
        instance.fresh
    }
}
