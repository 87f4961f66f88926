//! JSON-RPC over standard streams.

mod bounds;
mod calls;
mod command;
mod ends;
mod gateway;
mod lines;
mod methods;
mod reading;
mod recognition;
mod surroundings;

use std::time::Duration;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, CallError, Callable, HostFunctions};
use heimdall_host::loader::PluginSettings;

use crate::support::{guest, load};

/// The guest of the kit.
async fn kit(change: impl FnOnce(&mut PluginSettings)) -> Callable {
    load(guest("stdio/rust/plugin.wasm"), |settings| {
        settings.limits.hook_timeout = Duration::from_secs(60);
        change(settings);
    })
    .await
    .unwrap()
}

async fn kit_with(functions: HostFunctions) -> Callable {
    kit(|settings| settings.host_functions = functions).await
}

fn cause(error: CallError) -> Cause {
    match error.cause {
        CallCause::Failed(cause) => cause,
        other => panic!("{other:?}"),
    }
}

/// The guest's own word.
fn returned(error: CallError) -> String {
    match cause(error) {
        Cause::Returned(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}
