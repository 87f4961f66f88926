//! One instance: its start, its calls, its end.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{Value, ValueType};
use heimdall_host::model::{Context, EditError};
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{Account, Deadline, Factory, HasTenant as _, Stage, begin_call, cause_of, end_call};
use wasmtime::{AsContext as _, Instance, Store, TypedFunc};

use super::kernel::{range, with_kernel};
use super::{Guest, Template};
use crate::Input;
use crate::abi::{self, Argument, StartFailure, Starter, life};

/// An instance in its Store.
pub struct ExtismInstance {
    template: Arc<Template>,
    store: Store<Guest>,
    instance: Instance,
    /// What was called before: to look one up by its name takes as long as a small call.
    functions: Vec<(String, Export)>,
    is_spent: bool,
    fresh: usize,
}

/// A function by its result.
enum Export {
    Code(TypedFunc<(), i32>),
    Nothing(TypedFunc<(), ()>),
}

/// Bytes of a guest's error that are told.
const ERROR: usize = 64 << 10;
/// As many functions of an instance are remembered.
const REMEMBERED: usize = 32;

impl ExtismInstance {
    /// A new instance that its toolchain has started, and that knows its configuration.
    ///
    /// # Errors
    /// Why it does not start.
    pub(super) async fn start(template: Arc<Template>) -> Result<Self, StartFailure> {
        let failed = |hook| move |cause| StartFailure { hook, cause };
        let deadline = Deadline::after(template.account.limits().start_timeout);
        let booted = deadline.run(Self::boot(template.clone())).await;
        let booted = booted.inspect_err(|cause| template.account.ran_over(cause, Stage::Start));
        let mut instance = booted.map_err(failed("start"))?;
        if let Some(config) = &template.init {
            let configured = life::configure(&mut instance, &template.account, config, ValueType::Nothing).await;
            configured.map_err(failed("init"))?;
        }
        instance.fresh = instance.memory_used();
        Ok(instance)
    }

    async fn boot(template: Arc<Template>) -> Result<Self, Cause> {
        let (store, instance) = template.instantiate().await?;
        let mut booted = ExtismInstance {
            template,
            store,
            instance,
            functions: Vec::new(),
            is_spent: false,
            fresh: 0,
        };
        booted.initialise().await?;
        end_call(&mut booted.store);
        Ok(booted)
    }

    /// What each toolchain wants to be called before anything else: Haskell's runtime, constructors, a reactor.
    async fn initialise(&mut self) -> Result<(), Cause> {
        let template = self.template.clone();
        if template.has_haskell {
            self.call_if_there("_initialize").await?;
            if let Ok(haskell) = self
                .instance
                .get_typed_func::<(i32, i32), ()>(&mut self.store, "hs_init")
            {
                let started = haskell.call_async(&mut self.store, (0, 0)).await;
                return started.map_err(|error| self.cause(error));
            }
            return Ok(());
        }
        match (template.has_constructors, template.has_initialize) {
            (true, _) => self.call_if_there("__wasm_call_ctors").await,
            (false, true) => self.call_if_there("_initialize").await,
            (false, false) => Ok(()),
        }
    }

    async fn call_if_there(&mut self, name: &str) -> Result<(), Cause> {
        let Ok(function) = self.instance.get_typed_func::<(), ()>(&mut self.store, name) else {
            return Ok(());
        };
        let called = function.call_async(&mut self.store, ()).await;
        called.map_err(|error| self.cause(error))
    }

    fn cause(&self, error: wasmtime::Error) -> Cause {
        cause_of(error, &self.store.data().tenant)
    }

    /// Where among those that are remembered a function is.
    fn function(&mut self, name: &str) -> Result<usize, Cause> {
        if let Some(place) = self.functions.iter().position(|(known, _)| known == name) {
            return Ok(place);
        }
        let found = self.instance.get_func(&mut self.store, name);
        let found = found.ok_or_else(|| Cause::AbiViolation(format!("it exports no function `{name}`")))?;
        let export = if let Ok(function) = found.typed::<(), i32>(&self.store) {
            Export::Code(function)
        } else if let Ok(function) = found.typed::<(), ()>(&self.store) {
            Export::Nothing(function)
        } else {
            let kind = found.ty(&self.store);
            return Err(Cause::AbiViolation(format!(
                "`{name}` is {kind}, and only functions without parameters that give nothing or an i32 can be called"
            )));
        };
        if self.functions.len() >= REMEMBERED {
            self.functions.clear();
        }
        self.functions.push((name.to_owned(), export));
        Ok(self.functions.len() - 1)
    }

    /// The input goes into the kernel, and the function runs; what it gives lies in the kernel then.
    async fn run(&mut self, name: &str, input: Option<&Input>) -> Result<i32, Cause> {
        let place = self.function(name)?;
        self.place(input)?;
        // Not cloned: that would count references to its type, in places that all threads share.
        let called = match self.functions.get(place) {
            Some((_, Export::Code(function))) => function.call_async(&mut self.store, ()).await,
            Some((_, Export::Nothing(function))) => function.call_async(&mut self.store, ()).await.map(|()| 0),
            None => return Err(Cause::AbiViolation(format!("it exports no function `{name}`"))),
        };
        called.map_err(|error| self.cause(error))
    }

    fn place(&mut self, input: Option<&Input>) -> Result<(), Cause> {
        let memory = self.template.account.limits().memory;
        with_kernel(&mut self.store, |kernel, store| {
            kernel.reset();
            let Some(input) = input.filter(|input| !input.is_empty()) else {
                kernel.set_input(&mut *store, 0, 0);
                return Ok(());
            };
            let length = input.len();
            let handle = kernel.write(&mut *store, length, input.pieces().iter().map(|piece| &**piece));
            if handle == 0 {
                kernel.set_input(&mut *store, 0, 0);
                return Err(Cause::OutOfMemory(memory));
            }
            kernel.set_input(&mut *store, handle, length as u64);
            Ok(())
        })
    }

    /// What the call came to. The guest's own error says more than how its call ended.
    fn verdict(&mut self, name: &str, called: Result<i32, Cause>) -> Result<Value, Cause> {
        self.is_spent = called.is_err() || name == "_start";
        if let Err(cause @ Cause::OutOfFuel(_)) = called {
            return Err(cause);
        }
        if let Some(error) = self.error() {
            return Err(Cause::Returned(EditError::Other(error)));
        }
        match called {
            Ok(0) | Err(Cause::Exited(0)) => self.output(),
            Ok(code) => {
                let what = format!("`{name}` returned {code}, where 0 means success");
                Err(Cause::Returned(EditError::Other(what)))
            }
            Err(cause) => Err(cause),
        }
    }

    /// The guest's error, if it has set one; of a longer one, the beginning.
    fn error(&mut self) -> Option<String> {
        let most = self.template.account.limits().output.min(ERROR);
        with_kernel(&mut self.store, |kernel, store| {
            let context = store.as_context();
            let text = kernel.block(&context, kernel.error())?;
            let text = text.get(..text.len().min(most))?;
            Some(String::from_utf8_lossy(text).into_owned())
        })
    }

    fn output(&mut self) -> Result<Value, Cause> {
        let limit = self.template.account.limits().output;
        with_kernel(&mut self.store, |kernel, store| {
            let (offset, length) = kernel.output();
            if length == 0 {
                return Ok(Value::Nothing);
            }
            let size = usize::try_from(length).unwrap_or(usize::MAX);
            if size > limit {
                return Err(Cause::OutputTooLarge { size, limit });
            }
            let data = kernel.memory.data(&*store);
            let bytes = range(offset, length).and_then(|range| data.get(range));
            let bytes = bytes.ok_or_else(|| Cause::AbiViolation("its output lies outside of the kernel".into()))?;
            Ok(Value::Bytes(Bytes::copy_from_slice(bytes)))
        })
    }

    pub(super) fn memory_used(&self) -> usize {
        self.store.data().tenant.memory_used()
    }

    /// The guest's `cleanup`, within its deadline; then the instance is gone.
    async fn retire(mut self) {
        let template = self.template.clone();
        if template.has_cleanup {
            life::clean_up(&mut self, &template.account, ValueType::Nothing).await;
        }
    }

    /// From now on it is of this plugin, whose name its guest has told.
    fn belong_to(&mut self, template: Arc<Template>) {
        self.store.data_mut().tenant().rename(&template.account);
        self.template = template;
    }
}

#[async_trait]
impl abi::Instance for ExtismInstance {
    async fn call(
        &mut self,
        function: Cow<'static, str>,
        arguments: &[Argument<'_>],
        _result: ValueType,
        context: &Context,
        deadline: &Deadline,
        logged: &mut Logged,
    ) -> Result<Value, Cause> {
        begin_call(&mut self.store, function.clone(), context.clone(), *logged);
        let input = arguments.first().and_then(Argument::input);
        let called = deadline.run(self.run(&function, input)).await;
        let value = self.verdict(&function, called);
        (_, *logged) = end_call(&mut self.store);
        value
    }

    fn is_spent(&self) -> bool {
        self.is_spent
    }
}

/// Makes instances of a template.
pub struct ExtismFactory(pub Arc<Template>);

#[async_trait]
impl Starter for ExtismFactory {
    fn account(&self) -> &Account {
        &self.0.account
    }

    async fn start(&self) -> Result<ExtismInstance, StartFailure> {
        ExtismInstance::start(self.0.clone()).await
    }

    fn named(self, name: Arc<str>, instance: &mut ExtismInstance) -> ExtismFactory {
        let template = Arc::new(self.0.renamed(name));
        instance.belong_to(template.clone());
        ExtismFactory(template)
    }
}

#[async_trait]
impl Factory for ExtismFactory {
    type Instance = ExtismInstance;

    async fn create(&self) -> Result<ExtismInstance, Cause> {
        self.start().await.map_err(StartFailure::in_a_call)
    }

    async fn retire(&self, instance: ExtismInstance) {
        instance.retire().await;
    }

    fn memory_used(&self, instance: &ExtismInstance) -> usize {
        instance.memory_used()
    }

    fn fresh_memory(&self, instance: &ExtismInstance) -> usize {
        instance.fresh
    }
}
