//! The hooks, from JSON to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::guard::{Config, MARK, NAME, config, is_conversation};
use crate::model::*;
use crate::{redact, stream};

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
            let short_circuit = prepare(&config(), &mut context, &mut request);
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
        return Some(refusal());
    }
    context.insert(format!("{NAME}/messages"), request.input.len().into());
    let path = context.get(&format!("{NAME}/path")).and_then(Value::as_str);
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

/// Called for whole answers, and for each chunk of a streamed one.
pub fn post_hook(input: &[u8]) -> Vec<u8> {
    run(
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
                redact_choices(&config(), &mut context, &mut chat.choices);
                if let Some(usage) = &chat.usage {
                    count(&mut context, usage.total_tokens);
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

fn redact_choices(config: &Config, context: &mut Context, choices: &mut [Choice]) {
    for choice in choices {
        match &mut choice.message {
            Some(message) => {
                for text in message.content.iter_mut().flat_map(Content::texts_mut) {
                    *text = redact::whole(&config.secrets, MARK, text);
                }
            }
            None => stream::pass_on(config, context, choice),
        }
    }
}

/// Adds to the tokens of this request: those of all its attempts.
fn count(context: &mut Context, tokens: u32) {
    let key = format!("{NAME}/tokens");
    let before = context.get(&key).and_then(Value::as_u64).unwrap_or_default();
    context.insert(key, before.saturating_add(tokens.into()).into());
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
    ShortCircuit::Error(LlmError {
        is_bifrost_error: false,
        status_code: Some(403),
        error: ErrorField {
            r#type: Some("policy_violation".into()),
            code: Some("banned_word".into()),
            message: format!("{NAME}: the request holds a banned word"),
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
    use crate::guard::configure;

    fn call(config: Value, hook: fn(&[u8]) -> Vec<u8>, input: Value) -> Value {
        configure(config.to_string().as_bytes()).unwrap();
        serde_json::from_slice(&hook(input.to_string().as_bytes())).unwrap()
    }

    fn asking(content: impl Into<Value>) -> Value {
        json!({"provider": "up", "model": "m", "input": [{"role": "user", "content": content.into()}]})
    }

    #[test]
    fn a_closed_path_is_answered_and_others_are_noted() {
        let input = json!({"request": {"path": "/v1/models"}});
        let output = call(json!({}), http_intercept, input.clone());
        assert_eq!(output["request"]["headers"], json!({"x-legacy-request": "gen2"}));
        assert_eq!(output["context"], json!({"gen2/path": "/v1/models"}));
        let output = call(json!({"closed_paths": ["/v1/models"]}), http_intercept, input);
        assert_eq!(output["response"]["status_code"], 403);
        assert_eq!(output["response"]["headers"]["x-legacy"], "gen2");
        assert_eq!(
            (&output["has_response"], &output["context"]),
            (&json!(true), &json!({}))
        );
    }

    #[test]
    fn a_banned_word_is_a_short_circuit() {
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "forbidden-word"}]);
        let output = call(json!({}), pre_hook, json!({"request": asking(parts)}));
        assert_eq!(output["short_circuit"]["error"]["error"]["code"], "banned_word");
        assert_eq!(output["short_circuit"]["error"]["allow_fallbacks"], false);
        assert_eq!(output["context"], json!({}));
    }

    #[test]
    fn a_conversation_begins_with_the_system_message() {
        let output = call(json!({}), pre_hook, json!({"request": asking("hi")}));
        assert_eq!(output["request"]["input"][0]["role"], "system");
        assert_eq!(output["context"]["gen2/messages"], 1);
    }

    #[test]
    fn a_text_to_be_embedded_gets_no_system_message() {
        let context = call(
            json!({}),
            http_intercept,
            json!({"request": {"path": "/v1/embeddings"}}),
        )["context"]
            .clone();
        let input = json!({"context": context, "request": asking("hi")});
        assert_eq!(call(json!({}), pre_hook, input)["request"]["input"][0]["role"], "user");
    }

    #[test]
    fn what_the_configuration_has_an_answer_for_is_answered() {
        let config = json!({"answers": {"ping": "pong"}});
        let output = call(config.clone(), pre_hook, json!({"request": asking(" ping\n")}));
        let chat = json!({
            "id": "",
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}],
        });
        assert_eq!(output["short_circuit"], json!({"response": {"chat_response": chat}}));
        let output = call(config, pre_hook, json!({"request": asking("constructor")}));
        assert_eq!(output["has_short_circuit"], false);
    }

    #[test]
    fn another_model_is_asked() {
        for (other, provider, model) in [("small", "up", "small"), ("mill/new/er", "mill", "new/er")] {
            let config = json!({"models": {"m": other}});
            let request = &call(config, pre_hook, json!({"request": asking("hi")}))["request"];
            assert_eq!(
                (&request["provider"], &request["model"]),
                (&json!(provider), &json!(model))
            );
        }
    }

    fn answered() -> Value {
        let choice = json!({"index": 0, "message": {"role": "assistant", "content": "a TOP-SECRET"}});
        json!({"chat_response": {"choices": [choice], "usage": {"total_tokens": 3}}})
    }

    #[test]
    fn secrets_are_redacted_in_answers_and_tokens_added_up() {
        let input = json!({"context": {"gen2/tokens": 4}, "response": answered()});
        let output = call(json!({}), post_hook, input);
        let text = &output["response"]["chat_response"]["choices"][0]["message"]["content"];
        assert_eq!(text, "a [gen2 redacted]");
        assert_eq!(output["context"], json!({"gen2/tokens": 7}));
    }

    #[test]
    fn where_an_error_is_on_its_way_nothing_is_changed() {
        let error = json!({"is_bifrost_error": false, "status_code": 500, "error": {"type": null, "code": null, "message": "down"}, "allow_fallbacks": null});
        let input = json!({"response": answered(), "error": error, "has_error": true});
        let output = call(json!({}), post_hook, input);
        let text = &output["response"]["chat_response"]["choices"][0]["message"]["content"];
        assert_eq!(text, "a TOP-SECRET");
        assert_eq!((&output["error"], &output["context"]), (&error, &json!({})));
    }

    #[test]
    fn the_chunk_that_carries_the_usage_counts() {
        let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
        let input = json!({"response": {"chat_response": {"choices": [], "usage": usage}}});
        assert_eq!(call(json!({}), post_hook, input)["context"], json!({"gen2/tokens": 3}));
    }

    #[test]
    fn what_is_no_json_is_a_failure_of_the_hook() {
        let output: Value = serde_json::from_slice(&post_hook(b"{")).unwrap();
        assert!(output["hook_error"].as_str().unwrap().starts_with("gen2: "));
    }
}
