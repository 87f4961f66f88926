//! What a failure comes to: a log line always, and an error for the client where the plugin's policy is `closed`.

use crate::failure::{Cause, Failure};
use crate::loader::{FailurePolicy, Loaded};
use crate::model::LlmError;

/// Logs the failure and says what the client gets: an error under `closed`, none under `open`.
pub(super) fn settle(loaded: &Loaded, failure: &Failure, request_id: &str) -> Option<LlmError> {
    let closed = match loaded.on_failure {
        FailurePolicy::Closed => true,
        FailurePolicy::Open => false,
    };
    tracing::warn!(
        target: "heimdall::pipeline",
        plugin = %failure.plugin, hook = failure.hook, request_id,
        on_failure = if closed { "closed" } else { "open" },
        "{failure}"
    );
    closed.then(|| error_for_client(failure))
}

/// In words for a client: the plugin and the cause, but not the operator's file names.
fn error_for_client(failure: &Failure) -> LlmError {
    let (status, code) = match failure.cause {
        Cause::Busy(_) | Cause::Instantiate(_) | Cause::Retired => (503, "plugin_unavailable"),
        Cause::Deadline(_) => (500, "plugin_timeout"),
        _ => (500, "plugin_failed"),
    };
    LlmError {
        message: format!(
            "The plugin `{}` failed in `{}`: {}.",
            failure.plugin, failure.hook, failure.cause
        ),
        kind: Some("plugin_error".to_owned()),
        code: Some(code.to_owned()),
        status: Some(status),
        ..LlmError::default()
    }
}
