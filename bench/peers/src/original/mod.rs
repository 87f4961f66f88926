//! The original hosts, given a task of the comparison.

mod extism;
mod jsonrpc;

use anyhow::Result;
use heimdall_differential::outcome::Answer;
use heimdall_differential::task::{Abi, Task};

/// Carries out a task's calls.
///
/// # Errors
/// Where the original host isn't here.
pub fn run(task: &Task, answer: &mut dyn FnMut(Answer)) -> Result<()> {
    match task.abi {
        Abi::Extism => extism::run(task, answer),
        Abi::JsonrpcStdio => jsonrpc::run(task, answer),
        Abi::Wasp => anyhow::bail!("Wasp's host is not here"),
    }
}
