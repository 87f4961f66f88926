//! Heimdall as one side of the comparison with the original hosts of other ABIs: one task, read from the standard input. See
//! the crate `heimdall-differential`, and `bench/peers`.

mod failure;
mod given;

use std::fs;
use std::io::{stdin, stdout};
use std::time::Duration;

use anyhow::{Context, Result};
use heimdall_differential::lines::Lines;
use heimdall_differential::outcome::{Answer, Class, Outcome};
use heimdall_differential::task::{Abi, Call, Settings, Task, serve};
use heimdall_host::functions::{Callable, Value};
use heimdall_host::loader::{Host, LoadError, PluginSettings};

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut ran = Ok(());
    serve(&mut stdin().lock(), &mut stdout().lock(), |task, answer| {
        ran = runtime.block_on(run(task, answer));
    })?;
    ran
}

async fn run(task: &Task, answer: &mut dyn FnMut(Answer)) -> Result<()> {
    let lines = Lines::collect("heimdall::plugin", task.settings.log_level.level())?;
    let plugin = match load(task).await? {
        Ok(plugin) => plugin,
        Err(error) => {
            for _ in &task.calls {
                answer(Outcome::failed(Class::Load, "", error.to_string()).into());
            }
            return Ok(());
        }
    };
    for call in &task.calls {
        lines.take();
        let outcome = carry_out(&plugin, task.abi, call).await?;
        let said = lines.take().into_iter().filter(|_| task.settings.lines);
        answer(Answer {
            outcome,
            lines: said.map(|line| text(task.abi, line.text)).collect(),
        });
    }
    Ok(())
}

/// Lines of standard error have no level of their own.
fn text(abi: Abi, line: String) -> String {
    match (abi, line.split_once(' ')) {
        (Abi::JsonrpcStdio, Some((_, text))) => text.to_owned(),
        _ => line,
    }
}

async fn load(task: &Task) -> Result<Result<Callable, LoadError>> {
    let host = Host::builder().abis(heimdall_shim::abis()).build()?;
    let file = task.file.to_str().context("the plugin's path is no text")?;
    let bytes = fs::read(&task.file)?;
    Ok(host.functions(bytes.into(), settings(file, &task.settings)).await)
}

fn settings(file: &str, given: &Settings) -> PluginSettings {
    let mut settings = PluginSettings::new(file);
    settings.environment = given.environment.clone();
    settings.limits.fuel = given.fuel;
    if let Some(memory) = given.memory {
        settings.limits.memory = memory;
    }
    if let Some(milliseconds) = given.timeout_ms {
        settings.limits.hook_timeout = Duration::from_millis(milliseconds);
    }
    if given.functions {
        settings.host_functions = given::functions();
    }
    if given.http_response_headers {
        settings
            .options
            .insert("http_response_headers".to_owned(), "true".to_owned());
    }
    settings
}

async fn carry_out(plugin: &Callable, abi: Abi, call: &Call) -> Result<Outcome> {
    if call.looked_for {
        return Ok(Outcome::output(plugin.has(&call.function).to_string().as_bytes()));
    }
    if let Some(milliseconds) = call.cancelled_after_ms {
        let handle = plugin.cancel_handle();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            handle.cancel();
        });
    }
    let (arguments, result) = given::arguments(abi, call)?;
    Ok(match plugin.call_values(&call.function, &arguments, result).await {
        Ok(value) => output(abi, value)?,
        Err(error) => failure::told(&error, &call.function),
    })
}

fn output(abi: Abi, value: Value) -> Result<Outcome> {
    Ok(match value {
        Value::I32(number) => Outcome::output(number.to_string().as_bytes()),
        other => {
            let bytes = other
                .into_bytes()
                .context("it is a number that no guest of these gives")?;
            match abi {
                // As values are printed on the other side: white space is no part of them.
                Abi::JsonrpcStdio => {
                    let value: serde_json::Value = serde_json::from_slice(&bytes)?;
                    Outcome::output(value.to_string().as_bytes())
                }
                _ => Outcome::output(&bytes),
            }
        }
    })
}
