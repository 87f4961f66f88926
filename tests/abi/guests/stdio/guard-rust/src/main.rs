//! The guard as a plugin of the wasmi framework: each hook is a method, whose parameters are the envelope and whose
//! result is the answer.
//!
//! Each call has an instance of its own, so the configuration comes with each call: as the member `config` of the
//! envelope, else from the host's method `config`, if there is one. Without both it is the default one.

use std::sync::Arc;

use guard::Config;
use serde_json::{Value, json};
use wasmi_plugin_pdk::rpc_message::RpcError;
use wasmi_plugin_pdk::server::PluginServer;
use wasmi_plugin_pdk::transport::{JsonRpcTransport, Transport as _};

const NAME: &str = "stdio";

fn main() {
    let server = PluginServer::new_with_transport()
        .with_method("get_name", async |_, (): ()| Ok(env!("CARGO_PKG_NAME")))
        .with_method("init", init);
    let hooks = guard::HOOKS.into_iter();
    hooks
        .fold(server, |server, hook| {
            server.with_method(hook, move |host, envelope| call(host, hook, envelope))
        })
        .run();
}

fn failure(reason: String) -> RpcError {
    RpcError::Custom(format!("{NAME}: {reason}"))
}

fn read(config: &Value) -> Result<Config, RpcError> {
    Config::from_json(NAME, config.to_string().as_bytes()).map_err(failure)
}

/// Says whether that is a configuration.
async fn init(_: Arc<JsonRpcTransport>, config: Value) -> Result<u8, RpcError> {
    read(&config).map(|_| 0)
}

async fn call(host: Arc<JsonRpcTransport>, hook: &'static str, envelope: Value) -> Result<Value, RpcError> {
    let config = match envelope.get("config") {
        Some(config) => config.clone(),
        None => match host.call("config", json!(null)).await {
            Ok(answer) => answer.result,
            Err(RpcError::MethodNotFound) => json!(null),
            Err(e) => return Err(e),
        },
    };
    let config = read(&config)?;
    let answer = guard::call(&config, hook, envelope.to_string().as_bytes());
    let answer = answer.ok_or_else(|| failure(format!("no hook {hook}")))?;
    serde_json::from_slice(&answer).map_err(|e| failure(e.to_string()))
}
