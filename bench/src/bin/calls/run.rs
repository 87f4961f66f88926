//! Table by table, its cases in turn.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use heimdall_bench::case::{Case, Ready};
use heimdall_bench::world::World;
use heimdall_bench::{Counted, Error};
use heimdall_measure::results::{Measure, Results, Row, Unit};
use heimdall_measure::rounds::Rounds;
use heimdall_measure::sample::Samples;

/// What was measured of these cases.
pub(super) fn measured(cases: &[Case], rounds: usize, world: &World) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for table in cases.chunk_by(|this, that| this.table == that.table) {
        rows.extend(measured_table(table, rounds, world)?);
    }
    Ok(rows)
}

fn measured_table(cases: &[Case], rounds: usize, world: &World) -> anyhow::Result<Vec<Row>> {
    let failed = RefCell::new(None);
    let mut all = Rounds::new(rounds);
    for case in cases {
        let mut ready = prepared(case, world).with_context(|| case.name())?;
        let failed = &failed;
        all.add_timed(&case.who, case.size, move |times| {
            ready.run(times).unwrap_or_else(|error| {
                failed.replace(Some(anyhow!(error).context(case.name())));
                // Long enough that it is not asked for more.
                Duration::from_secs(1)
            })
        });
    }
    let measured = all.run();
    if let Some(error) = failed.take() {
        return Err(error);
    }
    let rows = cases.iter().zip(measured);
    Ok(rows.map(|(case, measured)| Row::timed(case.table, measured)).collect())
}

/// A case that was seen to do what it says.
pub(super) fn prepared(case: &Case, world: &World) -> Result<Ready, Error> {
    let mut ready = case.prepare(world)?;
    ready.check()?;
    Ok(ready)
}

/// Puts what another program counted, which has an allocator that counts, beside what was measured.
pub(super) fn count_allocations(results: &mut Results, only: &str) -> anyhow::Result<()> {
    let program = std::env::current_exe()?.with_file_name("allocations");
    let output = Command::new(&program).args(["--only", only]).output();
    let output = output.with_context(|| format!("{}: build it with --workspace", program.display()))?;
    if !output.status.success() {
        return Err(anyhow!("`allocations`: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let counted: Vec<Counted> = serde_json::from_slice(&output.stdout)?;
    let mut counted: BTreeMap<_, _> = counted.into_iter().map(|counted| (counted.name(), counted)).collect();
    for row in &mut results.rows {
        let name = format!("{} / {} / {}", row.what, row.who, row.size);
        let Some(counted) = counted.remove(&name) else { continue };
        let once = |unit, value| Measure {
            unit,
            samples: Samples::new(vec![value]),
        };
        let more = [
            ("allocations", once(Unit::Count, counted.allocations)),
            ("allocated", once(Unit::Bytes, counted.bytes)),
        ];
        row.measures
            .extend(more.map(|(name, measure)| (name.to_owned(), measure)));
    }
    Ok(())
}

/// What was measured, by name and version.
pub(super) fn versions() -> BTreeMap<String, String> {
    let named = [
        ("heimdall", env!("CARGO_PKG_VERSION")),
        ("wasmtime", heimdall_bench::WASMTIME),
    ];
    named
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .into()
}
