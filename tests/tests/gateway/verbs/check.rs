//! `heimdall check`.

use serde_json::json;

use super::Desk;

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
fn a_configuration_is_named_alone_or_by_an_option() {
    let desk = Desk::with_examples();
    desk.write("other.conf", "listen = \"127.0.0.1:1\"\n");
    for arguments in [
        &["check", "other.conf", "--format", "toml", "--json"][..],
        &["check", "--config", "other.conf", "--format", "toml", "--json"],
    ] {
        let ran = desk.run(arguments);
        assert_eq!(
            (ran.code, &ran.json()["listen"]),
            (0, &json!("http://127.0.0.1:1")),
            "{ran:?}"
        );
    }
    let ran = desk.run(&["bench", "--config", "gateway.toml", "--requests", "requests.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = desk.run(&["check", "gateway.toml", "--config", "heimdall.toml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = desk.run(&["config", "print", "--config", "other.conf", "--from", "toml"]);
    assert!(ran.code == 0 && ran.out.contains("127.0.0.1:1"), "{ran:?}");
    let ran = desk.run(&["config", "print", "--config", "other.conf"]);
    assert!(
        ran.code == 2 && ran.error.contains("`--from` has to say what it is"),
        "{ran:?}"
    );
    let ran = desk.run(&["check", "other.conf"]);
    assert!(
        ran.code == 2 && ran.out.contains("`--format` has to say what it is"),
        "{ran:?}"
    );
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
