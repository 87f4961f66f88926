//! Embeds the host: one plugin, one chat request, no gateway.
//!
//! `cargo run -p heimdall-host --example embed -- guest-examples/typed/rust/guard.wasm`

use std::error::Error;
use std::sync::Arc;

use heimdall_host::json::Document;
use heimdall_host::loader::{Host, PluginSettings};
use heimdall_host::model::{CallKind, HttpRequest, LlmRequest};
use heimdall_host::pipeline::{LlmStep, Pipeline};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args()
        .nth(1)
        .ok_or("which plugin? give the path of a .wasm file")?;
    let bytes = std::fs::read(&file)?;

    // Legacy plugins too: `.abi(...)` with each of heimdall_shim::abis().
    let host = Host::builder().build()?;
    let plugin = host.load(bytes.into(), PluginSettings::new(&file)).await?;
    let pipeline = Arc::new(Pipeline::new(vec![plugin], 1 << 20)?);

    let body = Document::parse(r#"{"model": "small", "messages": [{"role": "user", "content": "Hello!"}]}"#)?;
    let http = HttpRequest::new(
        http::Method::POST,
        "/v1/chat/completions",
        None,
        http::HeaderMap::new(),
        body.bytes().clone(),
    );
    let mut exchange = pipeline.begin("request-1", http);
    match exchange
        .before_call(LlmRequest::new(CallKind::Chat, "provider", "small", false, 0, body))
        .await
    {
        LlmStep::Proceed(request) => println!("to the provider: {}", request.outgoing().as_str()),
        LlmStep::Answer(response) => println!("a plugin answered: {}", response.document().as_str()),
        LlmStep::Refuse(error) => println!("a plugin refused: {}", error.message),
    }
    pipeline.cleanup().await;
    Ok(())
}
