//! Settings from the environment's variables.

use super::super::Config;
use super::super::load::parse_with;

fn with(text: &str, variables: &[(&str, &str)]) -> Config {
    parse_with("a.toml", text, variables).unwrap().0
}

#[test]
fn a_variable_counts_before_the_file_and_is_read_as_what_the_setting_is() {
    let text = "listen = \"127.0.0.1:1\"\n[upstreams.Open-AI]\nbase_url = \"http://file/v1\"\n[[plugins]]\npath = \"a\"\n[[plugins]]\npath = \"b\"";
    let config = with(
        text,
        &[
            ("HEIMDALL__LISTEN", "127.0.0.1:2"),
            ("HEIMDALL__UPSTREAMS__OPEN_AI__BASE_URL", "http://variable/v1"),
            ("HEIMDALL__UPSTREAMS__OPEN_AI__RETRIES", "3"),
            ("HEIMDALL__UPSTREAMS__NEW__KIND", "echo"),
            ("heimdall__plugins__1__enabled", "false"),
            ("HEIMDALL__PLUGINS__1__NAME", "123"),
            ("HEIMDALL__PLUGINS__1__CONFIG__DEPTH", "5"),
            ("HEIMDALL__PLUGINS__2", r#"{"path": "c", "config": {"words": ["x"]}}"#),
            ("HEIMDALL__PLUGINS__2__ON_FAILURE", "open"),
            ("HEIMDALL__CORS__ORIGINS", r#"["https://a.example"]"#),
            ("HEIMDALL__DEFAULT_UPSTREAM", "new"),
            ("HEIMDALL_OTHER", "not a setting"),
            ("OPENAI_API_KEY", "not a setting either"),
        ],
    );
    assert_eq!(config.listen.to_string(), "127.0.0.1:2");
    assert_eq!(
        config.upstreams["Open-AI"].base_url.as_deref(),
        Some("http://variable/v1")
    );
    assert_eq!((config.upstreams["Open-AI"].retries, config.upstreams.len()), (3, 2));
    assert_eq!(config.cors.origins, ["https://a.example"]);
    let plugins: Vec<_> = config
        .plugins
        .iter()
        .map(|plugin| (plugin.path.as_str(), plugin.name.as_deref(), plugin.enabled))
        .collect();
    assert_eq!(
        plugins,
        [("a", None, true), ("b", Some("123"), false), ("c", None, true)]
    );
    let json = |index: usize| config.plugins[index].config.as_ref().unwrap().to_string();
    assert_eq!(
        (json(1), json(2)),
        (r#"{"depth":5}"#.to_owned(), r#"{"words":["x"]}"#.to_owned())
    );
}

#[test]
fn a_mistake_in_a_variable_is_refused_by_its_name() {
    let cases: [(&[(&str, &str)], &str); 10] = [
        (
            &[("HEIMDALL__LISEN", "127.0.0.1:1")],
            "environment variable HEIMDALL__LISEN: there is no setting `lisen`; did you mean `listen`?",
        ),
        (
            &[("HEIMDALL__LISTEN", "localhost")],
            "environment variable HEIMDALL__LISTEN: `listen`: it has to be an IP address and a port, as in 127.0.0.1:8080",
        ),
        (
            &[("HEIMDALL__MAX_HEADERS", "many")],
            "environment variable HEIMDALL__MAX_HEADERS: `max_headers`: invalid type: a text, expected a whole number, not below 0",
        ),
        (
            &[("HEIMDALL__CACHE", "yes")],
            "environment variable HEIMDALL__CACHE: `cache`: invalid type: a text, expected `true` or `false`",
        ),
        (
            &[("HEIMDALL__MAX_BODY_MIB", "0")],
            "environment variable HEIMDALL__MAX_BODY_MIB: `max_body_mib` has to be above 0",
        ),
        (
            &[("HEIMDALL__CORS__ORIGINS", "https://a.example")],
            "environment variable HEIMDALL__CORS__ORIGINS: `cors.origins`: a list or a table in an environment variable is written as JSON, and this is none",
        ),
        (
            &[("HEIMDALL__PLUGINS__1__PATH", "x")],
            "the environment variable HEIMDALL__PLUGINS__1__PATH names element 1 (from 0) of a list of 0",
        ),
        (
            &[
                ("HEIMDALL__PLUGINS__0__PATH", "x"),
                ("HEIMDALL__PLUGINS__FIRST__PATH", "x"),
            ],
            "the environment variable HEIMDALL__PLUGINS__FIRST__PATH has `FIRST` where a list's element is named by its number, from 0",
        ),
        (
            &[("HEIMDALL__CORS____ORIGINS", "[]")],
            "the environment variable HEIMDALL__CORS____ORIGINS names no setting: between two `__` a key is missing",
        ),
        (
            &[("HEIMDALL__CACHE", "true"), ("HEIMDALL__cache", "false")],
            "environment variable HEIMDALL__cache: `cache` is written a second time; the first stands at environment variable HEIMDALL__CACHE",
        ),
    ];
    for (variables, expected) in cases {
        let refusal = parse_with("a.toml", "", variables).unwrap_err().to_string();
        assert_eq!(refusal, expected, "for {variables:?}");
    }
}

#[test]
fn a_number_can_be_a_name_where_names_stand() {
    let variables = [
        ("HEIMDALL__CLIENT_KEYS__7__ENV", "KEY"),
        ("HEIMDALL__UPSTREAMS__0__BASE_URL", "http://a/v1"),
        ("HEIMDALL__UPSTREAMS__0__KEYS__0__ENV", "A"),
        ("HEIMDALL__ALIASES__4", "0/gpt-4"),
        ("HEIMDALL__PLUGINS__0__PATH", "a.wasm"),
        ("HEIMDALL__PLUGINS__0__OPTIONS__1", "x"),
    ];
    let config = with("", &variables);
    assert_eq!(config.client_keys["7"].env.as_deref(), Some("KEY"));
    assert_eq!(config.upstreams["0"].keys[0].env.as_deref(), Some("A"));
    assert_eq!(
        (config.aliases["4"].as_str(), config.plugins[0].options["1"].as_str()),
        ("0/gpt-4", "x")
    );
}

#[test]
fn a_variable_that_stands_beside_the_files_setting_is_told_with_both_places() {
    let text = "[client_keys.app]\nfile = \"key\"\n";
    let variables = [("HEIMDALL__CLIENT_KEYS__APP__ENV", "KEY")];
    let refusal = parse_with("a.toml", text, &variables).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "a.toml:2:1: `client_keys.app.file` stands beside `env`, which is at environment variable \
         HEIMDALL__CLIENT_KEYS__APP__ENV: one of them says where it is; take one out, or replace the file's by the whole \
         table in a variable, as in HEIMDALL__CLIENT_KEYS__APP='{\"env\": \"…\"}'"
    );
    let text_of_env = "[client_keys.app]\nenv = \"KEY\"\n";
    let variables = [("HEIMDALL__CLIENT_KEYS__APP__FILE", "key")];
    let refusal = parse_with("a.toml", text_of_env, &variables).unwrap_err().to_string();
    assert!(
        refusal.starts_with("environment variable HEIMDALL__CLIENT_KEYS__APP__FILE: ")
            && refusal.contains("which is at a.toml:2:1")
            && refusal.ends_with("as in HEIMDALL__CLIENT_KEYS__APP='{\"file\": \"…\"}'"),
        "{refusal}"
    );
    let whole = [("HEIMDALL__CLIENT_KEYS__APP", r#"{"env": "KEY"}"#)];
    assert_eq!(with(text, &whole).client_keys["app"].env.as_deref(), Some("KEY"));
}

#[test]
fn elements_are_put_in_by_number_not_by_letter() {
    let names: Vec<String> = (0..12)
        .map(|index| format!("HEIMDALL__PLUGINS__{index}__PATH"))
        .collect();
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let config = with("", &variables);
    assert_eq!(config.plugins[10].path, "HEIMDALL__PLUGINS__10__PATH");
}

#[test]
fn a_plugins_configuration_that_no_plugin_could_be_given_is_refused() {
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let variables = [
        ("HEIMDALL__PLUGINS__0__PATH", "a.wasm"),
        ("HEIMDALL__PLUGINS__0__CONFIG__A", deep.as_str()),
    ];
    let refusal = parse_with("a.toml", "", &variables).unwrap_err().to_string();
    assert!(
        refusal.contains("`plugins[0].config` can't be given to the plugin: arrays and objects nest deeper than 128"),
        "{refusal}"
    );
}
