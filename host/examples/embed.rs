//! Embeds the host: one plugin, one chat request, no gateway.
//!
//! `cargo build --workspace --examples && target/debug/examples/embed guest-examples/typed/rust/guard.wasm`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::error::Error;
use std::sync::Arc;

use heimdall_host::json::Document;
use heimdall_host::loader::{Host, PluginSettings};
use heimdall_host::model::{CallKind, HttpRequest, LlmRequest};
use heimdall_host::pipeline::{LlmStep, Pipeline, PipelineSettings};
use http::{HeaderMap, Method};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("give the path of a .wasm file")?;
    let bytes = std::fs::read(&file)?;

    // Legacy plugins too: `.abis(heimdall_shim::abis())`.
    let host = Host::builder().build()?;
    let plugin = host.load(bytes.into(), PluginSettings::new(&file)).await?;
    let pipeline = Arc::new(Pipeline::new(vec![plugin], PipelineSettings::default())?);

    let body = Document::parse(r#"{"model": "small", "messages": [{"role": "user", "content": "Hello!"}]}"#)?;
    let path = "/v1/chat/completions";
    let http = HttpRequest::new(Method::POST, path, None, HeaderMap::new(), body.bytes().clone());
    let mut exchange = pipeline.begin("request-1", http);
    let request = LlmRequest::new(CallKind::Chat, "provider", "small", false, 0, body);
    match exchange.before_call(request).await {
        LlmStep::Proceed(request) => println!("to the provider: {}", request.outgoing().as_str()),
        LlmStep::Answer(response) => println!("a plugin answered: {}", response.document().as_str()),
        LlmStep::Refuse(error) => println!("a plugin refused: {}", error.message),
    }
    pipeline.cleanup().await;
    Ok(())
}
