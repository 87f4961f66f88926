//! What guards make of requests.

use heimdall_host::json::Document;
use heimdall_host::model::{CallKind, LlmRequest};
use heimdall_host::pipeline::{HttpStep, LlmStep};

use crate::support::*;
use crate::table::{CHAT, Guard, Kind, Place};

pub async fn its_request_hook_edits_the_http_request(guard: &Guard, place: Place) {
    let exchange = guard.begun(place, None).await;
    let http = exchange.http();
    assert_eq!((http.path(), http.query()), (CHAT, Some("a=1&b=%20")));
    assert_eq!(http.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(exchange.context().get("request_id").unwrap().as_str(), r#""r""#);
    if guard.writes_context() {
        assert_eq!(http.header(&guard.header("-request")).as_deref(), Some(guard.mark));
        let path = exchange.context().get(&guard.key("path")).unwrap();
        assert_eq!(path.as_str(), Document::string(CHAT).as_str());
    }
    if place == Place::Between {
        let headers = ["x-guard-request", "x-legacy-request"].map(|name| http.header(name));
        assert!(headers.iter().any(|value| value.as_deref() == Some("neighbour")));
    }
}

pub async fn its_request_hook_answers_for_a_closed_path(guard: &Guard, place: Place) {
    let pipeline = guard
        .pipeline(place, Some(r#"{"closed_paths":["/v1/embeddings"]}"#))
        .await;
    let mut exchange = pipeline.begin("r", http_request("/v1/embeddings"));
    let HttpStep::Respond(response) = exchange.on_request().await else {
        panic!("the path is closed")
    };
    assert_eq!(response.status(), 403);
    assert_eq!(response.header("content-type").as_deref(), Some("application/json"));
    assert_eq!(response.header(&guard.header("")).as_deref(), Some(guard.mark));
    let body = Document::parse(response.body().clone()).unwrap();
    assert_eq!(body.pointer("/error/code").unwrap().raw(), r#""closed_path""#);
}

pub async fn its_pre_hook_inserts_a_message_and_leaves_the_rest(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, None).await;
    let request = proceed(&mut exchange, chat("hello")).await;
    assert_eq!(request.message_count(), 2);
    assert_eq!(request.message_at(0).unwrap().role, "system");
    assert_eq!(request.message_text(0), Some(guard.system()));
    let document = request.document().as_str();
    assert!(
        document.ends_with(r#"{"role":"user","content":"hello"}]}"#),
        "{document}"
    );
    if guard.writes_context() {
        assert_eq!(exchange.context().get(&guard.key("messages")).unwrap().as_str(), "1");
    }
}

pub async fn its_pre_hook_refuses_a_banned_word(guard: &Guard, place: Place) {
    let mut exchange = guard.begun(place, Some(r#"{"banned":["xyzzy"]}"#)).await;
    let LlmStep::Refuse(error) = exchange.before_call(chat("say xyzzy now")).await else {
        panic!("a banned word")
    };
    assert_eq!(error.message, guard.refusal());
    assert_eq!((error.status, error.code.as_deref()), (Some(403), Some("banned_word")));
    assert_eq!(error.kind.as_deref(), Some("policy_violation"));
}

pub async fn its_pre_hook_asks_another_model(guard: &Guard, place: Place) {
    for (other, provider, model) in [("small", "up", "small"), ("mill/new/er", "mill", "new/er")] {
        let config = format!(r#"{{"models":{{"m":"{other}"}}}}"#);
        let mut exchange = guard.begun(place, Some(&config)).await;
        let request = proceed(&mut exchange, chat("hello")).await;
        assert_eq!((request.provider(), request.model()), (provider, model));
    }
    let mut exchange = guard.begun(place, Some(r#"{"models":{"constructor":"small"}}"#)).await;
    assert_eq!(proceed(&mut exchange, chat("hello")).await.model(), "m");
}

pub async fn its_pre_hook_answers_itself(guard: &Guard, place: Place) {
    let config = Some(r#"{"answers":{"ping":"pong \"é\""}}"#);
    let mut exchange = guard.begun(place, config).await;
    let LlmStep::Answer(answer) = exchange.before_call(chat(" ping\n")).await else {
        panic!("it has an answer")
    };
    assert_eq!(answer.text(0).as_deref(), Some("pong \"é\""));
    assert_eq!(answer.finish_reason(0).as_deref(), Some("stop"));
    proceed(&mut guard.begun(place, config).await, chat("ping pong")).await;
}

pub async fn its_hooks_change_nothing_where_they_have_nothing_to_do(guard: &Guard, place: Place) {
    let config = Some(r#"{"system":null,"banned":[],"secrets":[]}"#);
    let mut exchange = guard.begun(place, config).await;
    let odd = r#"{ "model":"up/m" , "seed":9007199254740993, "messages":[ {"content":"a\u0062\/<c>","role":"user","x":1.10} ],"z":{"b":[],"a":null} }"#;
    let request = LlmRequest::new(CallKind::Chat, "up", "up/m", false, 0, json(odd));
    let request = proceed(&mut exchange, request).await;
    assert_eq!(request.outgoing().as_str(), odd);
}

/// The typed ones have a schema, so that the host tells what is wrong; the legacy ones refuse what they can't read.
pub async fn it_refuses_a_configuration_that_is_none(guard: &Guard, place: Place) {
    assert_eq!(place, Place::Alone);
    let guest = guard.guest;
    let unreadable: &[&str] = match guard.kind {
        Kind::Typed => &[r#"{"bannned":[]}"#, r#"{"banned":[""]}"#, "7"],
        _ => &[r#"{"banned":7}"#, r#"{"banned":[""]}"#, "7"],
    };
    for config in unreadable {
        let refused = host().load(guest.bytes().into(), settings(guest, Some(config))).await;
        let error = refused.err().unwrap_or_else(|| panic!("{config} is taken")).to_string();
        let path = guest.path();
        assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
        let about = if guard.kind == Kind::Typed {
            "configuration"
        } else {
            "`init`"
        };
        assert!(error.contains(about), "{error}");
    }
}
