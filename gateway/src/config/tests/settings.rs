//! Every setting that the schema has, in every format.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use heimdall_host::counters::Limit;
use serde_json::{Value, json};

use super::super::format::{Format, json_value};
use super::super::load::{parse, parse_with};
use super::super::plugin::{BreakerConfig, LimitsConfig, RecycleConfig};
use super::super::schema::{resolved, schema, settings};
use super::super::tree::{Node, Place, Text};
use super::super::{Config, EngineConfig, convert, reference};

const FORMATS: [(Format, &str); 3] = [
    (Format::Toml, "a.toml"),
    (Format::Yaml, "a.yaml"),
    (Format::Json, "a.json"),
];

fn tree(json: &Value) -> Node {
    let source = Arc::new(Text {
        name: "test".to_owned(),
        text: String::new(),
    });
    json_value(&json.to_string(), &Place::whole(&source)).unwrap()
}

type Around = Rc<dyn Fn(Value) -> Value>;
type Setting = (String, Value, Around);

/// Of each setting: its path as messages have it, its schema, and a configuration around a value of it.
fn every_setting() -> Vec<Setting> {
    let root = schema();
    let mut found = Vec::new();
    descend(&root, &root, "", Rc::new(|value| value), &mut found);
    found
}

fn descend(schema: &Value, root: &Value, path: &str, around: Around, found: &mut Vec<Setting>) {
    for (key, setting) in settings(schema)
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "$schema")
    {
        let setting = resolved(setting, root).clone();
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let within: Around = {
            let (around, key) = (around.clone(), key.clone());
            Rc::new(move |value| around(json!({ key.clone(): value })))
        };
        found.push((path.clone(), setting.clone(), within.clone()));
        match (setting.get("items"), setting.get("additionalProperties")) {
            (Some(items), _) => {
                let within: Around = Rc::new(move |value| within(json!([value])));
                descend(resolved(items, root), root, &format!("{path}[0]"), within, found);
            }
            (_, Some(values @ Value::Object(_))) => {
                let within: Around = Rc::new(move |value| within(json!({ "one": value })));
                descend(resolved(values, root), root, &format!("{path}.one"), within, found);
            }
            _ => descend(&setting, root, &path, within, found),
        }
    }
}

/// A value that the setting can't have.
fn wrong(setting: &Value) -> Option<Value> {
    let kinds = setting.get("type").map(|kinds| match kinds {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap().to_owned(),
        kind => kind.as_str().unwrap().to_owned(),
    });
    Some(match kinds.as_deref() {
        Some("integer" | "number" | "boolean" | "array" | "object") => json!("wrong"),
        Some("string") => json!(5),
        // One of a few words; anything at all.
        _ if setting.get("oneOf").is_some() => json!("wrong"),
        _ => return None,
    })
}

#[test]
fn a_value_of_a_wrong_type_is_refused_where_it_stands_in_every_format() {
    let mut tried = 0;
    for (path, setting, around) in every_setting() {
        let Some(value) = wrong(&setting) else {
            assert_eq!(path, "plugins[0].config");
            continue;
        };
        tried += 1;
        for (format, file) in FORMATS {
            let text = format.write(&tree(&around(value.clone()))).unwrap();
            let refusal = parse(file, &text).unwrap_err().to_string();
            assert!(refusal.contains(&format!(": `{path}`: ")), "{refusal}\nfor:\n{text}");
            let (line, column) = refusal
                .strip_prefix(&format!("{file}:"))
                .and_then(|rest| rest.split_once(": "))
                .and_then(|(place, _)| place.split_once(':'))
                .map(|(line, column)| (line.parse::<usize>().unwrap(), column.parse::<usize>().unwrap()))
                .unwrap();
            let rest: String = text.lines().nth(line - 1).unwrap().chars().skip(column - 1).collect();
            assert!(
                rest.starts_with("\"wrong\"") || rest.starts_with("wrong") || rest.starts_with('5'),
                "{refusal}\nfor:\n{text}"
            );
        }
    }
    assert!(tried > 60, "{tried} settings");
}

#[test]
fn a_key_that_does_not_exist_is_refused_in_every_table_of_every_format() {
    let mut tables: Vec<(String, Value)> = Vec::new();
    for (path, _, around) in every_setting() {
        let table = path.rsplit_once('.').map_or("", |(table, _)| table).to_owned();
        if !tables.iter().any(|(known, _)| *known == table) {
            // Put beside the setting, by its name alone.
            let key = path.rsplit(['.', ']']).next().unwrap_or(&path).to_owned();
            let text = around(json!(null)).to_string();
            let text = text.replace(&format!("\"{key}\":null"), "\"zzz\":1");
            tables.push((table, serde_json::from_str(&text).unwrap()));
        }
    }
    assert!(tables.len() > 10, "{} tables", tables.len());
    for (table, json) in tables {
        let path = if table.is_empty() {
            "zzz".to_owned()
        } else {
            format!("{table}.zzz")
        };
        for (format, file) in FORMATS {
            let text = format.write(&tree(&json)).unwrap();
            let refusal = parse(file, &text).unwrap_err().to_string();
            let expected = format!(": there is no setting `{path}`; here can stand: ");
            assert!(refusal.contains(&expected), "{refusal}\nfor:\n{text}");
        }
    }
}

#[test]
fn what_is_missing_is_named_with_its_table() {
    let root = json!({"plugins": [{"name": "a"}], "upstreams": {"a": {}}});
    for (format, file) in FORMATS {
        let text = format.write(&tree(&root)).unwrap();
        let refusal = parse(file, &text).unwrap_err().to_string();
        assert!(refusal.ends_with(": `plugins[0]`: missing field `path`"), "{refusal}");
    }
}

#[test]
fn every_number_that_counts_or_waits_is_refused_below_zero() {
    for (path, setting, around) in every_setting() {
        if setting.get("format").is_some_and(|format| format != "double") {
            let text = around(json!(-1)).to_string();
            let refusal = parse("a.json", &text).unwrap_err().to_string();
            assert!(
                refusal.contains(&format!(
                    "`{path}`: invalid value: integer `-1`, expected a whole number"
                )),
                "{refusal}"
            );
        }
    }
}

/// The setting with what else it needs, so that nothing but its value is wrong.
fn number_around(path: &str, around: &Around, number: u64) -> Value {
    let mut json = around(json!(number));
    for (table, needed) in [
        ("/plugins/0", json!({"path": "a.wasm"})),
        ("/upstreams/one", json!({"base_url": "http://a/v1"})),
        ("/upstreams/one/keys/0", json!({"env": "A"})),
        ("/client_keys/one", json!({"env": "A", "requests_per_minute": 1})),
    ] {
        if let Some(Value::Object(members)) = json.pointer_mut(table) {
            for (key, value) in needed.as_object().unwrap() {
                if !path.ends_with(key) {
                    members.entry(key).or_insert(value.clone());
                }
            }
        }
    }
    json
}

#[test]
fn the_schema_has_the_bounds_of_numbers_that_the_program_has() {
    let mut bounded = 0;
    for (path, setting, around) in every_setting() {
        if !setting.to_string().contains("\"integer\"") || setting.get("properties").is_some() {
            continue;
        }
        let taken = |number: u64| parse("a.json", &number_around(&path, &around, number).to_string()).map(|_| ());
        let bound = |name: &str| setting.get(name).and_then(Value::as_u64);
        let (least, most) = (bound("minimum").unwrap_or_default(), bound("maximum"));
        assert_eq!(taken(least).map_err(|error| error.to_string()), Ok(()), "{path}");
        if least > 0 {
            assert!(taken(least - 1).is_err(), "{path} is taken below {least}");
        }
        if let Some(most) = most.filter(|most| *most < u64::from(u32::MAX)) {
            bounded += 1;
            assert_eq!(taken(most).map_err(|error| error.to_string()), Ok(()), "{path}");
            let refusal = taken(most + 1).unwrap_err().to_string();
            assert!(refusal.contains(&format!("is above {most}")), "{refusal}");
        }
        assert!(most.is_some() || taken(1_000_000).is_ok(), "{path} has a bound");
    }
    assert_eq!(bounded, 12);
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let validator = jsonschema::options().offline().build(&schema()).unwrap();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    assert!(
        validator.is_valid(&defaults),
        "{:?}",
        validator.iter_errors(&defaults).next()
    );
    for (json, valid) in [
        (
            json!({"upstreams": {"a": {"base_url": "http://a/v1", "headers": {"x": {"env": "X"}}}}, "$schema": "x"}),
            true,
        ),
        (
            json!({"plugins": [{"path": "a", "config": {"any": null}, "on_failure": "open", "isolation": "request"}]}),
            true,
        ),
        (json!({"plugins": [{"name": "a"}]}), false),
        (json!({"lisen": "127.0.0.1:1"}), false),
        (json!({"upstreams": {"a": {"retry": 1}}}), false),
        (json!({"auth": "maybe"}), false),
        (
            json!({"upstreams": {"a": {"base_url": "http://a/v1", "proxy": "http://p", "proxy_credentials": {"value": "a:b"}}}}),
            false,
        ),
    ] {
        assert_eq!(validator.is_valid(&json), valid, "{json}");
        assert_eq!(parse("a.json", &json.to_string()).is_ok(), valid, "{json}");
    }
}

#[test]
fn every_setting_says_what_it_does() {
    let root = schema();
    for (path, setting, _) in every_setting() {
        let shown = reference();
        let key = path.rsplit('.').next().unwrap();
        let line = shown.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
        assert!(
            line.is_some_and(|line| !line.ends_with("|  |")),
            "{path} has no words: {line:?} {setting}"
        );
    }
    assert!(root.get("additionalProperties") == Some(&json!(false)));
}

#[test]
fn the_committed_reference_is_the_one_of_these_settings() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == reference(),
        "docs/configuration.md is not up to date: write it anew with\n  cargo run -- config reference > docs/configuration.md"
    );
}

#[test]
fn a_setting_without_effect_is_warned_of_where_it_stands() {
    let (_, warnings) = parse_with("a.toml", "cache = false\nstate_dir = \"x\"", &[]).unwrap();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["a.toml:2:1: `state_dir` has no effect: `cache` is false, so nothing is kept"]
    );
}

#[test]
fn what_is_shown_has_no_secret_and_is_a_configuration() {
    let text = r#"
        [upstreams.a]
        base_url = "http://a/v1"
        headers = { x-key = { value = "sk-1" }, x-env = { env = "NAME" } }
        [[plugins]]
        path = "https://host/a.wasm?signature=sk-2"
        config = { api_key = "sk-3", nested = [{ auth_token = "sk-4" }], word = "shown" }
    "#;
    let config = parse("a.toml", text).unwrap();
    for (format, file) in FORMATS {
        let shown = config.written(format).unwrap();
        assert!(!shown.contains("sk-"), "{shown}");
        for word in ["NAME", "shown", "https://host/a.wasm", "hook_timeout_ms"] {
            assert!(shown.contains(word), "{word} is not in\n{shown}");
        }
        parse(file, &shown).unwrap();
    }
}

#[test]
fn a_conversion_says_the_same_in_another_format() {
    let folder = tempfile::tempdir().unwrap();
    let text = "max_headers = 7\n\n[upstreams.a]\nbase_url = \"http://a/v1\"\n\n[[plugins]]\npath = \"./a.wasm\"\n\n[plugins.config]\nwords = [\n    \"no\",\n    \"1\",\n]\n";
    let mut file = folder.path().join("first.toml");
    std::fs::write(&file, text).unwrap();
    for (to, name) in [
        (Format::Yaml, "b.yaml"),
        (Format::Json, "c.json"),
        (Format::Toml, "d.toml"),
    ] {
        let (converted, warnings) = convert(&file, None, to).unwrap();
        assert!(warnings.is_empty());
        file = folder.path().join(name);
        std::fs::write(&file, converted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}

#[test]
fn what_is_not_set_is_not_written_also_where_something_is_called_config() {
    let text = r#"
        [upstreams.config]
        base_url = "http://a/v1"
        [client_keys.config]
        env = "KEY"
    "#;
    let config = parse("a.toml", text).unwrap();
    for (format, file) in FORMATS {
        let shown = config.written(format).unwrap();
        assert!(!shown.contains("null"), "{shown}");
        parse(file, &shown).unwrap();
    }
}

#[test]
fn a_null_in_a_plugins_own_configuration_stays() {
    let config = parse("a.json", r#"{"plugins": [{"path": "a", "config": {"any": null}}]}"#).unwrap();
    assert!(config.written(Format::Json).unwrap().contains("\"any\": null"));
    let refusal = config.written(Format::Toml).unwrap_err().to_string();
    assert!(refusal.contains("it has no place for a null"), "{refusal}");
}

#[test]
fn every_limit_is_documented_with_its_setting_and_the_name_that_it_is_counted_by() {
    let text = include_str!("../../../../docs/limits.md");
    let limits = serde_json::to_value(LimitsConfig::default().in_force()).unwrap();
    let recycle = serde_json::to_value(RecycleConfig::default()).unwrap();
    let breaker = serde_json::to_value(BreakerConfig::default()).unwrap();
    let engine = serde_json::to_value(EngineConfig::default()).unwrap();
    for (table, settings) in [
        ("limits", limits),
        ("recycle", recycle),
        ("breaker", breaker),
        ("engine", engine),
    ] {
        for (setting, value) in settings.as_object().unwrap() {
            let row = text.lines().find(|line| line.contains(&format!("`{table}.{setting}`")));
            let row = row.unwrap_or_else(|| panic!("`{table}.{setting}` is not in docs/limits.md"));
            assert!(
                value.is_null() || row.contains(&value.to_string()),
                "{row} does not say {value}"
            );
        }
    }
    for limit in Limit::ALL {
        assert!(text.contains(&format!("`{}`", limit.name())), "{}", limit.name());
    }
}

#[test]
fn a_key_that_yaml_could_not_read_again_is_not_written() {
    for (length, written) in [(1022, true), (1023, false)] {
        let tree = tree(&json!({"k".repeat(length): 1}));
        assert_eq!(Format::Yaml.write(&tree).is_ok(), written, "{length}");
        assert!(Format::Json.write(&tree).is_ok());
    }
}
