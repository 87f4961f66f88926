//! What takes more than calls to contenders in turn: starts, a plugin that never ends, and a legacy guest beside its host.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use heimdall_measure::results::Row;

use crate::guest::Guests;
use crate::plan::{self, USUAL};
use crate::recipe::{Plugin, Recipe};
use crate::running::{Running, Upstream};
use crate::site::Site;
use crate::table::{Effort, measure};

/// From a process's start to its first answer, and how long the first request takes of one that is ready.
pub const STARTS: &str = "start, compiled plugins in the cache";
/// Healthy traffic with and without a plugin that loops, from the first request on.
pub const LOOP: &str = "1 KB, 32 at once, HTTP/1.1, one plugin in an endless loop";
/// Processor time for a request: the gateway's, and the guest's own of it.
pub const LEGACY: &str = "1 KB, 32 at once, HTTP/1.1, legacy guests alone";
/// In [`LEGACY`]: the guest, without a host.
pub const GUEST: &str = "the guests themselves";

/// How many times as long as another measurement a loop is looked at: a breaker's pauses grow.
const LOOPS_TIME: u32 = 8;

/// One value a round, by contender and measure.
#[derive(Default)]
struct Table(Vec<(String, BTreeMap<&'static str, Vec<f64>>)>);

impl Table {
    fn add(&mut self, who: &str, name: &'static str, value: f64) {
        let at = self.0.iter().position(|(one, _)| one == who);
        let at = at.unwrap_or_else(|| {
            self.0.push((who.to_owned(), BTreeMap::new()));
            self.0.len() - 1
        });
        if let Some((_, measures)) = self.0.get_mut(at) {
            measures.entry(name).or_default().push(value);
        }
    }

    fn rows(self, what: &str) -> Vec<Row> {
        let rows = self.0.into_iter().map(|(who, taken)| Row {
            what: what.to_owned(),
            who,
            size: USUAL.document.size.bytes() as u64,
            measures: taken
                .into_iter()
                .map(|(name, values)| (name.to_owned(), measure(name, values)))
                .collect(),
        });
        rows.collect()
    }
}

pub async fn starts(site: &Site, upstream: &Upstream, effort: Effort) -> Result<Vec<Row>> {
    let contenders = [Recipe::proxy(), Recipe::without_plugins(), plan::typed(10), plan::ten()];
    for recipe in &contenders {
        // Compiles what is not in the cache yet.
        Running::start(recipe, site, upstream).await?;
    }
    let mut table = Table::default();
    for _ in 0..effort.rounds {
        for recipe in &contenders {
            let first = Running::start(recipe, site, upstream).await?.first_answer;
            table.add(&recipe.name, "first answer", nanoseconds(first));
            let first = Running::start_ready(recipe, site, upstream).await?.first_answer;
            table.add(&recipe.name, "first request", nanoseconds(first));
        }
    }
    Ok(table.rows(STARTS))
}

/// Two spans of time one after the other, since a breaker leaves such a plugin alone for longer and longer.
pub async fn loops(site: &Site, upstream: &Upstream, effort: Effort) -> Result<Vec<Row>> {
    let mut table = Table::default();
    let time = effort.time * LOOPS_TIME;
    for _ in 0..effort.rounds.div_ceil(2) {
        for recipe in [plan::typed(1), plan::typed_and_loop(site)?] {
            let running = Running::start_ready(&recipe, site, upstream).await?;
            let first = running.measure(site, USUAL, time).await?.shot;
            let then = running.measure(site, USUAL, time).await?.shot;
            table.add(
                &recipe.name,
                "requests",
                f64::midpoint(first.per_second(), then.per_second()),
            );
            table.add(&recipe.name, "requests at first", first.per_second());
            table.add(&recipe.name, "requests then", then.per_second());
            table.add(&recipe.name, "time", nanoseconds(then.p50));
            table.add(&recipe.name, "p99", nanoseconds(then.p99));
        }
    }
    Ok(table.rows(LOOP))
}

pub async fn legacy(site: &Site, upstream: &Upstream, effort: Effort) -> Result<Vec<Row>> {
    let mut contenders = Vec::new();
    for recipe in [
        Recipe::without_plugins(),
        plan::legacy(1),
        plan::legacy_twice(),
        plan::legacy(4),
    ] {
        contenders.push(Running::start(&recipe, site, upstream).await?);
    }
    let guest = Plugin::guest(plan::TINYGO);
    let mut guests = Vec::new();
    for count in [1, 4] {
        guests.push((
            format!("{GUEST}, {count}"),
            Guests::record(site, upstream, &guest, count).await?,
        ));
    }
    let mut table = Table::default();
    for round in 0..=effort.rounds {
        for contender in &contenders {
            let measured = contender.measure(site, USUAL, effort.time).await?;
            // The first round warms.
            if round > 0 {
                table.add(&contender.name, "processor", nanoseconds(measured.processor));
                table.add(&contender.name, "requests", measured.shot.per_second());
            }
        }
        for (name, guests) in &mut guests {
            let sample = guests.sample()?;
            if round > 0 {
                table.add(name, "processor", nanoseconds(sample));
            }
        }
    }
    Ok(table.rows(LEGACY))
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}
