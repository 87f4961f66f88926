//! Everything at once, for as long as one likes: traffic of every kind, plugins that do their worst, and reloads.
//!
//! `cargo run --release --workspace --bin soak -- MINUTES` (the gateway beside it has to be built: `cargo build --release`).
//! It prints what happened, and ends with an error if a request failed that should not have, an answer came from a version
//! that did not serve, memory grew, or an instance was left over.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a soak that can't go on says so and ends; its report is what it is for"
)]

mod gateway;
mod plugins;
mod reloads;
mod report;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio_util::sync::CancellationToken;

use gateway::Soaked;
use report::{Report, Sample};
use traffic::Traffic;

/// Drive the gateway with mixed traffic, faulty plugins and reloads at once
#[derive(Parser)]
struct Arguments {
    /// How long, in minutes
    minutes: f64,
    /// Reloads in that time [default: a thousand a minute]
    #[arg(long)]
    reloads: Option<u64>,
    /// By how many KiB memory may grow after the first tenth of the time
    #[arg(long, default_value_t = 2048)]
    growth: u64,
    /// Clients at once
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// The gateway's binary [default: the one beside this]
    #[arg(long)]
    gateway: Option<PathBuf>,
}

/// The part of the time in which caches fill and pools grow, before growth is looked at.
const WARM_UP: f64 = 0.1;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let beside = || std::env::current_exe().unwrap().with_file_name("heimdall");
    let binary = arguments.gateway.clone().unwrap_or_else(beside);
    let total = Duration::from_secs_f64(arguments.minutes * 60.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
    let reloads = arguments.reloads.unwrap_or((arguments.minutes * 1000.0) as u64).max(2);

    let soaked = Arc::new(Soaked::start(&binary).await);
    let idle = Sample::of(&soaked).await;
    let traffic = Arc::new(Traffic::new(soaked.clone()));
    let stop = CancellationToken::new();
    let clients = (0..arguments.clients).map(|client| tokio::spawn(traffic.clone().run(client, stop.clone())));
    let clients: Vec<_> = clients.collect();

    let started = Instant::now();
    let mut report = Report::new(&traffic, idle, arguments.growth);
    // Each third of the time its share of reloads: to warm up, to the middle, to the end.
    let parts = [WARM_UP, 0.5 - WARM_UP, 0.5];
    for part in parts {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "some thousands"
        )]
        let count = (reloads as f64 * part).round() as u64;
        report.reloads += reloads::run(&soaked, count, total.mul_f64(part)).await;
        report.sample(Sample::of(&soaked).await);
    }
    report.took = started.elapsed();
    stop.cancel();
    for client in clients {
        client.await.unwrap();
    }
    report.rest(Sample::at_rest(&soaked, &idle).await);
    report.print();
    match report.failures() {
        failures if failures.is_empty() => ExitCode::SUCCESS,
        failures => {
            println!("\nFAILED: {}", failures.join("; "));
            ExitCode::FAILURE
        }
    }
}
