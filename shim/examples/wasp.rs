//! Embeds the host for a Wasp plugin: gives it a function, and calls one of its own.
//!
//! `cargo build --workspace --examples && target/debug/examples/wasp tests/abi/guests/wasp/rust/plugin.wasm`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::error::Error;

use heimdall_host::functions::HostFunctions;
use heimdall_host::loader::{Host, PluginSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("give the path of a .wasm file")?;
    let host = Host::builder().abis(heimdall_shim::abis()).build()?;
    // What its module imports: all texts and numbers are Rust's.
    let functions = HostFunctions::new()
        .function("plugin", "upper", async |text: String| Ok(text.to_uppercase()))
        .function("env", "add", async |a: i32, b: i32| Ok(a.wrapping_add(b)));
    let settings = PluginSettings {
        host_functions: functions,
        ..PluginSettings::new(&file)
    };
    // Compiled and linked once; `host.prepare` and `Prepared::functions` do it in two steps, for several plugins of one file.
    let plugin = host.functions(std::fs::read(&file)?.into(), settings).await?;
    let greeting: String = plugin.call("greet", "Ada").await?;
    println!("{greeting}");
    plugin.remove().await;
    Ok(())
}
