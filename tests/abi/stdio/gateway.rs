//! Plugins of this kind in a gateway's pipeline.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heimdall_host::failure::Failure;
use heimdall_host::functions::HostFunctions;
use heimdall_host::json::Document;
use heimdall_host::loader::{LoadError, Loaded, PluginSettings};
use heimdall_host::model::{CallKind, HttpRequest, HttpResponse, LlmRequest, LlmResponse, Upstream};
use heimdall_host::pipeline::{Exchange, LlmStep, Pipeline, PipelineSettings};
use http::{HeaderMap, Method, StatusCode};

use super::command::{ANSWER, command};
use crate::support::{guest, host};

const HOOKS: [&str; 5] = [
    "http_pre_hook",
    "pre_hook",
    "post_hook",
    "http_post_hook",
    "http_stream_chunk_hook",
];

async fn loaded(bytes: Bytes, change: impl FnOnce(&mut PluginSettings)) -> Result<Loaded, LoadError> {
    let mut settings = PluginSettings::new("guest.wasm");
    settings.limits.hook_timeout = Duration::from_secs(60);
    change(&mut settings);
    host().load(bytes, settings).await
}

async fn guard(change: impl FnOnce(&mut PluginSettings)) -> Result<Loaded, LoadError> {
    loaded(guest("stdio/guard-rust/guard.wasm"), change).await
}

fn begun(loaded: Loaded) -> Exchange {
    let pipeline = Pipeline::new(vec![loaded], PipelineSettings::default()).unwrap();
    let path = "/v1/chat/completions";
    let request = HttpRequest::new(Method::POST, path, None, HeaderMap::new(), Bytes::from_static(b"{}"));
    Arc::new(pipeline).begin("request-1", request)
}

fn json(text: &str) -> Document {
    Document::parse(text.to_owned()).unwrap()
}

fn chat(text: &str) -> LlmRequest {
    let body = format!(r#"{{"model":"up/m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    LlmRequest::new(CallKind::Chat, "up", "m", false, 0, json(&body))
}

#[tokio::test]
async fn a_guard_is_asked_for_its_hooks_and_its_name() {
    let loaded = guard(|_| {}).await.unwrap();
    let manifest = loaded.plugin.manifest();
    assert_eq!(manifest.kind, "JSON-RPC over stdio");
    let mut hooks = manifest.hooks.clone();
    hooks.sort_by_key(|hook| HOOKS.iter().position(|known| known == hook));
    assert_eq!(hooks, HOOKS);
    assert_eq!(&*manifest.name, "stdio-guard");
    let named = guard(|settings| settings.name = Some("mine".to_owned())).await.unwrap();
    assert_eq!(&*named.plugin.manifest().name, "mine");
}

#[tokio::test]
async fn a_guard_edits_a_request_and_its_answer() {
    let mut exchange = begun(guard(|_| {}).await.unwrap());
    exchange.on_request().await;
    let LlmStep::Proceed(request) = exchange.before_call(chat("hello")).await else {
        panic!("it ended")
    };
    assert_eq!(request.message_text(0).as_deref(), Some("Rule of stdio: be kind."));
    let body = r#"{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":"a TOP-SECRET"},"finish_reason":"stop"}]}"#;
    let answer = LlmResponse::new(CallKind::Chat, Some("up".into()), 0, false, json(body));
    let Upstream::Response(answer) = exchange.after_call(Upstream::Response(answer)).await else {
        panic!("it failed")
    };
    assert_eq!(answer.text(0).as_deref(), Some("a [stdio redacted]"));
    let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"{}"));
    let response = exchange.on_response(response).await;
    assert_eq!(response.header("x-legacy").as_deref(), Some("stdio"));
}

/// What it holds back of a chunk travels in the request's context, since no instance sees two chunks.
#[tokio::test]
async fn a_guard_sees_a_secret_that_is_spread_over_chunks() {
    let mut exchange = begun(guard(|_| {}).await.unwrap());
    exchange.on_request().await;
    let LlmStep::Proceed(_) = exchange.before_call(chat("hello")).await else {
        panic!("it ended")
    };
    let mut stream = exchange.into_stream(CallKind::Chat);
    let chunk = |delta: &str, end: &str| {
        json(&format!(
            r#"{{"id":"c1","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{{delta}}},"finish_reason":{end}}}]}}"#
        ))
    };
    let mut steps = vec![stream.chunk(chunk(r#""content":"a TOP-""#, "null")).await];
    steps.push(stream.chunk(chunk(r#""content":"SECRET""#, "null")).await);
    steps.push(stream.chunk(chunk("", r#""stop""#)).await);
    steps.push(stream.end(None).await);
    let events = steps.iter().flat_map(|step| &step.send);
    let text: String = events
        .filter_map(|event| Some(event.pointer("/choices/0/delta/content")?.as_str()?.into_owned()))
        .collect();
    assert_eq!(text, "a [stdio chunk redacted]");
}

#[tokio::test]
async fn each_hook_has_an_instance_of_its_own_and_none_counts_as_thrown_away() {
    let loaded = guard(|_| {}).await.unwrap();
    let plugin = loaded.plugin.clone();
    let before = plugin.usage().made;
    let mut exchange = begun(loaded);
    exchange.on_request().await;
    let LlmStep::Proceed(_) = exchange.before_call(chat("hello")).await else {
        panic!("it ended")
    };
    let usage = plugin.usage();
    assert_eq!((usage.made - before, usage.discarded), (2, 0));
}

async fn refused_with(text: &str, change: impl FnOnce(&mut PluginSettings)) -> bool {
    let mut exchange = begun(guard(change).await.unwrap());
    exchange.on_request().await;
    !matches!(exchange.before_call(chat(text)).await, LlmStep::Proceed(_))
}

#[tokio::test]
async fn the_configuration_is_there_for_who_asks_for_it() {
    let config = || Some(json(r#"{"banned":["no such word"]}"#));
    assert!(!refused_with("no such word", |_| {}).await);
    assert!(refused_with("no such word", |settings| settings.config = config()).await);
    // A method of the embedder's goes before it.
    let own = HostFunctions::new().function("", "config", async || Ok(br#"{"banned":["hello"]}"#.to_vec()));
    let both = |settings: &mut PluginSettings| {
        settings.config = config();
        settings.host_functions = own;
    };
    assert!(!refused_with("no such word", both).await);
}

#[tokio::test]
async fn a_configuration_that_is_none_is_refused_when_it_is_loaded() {
    let refused = guard(|settings| settings.config = Some(json(r#"{"banned":1}"#))).await;
    let Err(LoadError::Start(Failure { hook, cause, .. })) = refused.map(|_| ()) else {
        panic!("it is loaded")
    };
    assert_eq!(hook, "init");
    assert!(
        cause.to_string().starts_with("it returned an error: stdio: "),
        "{cause}"
    );
}

#[tokio::test]
async fn a_plugin_without_hooks_is_none_for_a_pipeline() {
    let refused = loaded(guest("stdio/rust/plugin.wasm"), |_| {}).await.map(|_| ());
    assert!(matches!(refused, Err(LoadError::NoHooks { .. })), "{refused:?}");
    // Nor is one that answers nothing.
    let short = |settings: &mut PluginSettings| settings.limits.start_timeout = Duration::from_millis(200);
    for start in ["", "unreachable", "(loop $on (br $on))"] {
        let refused = loaded(command(&[], start), short).await.map(|_| ());
        assert!(
            matches!(refused, Err(LoadError::NoHooks { .. })),
            "{start}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn whatever_is_answered_is_a_hook_unless_it_is_not_found() {
    let all = loaded(command(&[ANSWER], "(call $answer)"), |settings| {
        settings.name = Some("all".to_owned());
    });
    assert_eq!(all.await.unwrap().plugin.manifest().hooks.len(), HOOKS.len());
    for error in [r#""MethodNotFound""#, r#"{"code":-32601,"message":"any"}"#] {
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{error}}}\n");
        let none = loaded(command(&[("none", 1, &answer)], "(call $none)"), |_| {}).await;
        assert!(matches!(none.map(|_| ()), Err(LoadError::NoHooks { .. })));
    }
}

#[tokio::test]
async fn hooks_that_its_operator_names_are_not_asked_for() {
    // It would trap if it were.
    let named = |names: &'static str| {
        loaded(command(&[], "unreachable"), move |settings| {
            settings.name = Some("named".to_owned());
            settings.options.insert("hooks".to_owned(), names.to_owned());
        })
    };
    let hooks = named("post_hook, pre_hook,")
        .await
        .unwrap()
        .plugin
        .manifest()
        .hooks
        .clone();
    assert_eq!(hooks, ["pre_hook", "post_hook"]);
    let refused = named("pre_hook,init").await.map(|_| ());
    let Err(LoadError::InvalidSetting { setting, reason, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        setting == "hooks" && reason.contains("`init`") && reason.contains("pre_hook"),
        "{reason}"
    );
    assert!(matches!(named("").await.map(|_| ()), Err(LoadError::NoHooks { .. })));
}

/// For who calls methods by name there is nothing to ask, and nothing of the plugin runs before its first call.
#[tokio::test]
async fn a_plugin_whose_methods_are_called_does_not_run_before() {
    let plugin = crate::support::load(command(&[], "unreachable"), |_| {}).await.unwrap();
    assert_eq!(plugin.usage().made, 1);
    assert!(plugin.manifest().hooks.is_empty());
}
