//! What is aimed at, and what came of it.

use heimdall_measure::results::{Bound, Row, Target};
use heimdall_measure::sample::{Samples, Spread};

use crate::plan::{AMONG_PEERS, CROWD, PEERS, STREAMED, USUAL};
use crate::recipe::PROXY;
use crate::special::{GUEST, LEGACY, LOOP, STARTS};
use crate::table::named;

/// What a gateway with ten plugins may have under load.
const RESIDENT: f64 = 120.0 * 1024.0 * 1024.0;

/// Everything that was measured, to be asked by name.
struct Told<'a>(&'a [Row]);

impl Told<'_> {
    fn samples(&self, what: &str, who: &str, name: &str) -> Option<&Samples> {
        let row = self.0.iter().find(|row| row.what == what && row.who == who)?;
        Some(&row.measures.get(name)?.samples)
    }

    /// One measure of one contender against one of another, in the same table.
    fn ratio(&self, what: &str, (this, of): (&str, &str), (that, by): (&str, &str)) -> Option<Spread> {
        self.samples(what, this, of)?.over(self.samples(what, that, by)?)
    }
}

/// All targets of what was measured: those of which nothing was are without a figure.
pub fn of(rows: &[Row], peers: bool) -> Vec<Target> {
    let told = Told(rows);
    let mut targets = [plain(&told), streams(&told), legacy(&told), starts_and_memory(&told)].concat();
    if peers {
        targets.extend(against(&told, "Portkey", 10.0));
        targets.extend(against(&told, "LiteLLM", 100.0));
    }
    targets
}

fn plain(told: &Told<'_>) -> Vec<Target> {
    let usual = named(&USUAL);
    let rates = [("0 plugins", 0.90), ("1 typed", 0.85), ("4 typed", 0.75)].map(|(who, least)| {
        let ratio = told.ratio(&usual, (&heimdall(who), "requests"), (PROXY, "requests"));
        let what = format!("requests/s with {who} against the bare proxy's");
        Target::new(id("gateway", who), what, Bound::AtLeast(least), ratio)
    });
    let added = told.ratio(&usual, (&heimdall("4 typed"), "added p99"), (PROXY, "p99"));
    let what = "added p99 with 4 typed plugins against the bare proxy's own p99";
    let added = Target::new("gateway-p99", what, Bound::AtMost(1.25), added);
    let (with, without) = (heimdall("1 typed, 1 that loops"), heimdall("1 typed"));
    let healthy = told.ratio(LOOP, (&with, "requests"), (&without, "requests"));
    let what = "requests/s beside a plugin in an endless loop against those without it, from the first request on";
    let healthy = Target::new("endless-loop", what, Bound::AtLeast(0.9), healthy);
    [rates.to_vec(), vec![added, healthy]].concat()
}

fn streams(told: &Told<'_>) -> Vec<Target> {
    let streamed = named(&STREAMED);
    let hooks = [("1 typed guard", 0.7), ("1 legacy chunk hook", 0.4)].map(|(who, least)| {
        let ratio = told.ratio(&streamed, (&heimdall(who), "chunks"), (PROXY, "chunks"));
        let what = format!("chunks/s through {who} against the bare proxy's");
        Target::new(id("stream", who), what, Bound::AtLeast(least), ratio)
    });
    hooks.into()
}

/// The host's part: what a request takes with the plugins, without what it takes with none, and without the guests' own.
fn legacy(told: &Told<'_>) -> Vec<Target> {
    let processor = |who: &str| told.samples(LEGACY, who, "processor").map(Samples::values);
    let hosts = [
        ("legacy-1", 1, "1 legacy", ""),
        (
            "legacy-1-of-2-instances",
            1,
            "1 legacy, 2 instances",
            ", which has more than the one that is the default",
        ),
        ("legacy-4", 4, "4 legacy", ""),
    ];
    let hosts = hosts.map(|(id, count, who, more)| {
        let ratio = || {
            let with = processor(&heimdall(who))?;
            let without = processor(&heimdall("0 plugins"))?;
            let guests = processor(&format!("{GUEST}, {count}"))?;
            let each = with.iter().zip(without).zip(guests);
            Samples::new(
                each.map(|((with, without), guests)| (with - without - guests) / guests)
                    .collect(),
            )
            .spread()
        };
        let what = format!("the host's processor time for a request with {who}{more}, against the guests' own");
        Target::new(id, what, Bound::AtMost(0.5), ratio())
    });
    hosts.into()
}

fn starts_and_memory(told: &Told<'_>) -> Vec<Target> {
    let ten = heimdall("10 of Rust, C, TinyGo");
    let starts = [
        ("first answer", "from the start of the process to its first answer"),
        ("first request", "the first request after it is ready"),
    ];
    let starts = starts.into_iter().flat_map(|(measure, what)| {
        ["10 typed", "10 of Rust, C, TinyGo"].map(|plugins| {
            let of_them = heimdall(plugins);
            Target::new(
                id(measure, plugins),
                format!("{what}, with {plugins}, all in the cache, against the bare proxy's"),
                Bound::AtMost(3.0),
                told.ratio(STARTS, (&of_them, measure), (PROXY, measure)),
            )
        })
    });
    let peaks = told.samples(&named(&CROWD), &ten, "peak");
    let peaks = peaks.map(|peaks| Samples::new(peaks.values().iter().map(|peak| peak / RESIDENT).collect()));
    let what = "the most memory with 10 plugins and 256 connections, against 120 MiB";
    let memory = Target::new(
        "memory",
        what,
        Bound::AtMost(1.0),
        peaks.and_then(|peaks| peaks.spread()),
    );
    starts.chain([memory]).collect()
}

/// Heimdall without plugins, as the other gateways have none.
fn against(told: &Told<'_>, peer: &str, times: f64) -> Vec<Target> {
    let ours = heimdall("0 plugins");
    let tables = AMONG_PEERS.map(|calls| (calls.at_once, format!("{}, {PEERS}", named(&calls))));
    let mut targets = Vec::new();
    let mut add = |part: &str, what: String, bound, ratio| {
        targets.push(Target::new(
            id(peer, part),
            format!("{what}, against {peer}'s"),
            bound,
            ratio,
        ));
    };
    for (at_once, table) in &tables {
        let ratio = |measure| told.ratio(table, (&ours, measure), (peer, measure));
        let rate = ratio("requests");
        add(
            &format!("rate {at_once}"),
            format!("requests/s, {at_once} at once"),
            Bound::AtLeast(times),
            rate,
        );
        let added = ratio("added p50");
        add(
            &format!("added {at_once}"),
            format!("added p50, {at_once} at once"),
            Bound::AtMost(1.0),
            added,
        );
    }
    let streamed = format!("{}, {PEERS}", named(&STREAMED));
    let chunks = told.ratio(&streamed, (&ours, "chunks"), (peer, "chunks"));
    add("chunks", "chunks/s".to_owned(), Bound::AtLeast(1.0), chunks);
    let [_, (_, usual), _] = &tables;
    for (part, measure, what) in [
        ("first", "first answer", "first answer after the start"),
        ("memory", "peak", "memory under load"),
    ] {
        let ratio = told.ratio(usual, (&ours, measure), (peer, measure));
        add(part, what.to_owned(), Bound::AtMost(1.0), ratio);
    }
    targets
}

fn heimdall(plugins: &str) -> String {
    format!("Heimdall, {plugins}")
}

/// Short and stable.
fn id(of: &str, part: &str) -> String {
    format!("{of}-{part}").to_lowercase().replace(',', "").replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use heimdall_measure::results::{Measure, Unit};

    use super::*;

    fn row(what: &str, who: &str, measures: &[(&str, f64)]) -> Row {
        let measure = |value| Measure {
            unit: Unit::Count,
            samples: Samples::new(vec![value]),
        };
        Row {
            what: what.to_owned(),
            who: who.to_owned(),
            size: 1024,
            measures: measures
                .iter()
                .map(|&(name, value)| (name.to_owned(), measure(value)))
                .collect(),
        }
    }

    fn median(targets: &[Target], id: &str) -> Option<f64> {
        let target = targets.iter().find(|target| target.id == id).unwrap();
        target.ratio.map(|ratio| ratio.median)
    }

    #[test]
    fn a_target_is_of_the_rows_that_it_names() {
        let usual = named(&USUAL);
        let rows = [
            row(&usual, PROXY, &[("requests", 100.0), ("p99", 10.0)]),
            row(&usual, "Heimdall, 0 plugins", &[("requests", 90.0)]),
            row(&usual, "Heimdall, 4 typed", &[("requests", 50.0), ("added p99", 20.0)]),
        ];
        let targets = of(&rows, false);
        assert_eq!(median(&targets, "gateway-0-plugins"), Some(0.9));
        assert_eq!(median(&targets, "gateway-4-typed"), Some(0.5));
        assert_eq!(median(&targets, "gateway-p99"), Some(2.0));
        assert_eq!(median(&targets, "gateway-1-typed"), None);
    }

    #[test]
    fn the_hosts_part_is_what_neither_the_guests_nor_a_gateway_without_plugins_take() {
        let rows = [
            row(LEGACY, "Heimdall, 0 plugins", &[("processor", 20.0)]),
            row(LEGACY, "Heimdall, 1 legacy", &[("processor", 150.0)]),
            row(LEGACY, &format!("{GUEST}, 1"), &[("processor", 100.0)]),
        ];
        assert_eq!(median(&of(&rows, false), "legacy-1"), Some(0.3));
    }

    #[test]
    fn every_target_has_a_name_of_its_own() {
        let mut ids: Vec<_> = of(&[], true).into_iter().map(|target| target.id).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
