//! A plugin of the wasmi plugin framework, a method of its host's, and two calls.
//!
//! `cargo build --workspace --examples && target/debug/examples/stdio tests/abi/guests/stdio/rust/plugin.wasm`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use heimdall_host::{functions::Json, loader::PluginSettings};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which plugin? name its .wasm file")?;
    // What the plugin may call while it works, by its name: several calls at once are served side by side.
    let greet = async |name: String| Ok(format!("hello, {name}"));
    let settings = PluginSettings::new(file).function("", "greet", greet);
    let plugin = heimdall_shim::host()?.open(settings).await?;
    // Each call has an instance of its own, a time limit, and a memory limit; any number of them run side by side.
    let Json(pong): Json<String> = plugin.call("ping", ()).await?;
    let Json(greetings): Json<Value> = plugin.call("call_host", Json(json!([["greet", "Ada"]]))).await?;
    println!("{pong}, {greetings}");
    Ok(())
}
