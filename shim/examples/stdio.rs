//! Calls a plugin of the wasmi plugin framework, as its own host would: `cargo build --workspace --example stdio`, then
//! `target/debug/examples/stdio plugin.wasm`.

use heimdall_host::functions::{HostFunctions, Json};
use heimdall_host::loader::{Host, PluginSettings};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which plugin? name its .wasm file")?;
    let host = Host::builder().abis(heimdall_shim::abis()).build()?;
    // What the plugin may call while it works, by its name: several calls at once are served side by side.
    let methods = HostFunctions::new().function("", "greet", async |name: String| Ok(format!("hello, {name}")));
    let settings = PluginSettings {
        host_functions: methods,
        ..PluginSettings::new(&file)
    };
    let plugin = host.functions(std::fs::read(&file)?.into(), settings).await?;
    // Each call has an instance of its own, a time limit, and a memory limit; any number of them run side by side.
    let Json(pong): Json<String> = plugin.call("ping", ()).await?;
    let Json(greetings): Json<Value> = plugin.call("call_host", Json(json!([["greet", "Ada"]]))).await?;
    #[expect(clippy::print_stdout, reason = "it is what the example is for")]
    {
        println!("{pong}, {greetings}");
    }
    Ok(())
}
