//! `heimdall bench`.

use serde_json::json;

use super::{Desk, answer, chat, trapping};

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
    assert_eq!(report["called_no_model"], 2);
    let why = report["why_no_model"].as_str().unwrap();
    assert!(
        why.starts_with("requests.jsonl:5: the request goes to `/v1/models`, where no model is called"),
        "{why}"
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
    assert!(
        ran.out
            .contains("1 called no model, so that HTTP hooks alone saw them; the first: requests.jsonl:5: "),
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
        (
            json!({"body": chat("a"), "response": {"status": 500, "bdy": {}}}).to_string(),
            "requests.jsonl:1: the request has a member `bdy`",
        ),
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
