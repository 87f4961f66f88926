//! A plugin of Extism's, its host function, its configuration, and two calls.
//!
//! `cargo build --workspace --examples && target/debug/examples/extism tests/abi/guests/extism/rust/plugin.wasm`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use heimdall_host::{json::Document, loader::PluginSettings};
use heimdall_shim::abi::extism::USER;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which plugin? name its .wasm file")?;
    let greet = async |name: String| Ok(format!("Hello, {name}!"));
    let mut settings = PluginSettings::new(file).function(USER, "greet", greet);
    settings.config = Some(Document::parse(r#"{"word":"heimdall"}"#)?);
    let plugin = heimdall_shim::host()?.open(settings).await?;
    let greeting: String = plugin.call("host_greet", "Ada").await?;
    let word: String = plugin.call("config_value", "word").await?;
    println!("{greeting}\n{word}");
    Ok(())
}
