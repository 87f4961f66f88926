//! The hooks, from JSON to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::{Config, is_conversation};
use crate::model::*;
use crate::{redact, stream};

pub fn http_pre_hook(config: &Config, input: &[u8]) -> Vec<u8> {
    run(
        config,
        "error",
        input,
        |HttpInput {
             mut context,
             mut request,
         }| {
            let response = config.is_closed(&request.path).then(|| closed(config));
            if response.is_none() {
                request.headers.insert("x-legacy-request".into(), config.header.clone());
                context.insert(config.key("path"), request.path.clone().into());
            }
            HttpOutput {
                context,
                request,
                has_response: response.is_some(),
                response,
                error: String::new(),
            }
        },
    )
}

pub fn pre_hook(config: &Config, input: &[u8]) -> Vec<u8> {
    run(
        config,
        "error",
        input,
        |PreInput {
             mut context,
             mut request,
         }| {
            let short_circuit = prepare(config, &mut context, &mut request);
            PreOutput {
                context,
                request,
                has_short_circuit: short_circuit.is_some(),
                short_circuit,
                error: String::new(),
            }
        },
    )
}

/// Makes the request ready to be sent, or says why it isn't.
fn prepare(config: &Config, context: &mut Context, request: &mut LlmRequest) -> Option<ShortCircuit> {
    if request.input.iter().any(|message| config.is_banned(&message.text())) {
        return Some(refusal(config));
    }
    context.insert(config.key("messages"), request.input.len().into());
    let path = context.get(&config.key("path")).and_then(Value::as_str);
    let asked = request.input.last().map(Message::text);
    if let Some(text) = asked.and_then(|asked| config.answer_to(&asked, path)) {
        return Some(answer(&request.model, text));
    }
    if let Some((provider, model)) = config.instead_of(&request.model) {
        request.model = model.into();
        if let Some(provider) = provider {
            request.provider = provider.into();
        }
    }
    let system = config.system.clone().filter(|_| is_conversation(path));
    request.input.splice(0..0, system.map(system_message));
    None
}

/// Called for whole answers; and for chunks of streamed ones, whose text is left to the chunk hook.
pub fn post_hook(config: &Config, input: &[u8]) -> Vec<u8> {
    run(
        config,
        "hook_error",
        input,
        |PostInput {
             mut context,
             mut response,
             error,
             has_error,
         }| {
            let chat = response.as_mut().and_then(|response| response.chat_response.as_mut());
            if let Some(chat) = chat.filter(|_| !has_error) {
                redact_choices(config, &mut chat.choices);
                if let Some(usage) = &chat.usage {
                    count(config, &mut context, usage.total_tokens);
                }
            }
            PostOutput {
                context,
                response,
                error: error.filter(|_| has_error),
                has_error,
                hook_error: String::new(),
            }
        },
    )
}

fn redact_choices(config: &Config, choices: &mut [Choice]) {
    let contents = choices
        .iter_mut()
        .filter_map(|choice| choice.message.as_mut()?.content.as_mut());
    for text in contents.flat_map(Content::texts_mut) {
        *text = redact::whole(&config.secrets, &config.mark(), text);
    }
}

/// Adds to the tokens of this request: those of all its attempts.
fn count(config: &Config, context: &mut Context, tokens: u32) {
    let key = config.key("tokens");
    let before = context.get(&key).and_then(Value::as_u64).unwrap_or_default();
    context.insert(key, before.saturating_add(tokens.into()).into());
}

pub fn http_post_hook(config: &Config, input: &[u8]) -> Vec<u8> {
    run(config, "error", input, |HttpPostInput { context, mut response }| {
        response.headers.insert("x-legacy".into(), config.header.clone());
        let (messages, tokens) = (config.key("messages"), config.key("tokens"));
        for (header, key) in [
            ("x-legacy-messages", Some(messages)),
            ("x-legacy-tokens", Some(tokens)),
            ("x-legacy-read", config.reads.clone()),
        ] {
            if let Some(value) = key.and_then(|key| context.get(&key)) {
                response.headers.insert(header.into(), value.to_string());
            }
        }
        HttpPostOutput {
            context,
            response,
            error: String::new(),
        }
    })
}

pub fn http_stream_chunk_hook(config: &Config, input: &[u8]) -> Vec<u8> {
    run(config, "error", input, |ChunkInput { mut context, mut chunk }| {
        stream::pass_on(config, &mut context, &mut chunk);
        ChunkOutput {
            context,
            has_chunk: true,
            chunk,
            skip: false,
            error: String::new(),
        }
    })
}

/// `failure` is the member in which the host looks for a failure of the hook.
fn run<I: DeserializeOwned, O: Serialize>(
    config: &Config,
    failure: &str,
    input: &[u8],
    hook: impl FnOnce(I) -> O,
) -> Vec<u8> {
    let output = serde_json::from_slice(input).and_then(|input| serde_json::to_vec(&hook(input)));
    output.unwrap_or_else(|e| {
        json!({ failure: format!("{}: {e}", config.name) })
            .to_string()
            .into_bytes()
    })
}

fn system_message(text: String) -> Message {
    Message {
        role: Some("system".into()),
        content: Some(Content::Text(text)),
        ..Message::default()
    }
}

fn refusal(config: &Config) -> ShortCircuit {
    ShortCircuit::Error(LlmError {
        is_bifrost_error: false,
        status_code: Some(403),
        error: ErrorField {
            r#type: Some("policy_violation".into()),
            code: Some("banned_word".into()),
            message: format!("{}: the request holds a banned word", config.name),
        },
        allow_fallbacks: Some(false),
    })
}

fn answer(model: &str, text: &str) -> ShortCircuit {
    ShortCircuit::Response(json!({ "chat_response": {
        "id": "",
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text },
            "finish_reason": "stop",
        }],
    }}))
}

fn closed(config: &Config) -> HttpResponse {
    let body = json!({ "error": {
        "message": format!("{}: this path is closed", config.name),
        "type": "policy_violation",
        "code": "closed_path",
    }});
    HttpResponse {
        status_code: 403,
        headers: [("content-type", "application/json"), ("x-legacy", config.name.as_str())]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
        body: STANDARD.encode(body.to_string()),
    }
}
