//! What a decision and a failure come to: a log line always, and for the client an error that names the plugin.

use std::time::Duration;

use crate::failure::{Cause, Failure};
use crate::loader::{FailurePolicy, Loaded};
use crate::model::LlmError;

/// When it makes sense to try again where a plugin has no room just now.
const SOON: Duration = Duration::from_secs(1);

/// The status of a refusal that names none.
const REFUSED: u16 = 403;

/// Logs the failure and says what the client gets: an error under `closed`, none under `open`.
pub(super) fn settle(loaded: &Loaded, failure: &Failure, request_id: &str) -> Option<LlmError> {
    let (closed, on_failure) = match loaded.on_failure {
        FailurePolicy::Closed => (true, "closed"),
        FailurePolicy::Open => (false, "open"),
    };
    // What a guest says is quoted and escaped, so that it can't forge a line.
    let cause = failure.cause.to_string();
    if let Cause::CircuitOpen { .. } = failure.cause {
        // That it is left alone was told when it began.
        tracing::debug!(target: "heimdall::pipeline", plugin = %failure.plugin, hook = failure.hook, request_id, on_failure, cause);
    } else {
        tracing::warn!(
            target: "heimdall::pipeline",
            plugin = %failure.plugin, file = %failure.file, hook = failure.hook, request_id, on_failure,
            ?cause, remedy = failure.cause.remedy(failure.hook), "a hook failed"
        );
    }
    closed.then(|| error_for_client(failure))
}

/// A plugin's refusal, with its name and a status.
pub(super) fn refusal(loaded: &Loaded, mut error: LlmError, request_id: &str) -> LlmError {
    let plugin = &loaded.plugin.manifest().name;
    let status = *error.status.get_or_insert(REFUSED);
    error.plugin = Some(plugin.clone());
    tracing::info!(
        target: "heimdall::pipeline",
        plugin = %plugin, request_id, status, code = error.code.as_deref().map(tracing::field::debug),
        "a plugin refused"
    );
    error
}

/// A plugin's answer in the place of the upstream's.
pub(super) fn answered(loaded: &Loaded, hook: &str, request_id: &str, status: u16) {
    let plugin = &loaded.plugin.manifest().name;
    tracing::info!(target: "heimdall::pipeline", plugin = %plugin, hook, request_id, status, "a plugin answered");
}

/// In words for a client: the plugin and the kind of cause, but neither the operator's file names nor the guest's texts.
fn error_for_client(failure: &Failure) -> LlmError {
    let (status, code) = match failure.cause {
        Cause::Busy(_)
        | Cause::Stuck(_)
        | Cause::Exhausted(_)
        | Cause::CircuitOpen { .. }
        | Cause::Instantiate(_)
        | Cause::Retired => (503, "plugin_unavailable"),
        Cause::Deadline(_) | Cause::RequestDeadline(_) => (500, "plugin_timeout"),
        _ => (500, "plugin_failed"),
    };
    let retry_after = match failure.cause {
        Cause::CircuitOpen { left, .. } => Some(left.max(SOON)),
        _ => (status == 503).then_some(SOON),
    };
    let cause = failure.cause.in_short();
    LlmError {
        message: format!("The plugin `{}` failed in `{}`: {cause}.", failure.plugin, failure.hook),
        kind: Some("plugin_error".to_owned()),
        code: Some(code.to_owned()),
        status: Some(status),
        retry_after,
        plugin: Some(failure.plugin.clone()),
        ..LlmError::default()
    }
}
