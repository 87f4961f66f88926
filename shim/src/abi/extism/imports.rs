//! What guests import: the kernel's functions that the host has, and functions of the embedder's.

use std::sync::PoisonError;

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{HostError, HostFunction, Value, ValueType};
use heimdall_host::runtime::{HasTenant as _, escape_line};
use tracing::Level;
use wasmtime::{AsContext as _, Caller, FuncType, Linker, Val, ValType};

use super::kernel::with_kernel;
use super::{Guest, KERNEL, OLD_KERNEL, http};

/// All of the kernel's functions. Those that move bytes are in the guest when it is linked.
pub(super) const KERNEL_FUNCTIONS: [&str; 32] = [
    "alloc",
    "config_get",
    "error_get",
    "error_set",
    "free",
    "get_log_level",
    "http_headers",
    "http_request",
    "http_status_code",
    "input_length",
    "input_load_u64",
    "input_load_u8",
    "input_offset",
    "input_set",
    "length",
    "length_unsafe",
    "load_u64",
    "load_u8",
    "log_debug",
    "log_error",
    "log_info",
    "log_trace",
    "log_warn",
    "memory_bytes",
    "output_length",
    "output_offset",
    "output_set",
    "reset",
    "store_u64",
    "store_u8",
    "var_get",
    "var_set",
];

/// Where plugins import what observes them, which instrumenting put there.
pub(super) const OBSERVER: &str = "dylibso_observe";
/// What that is.
pub(super) const OBSERVER_FUNCTIONS: [&str; 3] = ["instrument_enter", "instrument_exit", "instrument_memory_grow"];

/// No log line at all.
const OFF: i32 = i32::MAX;

type Called<'a> = Caller<'a, Guest>;
type Outcome<T> = wasmtime::Result<T>;

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    for (module, prefix) in [(KERNEL, ""), OLD_KERNEL] {
        let name = |plain: &str| format!("{prefix}{plain}");
        add_memory(linker, module, &name)?;
        add_registers(linker, module, &name)?;
        add_surroundings(linker, module, &name)?;
    }
    add_observer(linker)
}

fn add_memory(linker: &mut Linker<Guest>, module: &str, name: &dyn Fn(&str) -> String) -> wasmtime::Result<()> {
    linker.func_wrap(module, &name("alloc"), |mut caller: Called<'_>, length: u64| {
        with_kernel(&mut caller, |kernel, caller| kernel.alloc(caller, length))
    })?;
    linker.func_wrap(module, &name("free"), |mut caller: Called<'_>, handle: u64| {
        with_kernel(&mut caller, |kernel, _| kernel.free(handle));
    })?;
    for length in ["length", "length_unsafe"] {
        linker.func_wrap(module, &name(length), |mut caller: Called<'_>, handle: u64| {
            with_kernel(&mut caller, |kernel, _| kernel.length(handle))
        })?;
    }
    linker.func_wrap(module, &name("memory_bytes"), |mut caller: Called<'_>| {
        with_kernel(&mut caller, |kernel, caller| kernel.memory.data_size(&*caller) as u64)
    })?;
    Ok(())
}

fn add_registers(linker: &mut Linker<Guest>, module: &str, name: &dyn Fn(&str) -> String) -> wasmtime::Result<()> {
    linker.func_wrap(module, &name("reset"), |mut caller: Called<'_>| {
        with_kernel(&mut caller, |kernel, caller| {
            kernel.reset();
            kernel.set_input(caller, 0, 0);
        });
    })?;
    linker.func_wrap(
        module,
        &name("input_set"),
        |mut caller: Called<'_>, offset: u64, length: u64| {
            with_kernel(&mut caller, |kernel, caller| kernel.give_input(caller, offset, length));
        },
    )?;
    linker.func_wrap(
        module,
        &name("output_set"),
        |mut caller: Called<'_>, offset: u64, length: u64| {
            with_kernel(&mut caller, |kernel, caller| kernel.set_output(caller, offset, length));
        },
    )?;
    linker.func_wrap(module, &name("output_offset"), |mut caller: Called<'_>| {
        with_kernel(&mut caller, |kernel, _| kernel.output().0)
    })?;
    linker.func_wrap(module, &name("output_length"), |mut caller: Called<'_>| {
        with_kernel(&mut caller, |kernel, _| kernel.output().1)
    })?;
    linker.func_wrap(module, &name("error_set"), |mut caller: Called<'_>, handle: u64| {
        with_kernel(&mut caller, |kernel, _| kernel.set_error(handle));
    })?;
    linker.func_wrap(module, &name("error_get"), |mut caller: Called<'_>| {
        with_kernel(&mut caller, |kernel, _| kernel.error())
    })?;
    Ok(())
}

fn add_surroundings(linker: &mut Linker<Guest>, module: &str, name: &dyn Fn(&str) -> String) -> wasmtime::Result<()> {
    linker.func_wrap(module, &name("config_get"), config_get)?;
    linker.func_wrap(module, &name("var_get"), var_get)?;
    linker.func_wrap(module, &name("var_set"), var_set)?;
    linker.func_wrap_async(module, &name("http_request"), |caller, (request, body): (u64, u64)| {
        Box::new(http_request(caller, request, body))
    })?;
    linker.func_wrap(module, &name("http_status_code"), |caller: Called<'_>| {
        i32::from(caller.data().status)
    })?;
    linker.func_wrap(module, &name("http_headers"), |mut caller: Called<'_>| {
        let headers = std::mem::take(&mut caller.data_mut().headers);
        let handle = give(&mut caller, headers.as_bytes());
        caller.data_mut().headers = headers;
        handle
    })?;
    let levels = [
        ("log_trace", Level::TRACE),
        ("log_debug", Level::DEBUG),
        ("log_info", Level::INFO),
        ("log_warn", Level::WARN),
        ("log_error", Level::ERROR),
    ];
    for (function, level) in levels {
        linker.func_wrap(module, &name(function), move |caller: Called<'_>, handle: u64| {
            log(caller, level, handle)
        })?;
    }
    linker.func_wrap(module, &name("get_log_level"), |caller: Called<'_>| {
        let level = least_level(&caller);
        level.map_or(OFF, number)
    })?;
    Ok(())
}

/// What an instrumented plugin does is told in log lines of the least level, within their limits.
fn add_observer(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    for (name, what) in
        OBSERVER_FUNCTIONS
            .into_iter()
            .zip(["enters function", "leaves function", "grows its memory by pages"])
    {
        linker.func_wrap(OBSERVER, name, move |mut caller: Called<'_>, number: u32| {
            if least_level(&caller) == Some(Level::TRACE) {
                caller
                    .data_mut()
                    .tenant()
                    .log(Level::TRACE, &format!("{what} {number}"), &[]);
            }
        })?;
    }
    Ok(())
}

fn failed(what: String) -> wasmtime::Error {
    wasmtime::Error::new(Cause::Trap(what))
}

/// The bytes of a handle that a guest passes on; they are the host's then, and the block is freed.
fn taken(caller: &mut Called<'_>, handle: u64, what: &str) -> Outcome<Bytes> {
    let bytes = read(caller, handle).ok_or_else(|| failed(format!("invalid handle offset for {what}: {handle}")))?;
    with_kernel(caller, |kernel, _| kernel.free(handle));
    Ok(bytes)
}

/// The bytes of a handle; 0 is none of them. None for what is no handle.
fn read(caller: &mut Called<'_>, handle: u64) -> Option<Bytes> {
    if handle == 0 {
        return Some(Bytes::new());
    }
    with_kernel(caller, |kernel, caller| {
        let context = caller.as_context();
        kernel.block(&context, handle).map(Bytes::copy_from_slice)
    })
}

fn text(bytes: &Bytes, what: &str) -> Outcome<String> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|error| failed(format!("the {what} is no UTF-8: {error}")))
}

/// A block with these bytes; 0 for none, and where there is no room.
fn give(caller: &mut Called<'_>, bytes: &[u8]) -> u64 {
    with_kernel(caller, |kernel, caller| {
        kernel.write(caller, bytes.len(), std::iter::once(bytes))
    })
}

fn config_get(mut caller: Called<'_>, key: u64) -> Outcome<u64> {
    let key = text(&taken(&mut caller, key, "config key")?, "config key")?;
    let shared = caller.data().shared.clone();
    let value = shared.config.get(&key).map(String::as_bytes).unwrap_or_default();
    Ok(give(&mut caller, value))
}

fn var_get(mut caller: Called<'_>, key: u64) -> Outcome<u64> {
    let key = text(&taken(&mut caller, key, "var key")?, "var key")?;
    let variables = caller.data().variables.clone();
    let value = variables
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    Ok(give(&mut caller, &value.unwrap_or_default()))
}

fn var_set(mut caller: Called<'_>, key: u64, value: u64) -> Outcome<()> {
    let key = text(&taken(&mut caller, key, "var key")?, "var key")?;
    let value = match value {
        0 => None,
        value => Some(taken(&mut caller, value, "var value")?),
    };
    let guest = caller.data();
    let mut variables = guest.variables.lock().unwrap_or_else(PoisonError::into_inner);
    let set = variables.set(&key, value, guest.shared.max_variables);
    set.map_err(|refused| failed(refused.message().to_owned()))
}

async fn http_request(mut caller: Called<'_>, request: u64, body: u64) -> Outcome<u64> {
    let guest = caller.data_mut();
    (guest.status, guest.headers) = (0, String::new());
    let shared = guest.shared.clone();
    let request = taken(&mut caller, request, "http request")?;
    let body = taken(&mut caller, body, "http request body")?;
    let answer = http::send(&shared.http, &request, body).await;
    // What a guest gave stands in it, and it stands in log lines of the host's.
    let most = caller.data_mut().tenant().limits().log_line;
    let answer = answer.map_err(|error| failed(escape_line(&error.to_string(), most)))?;
    let guest = caller.data_mut();
    (guest.status, guest.headers) = (answer.status, answer.headers);
    Ok(give(&mut caller, &answer.body))
}

/// As kits number them.
fn number(level: Level) -> i32 {
    match level {
        Level::TRACE => 0,
        Level::DEBUG => 1,
        Level::INFO => 2,
        Level::WARN => 3,
        Level::ERROR => 4,
    }
}

/// The least level of lines that are of any use; none: no line is.
fn least_level(caller: &Called<'_>) -> Option<Level> {
    match caller.data().shared.log_level {
        Some(level) => Some(level),
        None => heimdall_host::runtime::least_log_level(),
    }
}

fn log(mut caller: Called<'_>, level: Level, handle: u64) -> Outcome<()> {
    let is_wanted = least_level(&caller).is_some_and(|least| number(level) >= number(least));
    if !is_wanted {
        with_kernel(&mut caller, |kernel, _| kernel.free(handle));
        return Ok(());
    }
    let message = taken(&mut caller, handle, "log message")?;
    let message = String::from_utf8_lossy(&message);
    caller.data_mut().tenant().log(level, &message, &[]);
    Ok(())
}

/// How a value of this type is passed: texts and bytes by a handle.
fn core_type(kind: ValueType) -> Option<ValType> {
    match kind {
        ValueType::Nothing => None,
        ValueType::I32 => Some(ValType::I32),
        ValueType::F32 => Some(ValType::F32),
        ValueType::F64 => Some(ValType::F64),
        ValueType::I64 | ValueType::Text | ValueType::Bytes | ValueType::Json | ValueType::Word => Some(ValType::I64),
    }
}

/// Offers a function of the embedder's.
pub(super) fn add_host_function(linker: &mut Linker<Guest>, function: &HostFunction) -> wasmtime::Result<()> {
    let parameters = function.parameters().iter().filter_map(|kind| core_type(*kind));
    let kind = FuncType::new(linker.engine(), parameters, core_type(function.result()));
    let called = function.clone();
    let (namespace, name) = (function.namespace(), function.name());
    linker.func_new_async(namespace, name, kind, move |mut caller, given, gives| {
        let function = called.clone();
        Box::new(async move {
            let value = call_host(&mut caller, &function, given).await?;
            if let Some(place) = gives.first_mut() {
                let zero = core_type(function.result()).and_then(|kind| kind.default_value());
                if let Some(value) = returned(&mut caller, value).or(zero) {
                    *place = value;
                }
            }
            Ok(())
        })
    })?;
    Ok(())
}

async fn call_host(caller: &mut Called<'_>, function: &HostFunction, given: &[Val]) -> Outcome<Value> {
    let mut arguments = Vec::with_capacity(given.len());
    for (kind, given) in function.parameters().iter().zip(given) {
        arguments.push(argument(caller, function, *kind, given)?);
    }
    match function.call(arguments).await {
        Ok(value) => Ok(value),
        Err(HostError::Fatal(message) | HostError::Arguments(message)) => {
            Err(failed(format!("the host function `{function:?}` failed: {message}")))
        }
        // The guest finds 0, and the message where its own errors are: it may take it away, or its call fails with it.
        Err(HostError::Recoverable(message)) => {
            let handle = give(caller, message.as_bytes());
            if handle == 0 {
                // Nothing to say, or no room to say it: it would look as if all were well.
                return Err(failed(format!("the host function `{function:?}` failed: {message}")));
            }
            with_kernel(caller, |kernel, _| kernel.set_error(handle));
            Ok(Value::Nothing)
        }
    }
}

fn argument(caller: &mut Called<'_>, function: &HostFunction, kind: ValueType, given: &Val) -> Outcome<Value> {
    Ok(match (kind, given) {
        (ValueType::I32, Val::I32(number)) => Value::I32(*number),
        (ValueType::I64, Val::I64(number)) => Value::I64(*number),
        (ValueType::F32, Val::F32(bits)) => Value::F32(f32::from_bits(*bits)),
        (ValueType::F64, Val::F64(bits)) => Value::F64(f64::from_bits(*bits)),
        (_, Val::I64(handle)) => {
            let handle = handle.cast_unsigned();
            let bytes = read(caller, handle);
            Value::Bytes(bytes.ok_or_else(|| failed(format!("invalid handle offset for `{function:?}`: {handle}")))?)
        }
        _ => Value::Nothing,
    })
}

fn returned(caller: &mut Called<'_>, value: Value) -> Option<Val> {
    Some(match value {
        Value::Nothing => return None,
        Value::I32(number) => Val::I32(number),
        Value::I64(number) => Val::I64(number),
        Value::F32(number) => Val::F32(number.to_bits()),
        Value::F64(number) => Val::F64(number.to_bits()),
        Value::Text(text) => Val::I64(give(caller, text.as_bytes()).cast_signed()),
        Value::Bytes(bytes) => Val::I64(give(caller, &bytes).cast_signed()),
    })
}
