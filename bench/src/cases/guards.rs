//! The example guards: each reads all messages and inserts one, in its language's way.

use crate::case::Case;
use crate::guests::example;
use crate::hooks::{Effect, before_call};

/// Its table.
pub const GUARDS: &str = "before-call: an example guard";

/// Who, and its file.
const GUESTS: [(&str, &str); 10] = [
    ("typed, Rust", "typed/rust/guard.wasm"),
    ("typed, C", "typed/c/guard.wasm"),
    ("typed, TinyGo", "typed/go/guard.wasm"),
    ("packed, generation 1, Rust", "legacy/rust/gen1/gen1.wasm"),
    ("packed, generation 2, Rust", "legacy/rust/gen2/gen2.wasm"),
    ("packed, generation 3, Rust", RUST_GENERATION_3),
    ("packed, generation 3, C", "legacy/c/gen3.wasm"),
    ("packed, generation 3, TinyGo", "legacy/tinygo/bump/gen3.wasm"),
    ("packed, generation 2, TinyGo", "legacy/tinygo/heap/gen2.wasm"),
    ("packed, generation 3, Go", "legacy/go/gen3.wasm"),
];

/// The guest whose time is spent in JSON.
pub(super) const RUST_GENERATION_3: &str = "legacy/rust/gen3/gen3.wasm";

/// That it inserts the message which every guest here inserts.
pub(super) const INSERTS: &str = r#"{"system":"Be kind."}"#;

/// That it inserts none.
pub(super) const CHANGES_NOTHING: &str = r#"{"system":null}"#;

pub(super) fn cases() -> Vec<Case> {
    let sizes = [375, 4_700, 65_536];
    let of_size = |size| GUESTS.map(|(who, file)| (who, file, size));
    let all = sizes.into_iter().flat_map(of_size);
    all.map(|(who, file, size)| {
        Case::new(GUARDS, who, size, move |world| {
            before_call(world, world.configured(example(file)?, INSERTS)?, size, Effect::Edited)
        })
    })
    .collect()
}
