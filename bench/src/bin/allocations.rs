//! Counts what each case allocates, and prints it as JSON. `calls` starts it.

use std::io;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use clap::Parser;
use heimdall_bench::case::{Case, Meter, Ready};
use heimdall_bench::world::{World, target_directory};
use heimdall_bench::{Counted, Error, cases};

/// Count what calls of plugins allocate
#[derive(Parser)]
struct Arguments {
    /// Only cases that have this in their names
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

/// Few enough that no request begins anew among them.
const TIMES: u64 = 20;

/// What takes longer is done once.
const LONG: Duration = Duration::from_millis(5);

fn main() -> anyhow::Result<()> {
    let only = Arguments::parse().only;
    let world = World::new(&target_directory()?)?;
    let wanted = |case: &Case| case.name().contains(&only);
    let counted = cases::all().into_iter().filter(wanted).map(|case| {
        let ready = case.prepare(&world)?;
        count(&case, ready)
    });
    let counted: Vec<Counted> = counted.collect::<Result<_, Error>>()?;
    serde_json::to_writer(io::stdout().lock(), &counted)?;
    Ok(())
}

/// Adds up what is allocated.
struct Counts<'a>(&'a mut AllocationInfo);

impl Meter for Counts<'_> {
    fn measure(&mut self, act: &mut dyn FnMut()) {
        *self.0 += measure(act);
    }
}

/// On average of some calls that come after others.
fn count(case: &Case, mut ready: Ready) -> Result<Counted, Error> {
    let times = if ready.run(1)? > LONG { 1 } else { TIMES };
    ready.run(times)?;
    let mut counted = AllocationInfo::default();
    ready.run_under(times, &mut Counts(&mut counted))?;
    Ok(Counted {
        table: case.table.to_owned(),
        who: case.who.clone(),
        size: case.size,
        allocations: counted.count_total as f64 / times as f64,
        bytes: counted.bytes_total as f64 / times as f64,
    })
}
