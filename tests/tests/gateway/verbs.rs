//! The verbs beside `serve`, as scripts use them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use heimdall_tests::guests::{self, Guest};
use heimdall_tests::process::heimdall;
use serde_json::{Value, json};

use crate::wat::packed;

/// A folder to work in.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    /// With the files that the examples of each `--help` name.
    fn with_examples() -> Desk {
        let desk = Desk::new();
        desk.copy("guard.wasm", guests::TYPED_GUARD);
        desk.copy("legacy.wasm", guests::GEN3);
        desk.write("request.json", chat("hello").to_string());
        desk.write("response.json", answer("The word is TOP-SECRET.").to_string());
        desk.write("requests.jsonl", format!("{}\n", chat("hello")));
        // Bifrost's configuration.
        let keys = json!([{"name": "main", "value": "env.OPENAI_API_KEY", "models": [], "weight": 1}]);
        desk.write(
            "config.json",
            json!({"providers": {"openai": {"keys": keys}}}).to_string(),
        );
        for file in ["heimdall.toml", "gateway.toml"] {
            desk.write(file, "[[plugins]]\npath = \"guard.wasm\"\n");
        }
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn copy(&self, name: &str, guest: Guest) {
        self.write(name, guest.bytes());
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            heimdall(self.path())
                .args(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }
}

/// A command that ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    error: String,
}

impl Ran {
    fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            error: text(output.stderr),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn chat(text: &str) -> Value {
    json!({"model": "echo", "messages": [{"role": "user", "content": text}]})
}

fn answer(text: &str) -> Value {
    let message = json!({"role": "assistant", "content": text});
    json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
}

/// A packed guest whose pre hook traps.
fn trapping() -> Vec<u8> {
    packed("unreachable", "")
}

/// The verbs that a help text lists.
fn verbs(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every help text, with the verbs that lead to it.
fn helps(desk: &Desk, way: &[&str]) -> Vec<(Vec<String>, String)> {
    // So wide that no line of an example is broken.
    let mut help = heimdall(desk.path());
    let ran = Ran::of(help.args(way).arg("--help").env("COLUMNS", "400").output().unwrap());
    assert_eq!(ran.code, 0, "{way:?}: {ran:?}");
    let below: Vec<_> = verbs(&ran.out)
        .iter()
        .flat_map(|verb| helps(desk, &[way, &[verb]].concat()))
        .collect();
    let own = (way.iter().map(ToString::to_string).collect(), ran.out);
    [vec![own], below].concat()
}

/// The commands under `Examples:`, without what is said of them.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    let lines = lines.map_while(|line| line.strip_prefix("  ").filter(|line| line.starts_with("heimdall ")));
    lines
        .map(|line| line.split("  ").next().unwrap().trim_end().to_owned())
        .collect()
}

#[test]
fn every_example_of_every_help_works() {
    let desk = Desk::with_examples();
    let program = heimdall(desk.path());
    let folder = Path::new(program.get_program()).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.current_dir(desk.path()).args(["-c", line]);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PATH", &path).stdin(Stdio::null());
        shell
    };
    let helps = helps(&desk, &[]);
    assert!(helps.len() > 7, "{helps:?}");
    for (way, help) in &helps {
        let examples = examples(help);
        let has_verbs = way.is_empty() || !verbs(help).is_empty();
        assert!(has_verbs || !examples.is_empty(), "{way:?} has no examples");
        for line in examples {
            if line.starts_with("heimdall serve") {
                serves(shell(&with_free_port(&line)), &line);
            } else {
                let ran = Ran::of(shell(&line).output().unwrap());
                assert_eq!(ran.code, 0, "{line}\n{}\n{}", ran.out, ran.error);
            }
        }
    }
}

/// The line as it is, but for its port, which may be taken here.
fn with_free_port(line: &str) -> String {
    match line.split_once("--listen ") {
        Some((before, after)) => {
            let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
            format!("exec {before}--listen 127.0.0.1:0 {rest}")
        }
        None => format!("exec {line} --listen 127.0.0.1:0"),
    }
}

fn serves(mut command: Command, line: &str) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let serves = lines.map_while(Result::ok).any(|line| {
        said.push(line);
        said.last().is_some_and(|line| line.contains("http://127.0.0.1:"))
    });
    let _ = child.kill();
    let _ = child.wait();
    assert!(serves, "{line}\n{}", said.join("\n"));
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let desk = Desk::with_examples();
    for arguments in [
        &["check"][..],
        &["call", "guard.wasm", "before-call"],
        &["bench", "--requests", "requests.jsonl"],
        &["inspect", "guard.wasm"],
        &["inspect", "nowhere.wasm"],
    ] {
        let ran = Ran::of(
            heimdall(desk.path())
                .args(arguments)
                .env_remove("NO_COLOR")
                .output()
                .unwrap(),
        );
        let text = ran.out + &ran.error;
        assert!(!text.is_empty() && !text.contains('\x1b'), "{arguments:?}: {text:?}");
    }
}

#[test]
fn check_tells_what_would_serve_and_in_which_order() {
    let desk = Desk::with_examples();
    let config = r#"
        default_upstream = "small"
        aliases = { fast = "small/tiny" }
        [upstreams.small]
        kind = "echo"
        [upstreams.large]
        kind = "echo"
        [[routes]]
        models = ["gpt-*"]
        upstream = "large"
        [[plugins]]
        name = "first"
        path = "guard.wasm"
        [[plugins]]
        name = "second"
        path = "legacy.wasm"
        on_failure = "open"
    "#;
    desk.write("heimdall.toml", config);
    let report = desk.run(&["check", "--json"]).json();
    assert_eq!(
        (&report["ok"], &report["errors"]),
        (&json!(true), &json!([])),
        "{report}"
    );
    assert_eq!(report["listen"], "http://127.0.0.1:8080");
    assert_eq!(report["routes"], json!(["fast → small/tiny", "gpt-* → large"]));
    let order = |hook: &str| {
        let hooks = report["hooks"].as_array().unwrap();
        hooks.iter().find(|entry| entry["hook"] == hook).unwrap()["plugins"].clone()
    };
    assert_eq!(order("before-call"), json!(["first", "second"]));
    assert_eq!(order("on-response"), json!(["second", "first"]));
    assert_eq!(order("on-end"), json!(["first"]));

    let ran = desk.run(&["check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in [
        "is in order",
        "before-call: first, second",
        "small: built-in echo, needs no key (default)",
        "on_failure open",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn check_ends_with_what_is_wrong() {
    let guard = "[[plugins]]\npath = \"guard.wasm\"\n";
    let cases = [
        ("lisen = \"127.0.0.1:1\"\n".to_owned(), 2, "`listen`"),
        (
            "[upstreams.a]\nbase_url = \"http://localhost/v1\"\napi_key_env = \"NO_SUCH_KEY\"\n".to_owned(),
            2,
            "NO_SUCH_KEY",
        ),
        (
            "tls = { certificate = \"no.pem\", key = \"no.key\" }\n".to_owned(),
            2,
            "no.pem",
        ),
        (
            "[client_keys.app]\nenv = \"NO_SUCH_CLIENT\"\n".to_owned(),
            2,
            "NO_SUCH_CLIENT",
        ),
        ("[[plugins]]\npath = \"nowhere.wasm\"\n".to_owned(), 1, "nowhere.wasm"),
        (
            "[[plugins]]\npath = \"heimdall.toml\"\n".to_owned(),
            1,
            "not WebAssembly",
        ),
        (
            "[[plugins]]\npath = \"nowhere.wasm\"\non_failure = \"open\"\n".to_owned(),
            1,
            "nowhere.wasm",
        ),
        (format!("{guard}config = {{ banned = 1 }}\n"), 1, "banned"),
        (format!("{guard}{guard}"), 2, "heimdall-guard"),
    ];
    for (config, code, words) in cases {
        let desk = Desk::with_examples();
        desk.write("heimdall.toml", &config);
        let ran = desk.run(&["check", "--json"]);
        let report = ran.json();
        assert_eq!((ran.code, &report["ok"]), (code, &json!(false)), "{config}: {report}");
        assert!(report["errors"].to_string().contains(words), "{words}: {report}");
        let ran = desk.run(&["check"]);
        assert_eq!(ran.code, code);
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn check_tells_of_every_plugin_that_can_not_be_loaded() {
    let desk = Desk::with_examples();
    let plugins =
        "[[plugins]]\npath = \"a.wasm\"\n[[plugins]]\npath = \"guard.wasm\"\n[[plugins]]\npath = \"b.wasm\"\n";
    desk.write("heimdall.toml", plugins);
    let ran = desk.run(&["check", "--json"]);
    let report = ran.json();
    let errors = report["errors"].to_string();
    assert_eq!(ran.code, 1);
    assert!(errors.contains("a.wasm") && errors.contains("b.wasm"), "{errors}");
    assert_eq!(report["plugins"][0]["name"], "heimdall-guard");
}

#[test]
fn a_warning_counts_as_a_mistake_only_if_that_is_asked_for() {
    let desk = Desk::with_examples();
    let config = "[[passthrough]]\npath = \"/v1/files*\"\n[[plugins]]\npath = \"guard.wasm\"\n";
    desk.write("heimdall.toml", config);
    let ran = desk.run(&["check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("heimdall-guard") && ran.out.contains("/v1/files*"),
        "{}",
        ran.out
    );
    let ran = desk.run(&["check", "--deny-warnings"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("warnings, which are denied"), "{}", ran.out);
}

#[test]
fn call_shows_what_each_hook_changes() {
    let desk = Desk::with_examples();
    let legacy = guests::GEN3;
    let cases: [(Guest, &str, &[&str], &str, &str); 10] = [
        (guests::TYPED_GUARD, "on-request", &[], "proceed", "+x-guard-request"),
        (
            guests::TYPED_GUARD,
            "before-call",
            &[],
            "proceed",
            "+context guard/messages = 1",
        ),
        (
            guests::TYPED_GUARD,
            "after-call",
            &["--response", "response.json"],
            "proceed",
            "[redacted]",
        ),
        (guests::TYPED_GUARD, "on-response", &[], "proceed", "+x-guard"),
        (
            guests::TYPED_GUARD,
            "pre-llm-hook",
            &[],
            "proceed",
            "+      \"role\": \"system\"",
        ),
        (legacy, "http_pre_hook", &[], "proceed", "+x-legacy"),
        (legacy, "pre_hook", &[], "proceed", "\"role\": \"system\""),
        (legacy, "before-call", &[], "proceed", "\"role\": \"system\""),
        (
            legacy,
            "post_hook",
            &["--response", "response.json"],
            "proceed",
            "[gen3 redacted]",
        ),
        (legacy, "http_post_hook", &[], "proceed", "+x-legacy"),
    ];
    for (guest, hook, more, outcome, words) in cases {
        let file = guest.path().display().to_string();
        let arguments = [&["call", &file, hook, "--json"], more].concat();
        let ran = desk.run(&arguments);
        let report = ran.json();
        let diff = report["calls"][0]["diff"].as_str().unwrap();
        assert_eq!(
            (ran.code, &report["calls"][0]["outcome"]),
            (0, &json!(outcome)),
            "{hook}: {report}"
        );
        assert!(diff.contains(words), "{hook}: {diff}");
        assert!(report["memory_bytes"].as_u64().unwrap() >= 65_536, "{hook}: {report}");
        assert_eq!(report["instances"], 1, "{hook}");
    }
}

#[test]
fn call_gives_each_chunk_of_a_stream_and_the_end_to_a_plugin() {
    let desk = Desk::with_examples();
    let events = ["TOP-", "SECRET", " it is."].map(|text| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": null});
        format!(
            "data: {}\n\n",
            json!({"object": "chat.completion.chunk", "choices": [choice]})
        )
    });
    desk.write("stream.sse", events.concat() + "data: [DONE]\n\n");
    let call = |file: &str, hook: &str| {
        let ran = desk.run(&["call", file, hook, "--stream", "--response", "stream.sse", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()["calls"].as_array().unwrap().clone()
    };
    let calls = call("guard.wasm", "on-chunk");
    assert_eq!(calls.len(), 3);
    assert!(calls[1]["diff"].to_string().contains("[redacted]"), "{calls:?}");
    let calls = call("guard.wasm", "on-end");
    assert_eq!((calls.len(), &calls[3]["outcome"]), (4, &json!("held_back")));
    assert_eq!(
        call("legacy.wasm", "post_hook").len(),
        3,
        "a legacy post hook sees each chunk"
    );
    assert_eq!(call("legacy.wasm", "http_stream_chunk_hook").len(), 3);
}

#[test]
fn a_refusal_is_an_outcome_and_a_failure_is_not() {
    let desk = Desk::with_examples();
    desk.write("config.json", r#"{"banned": ["internal-only"]}"#);
    desk.write("request.json", chat("this is internal-only").to_string());
    let ran = desk.run(&[
        "call",
        "guard.wasm",
        "before-call",
        "--request",
        "request.json",
        "--config",
        "@config.json",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("refused with status 403") && ran.out.contains("code banned_word"),
        "{}",
        ran.out
    );

    desk.write("trap.wasm", trapping());
    let ran = desk.run(&["call", "trap.wasm", "pre_hook", "--json"]);
    let report = ran.json();
    assert_eq!(
        (ran.code, &report["calls"][0]["outcome"]),
        (1, &json!("failed")),
        "{report}"
    );
    assert!(
        report["calls"][0]["detail"]["cause"].to_string().contains("trapped"),
        "{report}"
    );
    let ran = desk.run(&["call", "trap.wasm", "pre_hook"]);
    for words in [
        "trap.wasm",
        "`pre_hook`",
        "it trapped",
        "report it to the plugin's author",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn call_says_what_is_wrong_with_what_it_was_given() {
    let desk = Desk::with_examples();
    desk.write("models.json", r#"{"method": "GET", "path": "/v1/models"}"#);
    desk.write("number.json", "1");
    let cases: [(&[&str], i32, &[&str]); 10] = [
        (
            &["guard.wasm", "bogus"],
            2,
            &["no hook `bogus`", "before-call", "pre-llm-hook"],
        ),
        (
            &["legacy.wasm", "on-end"],
            2,
            &["no hook `on-end`", "http_stream_chunk_hook"],
        ),
        (
            &["request.json", "before-call"],
            3,
            &["request.json", "not WebAssembly"],
        ),
        (&["nowhere.wasm", "before-call"], 1, &["nowhere.wasm"]),
        (
            &["guard.wasm", "before-call", "--request", "nowhere.json"],
            2,
            &["nowhere.json"],
        ),
        (
            &["guard.wasm", "before-call", "--request", "number.json"],
            2,
            &["number.json", "object"],
        ),
        (
            &["guard.wasm", "before-call", "--request", "models.json"],
            2,
            &["/v1/models", "no model is called"],
        ),
        (&["guard.wasm", "before-call", "--config", "{"], 2, &["--config"]),
        (
            &["guard.wasm", "before-call", "--config", r#"{"banned": 1}"#],
            2,
            &["banned"],
        ),
        (
            &["legacy.wasm", "pre_hook", "--option", "chunk_form=xml"],
            2,
            &["chunk_form", "xml"],
        ),
    ];
    for (arguments, code, words) in cases {
        let ran = desk.run(&[&["call"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(
            words.iter().all(|words| ran.error.contains(words)),
            "{arguments:?}: {}",
            ran.error
        );
    }
}

#[test]
fn call_reads_a_request_from_standard_input_and_repeats_it() {
    let desk = Desk::with_examples();
    let mut command = heimdall(desk.path());
    command.args([
        "call",
        "guard.wasm",
        "before-call",
        "--request",
        "-",
        "--repeat",
        "20",
        "--json",
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let request = json!({"path": "/v1/embeddings", "body": {"model": "m", "input": "from standard input"}});
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.to_string().as_bytes())
        .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    let report = ran.json();
    assert_eq!((ran.code, &report["repeat"]["calls"]), (0, &json!(20)), "{report}");
    let time = |name: &str| report["repeat"]["time_us"][name].as_f64().unwrap();
    assert!(time("min") <= time("p50") && time("p50") <= time("p99") && time("p99") <= time("max"));
    assert_eq!(report["calls"].as_array().unwrap().len(), 1);
}

#[test]
fn bench_counts_the_calls_of_each_hook() {
    let desk = Desk::with_examples();
    let config = "[[plugins]]\npath = \"guard.wasm\"\nconfig = { banned = [\"internal-only\"] }\n[[plugins]]\npath = \"legacy.wasm\"\n";
    desk.write("heimdall.toml", config);
    let mut streamed = chat("a stream of five words");
    streamed["stream"] = true.into();
    let recorded = json!({"body": chat("hi"), "response": answer("TOP-SECRET")});
    let refused = chat("internal-only");
    let elsewhere = json!({"method": "GET", "path": "/v1/models"});
    let lines = [chat("hello"), streamed, recorded, refused, elsewhere].map(|line| line.to_string());
    desk.write("requests.jsonl", lines.join("\n"));
    let ran = desk.run(&[
        "bench",
        "--requests",
        "requests.jsonl",
        "--count",
        "10",
        "--concurrency",
        "2",
        "--json",
    ]);
    let report = ran.json();
    assert_eq!(
        (ran.code, &report["requests"], &report["ended_by_a_plugin"]),
        (0, &json!(10), &json!(2)),
        "{report}"
    );
    let calls = |plugin: &str, hook: &str| {
        let hooks = report["hooks"].as_array().unwrap();
        let found = hooks
            .iter()
            .find(|entry| entry["plugin"] == plugin && entry["hook"] == hook);
        found.unwrap_or_else(|| panic!("{plugin} {hook}: {report}"))["calls"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(calls("heimdall-guard", "on-request"), 10);
    assert_eq!(calls("heimdall-guard", "before-call"), 8);
    assert_eq!(
        calls("legacy-gen3", "before-call"),
        6,
        "the guard comes before it and refused"
    );
    assert_eq!(
        calls("legacy-gen3", "after-call"),
        4,
        "of answers that were not streamed"
    );
    assert!(calls("heimdall-guard", "on-chunk") > 2);
    assert_eq!(calls("heimdall-guard", "on-end"), 2);
    assert_eq!(calls("heimdall-guard", "on-response"), 8);
    let shares: f64 = report["hooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hook| hook["share"].as_f64().unwrap())
        .sum();
    assert!((shares - 1.0).abs() < 0.001, "{shares}");

    let ran = desk.run(&["bench", "--requests", "requests.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("heimdall-guard  on-request") && ran.out.contains("5 requests"),
        "{}",
        ran.out
    );
}

#[test]
fn bench_says_which_request_is_wrong_and_that_a_plugin_failed() {
    let desk = Desk::with_examples();
    for (text, words) in [
        (format!("{}\n\n{{\"model\": 1}}\n", chat("a")), "requests.jsonl:3:"),
        (String::new(), "has no requests"),
    ] {
        desk.write("requests.jsonl", text);
        let ran = desk.run(&["bench", "--requests", "requests.jsonl"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error.contains(words), "{}", ran.error);
    }
    desk.write("requests.jsonl", chat("a").to_string());
    desk.write("trap.wasm", trapping());
    desk.write("heimdall.toml", "[[plugins]]\npath = \"trap.wasm\"\n");
    let ran = desk.run(&["bench", "--requests", "requests.jsonl", "--json"]);
    assert_eq!((ran.code, &ran.json()["hooks"][0]["failed"]), (1, &json!(1)), "{ran:?}");
}

#[test]
fn shells_and_readers_know_every_verb() {
    let desk = Desk::new();
    let verbs = verbs(&desk.run(&["--help"]).out);
    assert!(verbs.len() > 6, "{verbs:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = desk.run(&["completions", shell]);
        assert!(verbs.iter().all(|verb| ran.out.contains(verb.as_str())), "{shell}");
    }
    let page = desk.run(&["man"]).out;
    assert!(
        page.contains(".TH heimdall 1") && page.contains("EXIT CODES") || page.contains("Exit codes"),
        "{page}"
    );
    assert_eq!(desk.run(&["man", "pages"]).code, 0);
    for verb in verbs {
        let page = fs::read_to_string(desk.path().join(format!("pages/heimdall-{verb}.1"))).unwrap();
        assert!(page.contains("heimdall"), "{page}");
    }
}
