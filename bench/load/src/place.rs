//! Where a proxy stands, and how its process ends: what the programs `load-proxy` and `load-engine` have in common.
//!
//! ```
//! use clap::Parser;
//! use heimdall_load::place::Place;
//!
//! #[derive(Parser)]
//! struct Arguments {
//!     #[command(flatten)]
//!     place: Place,
//! }
//!
//! let arguments = Arguments::parse_from(["proxy", "--listen", "127.0.0.1:1", "--upstream", "127.0.0.1:2"]);
//! assert_eq!(arguments.place.upstream.port_u16(), Some(2));
//! ```

use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;
use http::uri::Authority;
use tokio::signal::unix::{SignalKind, signal};

/// Between whom a proxy stands.
#[derive(Debug, Args)]
pub struct Place {
    /// Where it listens
    #[arg(long)]
    pub listen: SocketAddr,

    /// Where it passes requests on to
    #[arg(long)]
    pub upstream: Authority,
}

/// Serves until it fails, or the process is asked to end.
///
/// # Errors
/// Those of serving, and where signals can't be waited for.
pub async fn until_terminated(serving: impl Future<Output = Result<()>>) -> Result<()> {
    let mut end = signal(SignalKind::terminate())?;
    tokio::select! {
        done = serving => done,
        // Returning from here, not by the signal: what counts which functions ran is written then.
        _ = end.recv() => Ok(()),
    }
}
