//! One case and nothing else, for a profiler to look at.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use heimdall_bench::Error;
use heimdall_bench::case::{Case, Meter, Ready};
use heimdall_bench::world::World;

use crate::run::prepared;

/// How long a case goes on.
#[derive(Clone, Copy)]
pub(super) enum Long {
    Seconds(u64),
    Times(u64),
}

/// So many times between two looks at the clock.
const TIMES: u64 = 100;

pub(super) fn profile(cases: &[Case], name: &str, long: Long, world: &World) -> anyhow::Result<()> {
    let named: Vec<&Case> = cases.iter().filter(|case| case.name().contains(name)).collect();
    let exact = named.iter().find(|case| case.name() == name);
    let case = match (exact, named.as_slice()) {
        (Some(case), _) | (None, [case]) => case,
        (None, []) => bail!("there is no case `{name}`; --list tells which there are"),
        (None, [first, second, ..]) => {
            let (first, second) = (first.name(), second.name());
            return Err(anyhow!("`{name}` may be `{first}` or `{second}`; say which"));
        }
    };
    let mut ready = prepared(case, world)?;
    match long {
        Long::Times(times) => repeated(&mut ready, times)?,
        Long::Seconds(seconds) => {
            let (started, seconds) = (Instant::now(), Duration::from_secs(seconds));
            while started.elapsed() < seconds {
                ready.run(TIMES)?;
            }
        }
    }
    Ok(())
}

/// What `bench/instructions.sh` has counted. No clock is read: Valgrind has none that this one knows.
fn repeated(ready: &mut Ready, times: u64) -> Result<(), Error> {
    ready.run_under(times, &mut Counted)
}

struct Counted;

impl Meter for Counted {
    fn measure(&mut self, act: &mut dyn FnMut()) {
        counted_by_callgrind(act);
    }
}

/// Callgrind counts between its begin and its end, so it has to have both.
#[inline(never)]
fn counted_by_callgrind(act: &mut dyn FnMut()) {
    act();
    std::hint::black_box(act);
}
