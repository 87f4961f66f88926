//! What is measured: contenders and their calls.

use heimdall_load::document::{Document, Size};
use heimdall_load::oha::Http;

use crate::recipe::{Plugin, Recipe};
use crate::running::Calls;
use crate::table::Table;

/// Small plugins of each language that edit every request.
const TAGS: [&str; 3] = [
    "typed/rust-tag/tag.wasm",
    "typed/c-tag/tag.wasm",
    "typed/go-tag/tag.wasm",
];

/// The guard of the packed ABI in the language that most such plugins are written in.
const TINYGO: &str = "legacy/tinygo/bump/gen3.wasm";

pub fn without_plugins() -> Recipe {
    Recipe::heimdall("0 plugins", Vec::new())
}

pub fn typed(count: usize) -> Recipe {
    let tags = TAGS.into_iter().cycle().take(count);
    Recipe::heimdall(&format!("{count} typed"), tags.map(Plugin::guest).collect())
}

pub fn legacy(count: usize) -> Recipe {
    let guards = vec![Plugin::guest(TINYGO); count];
    Recipe::heimdall(&format!("{count} legacy"), guards)
}

pub fn tables() -> Vec<Table> {
    vec![Table {
        calls: Calls {
            document: Document {
                size: Size::Small,
                stream: false,
            },
            at_once: 32,
            http: Http::One,
        },
        contenders: vec![
            Recipe::none(),
            Recipe::proxy(),
            without_plugins(),
            typed(1),
            typed(4),
            legacy(1),
        ],
    }]
}
