//! What is measured: contenders and their calls.

use anyhow::Result;
use heimdall_load::document::{Document, Size};
use heimdall_load::oha::Http;

use crate::recipe::{Plugin, Recipe};
use crate::running::Calls;
use crate::site::Site;
use crate::table::Table;

/// Small plugins of each language that edit every request.
const TAGS: [&str; 3] = [
    "typed/rust-tag/tag.wasm",
    "typed/c-tag/tag.wasm",
    "typed/go-tag/tag.wasm",
];
/// One whose hook before a call does nothing: what is left is the host's part.
const IDLE: &str = "floor/typed/floor.wasm";
/// The guard of the packed ABI in the language that most such plugins are written in.
pub const TINYGO: &str = "legacy/tinygo/bump/gen3.wasm";
/// The same in Rust.
const RUST: &str = "legacy/rust/gen3/gen3.wasm";
/// Every hook of the typed contract.
const GUARD: &str = "typed/rust/guard.wasm";

/// Ten plugins of Rust, C and TinyGo, of both kinds.
const TEN: [&str; 10] = [
    "typed/rust/guard.wasm",
    "typed/c/guard.wasm",
    "typed/go/guard.wasm",
    "typed/rust-tag/tag.wasm",
    "typed/c-tag/tag.wasm",
    "typed/go-tag/tag.wasm",
    "legacy/rust/gen3/gen3.wasm",
    "legacy/c/gen3.wasm",
    "legacy/tinygo/bump/gen3.wasm",
    "legacy/tinygo/heap/gen2.wasm",
];

/// A legacy plugin that never returns from its hook before a call.
const LOOP: &str = r#"(module
    (memory (export "memory") 2)
    (func (export "malloc") (param i32) (result i32) i32.const 65536)
    (func (export "pre_hook") (param i32 i32) (result i64) (loop $again (br $again)) unreachable))"#;

/// A legacy plugin with a hook for chunks alone, that gives back what it is given.
const CHUNKS: &str = r#"(module
    (memory (export "memory") 32)
    (func (export "malloc") (param i32) (result i32) i32.const 65536)
    (func (export "http_stream_chunk_hook") (param $address i32) (param $length i32) (result i64)
      (i64.or
        (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
        (i64.extend_i32_u (local.get $length)))))"#;

/// 1 KB, 32 at once, HTTP/1.1: what most targets are about.
pub const USUAL: Calls = calls(Size::Small, false, 32, Http::One);
/// The same, streamed.
pub const STREAMED: Calls = calls(Size::Small, true, 32, Http::One);
/// The same with many clients.
pub const CROWD: Calls = calls(Size::Small, false, 256, Http::One);

/// What tables with other gateways are called, after their calls.
pub const PEERS: &str = "beside other gateways";

/// What others are compared in, by how much is asked at once.
pub const AMONG_PEERS: [Calls; 3] = [
    calls(Size::Small, false, 1, Http::One),
    USUAL,
    calls(Size::Small, false, 128, Http::One),
];

const fn calls(size: Size, stream: bool, at_once: u32, http: Http) -> Calls {
    Calls {
        document: Document { size, stream },
        at_once,
        http,
    }
}

fn tags(count: usize) -> impl Iterator<Item = &'static str> {
    TAGS.into_iter().cycle().take(count)
}

pub fn typed(count: usize) -> Recipe {
    Recipe::heimdall(&format!("{count} typed"), tags(count).map(Plugin::guest).collect())
}

/// The floor of [`typed`].
fn engine(count: usize) -> Recipe {
    Recipe::engine(&format!("{count} typed"), tags(count).map(Site::guest).collect())
}

pub fn legacy(count: usize) -> Recipe {
    Recipe::heimdall(&format!("{count} legacy"), vec![Plugin::guest(TINYGO); count])
}

/// Those that do nothing.
fn idle(count: usize) -> Recipe {
    Recipe::heimdall(
        &format!("{count} typed that do nothing"),
        vec![Plugin::guest(IDLE); count],
    )
}

/// One that keeps no state, and may be called twice at a time: which plugins those are, only their operator knows.
pub fn legacy_twice() -> Recipe {
    let plugin = Plugin {
        settings: "instances = 2".to_owned(),
        ..Plugin::guest(TINYGO)
    };
    Recipe::heimdall("1 legacy, 2 instances", vec![plugin])
}

/// Typed and legacy ones in turn.
fn mixed(count: usize) -> Recipe {
    let kinds = TAGS.into_iter().flat_map(|tag| [tag, TINYGO]).chain([GUARD, RUST]);
    let plugins = kinds.cycle().take(count).map(Plugin::guest);
    Recipe::heimdall(&format!("{count} mixed"), plugins.collect())
}

pub fn ten() -> Recipe {
    Recipe::heimdall("10 of Rust, C, TinyGo", TEN.map(Plugin::guest).into())
}

/// A healthy plugin, and one that loops whenever it is called.
pub fn typed_and_loop(site: &Site) -> Result<Recipe> {
    let [tag, ..] = TAGS;
    let endless = Plugin {
        settings: "on_failure = \"open\"".to_owned(),
        ..Plugin::of_text(site, "loop", LOOP)?
    };
    Ok(Recipe::heimdall(
        "1 typed, 1 that loops",
        vec![Plugin::guest(tag), endless],
    ))
}

/// Contenders whose plugins see the chunks of streams.
fn streaming(site: &Site) -> Result<Vec<Recipe>> {
    Ok(vec![
        Recipe::none(),
        Recipe::proxy(),
        Recipe::without_plugins(),
        typed(1),
        Recipe::heimdall("1 typed guard", vec![Plugin::guest(GUARD)]),
        Recipe::heimdall("1 legacy chunk hook", vec![Plugin::of_text(site, "chunks", CHUNKS)?]),
        Recipe::heimdall("1 legacy guard, Rust", vec![Plugin::guest(RUST)]),
        Recipe::heimdall("1 legacy guard, TinyGo", vec![Plugin::guest(TINYGO)]),
    ])
}

/// What is measured by default: every target, and a sample of the rest.
pub fn tables(site: &Site) -> Result<Vec<Table>> {
    let few = || {
        vec![
            Recipe::none(),
            Recipe::proxy(),
            Recipe::without_plugins(),
            typed(1),
            typed(4),
        ]
    };
    let with = |more: Vec<Recipe>| [few(), more].concat();
    let interpreted = |name: &str, file| Recipe::heimdall(name, vec![Plugin::guest(file)]);
    let table = Table::new;
    Ok(vec![
        table(
            USUAL,
            with(vec![
                Recipe::reader(),
                engine(1),
                engine(4),
                idle(1),
                idle(4),
                typed(16),
                legacy(1),
                legacy_twice(),
                legacy(4),
                legacy(16),
                mixed(4),
                mixed(16),
            ]),
        ),
        table(calls(Size::Small, false, 1, Http::One), with(vec![legacy(1)])),
        table(
            CROWD,
            with(vec![
                ten(),
                interpreted("1 of Python", "typed/python/guard.wasm.zst"),
                interpreted("1 of JavaScript", "typed/js/guard.wasm.zst"),
            ]),
        ),
        table(calls(Size::Large, false, 32, Http::One), with(vec![legacy(1)])),
        table(STREAMED, streaming(site)?),
        table(calls(Size::Large, true, 32, Http::One), streaming(site)?),
        table(calls(Size::Small, false, 32, Http::Two), with(vec![legacy(1)])),
    ])
}

/// The whole product.
pub fn all_tables(site: &Site) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for size in [Size::Small, Size::Large] {
        for stream in [false, true] {
            for at_once in [1, 32, 256] {
                for http in [Http::One, Http::Two] {
                    let mut contenders = vec![Recipe::none(), Recipe::proxy(), Recipe::without_plugins()];
                    for count in [1, 4, 16] {
                        contenders.extend([typed(count), legacy(count)]);
                        contenders.extend((count > 1).then(|| mixed(count)));
                    }
                    let calls = calls(size, stream, at_once, http);
                    if stream {
                        contenders.extend(streaming(site)?.into_iter().skip(4));
                    }
                    if calls == CROWD {
                        contenders.push(ten());
                    }
                    tables.push(Table::new(calls, contenders));
                }
            }
        }
    }
    Ok(tables)
}

/// Beside other gateways.
pub fn peer_tables(peers: &[Recipe]) -> Vec<Table> {
    let all = AMONG_PEERS.into_iter().chain([STREAMED]).map(|calls| {
        let ours = [Recipe::none(), Recipe::proxy(), Recipe::without_plugins(), typed(1)];
        Table::new(calls, [&ours, peers].concat()).among(PEERS)
    });
    all.collect()
}
