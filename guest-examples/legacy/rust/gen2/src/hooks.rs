//! The hooks, from JSON to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::guard::{NAME, config, is_conversation};
use crate::model::*;

pub fn http_intercept(input: &[u8]) -> Vec<u8> {
    run(
        "error",
        input,
        |HttpInput {
             mut context,
             mut request,
         }| {
            let config = config();
            let response = config.is_closed(&request.path).then(closed);
            if response.is_none() {
                request.headers.insert("x-legacy-request".into(), config.header);
                context.insert(format!("{NAME}/path"), request.path.clone().into());
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

pub fn pre_hook(input: &[u8]) -> Vec<u8> {
    run(
        "error",
        input,
        |PreInput {
             mut context,
             mut request,
         }| {
            let config = config();
            let contents = request.input.iter().filter_map(|message| message.content.as_ref());
            let banned = contents.flat_map(Content::texts).any(|text| config.is_banned(text));
            if !banned {
                context.insert(format!("{NAME}/messages"), request.input.len().into());
                let path = context.get(&format!("{NAME}/path")).and_then(Value::as_str);
                let system = config.system.filter(|_| is_conversation(path));
                request.input.splice(0..0, system.map(system_message));
            }
            let short_circuit = banned.then(refusal);
            PreOutput {
                context,
                request,
                has_short_circuit: banned,
                short_circuit,
                error: String::new(),
            }
        },
    )
}

/// Called for whole answers, and for each chunk of a streamed one.
pub fn post_hook(input: &[u8]) -> Vec<u8> {
    run(
        "hook_error",
        input,
        |PostInput {
             context,
             mut response,
             error,
             has_error,
         }| {
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

/// `failure` is the member in which the host looks for a failure of the hook.
fn run<I: DeserializeOwned, O: Serialize>(failure: &str, input: &[u8], hook: impl FnOnce(I) -> O) -> Vec<u8> {
    let output = serde_json::from_slice(input).and_then(|input| serde_json::to_vec(&hook(input)));
    output.unwrap_or_else(|e| json!({ failure: format!("{NAME}: {e}") }).to_string().into_bytes())
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
    use super::*;

    fn call(hook: fn(&[u8]) -> Vec<u8>, input: Value) -> Value {
        serde_json::from_slice(&hook(input.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn a_banned_word_is_a_short_circuit() {
        let input = json!({"request": {"input": [{"role": "user", "content": [{"type": "text", "text": "a forbidden-word"}]}]}});
        let output = call(pre_hook, input);
        assert_eq!(output["short_circuit"]["error"]["error"]["code"], "banned_word");
    }

    #[test]
    fn a_conversation_begins_with_the_system_message() {
        let input = json!({"request": {"input": [{"role": "user", "content": "hi"}]}});
        assert_eq!(call(pre_hook, input)["request"]["input"][0]["role"], "system");
    }

    #[test]
    fn a_text_to_be_embedded_gets_no_system_message() {
        let context = call(http_intercept, json!({"request": {"path": "/v1/embeddings"}}))["context"].clone();
        let input = json!({"context": context, "request": {"input": [{"role": "user", "content": "hi"}]}});
        assert_eq!(call(pre_hook, input)["request"]["input"][0]["role"], "user");
    }

    #[test]
    fn secrets_are_redacted_in_answers_and_chunks() {
        for member in ["message", "delta"] {
            let choice = json!({"index": 0, member: {"role": "assistant", "content": "a TOP-SECRET"}});
            let output = call(post_hook, json!({"response": {"chat_response": {"choices": [choice]}}}));
            let text = &output["response"]["chat_response"]["choices"][0][member]["content"];
            assert_eq!(text, "a [gen2 redacted]", "{member}");
        }
    }

    #[test]
    fn what_is_no_json_is_a_failure_of_the_hook() {
        let output: Value = serde_json::from_slice(&post_hook(b"{")).unwrap();
        assert!(output["hook_error"].as_str().unwrap().starts_with("gen2: "));
    }
}
