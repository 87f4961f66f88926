//! What is aimed at, and what came of it.

use heimdall_load::document::{Document, Size};
use heimdall_load::oha::Http;
use heimdall_measure::results::{Bound, Row, Target};
use heimdall_measure::sample::{Samples, Spread};

use crate::recipe::PROXY;
use crate::running::Calls;
use crate::table::named;

/// 1 KB, 32 at once, HTTP/1.1.
const USUAL: Calls = Calls {
    document: Document {
        size: Size::Small,
        stream: false,
    },
    at_once: 32,
    http: Http::One,
};

pub fn of(rows: &[Row]) -> Vec<Target> {
    let mut targets = Vec::new();
    for (id, who, least) in [("0", "0 plugins", 0.90), ("1", "1 typed", 0.85), ("4", "4 typed", 0.75)] {
        targets.push(Target::new(
            format!("gateway-{id}"),
            format!("requests/s with {who} against the bare proxy's"),
            Bound::AtLeast(least),
            ratio(rows, &USUAL, &format!("Heimdall, {who}"), "requests", PROXY, "requests"),
        ));
    }
    targets.push(Target::new(
        "gateway-p99",
        "added p99 with 4 typed plugins against the bare proxy's own p99",
        Bound::AtMost(1.25),
        ratio(rows, &USUAL, "Heimdall, 4 typed", "added p99", PROXY, "p99"),
    ));
    targets
}

/// One measure of one contender against one of another, in the same table.
fn ratio(rows: &[Row], calls: &Calls, this: &str, of: &str, that: &str, by: &str) -> Option<Spread> {
    samples(rows, calls, this, of)?.over(samples(rows, calls, that, by)?)
}

fn samples<'a>(rows: &'a [Row], calls: &Calls, who: &str, name: &str) -> Option<&'a Samples> {
    let what = named(calls);
    let row = rows.iter().find(|row| row.what == what && row.who == who)?;
    Some(&row.measures.get(name)?.samples)
}
