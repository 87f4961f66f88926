//! The program `heimdall`.

use std::process::ExitCode;

fn main() -> ExitCode {
    heimdall::run()
}
