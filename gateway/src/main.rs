//! Heimdall, the gateway: `heimdall serve` puts plugins between clients and models; the other verbs tell beforehand what it
//! would do.

mod admin;
mod banner;
mod cli;
mod config;
mod encoding;
mod files;
mod logging;
mod plugins;
mod reload;
mod server;
mod text;
mod upstream;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
