//! The program of `shim/examples/stdio.rs` with the host of wasmi-plugin-hdk, as `docs/migrate-wasmi.md` has it.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::sync::Arc;

use serde_json::{Value, json};
use wasmi_plugin_hdk::{plugin::Plugin, server::HostServer};
use wasmi_plugin_pdk::transport::Transport as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which plugin? name its .wasm file")?;
    let greet = async |_, name: String| Ok(format!("hello, {name}"));
    let methods = HostServer::<()>::default().with_method("greet", greet);
    let plugin = Plugin::new("plugin", std::fs::read(file)?, Arc::new(methods))?;
    let pong = plugin.call("ping", Value::Null).await?.result;
    let greetings = plugin.call("call_host", json!([["greet", "Ada"]])).await?.result;
    println!("{pong}, {greetings}");
    Ok(())
}
