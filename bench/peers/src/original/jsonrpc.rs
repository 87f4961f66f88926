//! The wasmi plugin framework.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use heimdall_differential::outcome::{Answer, Class, Outcome};
use heimdall_differential::task::{Call, Task};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use wasmi_plugin_hdk::plugin::{Plugin, PluginError};
use wasmi_plugin_hdk::server::HostServer;
use wasmi_plugin_pdk::rpc_message::RpcError;
use wasmi_plugin_pdk::transport::Transport as _;

/// Methods that both sides have.
fn methods() -> HostServer<()> {
    HostServer::default()
        .with_method("first", async |_, given: Value| Ok(given))
        .with_method("second", async |_, given: Value| Ok(given))
        .with_method("upper", async |_, text: String| Ok(text.to_uppercase()))
        .with_method("refuse", async |_, reason: String| {
            Err::<String, _>(RpcError::Custom(format!("the host refuses: {reason}")))
        })
}

pub fn run(task: &Task, answer: &mut dyn FnMut(Answer)) -> Result<()> {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let logged = lines.clone();
    let functions = match task.settings.functions {
        true => methods(),
        false => HostServer::default(),
    };
    let plugin = match Plugin::new("plugin", fs::read(&task.file)?, Arc::new(functions)) {
        Ok(plugin) => plugin.with_logger(Box::new(move |_, line| {
            let mut lines = logged.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(line.to_owned());
        })),
        Err(error) => {
            for _ in &task.calls {
                answer(Outcome::failed(Class::Load, "", error.to_string()).into());
            }
            return Ok(());
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    for call in &task.calls {
        let outcome = carry_out(&runtime, &plugin, call)?;
        let said = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        answer(Answer {
            outcome,
            lines: if task.settings.lines { said } else { Vec::new() },
        });
    }
    Ok(())
}

fn carry_out(runtime: &Runtime, plugin: &Plugin, call: &Call) -> Result<Outcome> {
    let params = serde_json::from_slice(&call.input.bytes()?)?;
    Ok(match runtime.block_on(plugin.call(&call.function, params)) {
        Ok(response) => Outcome::output(response.result.to_string().as_bytes()),
        Err(error) => failure(&error),
    })
}

/// Its host knows but few: a guest that exits, one that traps and one that fails inside are the same to it.
fn failure(error: &PluginError) -> Outcome {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    match error {
        PluginError::SpawnError(_) => Outcome::failed(Class::Load, "", message),
        PluginError::RpcError(RpcError::ParseError) => Outcome::failed(Class::Protocol, "", message),
        PluginError::RpcError(error) => Outcome::failed(Class::Error, error.message(), message),
        PluginError::PluginDied => Outcome::failed(Class::Crashed, "", message),
    }
}
