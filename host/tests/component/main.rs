//! Typed plugins: how they are loaded, what their hooks do, and what they can't do to the host.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod guard;
#[expect(dead_code, reason = "other tests build more of a guest")]
mod guest;
mod hooks;
mod load;
mod versions;
mod wit;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heimdall_host::component::Typed;
use heimdall_host::json::Document;
use heimdall_host::loader::{Host, LoadError, PluginSettings};
use heimdall_host::model::{CallKind, Context, HttpRequest, LlmRequest};
use heimdall_host::plugin::{Call, Plugin, Seat};
use http::{HeaderMap, Method};

fn json(text: &str) -> Document {
    Document::parse(text.to_owned()).unwrap()
}

fn settings() -> PluginSettings {
    PluginSettings::new("plugins/probe.wasm")
}

/// A deadline that the shortest loop reaches, for calls that are expected to.
const SOON: Duration = Duration::from_millis(50);

/// A limit that no machine meets which is not stuck.
const LATE: Duration = Duration::from_secs(60);

async fn load_with(bytes: Bytes, settings: PluginSettings) -> Result<Arc<dyn Plugin>, LoadError> {
    let host = Host::builder().abi(Typed).build().unwrap();
    Ok(host.load(bytes, settings).await?.plugin)
}

async fn load(bytes: Bytes) -> Result<Arc<dyn Plugin>, LoadError> {
    load_with(bytes, settings()).await
}

fn http_request() -> HttpRequest {
    HttpRequest::new(
        Method::POST,
        "/v1/chat/completions",
        None,
        HeaderMap::new(),
        Bytes::from_static(b"{}"),
    )
}

fn chat() -> LlmRequest {
    let body = json(r#"{"model":"echo","messages":[{"role":"user","content":"Hello"}],"seed":12345678901234567890}"#);
    LlmRequest::new(CallKind::Chat, "echo", "echo", false, 0, body)
}

/// One request's journey through one plugin.
struct Journey {
    http: HttpRequest,
    seat: Seat,
    context: Context,
}

impl Journey {
    fn new() -> Self {
        Journey {
            http: http_request(),
            seat: Seat::default(),
            context: Context::new("req-1", 1 << 20),
        }
    }

    fn call(&mut self) -> Call<'_> {
        Call {
            context: self.context.clone(),
            http: &self.http,
            seat: &mut self.seat,
            time: None,
        }
    }
}
