//! The hooks of requests and whole answers.

use std::sync::OnceLock;

use crate::Guard;
use crate::bindings::exports::heimdall::plugin::{
    http_request_hook, http_response_hook, lifecycle, post_llm_hook, pre_llm_hook,
};
use crate::bindings::heimdall::plugin::http_types::{HttpRequest, HttpResponse, Reply};
use crate::bindings::heimdall::plugin::llm_types::{
    Answer, CallKind, Completion, Content, LlmError, LlmRequest, LlmResponse, Message,
};
use crate::bindings::heimdall::plugin::logging::{Level, log};
use crate::bindings::heimdall::plugin::{context, types::PluginError};
use crate::config::{Config, SCHEMA};
use crate::redact;

/// Where the tokens that a request used are counted.
const TOKENS: &str = "guard/tokens";

/// Set once per instance, by `init`. What belongs to a request goes to its context, since the next hook may run
/// in another instance.
static CONFIG: OnceLock<Config> = OnceLock::new();

pub fn config() -> &'static Config {
    CONFIG.get_or_init(Config::default)
}

impl lifecycle::Guest for Guard {
    fn describe() -> lifecycle::Description {
        lifecycle::Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: env!("CARGO_PKG_DESCRIPTION").into(),
            config_schema: Some(SCHEMA.into()),
            extra: Some(serde_json::json!({ "license": env!("CARGO_PKG_LICENSE") }).to_string()),
        }
    }

    fn init(config: String) -> Result<(), PluginError> {
        let config = Config::from_json(&config).map_err(PluginError::InvalidConfig)?;
        CONFIG
            .set(config)
            .map_err(|_| PluginError::Other("init was called twice".into()))
    }

    fn cleanup() {
        log(Level::Debug, "cleaned up", &[]);
    }
}

impl http_request_hook::Guest for Guard {
    fn on_request(request: &HttpRequest) -> Result<http_request_hook::Outcome, PluginError> {
        let path = request.path();
        if config().closed_paths.contains(&path) {
            return Ok(http_request_hook::Outcome::Respond(closed()));
        }
        request.add_header("x-guard-request", &config().header)?;
        context::set("guard/path", &serde_json::json!(path).to_string())?;
        Ok(http_request_hook::Outcome::Proceed)
    }
}

fn closed() -> Reply {
    let body = serde_json::json!({ "error": {
        "message": "heimdall-guard: this path is closed",
        "type": "policy_violation",
        "param": null,
        "code": "closed_path",
    }});
    Reply {
        status: 403,
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("x-guard".into(), config().header.clone()),
        ],
        body: body.to_string().into_bytes(),
    }
}

impl http_response_hook::Guest for Guard {
    fn on_response(_request: &HttpRequest, response: &HttpResponse) -> Result<(), PluginError> {
        response.add_header("x-guard", &config().header)?;
        for (header, key) in [("x-guard-messages", "guard/messages"), ("x-guard-tokens", TOKENS)] {
            if let Some(count) = context::get(key) {
                response.add_header(header, &count)?;
            }
        }
        if let Some(value) = config().reads.as_deref().and_then(context::get) {
            response.add_header("x-guard-read", &value)?;
        }
        if config().show_context {
            let mut keys = context::keys();
            keys.sort();
            response.add_header("x-guard-context", &keys.join(","))?;
        }
        Ok(())
    }
}

impl pre_llm_hook::Guest for Guard {
    fn before_call(request: &LlmRequest) -> Result<pre_llm_hook::Outcome, PluginError> {
        let count = request.message_count();
        let banned = |index: &u32| {
            request
                .message_text(*index)
                .is_some_and(|text| config().is_banned(&text))
        };
        if let Some(index) = (0..count).find(banned) {
            log(Level::Warn, "refused", &[("message".into(), index.to_string())]);
            return Ok(pre_llm_hook::Outcome::Refuse(refusal()));
        }
        if let Some(text) = own_answer(request, count) {
            log(Level::Info, "answered", &[]);
            return Ok(pre_llm_hook::Outcome::Answer(text));
        }
        if let Some((upstream, model)) = config().instead_of(&request.model()) {
            if let Some(upstream) = upstream {
                request.set_provider(upstream)?;
            }
            request.set_model(model)?;
        }
        if let Some(system) = &config().system {
            put_first(request, system)?;
        }
        log(Level::Info, "checked", &[("messages".into(), count.to_string())]);
        context::set("guard/messages", &count.to_string())?;
        Ok(pre_llm_hook::Outcome::Proceed)
    }
}

/// What the configuration has for what the last message says.
fn own_answer(request: &LlmRequest, count: u32) -> Option<Answer> {
    // Parsed only where there is something to compare it with.
    if config().answers.is_empty() || request.kind() == CallKind::Embedding {
        return None;
    }
    let asked = request.message_text(count.checked_sub(1)?)?;
    let text = config().answers.get(asked.trim())?.clone();
    Some(Answer::Completion(Completion {
        text,
        model: None,
        finish_reason: None,
        usage: None,
    }))
}

/// Says neither the word nor where it is: whoever probes the guard learns nothing.
fn refusal() -> LlmError {
    LlmError {
        message: "heimdall-guard: the request holds a banned word".into(),
        kind: Some("policy_violation".into()),
        code: Some("banned_word".into()),
        param: None,
        status: None,
        allow_fallbacks: None,
        body: None,
    }
}

fn put_first(request: &LlmRequest, system: &str) -> Result<(), PluginError> {
    let message = |text: String| Message {
        role: "system".into(),
        content: Content::Text(text),
        extra: None,
    };
    match request.kind() {
        CallKind::Chat => request.insert_message(0, &message(system.into())),
        // `instructions` have one place: what is there already follows the rule.
        CallKind::Responses => match request.message_at(0) {
            Some(Message {
                role,
                content: Content::Text(old),
                ..
            }) if role == "system" => request.set_message(0, &message(format!("{system}\n\n{old}"))),
            _ => request.insert_message(0, &message(system.into())),
        },
        _ => Ok(()),
    }
}

impl post_llm_hook::Guest for Guard {
    fn after_call(upstream: post_llm_hook::Upstream) -> Result<post_llm_hook::Outcome, PluginError> {
        match upstream {
            post_llm_hook::Upstream::Response(response) => {
                if let Some(usage) = response.usage() {
                    count(usage.total_tokens)?;
                }
                // The stream hook has seen to a streamed answer.
                if !response.streamed() {
                    redact_choices(response)?;
                }
            }
            post_llm_hook::Upstream::Error(error) => {
                let status = error.status.map_or("none".into(), |status| status.to_string());
                log(Level::Info, "no answer", &[("status".into(), status)]);
            }
        }
        Ok(post_llm_hook::Outcome::Proceed)
    }
}

/// Adds to the tokens of this request: those of all its attempts.
fn count(tokens: u32) -> Result<(), PluginError> {
    let before = context::get(TOKENS).and_then(|count| count.parse().ok());
    context::set(TOKENS, &before.unwrap_or(0_u32).saturating_add(tokens).to_string())
}

fn redact_choices(response: &LlmResponse) -> Result<(), PluginError> {
    for choice in 0..response.choice_count() {
        let Some(text) = response.text(choice) else { continue };
        if let Some(redacted) = redact::whole(&config().secrets, &text) {
            log(Level::Info, "redacted", &[("choice".into(), choice.to_string())]);
            response.set_text(choice, &redacted)?;
        }
    }
    Ok(())
}
