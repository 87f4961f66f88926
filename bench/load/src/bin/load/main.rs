//! The instrument `load`: gateways over loopback under a load generator, side by side. Its results go to
//! `target/bench/load.json`.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use heimdall_measure::results::Results;

use running::Upstream;
use site::Site;
use table::Effort;

mod plan;
mod recipe;
mod report;
mod running;
mod site;
mod table;
mod targets;

/// Measure gateways over loopback, side by side
#[derive(Parser)]
struct Arguments {
    /// How often every contender is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// For how long, each time
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,

    /// Only tables and contenders with this in their names; the bare ones always
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// The gateway's binary [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    heimdall: Option<PathBuf>,

    /// What the gateway logs
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let effort = Effort {
        rounds: arguments.rounds,
        time: Duration::from_secs_f64(arguments.seconds),
    };
    let site = Site::find(arguments.heimdall, arguments.log).await?;
    let upstream = Upstream::start(&site).await?;
    let mut results = Results::new("load");
    for table in plan::tables() {
        let rows = table.measure(&site, &upstream, effort).await?;
        report::table(&rows);
        results.rows.extend(rows);
    }
    results.targets = targets::of(&results.rows);
    report::targets(&results);
    println!("\n{}", results.save(&site.target)?.display());
    Ok(())
}
