//! What gateways call of a plugin beside its hooks: `init`, `get_name`, `cleanup`. They belong to no request.

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{Value, ValueType};
use heimdall_host::model::Context;
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{Account, Deadline, Stage, escape_line};

use super::{Argument, Instance};
use crate::Input;

/// Tells that an instance makes way for a fresh one while it is called, and why.
pub(super) fn tell_renewal(account: &Account, function: &str, context: &Context, why: &str) {
    let why = escape_line(why, account.limits().log_line);
    tracing::info!(
        plugin = &**account.plugin(),
        hook = function,
        request_id = context.request_id(),
        "a fresh instance takes over, and what the plugin kept in memory is gone: {why}"
    );
}

async fn call(
    instance: &mut impl Instance,
    function: &'static str,
    argument: Option<&Input>,
    result: ValueType,
    time: Duration,
) -> Result<Value, Cause> {
    let argument = argument.map(Argument::Text);
    let (deadline, context, mut logged) = (Deadline::after(time), Context::default(), Logged::default());
    instance
        .call(
            function.into(),
            argument.as_slice(),
            result,
            &context,
            &deadline,
            &mut logged,
        )
        .await
}

/// Hands the guest its configuration; `result` is what it gives, where its ABI does not say.
pub(super) async fn configure(
    instance: &mut impl Instance,
    account: &Account,
    config: &Input,
    result: ValueType,
) -> Result<(), Cause> {
    let called = call(instance, "init", Some(config), result, account.limits().init_timeout).await;
    match called.inspect_err(|cause| account.ran_over(cause, Stage::Init))? {
        Value::I32(code) if code != 0 => Err(Cause::Returned(heimdall_host::model::EditError::Other(format!(
            "`init` returned {code}, where 0 means success"
        )))),
        _ => Ok(()),
    }
}

/// What the guest calls itself.
pub(crate) async fn told_name(instance: &mut impl Instance, account: &Account) -> Result<Option<String>, Cause> {
    let told = call(
        instance,
        "get_name",
        None,
        ValueType::Text,
        account.limits().start_timeout,
    )
    .await;
    let told = told.inspect_err(|cause| account.ran_over(cause, Stage::Start))?;
    if instance.is_spent() {
        return Err(Cause::AbiViolation("it could not free what it told its name by".into()));
    }
    let name = String::from_utf8(told.into_bytes().unwrap_or_default().into());
    let name = name.map_err(|_| Cause::InvalidOutput("its name is no UTF-8".into()))?;
    Ok(Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
}

/// The guest's `cleanup`, within its deadline. That it fails keeps nothing.
pub(super) async fn clean_up(instance: &mut impl Instance, account: &Account, result: ValueType) {
    let limits = account.limits();
    if let Err(cause) = call(instance, "cleanup", None, result, limits.cleanup_timeout).await {
        account.ran_over(&cause, Stage::Cleanup);
        let cause = escape_line(&cause.to_string(), limits.log_line);
        tracing::warn!(plugin = &**account.plugin(), "`cleanup` failed: {cause}");
    }
}
