//! What becomes of a file.

use heimdall_host::counters::Limit;
use heimdall_host::failure::Cause;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Isolation, LoadError, PluginSettings};
use heimdall_host::plugin::HookSet;

use crate::guest::{DATA, Guest, OK};
use crate::{SOON, json, load, load_with, settings};

fn impatient() -> PluginSettings {
    PluginSettings {
        limits: Limits {
            start_timeout: SOON,
            init_timeout: SOON,
            ..Limits::default()
        },
        ..settings()
    }
}

fn start_failure(result: Result<impl Sized, LoadError>) -> (&'static str, Cause) {
    match result {
        Err(LoadError::Start(failure)) => (failure.hook, failure.cause),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was loaded"),
    }
}

#[tokio::test]
async fn a_plugin_without_hooks_is_loaded_and_says_so() {
    let plugin = load(Guest::new().build()).await.unwrap();
    assert_eq!(plugin.hooks(), HookSet::empty());
    let manifest = plugin.manifest();
    assert_eq!(manifest.kind, "typed component");
    assert_eq!(manifest.version, "heimdall:plugin@0.1.0");
    assert_eq!(manifest.summary.as_deref(), Some("1.2.3: A probe."));
    assert_eq!(
        manifest.notes,
        ["it has no hook that this host knows: it is started and never called"]
    );
}

#[tokio::test]
async fn only_the_hooks_that_are_exported_are_called() {
    let before = load(Guest::new().before_call(&format!("i32.const {OK}")).build())
        .await
        .unwrap();
    assert_eq!(before.hooks(), HookSet::PRE_LLM);
    assert_eq!(before.manifest().hooks, ["pre-llm-hook"]);
    let stream = load(Guest::new().on_end(&format!("i32.const {OK}")).build())
        .await
        .unwrap();
    assert_eq!(stream.hooks(), HookSet::CHUNK | HookSet::END);
}

#[tokio::test]
async fn the_configurations_name_wins_then_the_guests_then_the_files() {
    for (configured, own, expected) in [
        (Some("mine"), "theirs", "mine"),
        (None, "theirs", "theirs"),
        (None, "", "probe"),
    ] {
        let settings = PluginSettings {
            name: configured.map(str::to_owned),
            ..settings()
        };
        let plugin = load_with(Guest::new().named(own).build(), settings).await.unwrap();
        assert_eq!(&*plugin.manifest().name, expected);
    }
}

const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"properties":{"banned":{"type":"array"}}}"#;

#[tokio::test]
async fn a_configuration_is_checked_before_the_guest_sees_it() {
    let guest = || Guest::new().schema(SCHEMA).init("unreachable").build();
    let with = |config: &str| PluginSettings {
        config: Some(json(config)),
        ..settings()
    };
    let misspelt = load_with(guest(), with(r#"{"baned":[]}"#))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        misspelt.contains("`plugins/probe.wasm`") && misspelt.contains("baned"),
        "{misspelt}"
    );
    let (hook, _) = start_failure(load_with(guest(), with(r#"{"banned":[]}"#)).await);
    assert_eq!(hook, "init");
}

#[tokio::test]
async fn a_schema_that_is_none_is_the_plugins_failure() {
    let (hook, cause) = start_failure(load(Guest::new().schema("{\"type\":7}").build()).await);
    assert_eq!(hook, "describe");
    assert!(matches!(cause, Cause::InvalidOutput(_)), "{cause}");
}

#[tokio::test]
async fn a_guest_gets_its_configuration_or_null() {
    // Returns an error unless the configuration has four bytes.
    let guest = || {
        Guest::new().words(DATA, &[1]).init(&format!(
            "(select (i32.const {OK}) (i32.const {DATA}) (i32.eq (local.get 1) (i32.const 4)))"
        ))
    };
    assert!(load(guest().build()).await.is_ok());
    let long = PluginSettings {
        config: Some(json(r#"{"a":1}"#)),
        ..settings()
    };
    assert!(load_with(guest().build(), long).await.is_err());
}

#[tokio::test]
async fn an_error_of_init_is_told_in_its_own_words() {
    let text = "no such word list";
    let guest = Guest::new()
        .data(DATA + 16, text.as_bytes())
        .words(DATA, &[1, 0, (DATA + 16) as u32, text.len() as u32]);
    let error = load(guest.init(&format!("i32.const {DATA}")).build())
        .await
        .err()
        .unwrap();
    let message = error.to_string();
    assert!(
        message.contains("`init`") && message.contains(text) && message.contains("probe"),
        "{message}"
    );
}

#[tokio::test]
async fn what_traps_while_it_starts_is_not_loaded() {
    for (guest, place) in [
        (Guest::new().describe("unreachable"), "describe"),
        (Guest::new().init("unreachable"), "init"),
        (Guest::new().item("(func $start unreachable) (start $start)"), "start"),
    ] {
        let (hook, cause) = start_failure(load(guest.build()).await);
        assert_eq!(hook, place);
        assert!(matches!(cause, Cause::Trap(_)), "{place}: {cause}");
    }
}

#[tokio::test]
async fn what_never_comes_to_an_end_while_it_starts_is_ended() {
    let endless = "(loop $again (br $again)) unreachable";
    for (guest, place) in [
        (Guest::new().describe(endless), "describe"),
        (Guest::new().init(endless), "init"),
        (
            Guest::new().item(&format!("(func $start {endless}) (start $start)")),
            "start",
        ),
    ] {
        let (hook, cause) = start_failure(load_with(guest.build(), impatient()).await);
        assert_eq!(hook, place);
        assert!(matches!(cause, Cause::Deadline(_)), "{place}: {cause}");
    }
}

#[tokio::test]
async fn a_cleanup_that_traps_or_never_ends_ends_nothing_else() {
    for body in ["unreachable", "(loop $again (br $again))"] {
        let limits = Limits {
            cleanup_timeout: SOON,
            ..Limits::default()
        };
        let guest = Guest::new().cleanup(body).build();
        let plugin = load_with(guest, PluginSettings { limits, ..settings() }).await.unwrap();
        plugin.cleanup().await;
    }
}

#[tokio::test]
async fn memory_beyond_the_limit_is_refused_before_it_is_made() {
    let limits = Limits {
        memory: 1 << 20,
        ..Limits::default()
    };
    let error = load_with(Guest::new().build(), PluginSettings { limits, ..settings() }).await;
    let error = error.err().unwrap();
    assert!(
        matches!(
            &error,
            LoadError::TooLarge {
                limit: Limit::Memory,
                setting: "memory_mib",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_setting_of_another_kind_of_plugin_is_refused() {
    let mut settings = settings();
    settings.options.insert("chunk_form".to_owned(), "raw".to_owned());
    let error = load_with(Guest::new().build(), settings).await.err().unwrap();
    assert!(
        matches!(&error, LoadError::InvalidSetting { setting, .. } if setting == "chunk_form"),
        "{error}"
    );
}

#[tokio::test]
async fn an_import_that_nobody_knows_is_refused_by_name() {
    let guest = Guest::new()
        .package("package acme:billing@1.0.0; interface meter { count: func(); }")
        .world("import acme:billing/meter@1.0.0;")
        .import("acme:billing/meter@1.0.0", "count", "count", "")
        .build();
    let error = load(guest).await.err().unwrap();
    let LoadError::UnknownImports { missing, offered, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(missing, &["acme:billing/meter@1.0.0"]);
    assert!(
        offered.iter().any(|offer| offer == "heimdall:plugin/context@0.1.0"),
        "{offered:?}"
    );
}

#[tokio::test]
async fn a_start_that_works_in_a_fresh_instance_works_for_each_request() {
    let settings = PluginSettings {
        isolation: Some(Isolation::Request),
        ..settings()
    };
    assert!(load_with(Guest::new().build(), settings).await.is_ok());
}
