//! The hooks, from JSON to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::guard::{NAME, config, is_conversation, remember_path};
use crate::model::*;

pub fn http_transport_intercept(context: &[u8], request: &[u8]) -> Vec<u8> {
    print((|| {
        let (context, request): (Context, HttpRequest) = (parse(context)?, parse(request)?);
        let response = config().is_closed(&request.path).then(closed);
        if response.is_none() {
            remember_path(context.request_id, request.path);
        }
        Ok(HttpOutput {
            response,
            error: String::new(),
        })
    })())
}

pub fn pre_hook(context: &[u8], request: &[u8]) -> Vec<u8> {
    print((|| {
        let (context, mut request): (Context, LlmRequest) = (parse(context)?, parse(request)?);
        let config = config();
        let contents = request.input.iter().filter_map(|message| message.content.as_ref());
        let banned = contents.flat_map(Content::texts).any(|text| config.is_banned(text));
        if !banned {
            let system = config.system.filter(|_| is_conversation(&context.request_id));
            request.input.splice(0..0, system.map(system_message));
        }
        Ok(PreOutput {
            request,
            short_circuit: banned.then(refusal),
            error: String::new(),
        })
    })())
}

/// Called for whole answers, and for each chunk of a streamed one.
pub fn post_hook(response: &[u8], error: &[u8]) -> Vec<u8> {
    print((|| {
        let (mut response, error): (Option<LlmResponse>, Option<LlmError>) = (parse(response)?, parse(error)?);
        let config = config();
        let chat = response.as_mut().and_then(|response| response.chat_response.as_mut());
        for choice in chat.into_iter().flat_map(|chat| &mut chat.choices) {
            let messages = [&mut choice.message, &mut choice.delta].into_iter().flatten();
            for text in messages
                .filter_map(|message| message.content.as_mut())
                .flat_map(Content::texts_mut)
            {
                config.redact(text);
            }
        }
        Ok(PostOutput {
            response,
            bifrost_error: error,
            error: String::new(),
        })
    })())
}

/// No bytes stand for null.
fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(if json.is_empty() { b"null" } else { json })
}

fn print<T: Serialize>(output: Result<T, serde_json::Error>) -> Vec<u8> {
    let printed = output.and_then(|output| serde_json::to_vec(&output));
    printed.unwrap_or_else(|e| json!({ "error": format!("{NAME}: {e}") }).to_string().into_bytes())
}

fn system_message(text: String) -> Message {
    Message {
        role: Some("system".into()),
        content: Some(Content::Text(text)),
        ..Message::default()
    }
}

fn refusal() -> ShortCircuit {
    ShortCircuit {
        error: LlmError {
            is_bifrost_error: false,
            status_code: Some(403),
            error: ErrorField {
                r#type: Some("policy_violation".into()),
                code: Some("banned_word".into()),
                message: format!("{NAME}: the request holds a banned word"),
            },
            allow_fallbacks: Some(false),
        },
    }
}

fn closed() -> HttpResponse {
    let body = json!({ "error": {
        "message": format!("{NAME}: this path is closed"),
        "type": "policy_violation",
        "code": "closed_path",
    }});
    HttpResponse {
        status_code: 403,
        headers: [("content-type", "application/json"), ("x-legacy", NAME)]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
        body: STANDARD.encode(body.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn call(hook: fn(&[u8], &[u8]) -> Vec<u8>, first: Value, second: Value) -> Value {
        serde_json::from_slice(&hook(first.to_string().as_bytes(), second.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn a_banned_word_is_a_short_circuit() {
        let request = json!({"input": [{"role": "user", "content": [{"type": "text", "text": "a forbidden-word"}]}]});
        let output = call(pre_hook, json!({"request_id": "banned"}), request);
        assert_eq!(output["short_circuit"]["error"]["error"]["code"], "banned_word");
    }

    #[test]
    fn a_conversation_begins_with_the_system_message() {
        let request = json!({"input": [{"role": "user", "content": "hi"}]});
        let output = call(pre_hook, json!({"request_id": "chat"}), request);
        assert_eq!(output["request"]["input"][0]["role"], "system");
    }

    #[test]
    fn a_text_to_be_embedded_gets_no_system_message() {
        let context = json!({"request_id": "embedded"});
        call(
            http_transport_intercept,
            context.clone(),
            json!({"path": "/v1/embeddings"}),
        );
        let output = call(pre_hook, context, json!({"input": [{"role": "user", "content": "hi"}]}));
        assert_eq!(output["request"]["input"][0]["role"], "user");
    }

    #[test]
    fn secrets_are_redacted_in_answers_and_chunks() {
        for member in ["message", "delta"] {
            let choice = json!({"index": 0, member: {"role": "assistant", "content": "a TOP-SECRET"}});
            let output = call(post_hook, json!({"chat_response": {"choices": [choice]}}), Value::Null);
            let text = &output["response"]["chat_response"]["choices"][0][member]["content"];
            assert_eq!(text, "a [gen1 redacted]", "{member}");
        }
    }

    #[test]
    fn an_upstream_error_comes_back_as_it_came() {
        let error = json!({"is_bifrost_error": false, "status_code": 500, "error": {"type": null, "code": null, "message": "down"}, "allow_fallbacks": null});
        assert_eq!(call(post_hook, Value::Null, error.clone())["bifrost_error"], error);
    }

    #[test]
    fn what_is_no_json_is_a_failure_of_the_hook() {
        let output: Value = serde_json::from_slice(&pre_hook(b"{}", b"{")).unwrap();
        assert!(output["error"].as_str().unwrap().starts_with("gen1: "));
    }
}
