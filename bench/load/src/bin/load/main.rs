//! The instrument `load`: gateways over loopback under a load generator, side by side. Its results go to
//! `target/bench/load.json`.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use heimdall_measure::results::{Results, Row};

use recipe::{NONE, PROXY};
use running::Upstream;
use site::Site;
use table::{Effort, Table};

mod bare;
mod guest;
mod peers;
mod plan;
mod recipe;
mod report;
mod running;
mod site;
mod special;
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

    /// A moment only: to see whether all of it runs
    #[arg(long)]
    quick: bool,

    /// The whole product of sizes, streams, connections, protocols and plugins: hours
    #[arg(long, conflicts_with = "quick")]
    full: bool,

    /// Only tables with this in their names; the results are kept apart
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// Only contenders with this in their names, and the bare ones
    #[arg(long, value_name = "TEXT")]
    who: Option<String>,

    /// Beside LiteLLM and Portkey too, which are installed where they are not: minutes, and 700 MB
    #[arg(long)]
    peers: bool,

    /// Beside the gateways that this file tells of, too
    #[arg(long, value_name = "FILE")]
    gateways: Option<PathBuf>,

    /// Where programs of others are installed [default: target/bench/tools]
    #[arg(long, value_name = "FOLDER")]
    tools: Option<PathBuf>,

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
    let effort = arguments.effort();
    let site = Site::find(
        arguments.heimdall.clone(),
        arguments.tools.clone(),
        arguments.log.clone(),
    )
    .await?;
    let upstream = Upstream::start(&site).await?;
    // Part of it, or what is no figure, does not take the place of the whole.
    let is_whole = arguments.only.is_none() && arguments.who.is_none() && !arguments.quick;
    let mut results = Results::new(if is_whole { "load" } else { "load-partial" });
    results.versions = arguments.versions()?;
    results.left_out = arguments.left_out();
    let mut keep = |rows: Vec<Row>| {
        report::table(&rows);
        results.left_out.extend(table::cut_short(&rows));
        results.rows.extend(rows);
    };
    for table in arguments.tables(&site).await? {
        keep(table.measure(&site, &upstream, effort).await?);
    }
    if arguments.wants(special::LEGACY) {
        keep(special::legacy(&site, &upstream, effort).await?);
    }
    if arguments.wants(special::STARTS) {
        keep(special::starts(&site, &upstream, effort).await?);
    }
    if arguments.wants(special::LOOP) {
        keep(special::loops(&site, &upstream, effort).await?);
    }
    results.targets = targets::of(&results.rows, arguments.peers);
    if arguments.only.is_some() {
        results.targets.retain(|target| target.ratio.is_some());
    }
    report::targets(&results);
    println!("\n{}", results.save(&site.target)?.display());
    Ok(())
}

impl Arguments {
    fn effort(&self) -> Effort {
        let (rounds, seconds) = if self.quick {
            (2, 0.5)
        } else {
            (self.rounds, self.seconds)
        };
        Effort {
            rounds,
            time: Duration::from_secs_f64(seconds),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| name.contains(only))
    }

    fn versions(&self) -> Result<BTreeMap<String, String>> {
        let mut versions = if self.peers {
            peers::versions()?
        } else {
            BTreeMap::new()
        };
        versions.insert("Heimdall".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        versions.insert("oha".to_owned(), site::OHA.to_owned());
        Ok(versions)
    }

    fn left_out(&self) -> Vec<String> {
        let mut left = vec![
            "a gateway with cores of its own: the load generator, the upstream and the gateway share those of one machine, so \
             rates are to be read against the bare proxy's in the same table"
                .to_owned(),
        ];
        if !self.peers {
            left.push("LiteLLM and Portkey: `--peers` was not given".to_owned());
        }
        if self.gateways.is_none() {
            left.push(
                "gateways that no registry here has, such as Bifrost and agentgateway: `--gateways` names them"
                    .to_owned(),
            );
        }
        if !self.full {
            left.push(
                "the rest of the product of sizes, streams, connections, protocols and plugins: `--full` was not given"
                    .to_owned(),
            );
        }
        left
    }

    async fn tables(&self, site: &Site) -> Result<Vec<Table>> {
        let mut tables = if self.full {
            plan::all_tables(site)?
        } else {
            plan::tables(site)?
        };
        let mut peers = Vec::new();
        if self.peers {
            peers.extend(peers::installed(&site.tools).await?);
        }
        if let Some(file) = &self.gateways {
            peers.extend(peers::given(file)?);
        }
        if !peers.is_empty() {
            tables.extend(plan::peer_tables(&peers));
        }
        tables.retain(|table| self.wants(&table.what));
        if let Some(who) = &self.who {
            for table in &mut tables {
                table
                    .contenders
                    .retain(|one| [NONE, PROXY].contains(&&*one.name) || one.name.contains(who));
            }
        }
        Ok(tables)
    }
}
