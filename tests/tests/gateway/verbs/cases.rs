//! `heimdall test`.

mod as_serve;

use std::path::{Path, PathBuf};

use heimdall_tests::guests;
use quick_junit::{Report, TestCaseStatus};
use serde_json::{Value, json};

use super::{Desk, Ran, chat, trapping};
use crate::configuration::snippets;

fn case(name: &str, request: Value, expect: Value) -> Value {
    json!({"name": name, "request": request, "expect": expect})
}

/// Runs these cases against the guard.
fn run(cases: Value, more: &[&str]) -> Ran {
    let desk = Desk::with_examples();
    desk.write("cases.json", cases.to_string());
    desk.run(&[&["test", "guard.wasm", "cases.json"], more].concat())
}

/// Without times, which differ.
fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rfind(" (") {
        Some(start) if line.ends_with("s)") => line[..start].to_owned(),
        _ => line.trim_end().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_case_is_a_line_and_a_failing_one_says_what_differs() {
    let refused =
        json!({"status": 403, "body": {"error": {"code": "bad_word"}}, "log": ["warn refused", "info never"]});
    let cases = json!([
        case("a chat passes", chat("hello"), json!({"text": "echo: hello"})),
        case("a word is refused", chat("forbidden-word"), refused),
    ]);
    let ran = run(cases, &[]);
    assert_eq!((ran.code, ran.error.as_str()), (1, ""), "{ran:?}");
    insta::assert_snapshot!(timeless(&ran.out), @r#"
    ok      a chat passes
    FAILED  a word is refused
      cases.json:1:133
      body.error.code
        expected  "bad_word"
        actual    "banned_word"
      log
        expected  "info never"
        actual    ["warn refused message=0","info no answer status=403"]
      --- expected
      +++ actual
      @@ -1,7 +1,7 @@
       {
         "body": {
           "error": {
      -      "code": "bad_word"
      +      "code": "banned_word"
           }
         },
         "status": 403
      log WARN  refused plugin="heimdall-guard" hook="before-call" request_id="heimdall-test" fields={message=0}
      log INFO  no answer plugin="heimdall-guard" hook="after-call" request_id="heimdall-test" fields={status=403}
    1 passed, 1 failed
    "#);
}

#[test]
fn a_script_reads_what_each_case_came_to() {
    let cases = json!([
        case("one", chat("hello"), json!({"status": 200})),
        case(
            "two",
            chat("hello"),
            json!({"upstream": {"body": {"messages": ["<any>", {"content": "hi"}, "..."]}}})
        ),
    ]);
    let ran = run(cases, &["--json"]);
    let report = ran.json();
    assert_eq!(
        (ran.code, &report["passed"], &report["failed"]),
        (1, &json!(1), &json!(1)),
        "{report}"
    );
    let [one, two] = [0, 1].map(|index| &report["cases"][index]);
    assert_eq!(
        (&one["name"], &one["ok"], &one["failure"]),
        (&json!("one"), &json!(true), &Value::Null)
    );
    assert_eq!(
        two["failure"]["mismatches"],
        json!([{"path": "upstream.body.messages[1].content", "expected": "hi", "actual": "hello"}])
    );
    assert!(two["place"].as_str().unwrap().starts_with("cases.json:1:"), "{two}");
    assert!(
        two["failure"]["diff"]
            .as_str()
            .unwrap()
            .contains("+          \"content\": \"hello\""),
        "{two}"
    );
}

#[test]
fn a_ci_system_reads_what_each_case_came_to() {
    let desk = Desk::with_examples();
    let named = |name: &str, status: u16| case(name, chat("hello"), json!({"status": status}));
    let mut ugly = named("two \u{fffe}", 200);
    ugly["expect"] = json!({"text": "\u{ffff}"});
    std::fs::create_dir(desk.path().join("all")).unwrap();
    desk.write(
        "all/a.json",
        json!([named("one <&\u{7}\u{ffff}>", 200), named("two", 201), ugly]).to_string(),
    );
    desk.write(
        "all/b.yaml",
        "request: {model: m, messages: []}\nexpect: {status: 200}\n",
    );
    let ran = desk.run(&["test", "guard.wasm", "all", "--junit", "report.xml"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let xml = std::fs::read_to_string(desk.path().join("report.xml")).unwrap();
    let report = Report::deserialize_from_str(&xml).unwrap();
    assert_eq!(
        (report.tests, report.failures, report.test_suites.len()),
        (4, 2, 2),
        "{xml}"
    );
    let [a, b] = [0, 1].map(|index| &report.test_suites[index]);
    assert_eq!((a.name.as_str(), b.name.as_str()), ("all/a.json", "all/b.yaml"));
    assert!(a.test_cases[0].name.as_str().starts_with("one <&"), "{xml}");
    assert_eq!(b.test_cases[0].name.as_str(), "b");
    let TestCaseStatus::NonSuccess { description, .. } = &a.test_cases[1].status else {
        panic!("{xml}");
    };
    let words = description.as_ref().unwrap().as_str();
    assert!(
        words.contains("status") && words.contains("+  \"status\": 200"),
        "{words}"
    );
    assert!(!xml.contains(['\u{1b}', '\u{fffe}', '\u{ffff}']), "{xml}");
    assert!(xml.contains("two \u{fffd}"), "{xml}");
}

#[test]
fn a_mistake_in_a_case_is_told_with_its_place() {
    let desk = Desk::with_examples();
    let request = r#""request": {"model": "m", "messages": []}"#;
    for (text, words) in [
        (
            format!("[\n  {{{request},\n   \"expct\": {{\"status\": 200}}}}\n]"),
            "cases.json:3:4: there is no setting `expct`; did you mean `expect`?",
        ),
        (
            format!("{{{request}, \"expect\": {{\"stauts\": 200}}}}"),
            "`expect.stauts`; did you mean `status`?",
        ),
        (
            format!("{{{request}, \"expect\": {{\"upstream\": {{\"modle\": \"m\"}}}}}}"),
            "`expect.upstream.modle`; did you mean `model`?",
        ),
        (
            format!("{{{request}, \"expect\": {{\"status\": \"<number>\"}}}}"),
            "`expect.status`: invalid type: a text",
        ),
        (format!("{{{request}}}"), "missing field `expect`"),
        (
            format!("{{{request}, \"expect\": {{}}}}"),
            "`expect` names nothing to look at",
        ),
        (r#"{"expect": {"status": 200}}"#.to_owned(), "`request` is missing"),
        (
            format!("{{{request}, \"expect\": {{\"outcome\": \"refusd\"}}}}"),
            "unknown variant `refusd`, expected one of `passed`, `answered`",
        ),
        (
            format!("{{{request}, \"expect\": {{\"load_error\": \"*\", \"status\": 200}}}}"),
            "`expect` has `load_error`",
        ),
        (
            format!("{{{request}, \"response\": {{\"events\": [1]}}, \"expect\": {{\"status\": 200}}}}"),
            "cases.json:1:45: `response` is a stream, and the request asks for none",
        ),
        (
            r#"{"request": {"model": "m"}, "expect": {"status": 200}}"#.to_owned(),
            "`request` has none of `messages`, `prompt` and `input`",
        ),
        (
            format!("{{{request}, \"before\": [{{\"path\": \"nowhere.wasm\"}}], \"expect\": {{\"status\": 200}}}}"),
            "nowhere.wasm can't be read",
        ),
        (
            format!("{{{request}, \"expect\": {{\"headers\": {{\"X-Guard\": \"a\", \"x-guard\": \"b\"}}}}}}"),
            "`expect` has `expect.headers` with the header `x-guard` twice",
        ),
        (
            format!("{{{request}, \"expect\": {{\"text\": \"a\", \"outcome\": null}}}}"),
            "`expect.outcome`: null says nothing to look at",
        ),
        (
            format!("{{{request}, \"expect\": {{\"text\": \"a\", \"status\": null}}}}"),
            "`expect.status`: null",
        ),
        (
            r#"{"expect": {"load_error": null}}"#.to_owned(),
            "`expect.load_error`: null",
        ),
        (
            format!("{{{request}, \"expect\": {{\"text\": \"a\", \"headers\": null}}}}"),
            "`expect.headers`: it names nothing to look at",
        ),
        (
            format!("{{{request}, \"expect\": {{\"text\": \"a\", \"context\": {{}}}}}}"),
            "`expect.context`: it names nothing",
        ),
        (
            format!("{{{request}, \"expect\": {{\"text\": \"a\", \"log\": []}}}}"),
            "`expect.log`: it names nothing",
        ),
        (
            format!("{{{request}, \"expect\": {{\"upstream\": {{\"model\": null}}}}}}"),
            "`expect.upstream.model`: null",
        ),
        ("[1]".to_owned(), "invalid type"),
        ("{".to_owned(), "cases.json:1:2: this is no JSON"),
        (
            r#"{"name": "a", "name": "b"}"#.to_owned(),
            "`name` is written a second time",
        ),
        ("[]".to_owned(), "the list of cases is empty"),
    ] {
        desk.write("cases.json", &text);
        let ran = desk.run(&["test", "guard.wasm", "cases.json"]);
        assert_eq!(ran.code, 2, "{text}: {ran:?}");
        assert!(ran.error.contains(words), "{text}: {}", ran.error);
    }
}

#[test]
fn in_a_plugins_folder_it_runs_the_plugins_own_cases_on_what_was_built() {
    let desk = Desk::new();
    let missing = desk.run(&["test"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.error.contains("heimdall.plugin.toml"), "{missing:?}");
    let project = "name = \"a\"\nbuild = \"make\"\noutput = \"build/a.wasm\"\n";
    desk.write("heimdall.plugin.toml", project);
    let cases = case("a chat passes", chat("hello"), json!({"text": "echo: hello"}));
    desk.write("cases/one.json", cases.to_string());
    let missing = desk.run(&["test"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.error.contains("build/a.wasm"), "{missing:?}");
    assert!(missing.error.contains("heimdall build"), "{missing:?}");
    desk.copy("build/a.wasm", guests::TYPED_GUARD);
    let ran = desk.run(&["test"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("1 passed"), "{ran:?}");
}

#[test]
fn what_can_not_be_run_is_told() {
    let desk = Desk::with_examples();
    std::fs::create_dir(desk.path().join("empty")).unwrap();
    desk.write("cases.txt", "");
    for (arguments, code, words) in [
        (&["guard.wasm", "empty"][..], 2, "the folder empty has no cases"),
        (&["guard.wasm", "nowhere"], 2, "nowhere"),
        (
            &["guard.wasm", "nowhere.json"],
            2,
            "the file nowhere.json can't be read",
        ),
        (&["guard.wasm", "cases.txt"], 2, "it has to end in .json, .yaml or .yml"),
        (
            &["guard.wasm", "cases", "--filter", "x?"],
            2,
            "has a name with \"x?\" in it",
        ),
        (&["guard.wasm"], 2, "CASES"),
        (&["nowhere.wasm", "cases"], 2, "nowhere.wasm can't be read"),
        (&["request.json", "cases"], 3, "request.json"),
        (&["guard.wasm", "cases", "--limit", "memory=1"], 2, "memory_mib"),
        (
            &["guard.wasm", "cases", "--junit", "no/report.xml"],
            1,
            "no/report.xml can't be written",
        ),
    ] {
        let ran = desk.run(&[&["test"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(ran.error.contains(words), "{arguments:?}: {}", ran.error);
    }
}

#[test]
fn a_failing_hook_fails_the_case_that_does_not_expect_it() {
    let desk = Desk::with_examples();
    desk.write("trap.wasm", trapping());
    let expected = case("expected", chat("a"), json!({"outcome": "failed", "status": 500}));
    let overlooked = case("overlooked", chat("a"), json!({"status": 500}));
    desk.write("cases.json", json!([expected, overlooked]).to_string());
    let ran = desk.run(&["test", "trap.wasm", "cases.json", "--json"]);
    let cases = &ran.json()["cases"];
    assert_eq!(
        (ran.code, &cases[0]["ok"], &cases[1]["ok"]),
        (1, &json!(true), &json!(false)),
        "{cases}"
    );
    let problems = cases[1]["failure"]["problems"].to_string();
    assert!(
        problems.contains("\\\"outcome\\\": \\\"failed\\\"") && problems.contains("pre_hook"),
        "{problems}"
    );
}

#[test]
fn a_plugin_that_can_not_be_loaded_fails_the_case_that_does_not_expect_it() {
    let config = json!({"bannned": []});
    let mut passes = case("passes", chat("a"), json!({"status": 200}));
    passes["config"] = config.clone();
    let refused = json!({"name": "refused", "config": config, "expect": {"load_error": "*'bannned' was unexpected*"}});
    let loaded = json!({"name": "loaded", "expect": {"load_error": "*"}});
    let ran = run(json!([passes, refused, loaded]), &["--json"]);
    let report = ran.json();
    let ok = [0, 1, 2].map(|index| report["cases"][index]["ok"].as_bool().unwrap());
    assert_eq!((ran.code, ok), (1, [false, true, false]), "{report}");
    assert_eq!(report["cases"][0]["failure"]["mismatches"][0]["path"], "load_error");
}

#[test]
fn plugins_around_the_one_under_test_take_their_part() {
    let desk = Desk::with_examples();
    std::fs::create_dir_all(desk.path().join("folder/plugins")).unwrap();
    desk.copy("folder/plugins/tag.wasm", guests::TYPED_TAG);
    let mut case = case(
        "between",
        chat("hello"),
        json!({
            "upstream": {"body": {"messages": [{"role": "system"}, {"content": "hello [tag:a] [tag:b]"}]}},
            "context": {"tag": "b"},
            "text": "echo: hello [tag:a] [tag:b]",
        }),
    );
    let tag = |tag: &str| json!({"path": "plugins/tag.wasm", "name": tag, "config": {"tag": tag}});
    case["before"] = json!([tag("a")]);
    case["after"] = json!([tag("b")]);
    desk.write("folder/case.json", case.to_string());
    let ran = desk.run(&["test", "guard.wasm", "folder"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Without names of their own two plugins of one file would be one.
    case["after"] = json!([tag("a")]);
    desk.write("folder/case.json", case.to_string());
    let ran = desk.run(&["test", "guard.wasm", "folder"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error.contains("two plugins are called `a`"), "{}", ran.error);
}

#[test]
fn a_plugin_that_is_missing_is_told_before_any_case_runs() {
    let mut second = case("second", chat("hello"), json!({"status": 200}));
    second["after"] = json!([{"path": "nowhere.wasm"}]);
    let ran = run(
        json!([case("first", chat("hello"), json!({"status": 200})), second]),
        &[],
    );
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    assert!(
        ran.error.contains("`second`") && ran.error.contains("nowhere.wasm"),
        "{}",
        ran.error
    );
}

#[test]
fn cases_run_in_the_order_of_their_files_and_are_chosen_by_their_name() {
    let desk = Desk::with_examples();
    std::fs::create_dir(desk.path().join("all")).unwrap();
    let one = |name: &str| case(name, chat("hello"), json!({"status": 200})).to_string();
    for (file, text) in [
        ("c.json", one("third")),
        ("b.yml", one("second")),
        ("a.json", one("first")),
    ] {
        desk.write(&format!("all/{file}"), text);
    }
    desk.write("all/README.md", "no case");
    desk.write("more.json", one("fourth"));
    let names = |arguments: &[&str]| -> Vec<String> {
        let ran = desk.run(&[&["test", "guard.wasm", "--json", "more.json", "all"], arguments].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let report = ran.json();
        let cases = report["cases"].as_array().unwrap().iter();
        cases.map(|case| case["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["fourth", "first", "second", "third"]);
    assert_eq!(names(&["--filter", "ir"]), ["first", "third"]);
}

#[test]
fn the_cases_that_the_document_shows_pass() {
    let desk = Desk::with_examples();
    let document = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cases.md"));
    let document = std::fs::read_to_string(document).unwrap();
    let shown = snippets(&document, "case");
    assert_eq!(shown.len(), 2);
    for (format, line, text) in shown {
        let file = format!("shown.{format}");
        desk.write(&file, text);
        let ran = desk.run(&["test", "guard.wasm", &file]);
        assert_eq!(ran.code, 0, "docs/cases.md:{line}: {}{}", ran.out, ran.error);
    }
}

/// The folder that the examples of `--help` name.
pub(super) fn write_examples(desk: &Desk) {
    let folder: PathBuf = desk.path().join("cases");
    std::fs::create_dir(folder).unwrap();
    let refusal = case(
        "a word is refused",
        chat("forbidden-word"),
        json!({"outcome": "refused"}),
    );
    let mut streamed = chat("TOP-SECRET");
    streamed["stream"] = true.into();
    let stream = case("a stream is redacted", streamed, json!({"text": "echo: [redacted]"}));
    desk.write("cases/refusal.json", refusal.to_string());
    desk.write("cases/stream.json", stream.to_string());
}
