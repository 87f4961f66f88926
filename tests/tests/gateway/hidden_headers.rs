//! Headers that plugins can't read: guests of both kinds that end their call where they see a certain text.

use heimdall_tests::process::{Gateway, Replay};

use crate::guest::{DATA, Guest, OK};
use crate::support::*;
use crate::wat::GuestFile;

/// Eight bytes of a credential.
const MARK: &[u8; 8] = b"marked-1";

/// A packed guest that traps in this hook if its input holds these bytes.
pub fn legacy_finder(hook: &str, mark: &[u8]) -> GuestFile {
    let mark = u64::from_le_bytes(mark.try_into().unwrap());
    let module = format!(
        r#"(module (memory (export "memory") 4)
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "{hook}") (param $at i32) (param $length i32) (result i64)
                (local.set $length (i32.add (local.get $at) (i32.sub (local.get $length) (i32.const 8))))
                (loop $again
                    (if (i64.eq (i64.load align=1 (local.get $at)) (i64.const {mark})) (then unreachable))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br_if $again (i32.le_s (local.get $at) (local.get $length))))
                i64.const 0))"#,
        mark = mark.cast_signed(),
    );
    GuestFile::new("finder.wasm", ::wat::parse_str(module).unwrap())
}

/// A typed guest that traps in `on-request` if it can read this header, and else adds `x-seen`.
fn typed_finder(header: &str) -> GuestFile {
    let (place, length) = (DATA + 512, header.len());
    let (value, out) = (DATA + 600, DATA + 700);
    let guest = Guest::new()
        .data(place, header.as_bytes())
        .data(value, b"x-seen")
        .calls(
            "http-types",
            "[method]http-request.header",
            "header",
            "(param i32 i32 i32 i32)",
        )
        .calls(
            "http-types",
            "[method]http-request.add-header",
            "add",
            "(param i32 i32 i32 i32 i32 i32)",
        )
        .calls(
            "http-types",
            "[resource-drop]http-request",
            "drop-http-request",
            "(param i32)",
        )
        .hook(
            "http-request-hook",
            "on-request",
            "(param $request i32) (result i32)",
            &format!(
                "(call $header (local.get $request) (i32.const {place}) (i32.const {length}) (i32.const {out}))
                 (if (i32.load8_u (i32.const {out})) (then unreachable))
                 (call $add (local.get $request) (i32.const {value}) (i32.const 6) (i32.const {value}) (i32.const 6)
                    (i32.const {out}))
                 (call $drop-http-request (local.get $request))
                 i32.const {OK}"
            ),
        );
    GuestFile::new("finder.wasm", guest.build())
}

async fn call(upstream: &Replay, plugin: &str, header: (&str, &str)) -> u16 {
    let url = upstream.upstream("whole", "streams/chat-secret.json");
    let gateway = Gateway::start(&format!(
        "{}{plugin}",
        crate::support::upstream("up", &url, "forward_client_key = true")
    ));
    let request = client().post(format!("{}/v1/chat/completions", gateway.url));
    let body = chat("up/m", "hi").to_string();
    let request = request.header(header.0, header.1).header("x-open", "marked-2");
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_plugin_of_either_kind_reads_no_credentials_unless_its_operator_shows_them() {
    let upstream = replay();
    let legacy = legacy_finder("http_pre_hook", MARK);
    let typed = typed_finder("authorization");
    let credentials = ("authorization", "Bearer marked-1");
    for (kind, guest) in [("legacy", &legacy), ("typed", &typed)] {
        let hidden = guest.entry("finder", "");
        assert_eq!(call(&upstream, &hidden, credentials).await, 200, "{kind}");
        let seen = told(&upstream, "/seen").await;
        assert!(
            seen.contains("Bearer marked-1"),
            "{kind}: what is hidden goes on: {seen}"
        );
        assert_eq!(seen.contains("x-seen: x-seen"), kind == "typed", "{kind}: {seen}");
        let shown = guest.entry("finder", "hide_headers = []");
        assert_eq!(call(&upstream, &shown, credentials).await, 500, "{kind}");
    }
}

#[tokio::test]
async fn headers_of_the_operators_choice_are_hidden_in_place_of_the_credentials() {
    let upstream = replay();
    let legacy = legacy_finder("http_pre_hook", b"marked-2");
    let credentials = ("authorization", "Bearer marked-1");
    for (more, status) in [("", 500), ("hide_headers = [\"X-Open\"]", 200)] {
        assert_eq!(
            call(&upstream, &legacy.entry("finder", more), credentials).await,
            status,
            "{more}"
        );
    }
}
