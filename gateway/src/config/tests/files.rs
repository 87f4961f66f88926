//! Files that can't be read, and texts that are none of the formats.

use std::path::Path;

use super::super::{FileFormat, load, load::parse};

fn refusal(file: &str, text: &str) -> String {
    parse(file, text).unwrap_err().to_string()
}

/// What is said of a file with these bytes.
fn refused_file(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let error = load(Some(&file), None).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn the_same_settings_can_be_written_in_each_format() {
    let toml = "listen = \"127.0.0.1:1\"\n[upstreams.a]\nbase_url = \"http://a/v1\"\nretries = 2\n[[plugins]]\npath = \"x\"\n\
                config = { a = [1, 0.5, true, \"no\"] }";
    let yaml = "listen: 127.0.0.1:1\nupstreams:\n  a: {base_url: 'http://a/v1', retries: 2}\nplugins:\n- path: x\n  config:\n    \
                a: [1, 0.5, true, no]\n";
    let json = r#"{"listen": "127.0.0.1:1", "upstreams": {"a": {"base_url": "http://a/v1", "retries": 2}},
                   "plugins": [{"path": "x", "config": {"a": [1, 0.5, true, "no"]}}]}"#;
    let shown = |file, text| serde_json::to_string(&parse(file, text).unwrap()).unwrap();
    let expected = shown("heimdall.toml", toml);
    assert_eq!(shown("heimdall.yaml", yaml), expected);
    assert_eq!(shown("heimdall.yml", yaml), expected);
    assert_eq!(shown("heimdall.json", json), expected);
}

#[test]
fn a_text_that_is_not_its_format_is_refused_where_it_stops_to_be() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(1000), close.repeat(1000));
    let cases = [
        ("a.json", "".to_owned(), "a.json:1:1: this is no JSON: expected "),
        (
            "a.json",
            "[]".to_owned(),
            "a.json: this is no JSON: a configuration is a table of settings",
        ),
        (
            "a.json",
            "{\"cache\": true,}".to_owned(),
            "a.json:1:16: this is no JSON: ",
        ),
        (
            "a.json",
            "{\n  // a comment\n}".to_owned(),
            "a.json:2:3: this is no JSON: ",
        ),
        (
            "a.json",
            "{\"cache\": NaN}".to_owned(),
            "a.json:1:11: this is no JSON: ",
        ),
        (
            "a.json",
            format!("{{\"plugins\": {}}}", deep("[", "]")),
            "a.json:1:140: this is no JSON: arrays and objects nest deeper than 128 levels",
        ),
        (
            "a.json",
            "{\"max_headers\": 1e999}".to_owned(),
            "a.json:1:17: this is no JSON: the number 1e999 is too large",
        ),
        (
            "a.json",
            "{\"upstreams\": {\"a\": {},\n \"a\": {}}}".to_owned(),
            "a.json:2:2: `a` is written a second time; the first stands at a.json:1:16",
        ),
        (
            "a.yaml",
            "- 1".to_owned(),
            "a.yaml: this is no YAML: a configuration is a table of settings",
        ),
        ("a.yaml", "a: [1".to_owned(), "a.yaml:"),
        ("a.yaml", "a: 1\n\tb: 2".to_owned(), "a.yaml:1:4: this is no YAML: "),
        (
            "a.yaml",
            "cache: true\n---\ncache: false".to_owned(),
            "a.yaml:2:1: this is no YAML: a second document begins",
        ),
        (
            "a.yaml",
            "cache: !env CACHE".to_owned(),
            "a.yaml:1:8: this is no YAML: the tag `!env` has no meaning",
        ),
        (
            "a.yaml",
            "? [a]\n: 1".to_owned(),
            "a.yaml:1:3: this is no YAML: a key has to be a text",
        ),
        ("a.yaml", "a: &a [*a]".to_owned(), "a.yaml:1:8: this is no YAML: "),
        ("a.yaml", "a: *nowhere".to_owned(), "a.yaml:1:4: this is no YAML: "),
        (
            "a.yaml",
            "cache: !!int x".to_owned(),
            "a.yaml:1:8: this is no YAML: the value is not what its tag says",
        ),
        ("a.yaml", format!("plugins: {}", deep("[", "]")), "a.yaml:1:"),
        ("a.yaml", format!("plugins:\n{}", deep("- ", "")), "a.yaml:2:"),
        (
            "a.yaml",
            "upstreams:\n  a: {}\n  a: {}".to_owned(),
            "a.yaml:3:3: `a` is written a second time; the first stands at a.yaml:2:3",
        ),
        ("a.toml", "a = [".to_owned(), "a.toml:1:6: this is no TOML: "),
        ("a.toml", format!("plugins = {}", deep("[", "]")), "a.toml:1:"),
        (
            "a.toml",
            "[upstreams.a]\n[upstreams.a]".to_owned(),
            "a.toml:2:12: this is no TOML: duplicate key",
        ),
        (
            "a.toml",
            "max_headers = 99999999999999999999".to_owned(),
            "a.toml:1:15: this is no TOML: the number",
        ),
    ];
    let different: Vec<String> = cases
        .into_iter()
        .map(|(file, text, expected)| (refusal(file, &text), expected))
        .filter(|(refusal, expected)| !refusal.starts_with(expected))
        .map(|(refusal, expected)| format!("{refusal}\n  instead of {expected}"))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text += &format!("b{level}: &a{level} [{aliases}]\n");
    }
    let refusal = refusal("a.yaml", &text);
    assert!(
        refusal.ends_with("this is no YAML: anchors and aliases make more than 100000 values of it"),
        "{refusal}"
    );
}

#[test]
fn aliases_that_do_not_are_followed() {
    let text = "upstreams:\n  a: &a {base_url: 'http://a/v1'}\n  b: *a\n";
    let config = parse("a.yaml", text).unwrap();
    assert_eq!(config.upstreams["b"].base_url.as_deref(), Some("http://a/v1"));
}

#[test]
fn an_empty_file_is_a_configuration_without_settings() {
    for (file, text) in [
        ("a.toml", ""),
        ("a.yaml", ""),
        ("a.yaml", "# nothing yet\n"),
        ("a.json", "{}"),
    ] {
        assert_eq!(parse(file, text).unwrap().max_connections, 4096, "{file}");
    }
}

#[test]
fn a_null_is_as_if_the_setting_were_not_written() {
    let config = parse("a.yaml", "auth: ~\ntls: null\nplugins:\n- path: x\n  name:\n").unwrap();
    assert!(config.auth.is_none() && config.tls.is_none() && config.plugins[0].name.is_none());
}

#[test]
fn a_file_that_is_no_text_is_refused_by_its_name() {
    let large = vec![b' '; (4 << 20) + 1];
    let cases: [(&str, &[u8], &str); 4] = [
        ("a.toml", b"listen = \"\xff\"", "the configuration a.toml is not UTF-8"),
        ("a.yaml", b"\xff\xfea\0", "the configuration a.yaml is not UTF-8"),
        (
            "a.toml",
            &large,
            "the configuration a.toml is over the 4 MiB that it may have",
        ),
        (
            "a.conf",
            b"",
            "the name of a.conf does not tell its format: it has to end in .toml, .yaml, .yml or .json, or `--format` has to say what it is",
        ),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(refused_file(name, bytes), expected);
    }
}

#[test]
fn a_file_that_is_not_there_or_a_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for file in [Path::new("/nowhere/heimdall.toml"), folder.path()] {
        let error = load(Some(file), None).unwrap_err().to_string();
        let expected = format!("the configuration {} can't be read: ", file.display());
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_byte_order_mark_means_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.toml", "cache = false"),
        ("a.yaml", "cache: false"),
        ("a.json", "{\"cache\": false}"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("\u{feff}{text}")).unwrap();
        assert!(!load(Some(&file), None).unwrap().config.cache, "{name}");
    }
}

#[test]
fn a_format_can_be_told_where_the_name_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heimdall.conf");
    std::fs::write(&file, "cache: false").unwrap();
    assert!(!load(Some(&file), Some(FileFormat::Yaml)).unwrap().config.cache);
}
