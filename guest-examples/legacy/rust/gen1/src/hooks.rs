//! The hooks, from JSON to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::guard::{Config, MARK, NAME, config, is_conversation, path_of, remember_path};
use crate::model::*;
use crate::{redact, stream};

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
        let path = path_of(&context.request_id);
        let short_circuit = prepare(&config(), path.as_deref(), &mut request);
        Ok(PreOutput {
            request,
            short_circuit,
            error: String::new(),
        })
    })())
}

/// Makes the request ready to be sent, or says why it isn't.
fn prepare(config: &Config, path: Option<&str>, request: &mut LlmRequest) -> Option<ShortCircuit> {
    if request.input.iter().any(|message| config.is_banned(&message.text())) {
        return Some(refusal());
    }
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
pub fn post_hook(context: &[u8], response: &[u8], error: &[u8]) -> Vec<u8> {
    print((|| {
        let context: Context = parse(context)?;
        let (mut response, error): (Option<LlmResponse>, Option<LlmError>) = (parse(response)?, parse(error)?);
        let chat = response.as_mut().and_then(|response| response.chat_response.as_mut());
        if let Some(chat) = chat.filter(|_| error.is_none()) {
            redact_choices(&config(), &context.request_id, &mut chat.choices);
        }
        Ok(PostOutput {
            response,
            bifrost_error: error,
            error: String::new(),
        })
    })())
}

fn redact_choices(config: &Config, request_id: &str, choices: &mut [Choice]) {
    for choice in choices {
        match &mut choice.message {
            Some(message) => {
                for text in message.content.iter_mut().flat_map(Content::texts_mut) {
                    *text = redact::whole(&config.secrets, MARK, text);
                }
            }
            None => stream::pass_on(config, request_id, choice),
        }
    }
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
    use serde_json::Value;

    use super::*;
    use crate::guard::configure;

    fn call(config: Value, hook: impl Fn(&[u8], &[u8]) -> Vec<u8>, first: Value, second: Value) -> Value {
        configure(config.to_string().as_bytes()).unwrap();
        serde_json::from_slice(&hook(first.to_string().as_bytes(), second.to_string().as_bytes())).unwrap()
    }

    fn asking(content: impl Into<Value>) -> Value {
        json!({"provider": "up", "model": "m", "input": [{"role": "user", "content": content.into()}]})
    }

    #[test]
    fn a_closed_path_is_answered() {
        let config = json!({"closed_paths": ["/v1/models"]});
        let context = json!({"request_id": "closed"});
        let output = call(config, http_transport_intercept, context, json!({"path": "/v1/models"}));
        assert_eq!(output["response"]["status_code"], 403);
        assert_eq!(output["response"]["headers"]["x-legacy"], "gen1");
        assert_eq!(path_of("closed"), None);
    }

    #[test]
    fn a_banned_word_is_a_short_circuit() {
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "forbidden-word"}]);
        let output = call(json!({}), pre_hook, json!({"request_id": "banned"}), asking(parts));
        assert_eq!(output["short_circuit"]["error"]["error"]["code"], "banned_word");
        assert_eq!(output["short_circuit"]["error"]["allow_fallbacks"], false);
    }

    #[test]
    fn a_conversation_begins_with_the_system_message() {
        let output = call(json!({}), pre_hook, json!({"request_id": "chat"}), asking("hi"));
        assert_eq!(output["request"]["input"][0]["role"], "system");
        assert_eq!(output["short_circuit"], Value::Null);
    }

    #[test]
    fn a_text_to_be_embedded_gets_no_system_message() {
        let context = json!({"request_id": "embedded"});
        let http = json!({"path": "/v1/embeddings"});
        call(json!({}), http_transport_intercept, context.clone(), http);
        let output = call(json!({}), pre_hook, context, asking("hi"));
        assert_eq!(output["request"]["input"][0]["role"], "user");
    }

    #[test]
    fn what_the_configuration_has_an_answer_for_is_answered() {
        let config = json!({"answers": {"ping": "pong"}});
        let output = call(config.clone(), pre_hook, json!({}), asking(" ping\n"));
        let chat = json!({
            "id": "",
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}],
        });
        assert_eq!(output["short_circuit"], json!({"response": {"chat_response": chat}}));
        let output = call(config, pre_hook, json!({}), asking("constructor"));
        assert_eq!(output["short_circuit"], Value::Null);
    }

    #[test]
    fn another_model_is_asked() {
        for (other, provider, model) in [("small", "up", "small"), ("mill/new/er", "mill", "new/er")] {
            let config = json!({"models": {"m": other}});
            let request = &call(config, pre_hook, json!({}), asking("hi"))["request"];
            assert_eq!(
                (&request["provider"], &request["model"]),
                (&json!(provider), &json!(model))
            );
        }
    }

    /// What the post hook makes of an answer with a secret in it.
    fn answered(error: Value) -> Value {
        let choice = json!({"index": 0, "message": {"role": "assistant", "content": "a TOP-SECRET"}});
        let response = json!({"chat_response": {"choices": [choice]}});
        let hook = |response: &[u8], error: &[u8]| post_hook(br#"{"request_id": "answered"}"#, response, error);
        call(json!({}), hook, response, error)
    }

    #[test]
    fn secrets_are_redacted_in_answers() {
        let output = answered(Value::Null);
        let text = &output["response"]["chat_response"]["choices"][0]["message"]["content"];
        assert_eq!(text, "a [gen1 redacted]");
    }

    #[test]
    fn where_an_error_is_on_its_way_nothing_is_changed() {
        let error = json!({"is_bifrost_error": false, "status_code": 500, "error": {"type": null, "code": null, "message": "down"}, "allow_fallbacks": null});
        let output = answered(error.clone());
        let text = &output["response"]["chat_response"]["choices"][0]["message"]["content"];
        assert_eq!(text, "a TOP-SECRET");
        assert_eq!(output["bifrost_error"], error);
    }

    #[test]
    fn what_is_no_json_is_a_failure_of_the_hook() {
        let output: Value = serde_json::from_slice(&pre_hook(b"{}", b"{")).unwrap();
        assert!(output["error"].as_str().unwrap().starts_with("gen1: "));
    }
}
