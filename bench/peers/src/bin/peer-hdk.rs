//! The host of the wasmi plugin framework as a contender, with the plugin that Heimdall is given too. Its calls are futures;
//! nothing else is to be done meanwhile.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use heimdall_peers::cases::Case;
use heimdall_peers::peer::serve_with;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use wasmi_plugin_hdk::plugin::Plugin;
use wasmi_plugin_hdk::server::HostServer;
use wasmi_plugin_pdk::transport::Transport as _;

struct Framework {
    runtime: Runtime,
    plugin: Plugin,
}

fn load(guests: &Path) -> Result<Framework> {
    let module = fs::read(guests.join("stdio/rust/plugin.wasm"))?;
    let methods = HostServer::<()>::default();
    Ok(Framework {
        runtime: Builder::new_current_thread().enable_all().build()?,
        plugin: Plugin::new("plugin", module, Arc::new(methods))?,
    })
}

fn once(framework: &mut Framework, case: Case, _: &Arc<[u8]>) -> Result<Vec<u8>> {
    if case != Case::FunctionPing {
        bail!("it has no such method");
    }
    let Framework { runtime, plugin } = framework;
    let response = runtime.block_on(plugin.call("ping", Value::Null))?;
    Ok(response.result.to_string().into_bytes())
}

fn main() -> Result<()> {
    serve_with(load, once)
}
