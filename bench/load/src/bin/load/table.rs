//! One table: the same calls to several contenders, in turn.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use heimdall_load::document::{CHUNKS, Document, Size};
use heimdall_load::oha::Http;
use heimdall_load::usage::forget_peak;
use heimdall_measure::results::{Measure, Row, Unit};
use heimdall_measure::sample::Samples;

use crate::recipe::{Kind, NONE, Recipe};
use crate::running::{Calls, Measured, Running, Upstream};
use crate::site::Site;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// Of each contender in each round.
    pub time: Duration,
}

impl Effort {
    /// Gateways that answer some calls a second only need longer to show how many.
    fn among(self, contenders: &[Recipe]) -> Effort {
        let foreign = contenders.iter().any(|one| matches!(one.kind, Kind::Other(_)));
        Effort {
            time: self.time * if foreign { 2 } else { 1 },
            ..self
        }
    }
}

/// What is sent, and to whom.
pub struct Table {
    /// What it is called.
    pub what: String,
    pub calls: Calls,
    pub contenders: Vec<Recipe>,
}

/// One value a round, by what was measured.
type Taken = BTreeMap<&'static str, Vec<f64>>;

impl Table {
    /// The calls say what it is called.
    pub fn new(calls: Calls, contenders: Vec<Recipe>) -> Table {
        Table {
            what: named(&calls),
            calls,
            contenders,
        }
    }

    /// The same, set apart from others with the same calls.
    #[must_use]
    pub fn among(self, whom: &str) -> Table {
        Table {
            what: format!("{}, {whom}", self.what),
            ..self
        }
    }

    /// Measures all contenders in each round, beginning with another one each time.
    pub async fn measure(&self, site: &Site, upstream: &Upstream, effort: Effort) -> Result<Vec<Row>> {
        let effort = effort.among(&self.contenders);
        let mut running = Vec::new();
        for recipe in &self.contenders {
            let contender = Running::start(recipe, site, upstream).await?;
            // The first calls meet caches and connections that later ones find filled.
            contender.measure(site, self.calls, effort.time / 2).await?;
            let first = contender.first_answer.as_nanos() as f64;
            forget_peak(contender.process)?;
            running.push((contender, Taken::from([("first answer", vec![first])])));
        }
        let count = running.len().max(1);
        for round in 0..effort.rounds {
            running.rotate_left(usize::from(round > 0));
            for (contender, taken) in &mut running {
                let measured = contender.measure(site, self.calls, effort.time).await?;
                let failed = &measured.shot.failed;
                ensure!(
                    failed.is_empty() || contender.is_foreign,
                    "{} failed: {failed:?}",
                    contender.name
                );
                self.take(taken, &measured);
            }
        }
        running.rotate_right(effort.rounds.saturating_sub(1) % count);
        Ok(self.rows(running))
    }

    fn take(&self, taken: &mut Taken, measured: &Measured) {
        let shot = &measured.shot;
        let mut add = |name, value| taken.entry(name).or_default().push(value);
        add("time", shot.p50.as_nanos() as f64);
        add("p99", shot.p99.as_nanos() as f64);
        add("p99.9", shot.p999.as_nanos() as f64);
        add("requests", shot.per_second());
        add("processor", measured.processor.as_nanos() as f64);
        add("resident", measured.usage.resident as f64);
        add("peak", measured.usage.peak as f64);
        add("failed", shot.failed.values().sum::<u64>() as f64);
        if self.calls.document.stream {
            add("chunks", shot.per_second() * CHUNKS as f64);
        }
    }

    fn rows(&self, running: Vec<(Running, Taken)>) -> Vec<Row> {
        let bare: Option<Taken> = running
            .iter()
            .find(|(contender, _)| contender.name == NONE)
            .map(|(_, taken)| taken.clone());
        let rows = running.into_iter().map(|(contender, mut taken)| {
            if contender.name != NONE
                && let Some(bare) = &bare
            {
                for (name, of) in [("added p50", "time"), ("added p99", "p99"), ("added p99.9", "p99.9")] {
                    let pairs = taken
                        .get(of)
                        .into_iter()
                        .flatten()
                        .zip(bare.get(of).into_iter().flatten());
                    let added = pairs.map(|(with, without)| with - without).collect();
                    taken.insert(name, added);
                }
            }
            Row {
                what: self.what.clone(),
                who: contender.name.clone(),
                size: self.calls.document.size.bytes() as u64,
                measures: taken
                    .into_iter()
                    .map(|(name, values)| (name.to_owned(), measure(name, values)))
                    .collect(),
            }
        });
        rows.collect()
    }
}

/// What is measured under this name.
pub fn measure(name: &str, values: Vec<f64>) -> Measure {
    let unit = match name {
        "requests" | "requests at first" | "requests then" | "chunks" => Unit::PerSecond,
        "resident" | "peak" => Unit::Bytes,
        "failed" => Unit::Count,
        _ => Unit::Nanoseconds,
    };
    Measure {
        unit,
        samples: Samples::new(values),
    }
}

/// Calls in words.
pub fn named(calls: &Calls) -> String {
    let Document { size, stream } = calls.document;
    let size = match size {
        Size::Small => "1 KB",
        Size::Large => "64 KB",
    };
    let stream = if stream { ", streamed" } else { "" };
    let http = match calls.http {
        Http::One => "HTTP/1.1",
        Http::Two => "HTTP/2",
    };
    format!("{size}{stream}, {} at once, {http}", calls.at_once)
}
