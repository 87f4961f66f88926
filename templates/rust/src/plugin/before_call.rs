//! The hook before a model is called: refuses banned words.

use super::Plugin;
use super::bindings::exports::heimdall::plugin::pre_llm_hook::{Guest, Outcome};
use super::bindings::heimdall::plugin::llm_types::{LlmError, LlmRequest};
use super::bindings::heimdall::plugin::logging::{Level, log};
use super::bindings::heimdall::plugin::types::PluginError;
use crate::config::config;

const REFUSAL: &str = concat!(env!("CARGO_PKG_NAME"), ": the request holds a banned word");

impl Guest for Plugin {
    fn before_call(request: &LlmRequest) -> Result<Outcome, PluginError> {
        for index in 0..request.message_count() {
            let text = request.message_text(index).unwrap_or_default();
            if config().is_banned(&text) {
                let fields = [("message".into(), index.to_string())];
                log(Level::Info, "refused a banned word", &fields);
                return Ok(Outcome::Refuse(refusal()));
            }
        }
        Ok(Outcome::Proceed)
    }
}

/// What is left out has a default: the status is 403.
fn refusal() -> LlmError {
    LlmError {
        message: REFUSAL.into(),
        kind: None,
        code: Some("banned_word".into()),
        param: None,
        status: None,
        allow_fallbacks: None,
        body: None,
    }
}
