//! Settings and configurations that do not fit, and names that are taken.

use bytes::Bytes;
use heimdall_host::loader::PluginSettings;
use heimdall_host::pipeline::{Pipeline, PipelineSettings};

use super::*;
use crate::guest::Guest;

#[tokio::test]
async fn settings_that_do_not_fit() {
    let schema = r#"{"type":"object","additionalProperties":false,"required":["banned"],"properties":
        {"banned":{"type":"array","items":{"type":"string"}},"limit":{"type":"integer","minimum":1},"key":{"type":"string"}}}"#;
    let typed = |config: Option<&'static str>| {
        refused(Guest::new().schema(schema).build(), move |settings| {
            settings.config = config.map(json);
        })
    };
    let option = |bytes: Bytes, name: &'static str, value: &'static str| {
        refused(bytes, move |settings| {
            settings.options.insert(name.to_owned(), value.to_owned());
        })
    };
    let legacy = || legacy(&[MEMORY, MALLOC, HOOK]);
    let cases = [
        ("a misspelt member", typed(Some(r#"{"baned":["x"]}"#)).await),
        ("no configuration where one is needed", typed(None).await),
        (
            "a wrong type, with a secret",
            typed(Some(r#"{"banned":["x"],"key":12345}"#)).await,
        ),
        ("several mistakes", typed(Some(r#"{"banned":[1],"limit":0}"#)).await),
        (
            "an option that a legacy plugin has not",
            option(legacy(), "chunkform", "json").await,
        ),
        (
            "an option with another value",
            option(legacy(), "chunk_form", "xml").await,
        ),
        (
            "an option for a typed plugin",
            option(Guest::new().build(), "chunk_form", "json").await,
        ),
    ];
    let page: String = cases
        .map(|(title, message)| format!("# {title}\n{message}\n\n"))
        .concat();
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn two_plugins_of_one_name() {
    let mut loaded = Vec::new();
    for file in ["plugins/a.wasm", "plugins/b.wasm"] {
        let settings = PluginSettings::new(file);
        loaded.push(
            host()
                .load(Guest::new().named("guard").build(), settings)
                .await
                .unwrap(),
        );
    }
    let message = Pipeline::new(loaded, PipelineSettings::default())
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(message);
}
