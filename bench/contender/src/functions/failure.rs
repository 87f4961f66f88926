//! Failures as the comparison tells them apart.

use heimdall_differential::outcome::{Class, Outcome};
use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, CallError};

/// A failed call of this function.
pub fn told(error: &CallError, function: &str) -> Outcome {
    let message = error.to_string();
    let (class, words) = match &error.cause {
        CallCause::NoSuchFunction { .. } => (Class::MissingFunction, function.to_owned()),
        CallCause::Cancelled => (Class::Cancelled, String::new()),
        CallCause::Arguments(what) => (Class::Other, what.clone()),
        CallCause::Failed(cause) => of_cause(cause),
    };
    Outcome::failed(class, words, message)
}

fn of_cause(cause: &Cause) -> (Class, String) {
    match cause {
        Cause::Returned(error) => {
            let text = error.to_string();
            match code(&text) {
                Some(code) => (Class::Code, code.to_owned()),
                None => (Class::Error, text),
            }
        }
        Cause::Trap(text) => (Class::Trap, text.clone()),
        Cause::Exited(status) => (Class::Exit, status.to_string()),
        Cause::Deadline(_) | Cause::RequestDeadline(_) => (Class::Timeout, String::new()),
        Cause::OutOfMemory(_) => (Class::Memory, String::new()),
        Cause::OutOfFuel(_) => (Class::Fuel, String::new()),
        Cause::InvalidOutput(text) => (Class::Protocol, text.clone()),
        Cause::AbiViolation(text) => (Class::Protocol, text.clone()),
        other => {
            let text = other.to_string();
            match text.contains("without an answer") {
                true => (Class::Exit, String::new()),
                false => (Class::Other, text),
            }
        }
    }
}

/// What stands in "`f` returned 7, where 0 means success".
fn code(text: &str) -> Option<&str> {
    let (before, _) = text.split_once(", where 0 means success")?;
    before.rsplit(' ').next()
}
