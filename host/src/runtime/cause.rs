//! What the engine's errors mean.

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::tenant::Tenant;
use crate::counters::Limit;
use crate::failure::Cause;

/// Why a call into a guest failed. A [`Cause`] that a function of the host returned as its error comes out as it was.
pub fn cause_of(error: wasmtime::Error, tenant: &Tenant) -> Cause {
    let error = match error.downcast::<Cause>() {
        Ok(cause) => return cause,
        Err(error) => error,
    };
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Cause::Exited(exit.0);
    }
    if error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel) {
        return Cause::OutOfFuel(tenant.limits().fuel.unwrap_or_default());
    }
    if tenant.memory_denied() {
        return Cause::OutOfMemory(tenant.limits().memory);
    }
    // A call takes a stack of the host's pool.
    if let Some(exhausted) = exhausted(&error, tenant) {
        return exhausted;
    }
    if let Some(limit) = overrun(&error) {
        tenant.account().counters().over(limit, 1);
    }
    Cause::Trap(describe(&error))
}

/// The limit that a trap stands for.
fn overrun(error: &wasmtime::Error) -> Option<Limit> {
    if error.downcast_ref::<Trap>() == Some(&Trap::StackOverflow) {
        return Some(Limit::Stack);
    }
    let is_table_full = matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    );
    if is_table_full {
        return Some(Limit::Handles);
    }
    // wasmtime 48 gives these no types of their own.
    let root = error.root_cause().to_string();
    [
        ("store handle limit exceeded", Limit::Handles),
        ("fuel allocated for hostcalls has been exhausted", Limit::Output),
    ]
    .into_iter()
    .find_map(|(text, limit)| root.contains(text).then_some(limit))
}

/// Why no instance could be made: start functions trapped, the host's pool is used up, or imports don't fit.
pub fn instantiation_cause(error: wasmtime::Error, tenant: &Tenant) -> Cause {
    if tenant.memory_denied() {
        return Cause::OutOfMemory(tenant.limits().memory);
    }
    if let Some(exhausted) = exhausted(&error, tenant) {
        return exhausted;
    }
    if error.is::<Cause>() || error.is::<I32Exit>() || error.is::<Trap>() {
        return cause_of(error, tenant);
    }
    Cause::Instantiate(describe(&error))
}

/// Whether the host's pool has no place left for what was asked of it.
fn exhausted(error: &wasmtime::Error, tenant: &Tenant) -> Option<Cause> {
    error.is::<PoolConcurrencyLimitError>().then(|| {
        tenant.account().counters().over(Limit::Instances, 1);
        Cause::Exhausted(describe(error))
    })
}

/// One line: the root of the error, and where in the guest it happened.
fn describe(error: &wasmtime::Error) -> String {
    let root = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let root = root.strip_prefix("wasm trap: ").unwrap_or(&root).replace('\n', " ");
    match guest_function(error) {
        Some(function) => format!("{root}, in `{function}`"),
        None => root,
    }
}

/// The innermost function of the guest that has a name.
fn guest_function(error: &wasmtime::Error) -> Option<String> {
    let backtrace = error.downcast_ref::<WasmBacktrace>()?;
    let name = backtrace.frames().iter().find_map(|frame| frame.func_name())?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::runtime::account::Account;

    #[test]
    fn a_guest_that_is_lent_more_than_its_handles_ran_over_that_limit() {
        let limits = Limits {
            handles: 1,
            ..Limits::default()
        };
        let mut tenant = Tenant::new(&Account::new("guest".into(), limits, Default::default()));
        tenant.table().push(1).unwrap();
        let error = tenant.table().push(2).unwrap_err();
        assert_eq!(overrun(&error.into()), Some(Limit::Handles));
    }
}
