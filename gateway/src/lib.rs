//! Heimdall, the gateway: `heimdall serve` puts plugins between clients and models; the other verbs tell beforehand what it
//! would do.
//!
//! The program is [`run`] and nothing else. It is a library so that the fuzz targets reach what reads foreign bytes; who
//! wants to embed plugins takes `heimdall-host`:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     heimdall::run()
//! }
//! ```

#![deny(missing_docs)]

mod admin;
mod banner;
mod cli;
mod config;
mod encoding;
mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod joined;
mod logging;
mod observe;
mod plugins;
mod reload;
mod server;
mod text;
mod upstream;
mod workers;

use std::process::ExitCode;

/// Does what the process's arguments say.
pub fn run() -> ExitCode {
    cli::run()
}
