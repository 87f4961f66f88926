//! Mistakes in a file: what is said, and where it stands.

use super::super::load;

fn refusal(text: &str) -> String {
    load::parse("heimdall.toml", text).unwrap_err().to_string()
}

#[test]
fn a_mistake_is_refused_with_its_place_and_what_to_do() {
    let cases = [
        (
            "lisen = \"127.0.0.1:1\"",
            "heimdall.toml:1:1: there is no setting `lisen`; did you mean `listen`?",
        ),
        (
            "\n[[plugins]]\npath = \"a.wasm\"\n  on_fail = \"open\"",
            "heimdall.toml:4:3: there is no setting `plugins[0].on_fail`; did you mean `on_failure`?",
        ),
        (
            "[[plugins]]\npaht = \"guard.wasm\"",
            "heimdall.toml:2:1: there is no setting `plugins[0].paht`; did you mean `path`?",
        ),
        (
            "[[plugins]]\npath = \"a.wasm\"\n[plugins.limits]\nmemory_mb = 1",
            "heimdall.toml:4:1: there is no setting `plugins[0].limits.memory_mb`; did you mean `memory_mib`?",
        ),
        (
            "[downloads]\nproxy = \"http://x\"",
            "heimdall.toml:2:1: there is no setting `downloads.proxy`; here can stand: timeout_ms, stall_timeout_ms, \
             max_mib, max_redirects",
        ),
        (
            "lisen = 1\nplugin = []",
            "heimdall.toml:1:1: there is no setting `lisen`; did you mean `listen`?\n\
             heimdall.toml:2:1: there is no setting `plugin`; did you mean `plugins`?",
        ),
        (
            "max_body_mib = \"1\"",
            "heimdall.toml:1:16: `max_body_mib`: invalid type: a text, expected a whole number, not below 0",
        ),
        (
            "client_keys.alice = \"sk-1234567890\"",
            "heimdall.toml:1:21: `client_keys.alice`: invalid type: a text, expected a table",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://a\"\nheaders = { x-api-key = \"sk-1234567890\" }",
            "heimdall.toml:3:25: `upstreams.a.headers.x-api-key`: invalid type: a text, expected a table",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://a\"\nkeys = [\"sk-1234567890\"]",
            "heimdall.toml:3:9: `upstreams.a.keys[0]`: invalid type: a text, expected a table",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://a\"\napi_key_env = \"sk-1234567890\"",
            "heimdall.toml:3:1: `upstreams.a.api_key_env` is no name of an environment variable (letters, digits and \
             `_`): the key itself does not belong here",
        ),
        (
            "[client_keys.alice]\nenv = \"sk-1234567890\"",
            "heimdall.toml:2:1: `client_keys.alice.env` is no name of an environment variable (letters, digits and \
             `_`): the key itself does not belong here",
        ),
        (
            "[client]\n[[plugins]]\npath = \"a.wasm\"",
            "heimdall.toml:1:2: there is no setting `client`; did you mean `client_keys`?",
        ),
        (
            "[[plugins]]\nname = \"a\"",
            "heimdall.toml:1:1: `plugins[0]`: missing field `path`",
        ),
        (
            "[[plugins]]\npath = \"a\"\non_failure = \"ajar\"",
            "heimdall.toml:3:14: `plugins[0].on_failure`: unknown variant `ajar`, expected `closed` or `open`",
        ),
        (
            "listen = ",
            "heimdall.toml:1:10: this is no TOML: string values must be quoted, expected literal string",
        ),
        (
            "cache = true\ncache = false",
            "heimdall.toml:2:1: this is no TOML: duplicate key",
        ),
        (
            "listen = \"localhost\"",
            "heimdall.toml:1:10: `listen`: it has to be an IP address and a port, as in 127.0.0.1:8080",
        ),
        (
            "[plugins]\npath = \"a.wasm\"",
            "heimdall.toml:1:1: `plugins`: it has to be a list of tables; in TOML each is a table of its own under \
             `[[plugins]]`, with two brackets",
        ),
        (
            "[[plugins]]\npath = \"a\"\nlimits = { memory_mib = \"64\" }",
            "heimdall.toml:3:25: `plugins[0].limits.memory_mib`: invalid type: a text, expected a whole number, \
             not below 0",
        ),
        (
            "[[plugins]]\npath = \"a.wasm\"\nname = \"a\\u0007\"",
            "heimdall.toml:3:1: `plugins[0].name` holds a control character",
        ),
        (
            "listen = \"0.0.0.0:80\"",
            "heimdall.toml:1:1: `listen` is 0.0.0.0:80, which others than this machine can reach, and clients are asked \
             for no key: name their keys under `client_keys`, use 127.0.0.1, or write `auth = \"none\"` if everyone who \
             can reach it may use it",
        ),
        (
            "max_body_mib = 0",
            "heimdall.toml:1:1: `max_body_mib` has to be above 0",
        ),
        (
            "default_upstream = \"openai\"",
            "heimdall.toml:1:1: `default_upstream` names no upstream; there are: echo",
        ),
        (
            "[upstreams.openai]\nkind = \"openai\"",
            "heimdall.toml:1:12: `upstreams.openai.base_url` is missing: the server's address, as in \
             `https://api.openai.com/v1`",
        ),
        (
            "[upstreams.a]\nbase_url = \"localhost:1\"",
            "heimdall.toml:2:1: `upstreams.a.base_url` has to start with `http://` or `https://`",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://user:key@host/v1\"",
            "heimdall.toml:2:1: `upstreams.a.base_url` holds a user name or password: keys come from the environment \
             variable that `api_key_env` names",
        ),
        (
            "[upstreams.a]\nbase_url = \"http://host/v1?key=1\"",
            "heimdall.toml:2:1: `upstreams.a.base_url` has a `?` or `#`: only what stands before it can be the start \
             of every call's URL",
        ),
        (
            "[upstreams.a]\nkind = \"echo\"\napi_key_env = \"KEY\"",
            "heimdall.toml:3:1: `upstreams.a.api_key_env` has no meaning for the built-in echo",
        ),
        (
            "[upstreams.\"a/b\"]\nkind = \"echo\"",
            "heimdall.toml:1:12: `upstreams.a/b` is no name for an upstream: letters, digits, `-`, `_` and `.` are",
        ),
        (
            "[[plugins]]\npath = \"a.wasm\"\nname = \"x\"\n[[plugins]]\npath = \"b.wasm\"\nname = \"x\"",
            "heimdall.toml:6:1: a second plugin is called `x`; the first stands at heimdall.toml:3:1; give one of them \
             another `name`",
        ),
        (
            "[[plugins]]\npath = \"a\"\nlimits = { hook_timeout_ms = 0 }",
            "heimdall.toml:3:12: `plugins[0].limits.hook_timeout_ms` has to be above 0",
        ),
        (
            "[[plugins]]\npath = \"a\"\nlimits = { fuel = 0 }",
            "heimdall.toml:3:12: `plugins[0].limits.fuel` has to be above 0",
        ),
        (
            "[[plugins]]\npath = \"a\"\nconfig = { x = inf }",
            "heimdall.toml:3:16: `plugins[0].config.x`: inf is a number that neither a setting nor JSON has",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "for:\n{text}");
    }
}

#[test]
fn a_text_that_stands_where_none_belongs_is_never_repeated() {
    let server = "[upstreams.a]\nbase_url = \"http://a/v1\"\n";
    let cases = [
        ("[upstreams]\nopenai = SECRET".to_owned(), "a table"),
        (format!("{server}forward_client_key = SECRET"), "`true` or `false`"),
        (format!("{server}retries = SECRET"), "a whole number, not below 0"),
        (format!("{server}keys = SECRET"), "a list"),
        (format!("{server}headers = SECRET"), "a table"),
        (
            format!("{server}keys = [{{ env = \"A\", weight = SECRET }}]"),
            "a whole number, not below 0",
        ),
        (
            "[client_keys.a]\nenv = \"A\"\nburst = SECRET".to_owned(),
            "a whole number above 0",
        ),
        ("tls = SECRET".to_owned(), "a table"),
        ("cache = SECRET".to_owned(), "`true` or `false`"),
        ("auth = SECRET".to_owned(), "it has to be `none` or `client_keys`"),
        ("listen = SECRET".to_owned(), "it has to be an IP address"),
        ("plugins = SECRET".to_owned(), "it has to be a list of tables"),
    ];
    for (text, expected) in cases {
        let refusal = refusal(&text.replace("SECRET", "\"sk-1234567890\""));
        assert!(refusal.contains(expected), "{refusal}\nfor:\n{text}");
        assert!(!refusal.contains("sk-"), "{refusal}\nfor:\n{text}");
    }
}

#[test]
fn what_is_no_word_of_a_few_is_refused_with_those() {
    let refusal = refusal("[upstreams.a]\nkind = 5");
    assert!(
        refusal.ends_with("`upstreams.a.kind`: invalid type: integer `5`, expected one of `openai`, `echo`, `none`"),
        "{refusal}"
    );
}

#[test]
fn telemetry_is_refused_where_it_could_not_be_sent() {
    let cases = [
        ("endpoint = \"127.0.0.1:4318\"", "endpoint"),
        ("endpoint = \"ftp://collector.example\"", "endpoint"),
        ("endpoint = \"http://user:secret@collector.example\"", "endpoint"),
        ("endpoint = \"http://collector.example?key=secret\"", "endpoint"),
        ("interval_ms = 0", "interval_ms"),
        ("sample_ratio = 1.1", "sample_ratio"),
        ("sample_ratio = -0.1", "sample_ratio"),
        ("headers = { \"a b\" = { value = \"x\" } }", "headers.a b"),
        ("headers = { a = {} }", "headers.a.value"),
    ];
    for (setting, key) in cases {
        let refusal = refusal(&format!("[telemetry]\n{setting}\n"));
        assert!(refusal.contains(&format!(": `telemetry.{key}` ")), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
    let taken = "[telemetry]\nendpoint = \"https://collector.example/otlp\"\nsample_ratio = 1\n";
    load::parse("heimdall.toml", taken).unwrap();
}
