//! Measures every case side by side, and says which targets are met: `target/bench/calls.json` holds all of it.

mod profile;
mod run;
mod show;

use std::process::ExitCode;

use clap::Parser;
use heimdall_bench::case::Case;
use heimdall_bench::cases::{self, memory};
use heimdall_bench::targets::targets;
use heimdall_bench::world::{World, target_directory};
use heimdall_measure::results::{Results, Target};

/// The gateway's, without its setting.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const FEW: usize = 3;

/// Measure what calls of plugins cost, without HTTP
#[derive(Parser)]
struct Arguments {
    /// How many samples of each case are taken
    #[arg(long, value_name = "NUMBER", default_value_t = 15)]
    rounds: usize,

    /// Only cases that have this in their names: table / who / size
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Few rounds, for a first look
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,

    /// End with 1 where a target is missed
    #[arg(long)]
    check: bool,

    /// Print the names of the cases, and measure nothing
    #[arg(long)]
    list: bool,

    /// Do the one case with this name for some seconds, for a profiler, and measure nothing
    #[arg(long, value_name = "CASE")]
    profile: Option<String>,

    /// How long that goes on
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds: u64,

    /// Do it so often instead, for a profiler that counts instructions
    #[arg(long, value_name = "TIMES", requires = "profile")]
    times: Option<u64>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let wanted = |case: &Case| case.name().contains(&arguments.only);
    let cases: Vec<Case> = cases::all().into_iter().filter(wanted).collect();
    if arguments.list {
        show::names(&cases);
        return Ok(ExitCode::SUCCESS);
    }
    let target = target_directory()?;
    let world = match arguments.times {
        Some(_) => World::small(&target)?,
        None => World::new(&target)?,
    };
    if let Some(name) = &arguments.profile {
        let times = arguments
            .times
            .map_or(profile::Long::Seconds(arguments.seconds), profile::Long::Times);
        profile::profile(&cases, name, times, &world)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rounds = if arguments.quick { FEW } else { arguments.rounds };
    // Part of it, or what is no figure, does not take the place of the whole.
    let is_whole = arguments.only.is_empty() && !arguments.quick;
    let mut results = Results::new(if is_whole { "calls" } else { "calls-partial" });
    results.versions = run::versions();
    results.rows = run::measured(&cases, rounds, &world)?;
    run::count_allocations(&mut results, &arguments.only)?;
    if memory::MEMORY.contains(&arguments.only) {
        results.rows.extend(memory::rows(&world)?);
    }
    results.targets = targets(&results);
    let path = results.save(&target)?;
    show::results(&results, &path);
    let all_met = results.targets.iter().all(Target::is_met);
    Ok(if all_met || !arguments.check {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
