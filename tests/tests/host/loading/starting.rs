//! What an operator reads when a plugin does not start.

use bytes::Bytes;
use heimdall_host::limits::Limits;
use heimdall_host::loader::PluginSettings;

use super::{ENDLESS, HOOK, MALLOC};
use crate::guest::{DATA, Guest};
use crate::support::*;

/// What is read when this is started with a short time for it and little memory.
async fn message(bytes: Bytes) -> String {
    let limits = Limits {
        start_timeout: SOON,
        init_timeout: SOON,
        memory: 4 << 20,
        ..Limits::default()
    };
    let settings = PluginSettings {
        limits,
        config: Some(json(r#"{"a":1}"#)),
        ..PluginSettings::new("plugins/guest.wasm")
    };
    match host().load(bytes, settings).await {
        Err(error) => error.to_string(),
        Ok(_) => "(it was loaded)".to_owned(),
    }
}

async fn page(cases: impl IntoIterator<Item = (&'static str, Bytes)>) -> String {
    let mut page = String::new();
    for (title, bytes) in cases {
        page += &format!("# {title}\n{}\n\n", message(bytes).await);
    }
    page
}

/// A legacy plugin with this in addition, or instead of its malloc.
fn legacy(items: &str) -> Bytes {
    let malloc = if items.contains(r#""malloc""#) { "" } else { MALLOC };
    let (imports, items) = match items.strip_prefix("(import") {
        Some(_) => items.split_once('\n').unwrap(),
        None => ("", items),
    };
    let text = format!(r#"(module {imports} (memory (export "memory") 2) {malloc} {HOOK} {items})"#);
    wat(&text)
}

fn init(body: &str) -> Bytes {
    legacy(&format!(
        r#"(func (export "init") (param i32 i32) (result i32) {body})"#
    ))
}

fn get_name(result: &str) -> Bytes {
    legacy(&format!(
        r#"(data (i32.const 1024) "\ff\fe") (func (export "get_name") (result i64) {result})"#
    ))
}

#[tokio::test]
async fn legacy_plugins() {
    let function = |name: &str, body: &str| legacy(&format!(r#"(func (export "{name}") {body})"#));
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (func (export "_start") (call $exit (i32.const 3)))"#;
    let page = page([
            ("init gives an error code", init("(i32.const 7)")),
            ("init traps", init("unreachable")),
            ("init has no end", init(ENDLESS)),
            ("init needs too much memory", init("(drop (memory.grow (i32.const 1000))) unreachable")),
            ("_initialize traps", function("_initialize", "unreachable")),
            ("_start exits with a status", legacy(exit)),
            ("_start has no end", function("_start", ENDLESS)),
            ("the start function has no end", legacy(&format!("(func $start {ENDLESS}) (start $start)"))),
            (
                "malloc has no room for the configuration",
                legacy(r#"(func (export "malloc") (param i32) (result i32) (i32.const 0)) (func (export "init") (param i32 i32) (result i32) (i32.const 0))"#)
            ),
            (
                "malloc gives a place outside of the memory",
                legacy(r#"(func (export "malloc") (param i32) (result i32) (i32.const -16)) (func (export "init") (param i32 i32) (result i32) (i32.const 0))"#)
            ),
            (
                "malloc has no end",
                legacy(&format!(r#"(func (export "malloc") (param i32) (result i32) {ENDLESS})"#))
            ),
            ("get_name gives what is no text", get_name("(i64.const 0x0000_0400_0000_0002)")),
            ("get_name gives a place outside of the memory", get_name("(i64.const 0x7fff_0000_0000_0010)")),
        ])
    .await;
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn typed_plugins() {
    let case = |case: u32, text: &str| {
        let place = u32::try_from(DATA + 64).unwrap();
        let words = [1, case, place, u32::try_from(text.len()).unwrap()];
        let guest = Guest::new().data(DATA + 64, text.as_bytes()).words(DATA, &words);
        guest.init(&format!("i32.const {DATA}")).build()
    };
    let page = page([
        (
            "init says that the configuration can't be used",
            case(0, "`a` must be a list of words"),
        ),
        ("init gives another error", case(5, "the word list is empty")),
        ("init traps", Guest::new().init("unreachable").build()),
        ("init has no end", Guest::new().init(ENDLESS).build()),
        (
            "init needs too much memory",
            Guest::new()
                .init("(drop (memory.grow (i32.const 1000))) unreachable")
                .build(),
        ),
        ("describe traps", Guest::new().describe("unreachable").build()),
        ("describe has no end", Guest::new().describe(ENDLESS).build()),
        (
            "the start function traps",
            Guest::new().item("(func $start unreachable) (start $start)").build(),
        ),
        ("the schema is no JSON", Guest::new().schema("{").build()),
        ("the schema is none", Guest::new().schema(r#"{"type":7}"#).build()),
    ])
    .await;
    insta::assert_snapshot!(page);
}
