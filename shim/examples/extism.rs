//! A plugin of Extism's, its host function, its configuration, and two calls.
//!
//! ```sh
//! cargo run --package heimdall-shim --example extism -- tests/abi/guests/extism/rust/plugin.wasm
//! ```

use std::error::Error;

use heimdall_host::functions::HostFunctions;
use heimdall_host::json::Document;
use heimdall_host::loader::{Host, PluginSettings};
use heimdall_shim::abi::extism::USER;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args()
        .nth(1)
        .ok_or("give the plugin's .wasm, or a manifest")?;
    let greet = async |name: String| Ok(format!("Hello, {name}!"));
    let host = Host::builder().abis(heimdall_shim::abis()).build()?;
    let settings = PluginSettings {
        config: Some(Document::parse(r#"{"word":"heimdall"}"#)?),
        host_functions: HostFunctions::new().function(USER, "greet", greet),
        ..PluginSettings::new(&file)
    };
    let plugin = host.functions(std::fs::read(&file)?.into(), settings).await?;
    let greeting: String = plugin.call("host_greet", "Ada").await?;
    let word: String = plugin.call("config_value", "word").await?;
    #[expect(clippy::print_stdout, reason = "what an example shows")]
    {
        println!("{greeting}\n{word}");
    }
    Ok(())
}
