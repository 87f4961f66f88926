//! Heimdall, the gateway: `heimdall serve` puts plugins between clients and models, `heimdall inspect` tells what a
//! plugin's file is.

mod banner;
mod cli;
mod config;
mod encoding;
mod logging;
mod plugins;
mod server;
mod text;
mod upstream;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
