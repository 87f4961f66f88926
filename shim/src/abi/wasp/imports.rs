//! What guests import: `raise_error`, WASI, what AssemblyScript's runtime needs, and functions of the embedder's.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{HostError, HostFunction, Value, ValueType};
use heimdall_host::runtime::add_wasi_to_module_linker;
use wasmtime::{Caller, Error, FuncType, Linker, Result, Val, ValType};

use super::Guest;
use super::exports::{Exports, Form, violation};
use crate::Input;
use crate::abi::{assembly_script, wasi};

/// What is offered, in words.
pub const OFFERED: [&str; 4] = [
    "env.raise_error",
    "wasi_snapshot_preview1",
    "wasi_unstable",
    "env.abort, env.seed and env.trace",
];

/// The way to say that a call failed.
const RAISE_ERROR: (&str, &str) = ("env", "raise_error");
/// A guest that is called while it waits for the host may wait for it again, so often. Each takes a stack of the host's.
const DEEPEST: u32 = 4;

type Called<'a> = Caller<'a, Guest>;

/// Whether a function of this name is offered to every guest.
pub fn offers(module: &str, name: &str) -> bool {
    (module, name) == RAISE_ERROR || assembly_script::offers(module, name) || wasi::offers(module, name)
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    add_wasi_to_module_linker(linker)?;
    assembly_script::add_to_linker(linker)?;
    let (module, name) = RAISE_ERROR;
    linker.func_wrap_async(module, name, |caller, (text,): (u32,)| {
        Box::new(raise_error(caller, text))
    })?;
    Ok(())
}

/// Offers a function of the embedder's.
pub(super) fn add_host_function(linker: &mut Linker<Guest>, function: &HostFunction) -> Result<()> {
    let parameters = function.parameters().iter().filter_map(|kind| core_type(*kind));
    let kind = FuncType::new(linker.engine(), parameters, core_type(function.result()));
    let called = function.clone();
    let (namespace, name) = (function.namespace(), function.name());
    linker.func_new_async(namespace, name, kind, move |mut caller, given, gives| {
        let function = called.clone();
        Box::new(async move {
            enter(&mut caller, || format!("`{function:?}`"))?;
            let value = call_host(&mut caller, &function, given).await?;
            if let (Some(place), Some(value)) = (gives.first_mut(), value) {
                *place = value;
            }
            leave(&mut caller);
            Ok(())
        })
    })?;
    Ok(())
}

/// How a value of this type is passed: texts and bytes by their address.
fn core_type(kind: ValueType) -> Option<ValType> {
    match kind {
        ValueType::Nothing => None,
        ValueType::I64 => Some(ValType::I64),
        ValueType::F32 => Some(ValType::F32),
        ValueType::F64 => Some(ValType::F64),
        ValueType::I32 | ValueType::Text | ValueType::Bytes | ValueType::Json | ValueType::Word => Some(ValType::I32),
    }
}

fn enter(caller: &mut Called<'_>, function: impl Fn() -> String) -> Result<()> {
    let depth = &mut caller.data_mut().progress.depth;
    if *depth >= DEEPEST {
        let function = function();
        return Err(violation(format!(
            "it called {function} while {DEEPEST} calls of the host had not returned yet, one in the other"
        )));
    }
    *depth += 1;
    Ok(())
}

/// Not needed where the function fails: the whole call does then.
fn leave(caller: &mut Called<'_>) {
    let depth = &mut caller.data_mut().progress.depth;
    *depth = depth.saturating_sub(1);
}

/// What the guest exports; looked for again and again only until it is an instance, which its start function may come before.
fn exports(caller: &mut Called<'_>) -> Result<Arc<Exports>> {
    if let Some(known) = &caller.data().exports {
        return Ok(known.clone());
    }
    let found = Arc::new(Exports::find(caller, |caller, name| caller.get_export(name))?);
    caller.data_mut().exports = Some(found.clone());
    Ok(found)
}

async fn raise_error(mut caller: Called<'_>, address: u32) -> Result<()> {
    enter(&mut caller, || "`env.raise_error`".to_owned())?;
    let text = taken(&mut caller, Form::Text, address).await?;
    let text = match text.as_deref().map(String::from_utf8_lossy) {
        Some(text) if !text.is_empty() => text.into_owned(),
        _ => "it raised an error without a text".to_owned(),
    };
    caller.data_mut().progress.raised.get_or_insert(text);
    leave(&mut caller);
    Ok(())
}

/// What the guest passes on, which the host frees after the call.
async fn taken(caller: &mut Called<'_>, form: Form, address: u32) -> Result<Option<Vec<u8>>> {
    let exports = exports(caller)?;
    let Some((bytes, block)) = exports.take(caller, form, address).await? else {
        return Ok(None);
    };
    caller.data_mut().progress.lent.add(block);
    Ok(Some(bytes))
}

async fn call_host(caller: &mut Called<'_>, function: &HostFunction, given: &[Val]) -> Result<Option<Val>> {
    let mut arguments = Vec::with_capacity(given.len());
    for (kind, given) in function.parameters().iter().zip(given) {
        arguments.push(argument(caller, *kind, given).await?);
    }
    // There is no way to tell the guest.
    let called = function.call(arguments).await.map_err(|error: HostError| {
        let message = error.message();
        Error::new(Cause::Trap(format!(
            "the host function `{function:?}` failed: {message}"
        )))
    })?;
    returned(caller, called).await
}

async fn argument(caller: &mut Called<'_>, kind: ValueType, given: &Val) -> Result<Value> {
    let form = match kind {
        ValueType::Text | ValueType::Json => Form::Text,
        ValueType::Bytes => Form::Bytes,
        _ => return Ok(number(given)),
    };
    let address = given.i32().unwrap_or_default().cast_unsigned();
    let Some(bytes) = taken(caller, form, address).await? else {
        return Ok(Value::Nothing);
    };
    Ok(match form {
        // What is no UTF-8 is refused where it becomes a text.
        Form::Text => match String::from_utf8(bytes) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Bytes(error.into_bytes().into()),
        },
        Form::Bytes => Value::Bytes(bytes.into()),
    })
}

fn number(given: &Val) -> Value {
    match given {
        Val::I32(number) => Value::I32(*number),
        Val::I64(number) => Value::I64(*number),
        Val::F32(bits) => Value::F32(f32::from_bits(*bits)),
        Val::F64(bits) => Value::F64(f64::from_bits(*bits)),
        _ => Value::Nothing,
    }
}

/// A result for the guest, whose it is from then on.
async fn returned(caller: &mut Called<'_>, value: Value) -> Result<Option<Val>> {
    let (form, input) = match value {
        Value::Nothing => return Ok(None),
        Value::I32(number) => return Ok(Some(Val::I32(number))),
        Value::I64(number) => return Ok(Some(Val::I64(number))),
        Value::F32(number) => return Ok(Some(Val::F32(number.to_bits()))),
        Value::F64(number) => return Ok(Some(Val::F64(number.to_bits()))),
        Value::Text(text) => (Form::Text, Input::from(Bytes::from(text))),
        Value::Bytes(bytes) => (Form::Bytes, Input::from(bytes)),
    };
    let exports = exports(caller)?;
    let block = exports.give(caller, form, &input).await?;
    caller.data_mut().progress.lent.wrote(block);
    Ok(Some(Val::I32(block.address.cast_signed())))
}
