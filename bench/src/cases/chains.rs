//! Several plugins in a row, of one kind and of both.

use std::sync::Arc;

use heimdall_host::pipeline::Pipeline;

use super::changing::guest;
use crate::Error;
use crate::case::Case;
use crate::guests::{Does, Generation, Hook, typed};
use crate::hooks::{Effect, before_call};
use crate::world::{World, pipeline};

/// The table of short requests.
pub const CHAINS: &str = "before-call: plugins in a row, 1 KiB";

/// The table of long ones.
pub const LONG_CHAINS: &str = "before-call: plugins in a row, 64 KiB";

/// What each plugin of a row is, by its place.
type Kind = fn(usize) -> Result<bytes::Bytes, Error>;

const KINDS: [(&str, Kind); 4] = [
    ("typed", reads),
    ("packed, no answer", |_| guest(Generation::Three, Does::Nothing)),
    ("packed, echo", |_| guest(Generation::Three, Does::Echo)),
    ("typed and packed by turns", |place| {
        if place.is_multiple_of(2) {
            reads(place)
        } else {
            guest(Generation::Three, Does::Echo)
        }
    }),
];

fn reads(_: usize) -> Result<bytes::Bytes, Error> {
    typed(Hook::BeforeCall, Does::Read)
}

pub(super) fn cases() -> Vec<Case> {
    let tables = [(CHAINS, 1024), (LONG_CHAINS, 65_536)];
    tables
        .into_iter()
        .flat_map(|(table, size)| of_size(table, size))
        .collect()
}

/// These tables run over the number of plugins.
fn of_size(table: &'static str, size: usize) -> Vec<Case> {
    let mut cases = vec![Case::new(table, "no plugin", 0, move |world| {
        before_call(world, pipeline(Vec::new())?, size, Effect::Unchanged)
    })];
    for (who, kind) in KINDS {
        cases.extend([1, 4, 16].map(|count| {
            Case::new(table, who, count, move |world| {
                before_call(world, row(world, kind, count)?, size, Effect::Unchanged)
            })
        }));
    }
    cases
}

fn row(world: &World, kind: Kind, count: usize) -> Result<Arc<Pipeline>, Error> {
    let plugins = (0..count).map(|place| world.load(&format!("bench-{place}"), kind(place)?, |_| {}));
    pipeline(plugins.collect::<Result<_, _>>()?)
}
