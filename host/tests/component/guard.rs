//! A guest as an author builds it, through every hook.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;
use heimdall_host::model::{CallKind, HttpResponse, LlmChunk, LlmError, LlmRequest, LlmResponse, Upstream};
use heimdall_host::plugin::{ChunkOutcome, HookSet, HttpOutcome, Plugin, PostOutcome, PreOutcome};
use http::{HeaderMap, StatusCode};

use crate::{Journey, chat, http_request, json, load_with, settings};

async fn guard(config: &str) -> Arc<dyn Plugin> {
    let bytes = Bytes::from_static(include_bytes!("../../../guest-examples/typed/rust/guard.wasm"));
    load_with(
        bytes,
        PluginSettings {
            config: Some(json(config)),
            ..settings()
        },
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn it_has_every_hook() {
    let plugin = guard("{}").await;
    assert_eq!(plugin.hooks(), HookSet::all() - HookSet::POST_LLM_CHUNK);
    assert_eq!(&*plugin.manifest().name, "heimdall-guard");
    assert!(plugin.manifest().notes.is_empty(), "{:?}", plugin.manifest().notes);
}

#[tokio::test]
async fn a_request_goes_on_with_its_header() {
    let plugin = guard("{}").await;
    let (mut journey, mut request) = (Journey::new(), http_request());
    let mut call = journey.call();
    assert!(matches!(
        plugin.on_request(&mut call, &mut request).await.unwrap(),
        HttpOutcome::Proceed
    ));
    assert_eq!(request.header("x-guard-request").as_deref(), Some("rust"));
    assert_eq!(
        call.context.get("guard/path").unwrap().as_str(),
        "\"/v1/chat/completions\""
    );
}

#[tokio::test]
async fn a_closed_path_is_answered_at_once() {
    let plugin = guard(r#"{"closed_paths":["/v1/chat/completions"]}"#).await;
    let mut request = http_request();
    let outcome = plugin
        .on_request(&mut Journey::new().call(), &mut request)
        .await
        .unwrap();
    let HttpOutcome::Respond(reply) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reply.status, 403);
    assert_eq!(request.header("x-guard-request"), None);
}

#[tokio::test]
async fn a_message_is_inserted_and_all_else_stays() {
    let plugin = guard(r#"{"system":"Be kind."}"#).await;
    let mut request = chat();
    let outcome = plugin
        .before_call(&mut Journey::new().call(), &mut request)
        .await
        .unwrap();
    assert!(matches!(outcome, PreOutcome::Proceed));
    assert_eq!(request.message_text(0).as_deref(), Some("Be kind."));
    assert_eq!(
        request.get("/messages/1").unwrap().as_str(),
        r#"{"role":"user","content":"Hello"}"#
    );
    assert_eq!(request.get("/seed").unwrap().as_str(), "12345678901234567890");
}

#[tokio::test]
async fn a_banned_word_is_refused() {
    let plugin = guard(r#"{"banned":["Hello"]}"#).await;
    let outcome = plugin
        .before_call(&mut Journey::new().call(), &mut chat())
        .await
        .unwrap();
    let PreOutcome::Refuse(error) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(error.code.as_deref(), Some("banned_word"));
}

fn answer(streamed: bool) -> LlmResponse {
    let body = json(
        r#"{"id":"a","choices":[{"index":0,"message":{"role":"assistant","content":"a TOP-SECRET b"},"finish_reason":"stop"}]}"#,
    );
    LlmResponse::new(CallKind::Chat, Some("echo".into()), 7, streamed, body)
}

#[tokio::test]
async fn an_answer_is_redacted() {
    let mut upstream = Upstream::Response(answer(false));
    let outcome = guard("{}")
        .await
        .after_call(&mut Journey::new().call(), &mut upstream)
        .await
        .unwrap();
    assert!(matches!(outcome, PostOutcome::Proceed));
    let Upstream::Response(response) = upstream else {
        panic!()
    };
    assert_eq!(response.text(0).as_deref(), Some("a [redacted] b"));
}

#[tokio::test]
async fn an_answer_that_was_streamed_stays_as_it_went_out() {
    let mut upstream = Upstream::Response(answer(true));
    guard("{}")
        .await
        .after_call(&mut Journey::new().call(), &mut upstream)
        .await
        .unwrap();
    let Upstream::Response(response) = upstream else {
        panic!()
    };
    assert_eq!(response.text(0).as_deref(), Some("a TOP-SECRET b"));
}

#[tokio::test]
async fn an_upstreams_error_passes() {
    let mut upstream = Upstream::Error(LlmError {
        message: "slow down".into(),
        status: Some(429),
        ..LlmError::default()
    });
    let outcome = guard("{}")
        .await
        .after_call(&mut Journey::new().call(), &mut upstream)
        .await
        .unwrap();
    assert!(matches!(outcome, PostOutcome::Proceed));
}

#[tokio::test]
async fn a_secret_is_redacted_across_chunks() {
    let plugin = guard("{}").await;
    let mut journey = Journey::new();
    let mut sent = String::new();
    for (index, text) in ["tell TOP-", "SEC", "RET now"].into_iter().enumerate() {
        let event = json(&format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#
        ));
        let mut chunk = LlmChunk::new(CallKind::Chat, u32::try_from(index).unwrap(), event);
        let mut call = journey.call();
        let outcome = plugin.on_chunk(&mut call, &mut chunk).await.unwrap();
        assert!(matches!(outcome, ChunkOutcome::Proceed), "{outcome:?}");
        sent += &chunk.text().unwrap_or_default();
        journey.context = call.context;
    }
    for chunk in plugin.on_end(&mut journey.call()).await.unwrap() {
        sent += &LlmChunk::new(CallKind::Chat, 9, chunk).text().unwrap_or_default();
    }
    assert_eq!(sent, "tell [redacted] now");
}

#[tokio::test]
async fn a_response_gets_its_header() {
    let mut response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"{}"));
    guard("{}")
        .await
        .on_response(&mut Journey::new().call(), &mut response)
        .await
        .unwrap();
    assert_eq!(response.header("x-guard").as_deref(), Some("rust"));
}

#[tokio::test]
async fn an_embedding_is_checked_too() {
    let body = json(r#"{"model":"echo","input":["fine","forbidden-word"]}"#);
    let mut request = LlmRequest::new(CallKind::Embedding, "echo", "echo", false, 0, body);
    let outcome = guard("{}")
        .await
        .before_call(&mut Journey::new().call(), &mut request)
        .await
        .unwrap();
    assert!(matches!(outcome, PreOutcome::Refuse(_)), "{outcome:?}");
}
