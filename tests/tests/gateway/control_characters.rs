//! CR, LF, NUL and what else a terminal acts on, from plugins, clients, upstreams and files: none of it reaches a header, a
//! log line or a terminal as it is.

use heimdall_host::runtime::is_shown;
use heimdall_tests::process::{Gateway, run};
use serde_json::{Value, json};

use crate::sockets::exchange_in_time;
use crate::support::*;
use crate::wat::{GuestFile, packed, packed_saying, typed_logging};

/// Begins a line of its own, clears the screen, and then some.
const POISON: &str = "\r\nFORGED\u{1b}[2J\0\u{7f}\u{9b}\u{202e}";

/// Each is for a gateway of its own, or one way of several into the same.
struct Case {
    /// What says it.
    what: &'static str,
    /// The configuration.
    config: String,
    /// The request's path, headers and body.
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// Whether the log tells of it, or need not.
    logged: bool,
}

impl Case {
    fn new(what: &'static str, config: String, logged: bool) -> Case {
        Case {
            what,
            config,
            path: "/v1/chat/completions".to_owned(),
            headers: Vec::new(),
            body: chat("echo", "hi").to_string(),
            logged,
        }
    }
}

fn from_clients() -> Vec<Case> {
    let case = |what, logged| Case::new(what, String::new(), logged);
    vec![
        Case {
            body: chat(&format!("echo{POISON}"), POISON).to_string(),
            ..case("a model's name", true)
        },
        Case {
            body: chat(&format!("{POISON}/m"), "hi").to_string(),
            ..case("an upstream's name in a model's", true)
        },
        Case {
            body: format!("{{\"{POISON}\":"),
            ..case("a body that is no JSON", false)
        },
        Case {
            body: json!({POISON: 1, "model": 7}).to_string(),
            ..case("a member's name", false)
        },
        Case {
            path: "/v1/%0d%0aFORGED%1b%5b2J%00%7f%c2%9b".to_owned(),
            ..case("a path", true)
        },
        Case {
            path: "/v1/chat/completions?a=%0d%0aFORGED%1b%5b2J%00".to_owned(),
            ..case("a query", false)
        },
        Case {
            headers: vec![
                ("x-request-id", "FORGED\u{9b}\u{202e}".to_owned()),
                ("user-agent", "FORGED\u{9b}".to_owned()),
            ],
            ..case("headers", false)
        },
    ]
}

fn from_plugins(files: &mut Vec<GuestFile>) -> Vec<Case> {
    let mut case = |what, bytes: Vec<u8>, logged| {
        let file = GuestFile::new("guest.wasm", bytes);
        let config = file.entry("guest", "on_failure = \"closed\"");
        files.push(file);
        Case::new(what, config, logged)
    };
    let saying = |hook: &str, answer: Value| packed_saying(hook, &answer.to_string());
    let refusal = json!({"short_circuit": {"error": {"error": {"message": POISON, "type": POISON, "code": POISON}}}});
    let print = "(i32.store (i32.const 16) (i32.const 2048)) (i32.store (i32.const 20) (i32.const 64))";
    let mut cases = vec![
        case("a typed plugin's log", typed_logging(POISON), true),
        case("a plugin's refusal", saying("pre_hook", refusal), true),
        case("a plugin's error", saying("pre_hook", json!({"error": POISON})), true),
        case("an answer that is no JSON", packed_saying("pre_hook", POISON), false),
        case(
            "a context's key",
            saying("pre_hook", json!({"context": {POISON: POISON}})),
            false,
        ),
        case(
            "a path",
            saying("http_pre_hook", json!({"request": {"path": POISON}})),
            false,
        ),
        case("a trap", packed(&format!("{print} unreachable"), POISON), false),
    ];
    for (what, name, value) in [
        ("a header's value", "x-a", POISON),
        ("a header's name", POISON, "a"),
        ("a header's value with NUL", "x-a", "FORGED\0"),
        ("a header's value with DEL", "x-a", "FORGED\u{7f}"),
    ] {
        let answer = json!({"response": {"status_code": 200, "headers": {name: value}, "body": ""}});
        cases.push(case(what, saying("http_pre_hook", answer), false));
        let answer = json!({"response": {"headers": {name: value}}});
        cases.push(case(what, saying("http_post_hook", answer), false));
    }
    cases
}

fn from_upstreams(base: &dyn Fn(&str, &str) -> String) -> Vec<Case> {
    let case = |what, behaviour: &str, fixture: &str, logged| {
        let config = upstream("mill", &base(behaviour, fixture), "");
        let body = chat("mill/m", "hi").to_string();
        Case {
            body,
            ..Case::new(what, config, logged)
        }
    };
    let streamed = |case: Case| Case {
        body: streamed("mill/m", "hi").to_string(),
        ..case
    };
    vec![
        case("an error", "status-400", "control/error.json", true),
        case("an error with status 200", "whole", "control/error.json", true),
        case("an answer", "whole", "control/answer.json", false),
        case("bytes that are no JSON", "raw-300", "any", false),
        streamed(case("a stream's error", "whole", "control/error.sse", false)),
        streamed(case("a stream's bytes", "raw-300", "any", false)),
    ]
}

#[tokio::test]
async fn what_is_said_reaches_no_header_and_no_log_line_as_it_is() {
    let replay = replay();
    let mut files = Vec::new();
    let cases = from_clients()
        .into_iter()
        .chain(from_plugins(&mut files))
        // By its name: the first address in the output is taken for the gateway's.
        .chain(from_upstreams(&|behaviour, fixture| {
            replay.upstream(behaviour, fixture).replace("127.0.0.1", "localhost")
        }));
    for case in cases {
        for format in ["text", "json"] {
            let what = format!("{} ({format})", case.what);
            let arguments = ["--log-format", format, "--log", "debug"];
            let gateway = Gateway::start_with(&case.config, &[], &arguments).unwrap();
            let answer = ask(&gateway, &case).await;
            for (name, value) in &answer.headers {
                let plain = value.as_bytes().iter().all(|byte| *byte >= b' ' && *byte != 0x7f);
                assert!(plain && !name.as_str().contains("forged"), "{what}: {name}: {value:?}");
            }
            if case.logged {
                printed(&gateway, "FORGED").await;
            }
            gateway.terminate();
            let (_, output) = gateway.wait();
            assert_plain(&what, &output);
            if format == "json" {
                for line in output.lines() {
                    let parsed = serde_json::from_str::<Value>(line);
                    assert!(parsed.is_ok(), "{what}: {line}");
                }
            }
        }
    }
}

async fn ask(gateway: &Gateway, case: &Case) -> Answer {
    let mut request = client()
        .post(format!("{}{}", gateway.url, case.path))
        .header("content-type", "application/json");
    for (name, value) in &case.headers {
        request = request.header(*name, value);
    }
    let answer = request.body(case.body.clone()).send().await;
    Answer::of(answer.unwrap_or_else(|error| panic!("{}: {error:?}\n{}", case.what, gateway.output()))).await
}

#[track_caller]
fn assert_plain(what: &str, output: &str) {
    for line in output.lines() {
        assert!(!line.starts_with("FORGED"), "{what}: a line of its own in {output}");
        let odd = line
            .chars()
            .find(|character| !is_shown(*character) && *character != '\t');
        assert_eq!(odd, None, "{what}: {line:?}");
    }
}

/// Operators read its answers in a terminal.
#[tokio::test]
async fn the_admin_interface_answers_in_plain_characters() {
    let file = GuestFile::new("guest.wasm", guest_with_names(true));
    let entry = file.entry("guest", "on_failure = \"open\"");
    let gateway = Gateway::start(&format!("[admin]\nlisten = \"127.0.0.1:0\"\n{entry}"));
    for path in ["/plugins", "/plugins/FORGED%0d%0a%1b%7f%c2%9b", "/FORGED%1b%c2%9b"] {
        let url = format!("{}{path}", gateway.admin_url());
        let answer = Answer::of(client().get(url).send().await.unwrap()).await;
        assert!(answer.body.contains("FORGED"), "{path}: {answer:?}");
        assert_plain(path, &answer.body);
    }
}

/// No HTTP library sends these.
#[tokio::test]
async fn raw_control_characters_in_a_requests_head_are_refused() {
    let gateway = Gateway::start_with("", &[], &["--log", "trace"]).unwrap();
    for bytes in ["\0", "\u{1b}", "\u{7f}", "\u{8}", "\rFORGED: 1"] {
        for head in [
            format!("GET /a{bytes} HTTP/1.1\r\nhost: localhost\r\n"),
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-request-id: a{bytes}b\r\n"),
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-{bytes}: b\r\n"),
        ] {
            let answer = exchange_in_time(&gateway, format!("{head}connection: close\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{head:?}: {answer:?}");
        }
    }
    gateway.terminate();
    assert_plain("a request's head", &gateway.wait().1);
}

/// A guest whose exports and imports have such names.
fn guest_with_names(import: bool) -> Vec<u8> {
    let name: String = POISON.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let import = if import {
        format!("(import \"{name}\" \"{name}\" (func))")
    } else {
        String::new()
    };
    wat::parse_str(format!(
        r#"(module {import} (memory (export "memory") 2) (func (export "{name}"))
            (func (export "malloc") (param i32) (result i32) i32.const 65536)
            (func (export "pre_hook") (param i32 i32) (result i64) i64.const 0))"#
    ))
    .unwrap()
}

#[test]
fn what_is_in_a_file_or_called_like_it_is_printed_in_plain_characters() {
    let poisoned_name = format!("{}.wasm", POISON.replace('\0', ""));
    let saying = json!({"context": {POISON: POISON}, "error": POISON}).to_string();
    let files = [
        GuestFile::new("names.wasm", guest_with_names(false)),
        GuestFile::new("imports.wasm", guest_with_names(true)),
        GuestFile::new(&poisoned_name, packed_saying("pre_hook", &saying)),
        GuestFile::new(&poisoned_name, POISON),
        GuestFile::new("text.wasm", POISON),
    ];
    for file in &files {
        let path = file.path();
        let configuration = GuestFile::new(
            &format!("{poisoned_name}.toml"),
            file.entry("guest", "on_failure = \"open\""),
        );
        for arguments in [
            &["inspect", path][..],
            &["inspect", "--json", path],
            &["call", path, "before-call"],
            &["call", "--json", path, "before-call"],
            &["call", path, POISON.trim_end_matches(|it| it != 'D').trim_start()],
            &["check", configuration.path()],
            &["check", "--json", configuration.path()],
            &["config", "print", "--config", configuration.path()],
            &["config", "print", configuration.path()],
        ] {
            let (_, out, error) = run(arguments);
            assert_plain(&format!("{arguments:?}"), &format!("{out}{error}"));
        }
        let (code, out, error) = run(&["inspect", path]);
        assert!(
            format!("{out}{error}").contains("FORGED") || path.ends_with("text.wasm"),
            "{code}: {out}{error}"
        );
    }
}

#[test]
fn a_mistake_in_a_configuration_is_told_in_plain_characters() {
    let text = serde_json::to_string(&format!("a{POISON}")).unwrap();
    for (name, text) in [
        ("a.json", format!("{{{text}: 1}}")),
        ("b.json", format!("{{\"listen\": {text}}}")),
        (
            "c.json",
            format!("{{\"plugins\": [{{\"path\": \"a.wasm\", \"name\": {text}}}]}}"),
        ),
        (
            "d.json",
            format!("{{\"upstreams\": {{\"a\": {{\"base_url\": {text}}}}}}}"),
        ),
        ("e.json", format!("{{\"plugins\": [{{\"path\": {text}}}]}}")),
        ("f.toml", format!("a = '{POISON}'")),
        ("g.yaml", format!("a: {POISON}")),
    ] {
        let file = GuestFile::new(name, text);
        for verb in [&["check"][..], &["config", "print"]] {
            let (code, out, error) = run(&[verb, &[file.path()]].concat());
            assert_ne!(code, 0, "{name}: {out}");
            assert_plain(name, &format!("{out}{error}"));
        }
    }
}
