//! The host's port of functions, for a plugin of any ABI.

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, Function, Functions, Value, ValueType};
use heimdall_host::model::Context;
use heimdall_host::plugin::{Logged, Seat};
use heimdall_host::runtime::{Deadline, Factory, Stage};

use crate::Input;
use crate::abi::{Argument, Instance};
use crate::adapter::{Adapter, give_back};

/// What of a plugin can be called by name.
pub(crate) struct Callables {
    pub(crate) list: Vec<Function>,
    /// Whether names that are not in the list may be called too, with any arguments that are JSON.
    pub(crate) is_open: bool,
}

impl Callables {
    /// Whether a function can be called with these.
    fn check(&self, name: &str, arguments: &[Value]) -> Result<(), CallCause> {
        let Some(function) = self.list.iter().find(|function| function.name == name) else {
            return match self.is_open {
                true => check_json(arguments),
                false => Err(CallCause::NoSuchFunction {
                    known: self.list.iter().map(|function| function.name.clone()).collect(),
                }),
            };
        };
        let wrong = |what: String| Err(CallCause::Arguments(format!("{what}: it is `{function}`")));
        if arguments.len() > function.parameters.len() {
            return wrong(format!("{} arguments are too many", arguments.len()));
        }
        for (place, parameter) in function.parameters.iter().enumerate() {
            match (arguments.get(place), parameter) {
                // No bytes are as good as empty ones.
                (None | Some(Value::Nothing), ValueType::Bytes | ValueType::Text | ValueType::Json) => {}
                (None | Some(Value::Nothing), _) => return wrong(format!("argument {} is missing", place + 1)),
                (Some(argument), parameter) if !fits(argument.kind(), *parameter) => {
                    return wrong(format!("argument {} is {}", place + 1, argument.kind().name()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn check_json(arguments: &[Value]) -> Result<(), CallCause> {
    for (place, argument) in arguments.iter().enumerate() {
        let text = match argument {
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            _ => continue,
        };
        if text.is_empty() {
            continue;
        }
        serde_json::from_slice::<serde::de::IgnoredAny>(text).map_err(|error| {
            let place = place + 1;
            CallCause::Arguments(format!("argument {place} has to be JSON, as `Json(…)` is: {error}"))
        })?;
    }
    Ok(())
}

fn fits(given: ValueType, wanted: ValueType) -> bool {
    use ValueType::{Bytes, I32, Json, Text, Word};
    match wanted {
        Bytes | Text | Json => matches!(given, Text | Bytes),
        Word => matches!(given, Text | Bytes | I32),
        _ => given == wanted,
    }
}

/// A value as an argument; texts and bytes are held by the second.
enum Prepared {
    Text(Input),
    Bytes(Input),
    Other(Argument<'static>),
}

impl Prepared {
    fn of(value: Value) -> Prepared {
        match value {
            Value::Nothing => Prepared::Bytes(Input::default()),
            Value::Text(text) => Prepared::Text(Bytes::from(text).into()),
            Value::Bytes(bytes) => Prepared::Bytes(bytes.into()),
            Value::I32(number) => Prepared::Other(Argument::I32(number)),
            Value::I64(number) => Prepared::Other(Argument::I64(number)),
            Value::F32(number) => Prepared::Other(Argument::F32(number)),
            Value::F64(number) => Prepared::Other(Argument::F64(number)),
        }
    }

    fn argument(&self) -> Argument<'_> {
        match self {
            Prepared::Text(input) => Argument::Text(input),
            Prepared::Bytes(input) => Argument::Bytes(input),
            Prepared::Other(argument) => *argument,
        }
    }
}

#[async_trait]
impl<F> Functions for Adapter<F>
where
    F: Factory,
    F::Instance: Instance,
{
    fn functions(&self) -> &[Function] {
        self.callables.as_ref().map_or(&[], |callables| &callables.list)
    }

    async fn call(&self, name: &str, arguments: Vec<Value>, result: ValueType) -> Result<Value, CallCause> {
        if let Some(callables) = &self.callables {
            callables.check(name, &arguments)?;
        }
        let called = self.call_function(name, arguments, result).await;
        Ok(called.inspect_err(|cause| self.account.ran_over(cause, Stage::Hook))?)
    }
}

impl<F> Adapter<F>
where
    F: Factory,
    F::Instance: Instance,
{
    async fn call_function(&self, name: &str, arguments: Vec<Value>, result: ValueType) -> Result<Value, Cause> {
        let prepared: Vec<Prepared> = arguments.into_iter().map(Prepared::of).collect();
        let arguments: Vec<Argument<'_>> = prepared.iter().map(Prepared::argument).collect();
        let limits = self.account.limits();
        let deadline = Deadline::after(limits.hook_timeout);
        let (mut seat, mut logged) = (Seat::default(), Logged::default());
        self.check_size(&arguments)?;
        let mut lease = self.instances.lease(&mut seat, &deadline).await?;
        let (context, name) = (Context::default(), name.to_owned().into());
        let called = lease.call(name, &arguments, result, &context, &deadline, &mut logged);
        let called = called.await;
        if called.as_ref().err().is_none_or(Cause::keeps_instance) {
            give_back(lease);
        }
        called
    }
}
