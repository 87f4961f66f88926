//! What is aimed at, in ratios of what was measured in one run.
//!
//! ```
//! use heimdall_bench::targets::targets;
//! use heimdall_measure::results::Results;
//!
//! // Nothing was measured, so nothing is met.
//! assert!(targets(&Results::new("calls")).iter().all(|target| !target.is_met()));
//! ```

use heimdall_measure::results::{Bound, Results, Target};
use heimdall_measure::sample::{Samples, Spread};

use crate::cases::{
    ANSWERING, CHAINS, EDITING, FLOOR, INDEXING, INTERRUPTING, LOADING, LONG_CHAINS, NOTHING, READING, RUST,
};
use crate::documents::SIZES;

/// What of the results is set against what, and what it is to come to.
pub fn targets(results: &Results) -> Vec<Target> {
    let of = Measured(results);
    let tables = [
        typed(&of),
        packed(&of),
        chains(&of),
        answering(&of),
        loading(&of),
        interrupting(&of),
    ];
    tables.into_iter().flatten().collect()
}

fn typed(of: &Measured<'_>) -> Vec<Target> {
    let reading = |size| (READING, "typed", size);
    let mut targets = vec![
        Target::new(
            "read-203k-over-375",
            "a typed hook that reads one member, at 203 KB against 375 B",
            Bound::AtMost(1.2),
            of.ratio(reading(203_000), reading(375)),
        ),
        Target::new(
            "read-by-name-203k-over-375",
            "the same for a member that is found by its name",
            Bound::AtMost(1.2),
            of.ratio(
                (READING, "typed, a member by its name", 203_000),
                (READING, "typed, a member by its name", 375),
            ),
        ),
        Target::new(
            "read-over-floor",
            "a typed hook that reads one member, against the engine alone with one resource",
            Bound::AtMost(1.6),
            of.ratio(reading(375), (READING, FLOOR, 375)),
        ),
        Target::new(
            "read-allocations",
            "host allocations of a typed call that reads one member",
            Bound::AtMost(4.0),
            of.samples(reading(375), "allocations").and_then(Samples::spread),
        ),
        Target::new(
            "insert-64k-over-json",
            "a typed hook that inserts a message at 64 KiB, and the document that is sent, against serde_json's parse and print",
            Bound::AtMost(0.3),
            of.ratio(
                (EDITING, "typed", 65_536),
                (EDITING, "serde_json: parse and print", 65_536),
            ),
        ),
    ];
    targets.extend(SIZES.map(|size| {
        Target::new(
            format!("index-{size}"),
            format!("the indexing pass over {size} bytes, against serde_json's parse"),
            Bound::AtMost(0.25),
            of.ratio((INDEXING, "indexed", size), (INDEXING, "serde_json: parse", size)),
        )
    }));
    targets
}

fn packed(of: &Measured<'_>) -> Vec<Target> {
    let mut targets = Vec::new();
    let guests = [
        ("answer", "packed, generation 3: no answer"),
        ("echo", "packed, generation 3: echo"),
        ("rust", RUST),
    ];
    for (id, who) in guests {
        targets.extend([1024, 65_536].map(|size| {
            Target::new(
                format!("packed-nothing-{id}-{size}"),
                format!("{who}: nothing changes of {size} bytes, against the guest's own time and a copy in and out"),
                Bound::AtMost(1.3),
                of.ratio((NOTHING, who, size), (NOTHING, &format!("floor: {who}"), size)),
            )
        }));
    }
    for generation in ["packed, generation 1: edit", "packed, generation 3: edit"] {
        targets.extend([4_700, 65_536].map(|size| {
            let id = generation.replace("packed, generation ", "packed-").replace(": ", "-");
            Target::new(
                format!("{id}-{size}"),
                format!("{generation} of {size} bytes, the host's part alone, against serde_json's parse and print"),
                Bound::AtMost(0.8),
                of.hosts_part(generation, size),
            )
        }));
    }
    targets
}

fn chains(of: &Measured<'_>) -> Vec<Target> {
    vec![
        Target::new(
            "chain-typed-16",
            "a chain of 16 typed plugins, against 16 times one",
            Bound::AtMost(1.05),
            of.times(16.0, (CHAINS, "typed", 1))
                .and_then(|sixteen| of.samples((CHAINS, "typed", 16), "time")?.over(&sixteen)),
        ),
        Target::new(
            "chain-packed-16-serialisations",
            "how often a chain of 16 packed plugins that change nothing has the document written, told by what it allocates",
            Bound::AtMost(1.0),
            of.serialisations("packed, no answer", 16)
                .and_then(|times| times.spread()),
        ),
    ]
}

fn answering(of: &Measured<'_>) -> Vec<Target> {
    vec![Target::new(
        "jsonrpc-over-floor",
        "a ping by JSON-RPC with its instance, against the engine alone with host functions that do next to nothing",
        Bound::AtMost(1.3),
        of.ratio((ANSWERING, "JSON-RPC", 0), (ANSWERING, "floor: the engine alone", 0)),
    )]
}

fn loading(of: &Measured<'_>) -> Vec<Target> {
    let guests = [
        ("rust", "typed, Rust"),
        ("tinygo", "typed, TinyGo"),
        ("packed-rust", "packed, Rust"),
    ];
    let target = |(id, who)| {
        Target::new(
            format!("load-{id}-cached"),
            format!("{who}: load of a compiled plugin from the cache, against compiling it"),
            Bound::AtMost(0.05),
            of.ratio(
                (LOADING, &format!("{who}: compiled before"), 0),
                (LOADING, &format!("{who}: compiled anew"), 0),
            ),
        )
    };
    guests.map(target).into()
}

fn interrupting(of: &Measured<'_>) -> Vec<Target> {
    let ratio = |this, that, size| of.ratio((INTERRUPTING, this, size), (INTERRUPTING, that, size));
    vec![
        Target::new(
            "epoch-guest",
            "guest code that reads and writes 64 KiB of JSON, interruptible against not",
            Bound::AtMost(1.3),
            ratio(
                "JSON in a Rust guest, interruptible",
                "JSON in a Rust guest, not",
                65_536,
            ),
        ),
        Target::new(
            "epoch-call",
            "a typed call by the engine alone, interruptible against not",
            Bound::AtMost(1.05),
            ratio(
                "a typed call by the engine alone, interruptible",
                "a typed call by the engine alone, not",
                375,
            ),
        ),
        Target::new(
            "epoch-host",
            "a typed call through the host, with ticks against without",
            Bound::AtMost(1.05),
            ratio(
                "a typed call through the host, with ticks",
                "a typed call through the host, without",
                375,
            ),
        ),
    ]
}

/// A row: its table, who, and the size.
type Place<'a> = (&'a str, &'a str, usize);

struct Measured<'a>(&'a Results);

impl Measured<'_> {
    fn samples(&self, (table, who, size): Place<'_>, measure: &str) -> Option<&Samples> {
        let mut rows = self.0.rows.iter();
        let row = rows.find(|row| row.what == table && row.who == who && row.size == size as u64)?;
        Some(&row.measures.get(measure)?.samples)
    }

    fn ratio(&self, this: Place<'_>, that: Place<'_>) -> Option<Spread> {
        self.samples(this, "time")?.over(self.samples(that, "time")?)
    }

    fn times(&self, factor: f64, of: Place<'_>) -> Option<Samples> {
        let values = self.samples(of, "time")?.values();
        Some(Samples::new(values.iter().map(|value| factor * value).collect()))
    }

    /// How often the document is written: what is allocated grows with its size by as much each time.
    fn serialisations(&self, who: &str, plugins: usize) -> Option<Samples> {
        let long = self.samples((LONG_CHAINS, who, plugins), "allocated")?.values();
        let short = self.samples((CHAINS, who, plugins), "allocated")?.values();
        let longer = (65_536 - 1024) as f64;
        let times = long
            .iter()
            .zip(short)
            .map(|(long, short)| ((long - short) / longer).round());
        Some(Samples::new(times.collect()))
    }

    /// Of an edit what is not the guest's, against JSON read and written.
    fn hosts_part(&self, who: &str, size: usize) -> Option<Spread> {
        let whole = self.samples((EDITING, who, size), "time")?;
        let guest = self.samples((EDITING, &format!("floor: {who}"), size), "time")?;
        let parts = whole.values().iter().zip(guest.values());
        let host = Samples::new(parts.map(|(whole, guest)| whole - guest).collect());
        host.over(self.samples((EDITING, "serde_json: parse and print", size), "time")?)
    }
}

#[cfg(test)]
mod tests {
    use heimdall_measure::results::{Measure, Row, Unit};

    use super::*;
    use crate::case::Case;
    use crate::cases;

    fn once(value: f64) -> Measure {
        Measure {
            unit: Unit::Nanoseconds,
            samples: Samples::new(vec![value]),
        }
    }

    /// Of every case, as if each had taken what `time` says.
    fn results(time: impl Fn(&Case) -> f64) -> Results {
        let mut results = Results::new("calls");
        let row = |case: Case| {
            let row = Row::new(case.table, case.who.clone(), case.size, once(time(&case)));
            row.with("allocations", once(4.0)).with("allocated", once(time(&case)))
        };
        results.rows = cases::all().into_iter().map(row).collect();
        results
    }

    fn median(targets: &[Target], id: &str) -> f64 {
        let target = targets.iter().find(|target| target.id == id).unwrap();
        target.ratio.unwrap().median
    }

    #[test]
    fn every_target_is_about_cases_that_there_are() {
        for target in targets(&results(|_| 1.0)) {
            assert!(target.ratio.is_some(), "{}", target.id);
        }
    }

    #[test]
    fn of_an_edit_the_guests_part_is_taken_off() {
        let targets = targets(&results(|case| match case.who.as_str() {
            "packed, generation 3: edit" => 70.0,
            "floor: packed, generation 3: edit" => 20.0,
            _ => 100.0,
        }));
        assert_eq!(median(&targets, "packed-3-edit-65536"), 0.5);
    }

    #[test]
    fn what_a_chain_writes_is_what_grows_with_the_document() {
        let targets = targets(&results(|case| match case.table {
            LONG_CHAINS => 500.0 + 16.0 * 65_536.0,
            CHAINS => 500.0 + 16.0 * 1024.0,
            _ => 1.0,
        }));
        assert_eq!(median(&targets, "chain-packed-16-serialisations"), 16.0);
    }
}
