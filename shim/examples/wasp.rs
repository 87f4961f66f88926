//! A plugin of Wasp's, two callbacks, and a call.
//!
//! `cargo build --workspace --examples && target/debug/examples/wasp tests/abi/guests/wasp/rust/plugin.wasm`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use heimdall_host::loader::PluginSettings;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which plugin? name its .wasm file")?;
    // What its module imports: all texts and numbers are Rust's.
    let settings = PluginSettings::new(file)
        .function("plugin", "upper", async |text: String| Ok(text.to_uppercase()))
        .function("env", "add", async |a: i32, b: i32| Ok(a.wrapping_add(b)));
    let plugin = heimdall_shim::host()?.open(settings).await?;
    let greeting: String = plugin.call("greet", "Ada").await?;
    println!("{greeting}");
    plugin.remove().await;
    Ok(())
}
