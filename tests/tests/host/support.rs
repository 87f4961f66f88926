//! A host with the legacy ABIs, pipelines of guests, and documents to send through them.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::loader::{FailurePolicy, Host, Loaded, PluginSettings};
use heimdall_host::model::{CallKind, HttpRequest, HttpResponse, LlmRequest, LlmResponse, Upstream};
use heimdall_host::pipeline::{Exchange, LlmStep, Pipeline, PipelineSettings, StreamStep};
use heimdall_host::runtime::{CacheSettings, RuntimeSettings};
use heimdall_tests::guests::Guest;
use http::{HeaderMap, Method, StatusCode};

/// A deadline for what never ends. What does end is expected to need far less.
pub const SOON: Duration = Duration::from_millis(500);

/// A deadline that nothing reaches.
pub const LATE: Duration = Duration::from_secs(60);

/// One host for all tests of the process.
pub fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| host_of(RuntimeSettings::default()))
}

/// A host of its own with the legacy ABIs; compiled guests are kept between runs.
pub fn host_of(settings: RuntimeSettings) -> Host {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cache = CacheSettings {
        directory: directory.join("cache"),
        key_file: directory.join("state/cache.key"),
    };
    let settings = RuntimeSettings {
        cache: Some(cache),
        ..settings
    };
    let builder = Host::builder().runtime(settings).abis(heimdall_shim::abis());
    builder.build().unwrap()
}

pub fn settings(guest: Guest, config: Option<&str>) -> PluginSettings {
    let mut settings = PluginSettings::new(guest.path().file_name().unwrap().to_str().unwrap());
    settings.name = Some(guest.name.to_owned());
    settings.config = config.map(|it| Document::parse(it.to_owned()).unwrap());
    settings.on_failure = FailurePolicy::Closed;
    settings
}

/// A pipeline of these guests with these configurations, in this order.
pub async fn pipeline(plugins: &[(Guest, Option<&str>)]) -> Arc<Pipeline> {
    let mut loaded = Vec::new();
    for (guest, config) in plugins {
        let settings = settings(*guest, *config);
        loaded.push(host().load(Bytes::from(guest.bytes()), settings).await.unwrap());
    }
    Arc::new(Pipeline::new(loaded, PipelineSettings::default()).unwrap())
}

/// A module or a component in WAT.
pub fn wat(text: &str) -> Bytes {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}")).into()
}

/// The plugin in a file of that name with these settings.
pub async fn load(name: &str, bytes: Bytes, change: impl FnOnce(&mut PluginSettings)) -> Loaded {
    let mut settings = PluginSettings::new(format!("{name}.wasm"));
    settings.name = Some(name.to_owned());
    change(&mut settings);
    host()
        .load(bytes, settings)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A pipeline of one plugin.
pub async fn alone(name: &str, bytes: Bytes, change: impl FnOnce(&mut PluginSettings)) -> Arc<Pipeline> {
    Arc::new(Pipeline::new(vec![load(name, bytes, change).await], PipelineSettings::default()).unwrap())
}

pub fn http_request(path: &str) -> HttpRequest {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    HttpRequest::new(
        Method::POST,
        path,
        Some("a=1&b=%20"),
        headers,
        Bytes::from_static(b"{}"),
    )
}

pub fn http_response() -> HttpResponse {
    HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"{}"))
}

pub fn json(text: &str) -> Document {
    Document::parse(text.to_owned()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub fn chat(text: &str) -> LlmRequest {
    let body = format!(
        r#"{{"model":"up/m","messages":[{{"role":"user","content":{}}}]}}"#,
        Document::string(text).as_str()
    );
    LlmRequest::new(CallKind::Chat, "up", "m", false, 0, json(&body))
}

pub fn answer(text: &str) -> Upstream {
    let text = Document::string(text);
    let body = format!(
        r#"{{"id":"c1","choices":[{{"index":0,"message":{{"role":"assistant","content":{}}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#,
        text.as_str()
    );
    Upstream::Response(LlmResponse::new(
        CallKind::Chat,
        Some("up".into()),
        0,
        false,
        json(&body),
    ))
}

pub fn chunk(text: &str) -> Document {
    let text = Document::string(text);
    json(&format!(
        r#"{{"id":"c1","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{"content":{}}},"finish_reason":null}}]}}"#,
        text.as_str()
    ))
}

pub fn finish() -> Document {
    json(r#"{"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#)
}

/// The texts of the answer's first choice, joined, as a client would put them together.
pub fn streamed_text<'a>(steps: impl IntoIterator<Item = &'a StreamStep>) -> String {
    let events = steps.into_iter().flat_map(|step| &step.send);
    events
        .filter_map(|it| Some(it.pointer("/choices/0/delta/content")?.as_str()?.into_owned()))
        .collect()
}

/// Passes the LLM pre hooks and expects that the request goes on.
pub async fn proceed(exchange: &mut Exchange, request: LlmRequest) -> LlmRequest {
    match exchange.before_call(request).await {
        LlmStep::Proceed(request) => request,
        other => panic!("{other:?}"),
    }
}
