//! What guests print and trace becomes log lines: named, escaped and capped, whatever way it takes.

use bytes::Bytes;
use heimdall_host::loader::{FailurePolicy, PluginSettings};

use crate::counting::{KINDS, Kind, before};
use crate::guest::{DATA, Guest, OK};
use crate::lines::Lines;
use crate::support::*;
use crate::typed::{after_call, before_call};

/// Prints this to standard output, or to standard error, in its pre hook and in its post hook.
fn printing(kind: Kind, channel: u32, text: &str) -> Bytes {
    printing_before(kind, channel, text, "")
}

/// The same, and then does this.
fn printing_before(kind: Kind, channel: u32, text: &str, then: &str) -> Bytes {
    let fd_write = "(param i32 i32 i32 i32) (result i32)";
    let (list, at, length) = (
        DATA,
        u32::try_from(DATA + 16).unwrap(),
        u32::try_from(text.len()).unwrap(),
    );
    let print = format!(
        "(if (call $fd_write (i32.const {channel}) (i32.const {list}) (i32.const 1) (i32.const {})) (then unreachable)) {then}",
        DATA + 8
    );
    match kind {
        Kind::Typed => {
            let guest = Guest::new()
                .import("wasi_snapshot_preview1", "fd_write", "fd_write", fd_write)
                .words(list, &[at, length])
                .data(DATA + 16, text.as_bytes());
            let ok = format!("i32.const {OK}");
            after_call(before_call(guest, &print, &ok), &print, &ok).build()
        }
        Kind::Legacy => {
            let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
            let span: Vec<u8> = [at, length].iter().flat_map(|word| word.to_le_bytes()).collect();
            wat(&format!(
                r#"(module
                     (import "wasi_snapshot_preview1" "fd_write" (func $fd_write {fd_write}))
                     (memory (export "memory") 3)
                     (data (i32.const {list}) "{}{}") (data (i32.const {at}) "{}")
                     (func (export "malloc") (param i32) (result i32) (i32.const 131072))
                     (func (export "pre_hook") (export "post_hook") (param i32 i32) (result i64) {print} (i64.const 0)))"#,
                bytes(&span),
                bytes(&[0; 8]),
                bytes(text.as_bytes()),
            ))
        }
    }
}

fn few_short_lines(settings: &mut PluginSettings) {
    settings.limits.log_lines = 3;
    settings.limits.log_line = 16;
}

#[tokio::test]
async fn what_a_plugin_prints_is_named_escaped_and_capped() {
    let text = "one\ntwo \u{1b}[31mred\r\na very long line indeed\nfour\nfive";
    for kind in KINDS {
        for (channel, level) in [(1, "INFO"), (2, "WARN")] {
            let plugin = alone("chatty", printing(kind, channel, text), few_short_lines).await;
            let (lines, _guard) = Lines::collect();
            before(&plugin).await.unwrap();
            let hook = if kind == Kind::Typed { "before-call" } else { "pre_hook" };
            let fields = format!(r#"plugin="chatty" hook="{hook}" request_id="r""#);
            assert_eq!(
                lines.of_plugins(),
                [
                    format!("{level} one {fields}"),
                    format!("{level} two \\u{{1b}}[31mred {fields}"),
                    format!("{level} a very long line … (7 bytes more) {fields}"),
                    format!("WARN 2 lines dropped: a request may write 3 {fields}"),
                ],
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn all_calls_for_a_request_share_its_lines_whether_or_not_they_fail() {
    for (kind, then) in KINDS.into_iter().flat_map(|kind| [(kind, ""), (kind, "unreachable")]) {
        let plugin = alone("chatty", printing_before(kind, 1, "1\n2\n", then), |settings| {
            few_short_lines(settings);
            settings.on_failure = FailurePolicy::Open;
        })
        .await;
        let (lines, _guard) = Lines::collect();
        let mut exchange = plugin.begin("r", http_request("/v1/chat/completions"));
        // Two attempts.
        proceed(&mut exchange, chat("hello")).await;
        proceed(&mut exchange, chat("hello")).await;
        let all = lines.of_plugins();
        let said: Vec<&str> = all.iter().filter_map(|line| line.split(" plugin=").next()).collect();
        let told = "WARN 1 lines dropped: a request may write 3";
        assert_eq!(said, ["INFO 1", "INFO 2", "INFO 1", told], "{kind:?} {then}");
    }
}

#[tokio::test]
async fn each_call_has_lines_of_its_own() {
    for kind in KINDS {
        let plugin = alone("chatty", printing(kind, 1, "1\n2\n3\n"), few_short_lines).await;
        let (lines, _guard) = Lines::collect();
        for _ in 0..3 {
            before(&plugin).await.unwrap();
        }
        assert_eq!(lines.of_plugins().len(), 9, "{kind:?}");
    }
}

#[tokio::test]
async fn a_core_module_with_component_types_is_made_a_component_with_wasi_or_without() {
    let ok = format!("i32.const {OK}");
    let without = before_call(Guest::new(), "", &ok).build();
    for (bytes, wasi) in [(printing(Kind::Typed, 1, "hello"), true), (without, false)] {
        let inspection = host().inspect("guest.wasm", &bytes).await.unwrap();
        assert!(inspection.encoded_at_load);
        assert_eq!(inspection.kind, "typed component");
        assert!(
            inspection.imports.iter().all(|import| import.offered),
            "{:?}",
            inspection.imports
        );
        let imports_wasi = inspection
            .imports
            .iter()
            .any(|import| import.name.starts_with("wasi:cli/stdout@0.2"));
        assert_eq!(imports_wasi, wasi);
        let plugin = alone("encoded", bytes, |_| {}).await;
        let (lines, _guard) = Lines::collect();
        before(&plugin).await.unwrap();
        assert_eq!(lines.of_plugins().len(), usize::from(wasi));
    }
}
