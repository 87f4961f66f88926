//! The Extism crate.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use extism::{Error, PTR, Plugin, PluginBuilder, UserData, Val, ValType, host_fn};
use heimdall_differential::lines::Lines;
use heimdall_differential::outcome::{Answer, Class, Outcome};
use heimdall_differential::task::{Call, Task};

host_fn!(greet(name: String) -> String {
    Ok(format!("Hello, {name}!"))
});

host_fn!(refuse(reason: String) -> String {
    Err::<String, _>(Error::msg(format!("the host refuses: {reason}")))
});

pub fn run(task: &Task, answer: &mut dyn FnMut(Answer)) -> Result<()> {
    let lines = Lines::collect("extism", task.settings.log_level.level())?;
    let mut plugin = match load(task) {
        Ok(plugin) => plugin,
        Err(error) => {
            for _ in &task.calls {
                answer(Outcome::failed(Class::Load, "", format!("{error:#}")).into());
            }
            return Ok(());
        }
    };
    for call in &task.calls {
        lines.take();
        let outcome = carry_out(&mut plugin, call, &lines)?;
        let said = lines.take().into_iter();
        let said = said.filter(|line| task.settings.lines && line.target == "extism::pdk");
        answer(Answer {
            outcome,
            lines: said.map(|line| line.text).collect(),
        });
    }
    Ok(())
}

fn load(task: &Task) -> Result<Plugin, Error> {
    let settings = &task.settings;
    let bytes = fs::read(&task.file)?;
    let mut builder = PluginBuilder::new(bytes)
        .with_wasi(settings.wasi)
        .with_http_response_headers(settings.http_response_headers)
        .with_cache_disabled();
    if let Some(fuel) = settings.fuel {
        builder = builder.with_fuel_limit(fuel);
    }
    if settings.functions {
        builder = builder
            .with_function("greet", [PTR], [PTR], UserData::new(()), greet)
            .with_function_in_namespace("app", "refuse", [PTR], [PTR], UserData::new(()), refuse)
            .with_function_in_namespace(
                "app",
                "sum",
                [ValType::I32, ValType::I64, ValType::F32, ValType::F64],
                [ValType::F64],
                UserData::new(()),
                |_, given, gives, _| sum(given, gives),
            );
    }
    builder.build()
}

fn sum(given: &[Val], gives: &mut [Val]) -> Result<(), Error> {
    let added: f64 = given
        .iter()
        .map(|value| match value {
            Val::I32(number) => f64::from(*number),
            Val::I64(number) => *number as f64,
            Val::F32(bits) => f64::from(f32::from_bits(*bits)),
            Val::F64(bits) => f64::from_bits(*bits),
            _ => 0.0,
        })
        .sum();
    if let Some(result) = gives.first_mut() {
        *result = Val::F64(added.to_bits());
    }
    Ok(())
}

fn carry_out(plugin: &mut Plugin, call: &Call, lines: &Lines) -> Result<Outcome> {
    if call.looked_for {
        return Ok(Outcome::output(
            plugin.function_exists(&call.function).to_string().as_bytes(),
        ));
    }
    if let Some(milliseconds) = call.cancelled_after_ms {
        let handle = plugin.cancel_handle();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(milliseconds));
            handle.cancel()
        });
    }
    let input = call.input.bytes()?;
    let called = plugin.call::<&[u8], Vec<u8>>(&call.function, &input);
    Ok(match called {
        Ok(output) => Outcome::output(&output),
        Err(error) => {
            let said = lines.take();
            let is_own = said
                .iter()
                .any(|line| line.text.contains("returned with error message"));
            failure(&error, call, is_own)
        }
    })
}

/// `is_own`: the guest set an error.
fn failure(error: &Error, call: &Call, is_own: bool) -> Outcome {
    let root = error.root_cause().to_string();
    let message = format!("{error:#}");
    let after = |prefix: &str| root.strip_prefix(prefix).map(str::to_owned);
    let (class, words) = if is_own {
        (Class::Error, root)
    } else if root == "timeout" {
        match call.cancelled_after_ms {
            Some(_) => (Class::Cancelled, String::new()),
            None => (Class::Timeout, String::new()),
        }
    } else if root == "oom" {
        (Class::Memory, String::new())
    } else if root == "plugin ran out of fuel" {
        (Class::Fuel, String::new())
    } else if let Some(name) = after("Function not found: ") {
        (Class::MissingFunction, name)
    } else if let Some(code) = after("Returned non-zero exit code: ") {
        (Class::Code, code)
    } else if let Some(code) = after("Exited with i32 exit status ") {
        (Class::Exit, code)
    } else if let Some(trap) = after("wasm trap: ") {
        (Class::Trap, trap)
    } else if message.contains("wasm backtrace") {
        (Class::Trap, root)
    } else {
        (Class::Other, root)
    };
    Outcome::failed(class, words, message)
}
