//! The original hosts as one side of the comparison: one task, read from the standard input.

use std::io::{stdin, stdout};

use anyhow::Result;
use heimdall_differential::task::serve;

fn main() -> Result<()> {
    let mut ran = Ok(());
    serve(&mut stdin().lock(), &mut stdout().lock(), |task, answer| {
        ran = heimdall_peers::original::run(task, answer);
    })?;
    ran
}
