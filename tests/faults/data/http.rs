//! Heads and bodies of HTTP that can't be sent.

use std::fmt::Write as _;

use bytes::Bytes;
use heimdall_host::counters::{CauseKind, Hook};
use heimdall_host::loader::FailurePolicy;
use heimdall_host::pipeline::HttpStep;

use crate::guest::{DATA, Guest, OK};
use crate::support::*;
use crate::typed::{Piece, on_request, result};
use crate::world::*;

/// A legacy guest that gives this at its request hook.
fn legacy(answer: &str) -> Bytes {
    let escaped: String = answer.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let packed = (2048 << 32) | answer.len() as u64;
    wat(&format!(
        r#"(module (memory (export "memory") 32) (data (i32.const 2048) "{escaped}")
             (func (export "malloc") (param i32) (result i32) (i32.const 1048576))
             (func (export "http_pre_hook") (param i32 i32) (result i64) (i64.const {packed})))"#
    ))
}

/// A typed guest that replies with this from its request hook.
fn reply(status: u32, headers: &[(&str, &str)]) -> Bytes {
    let pieces = [
        Piece::Number(0),
        Piece::Number(1),
        Piece::Number(status),
        Piece::Pairs(headers),
        Piece::Text(""),
    ];
    on_request(result(Guest::new(), DATA, &pieces), "", &format!("i32.const {DATA}")).build()
}

/// A typed guest that sets this header of the request, then another one, and traps unless it was told that the first can't be.
fn sets(name: &str, value: &str) -> Bytes {
    let (texts, unused) = (DATA + 1024, DATA);
    let at = texts + name.len();
    let set = format!(
        "(call $set (local.get $request) (i32.const {texts}) (i32.const {})
            (i32.const {at}) (i32.const {}) (i32.const {unused}))
         (if (i32.eqz (i32.load8_u (i32.const {unused}))) (then unreachable))",
        name.len(),
        value.len(),
    );
    let guest = Guest::new()
        .calls(
            "http-types",
            "[method]http-request.set-header",
            "set",
            "(param i32 i32 i32 i32 i32 i32)",
        )
        .data(texts, name.as_bytes())
        .data(at, value.as_bytes());
    on_request(guest, &set, &format!("i32.const {OK}")).build()
}

/// The request hook fails, under either policy.
async fn fails(world: &World, guest: &Bytes) {
    for policy in [FailurePolicy::Open, FailurePolicy::Closed] {
        let pipeline = world.load(guest, |settings| settings.on_failure = policy).await;
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        let step = exchange.on_request().await;
        match (policy, step) {
            (FailurePolicy::Open, HttpStep::Proceed) => {
                let (came, goes) = (http_request("/v1/chat/completions"), exchange.http());
                assert_eq!(
                    (goes.path(), goes.headers(), goes.body()),
                    (came.path(), came.headers(), came.body())
                );
            }
            (FailurePolicy::Closed, HttpStep::Respond(response)) => {
                let body = String::from_utf8_lossy(response.body());
                assert_eq!(response.status(), 500, "{body}");
                assert!(body.contains(&format!("The plugin `{FAULTY}` failed in `")), "{body}");
            }
            (policy, step) => panic!("{policy:?}: {step:?}"),
        }
        let hook = pipeline.plugins().first().unwrap().counters.hook(Hook::OnRequest);
        assert_eq!(hook.failure(CauseKind::InvalidOutput), 1, "{hook:?}");
    }
}

/// The guest was told, and the request goes on as it came.
async fn is_told(world: &World, guest: &Bytes) {
    let pipeline = world.load(guest, |_| {}).await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    let step = exchange.on_request().await;
    assert!(matches!(step, HttpStep::Proceed), "{step:?}");
    assert_eq!(exchange.http().headers(), http_request("/").headers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_60_thousands_of_headers() {
    let names: Vec<String> = (0..5000).map(|number| format!("x-{number}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).collect();
    let mut headers = String::new();
    for name in &names {
        write!(headers, r#""{name}":"a","#).unwrap();
    }
    let headers = headers.trim_end_matches(',');
    surrounded(async |world| {
        fails(
            world,
            &legacy(&format!(r#"{{"request":{{"path":"/a","headers":{{{headers}}}}}}}"#)),
        )
        .await;
        fails(
            world,
            &legacy(&format!(
                r#"{{"response":{{"status_code":200,"headers":{{{headers}}}}}}}"#
            )),
        )
        .await;
        fails(world, &reply(200, &pairs)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_61_cr_lf_or_nul_in_a_header() {
    surrounded(async |world| {
        for (name, value) in [
            ("x-a", "b\r\nx-forged: 1"),
            ("x-a", "b\nc"),
            ("x-a", "b\rc"),
            ("x-a", "b\0"),
            ("x-a\r\nx-forged", "1"),
            ("x-a\0", "1"),
            ("x a", "1"),
            ("", "1"),
        ] {
            let header = serde_json::json!({ name: value });
            fails(
                world,
                &legacy(&format!(r#"{{"request":{{"path":"/a","headers":{header}}}}}"#)),
            )
            .await;
            fails(
                world,
                &legacy(&format!(r#"{{"response":{{"status_code":200,"headers":{header}}}}}"#)),
            )
            .await;
            fails(world, &reply(200, &[(name, value)])).await;
            is_told(world, &sets(name, value)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_63_a_status_of_0_or_99_or_1000() {
    surrounded(async |world| {
        for status in [0, 99, 1000] {
            fails(
                world,
                &legacy(&format!(r#"{{"response":{{"status_code":{status},"body":"aGk="}}}}"#)),
            )
            .await;
            fails(world, &reply(status, &[])).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_64_base64_that_is_none() {
    surrounded(async |world| {
        for body in ["aGk", "aGk!", "a", "====", "aGl=", "a\\nGk="] {
            fails(
                world,
                &legacy(&format!(r#"{{"response":{{"status_code":200,"body":"{body}"}}}}"#)),
            )
            .await;
            fails(
                world,
                &legacy(&format!(r#"{{"request":{{"path":"/a","body":"{body}"}}}}"#)),
            )
            .await;
        }
    })
    .await;
}
