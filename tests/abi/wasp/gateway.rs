//! As a gateway's plugin: which functions are hooks, and what else is called of it. The guard of `guests/wasp/guard-rust` has every
//! row of `tests/conformance` besides.

use std::sync::{Arc, Mutex};

use heimdall_host::functions::HostFunctions;
use heimdall_host::loader::{LoadError, Loaded, PluginSettings};
use heimdall_host::plugin::HookSet;

use super::support::Wat;
use crate::support::{guest, host};

async fn load_hooks(bytes: bytes::Bytes, change: impl FnOnce(&mut PluginSettings)) -> Result<Loaded, LoadError> {
    let mut settings = PluginSettings::new("hooks.wasm");
    change(&mut settings);
    host().load(bytes, settings).await
}

#[tokio::test]
async fn the_guard_has_every_hook_and_tells_its_name() {
    let loaded = load_hooks(guest("wasp/guard-rust/guard.wasm"), |_| {}).await.unwrap();
    let manifest = loaded.plugin.manifest();
    assert_eq!((&*manifest.name, &*manifest.kind), ("wasp-guard", "Wasp"));
    assert_eq!(
        manifest.hooks,
        [
            "http_pre_hook",
            "pre_hook",
            "post_hook",
            "http_post_hook",
            "http_stream_chunk_hook"
        ]
    );
    let named = load_hooks(guest("wasp/guard-rust/guard.wasm"), |settings| {
        settings.name = Some("mine".into())
    });
    assert_eq!(&*named.await.unwrap().plugin.manifest().name, "mine");
}

#[tokio::test]
async fn a_hook_takes_one_text_and_gives_one() {
    let guest = Wat {
        functions: r#"
          (func (export "pre_hook") (param i32) (result i32) (i32.const 0))
          (func (export "post_hook") (param i32 i32) (result i32) (i32.const 0))
          (func (export "http_pre_hook") (param i32))"#,
        ..Wat::default()
    };
    let loaded = load_hooks(guest.bytes(), |_| {}).await.unwrap();
    assert_eq!(loaded.plugin.hooks(), HookSet::PRE_LLM);
    let notes = loaded.plugin.manifest().notes.join("\n");
    for other in [
        "`post_hook(word, word) -> word` is no hook",
        "`http_pre_hook(word)` is no hook",
    ] {
        assert!(notes.contains(other), "{notes}");
    }
}

#[tokio::test]
async fn a_plugin_without_hooks_is_none_for_a_pipeline() {
    let guest = Wat {
        functions: r#"(func (export "f"))"#,
        ..Wat::default()
    };
    let refused = load_hooks(guest.bytes(), |_| {}).await.err().unwrap();
    assert!(matches!(refused, LoadError::NoHooks { .. }), "{refused}");
}

/// A guest that tells the host what is called of it. `init` gives `code`.
fn telling(init: &str, hooks: &str) -> Wat {
    let functions = format!(
        r#"
          (data (i32.const 64) "told by it\00")
          (data (i32.const 80) "cleanup\00")
          (func (export "get_name") (result i32) (i32.const 64))
          {init}
          (func (export "cleanup") (call $told (i32.const 80)))
          {hooks}"#
    );
    Wat {
        imports: r#"(import "plugin" "told" (func $told (param i32)))"#,
        functions: functions.leak(),
        ..Wat::default()
    }
}

const HOOK: &str = r#"(func (export "pre_hook") (param i32) (result i32) (i32.const 0))"#;

/// What it told, in order.
type Told = Arc<Mutex<Vec<String>>>;

fn noting(told: &Told) -> HostFunctions {
    let told = told.clone();
    HostFunctions::new().function("plugin", "told", move |text: String| {
        told.lock().unwrap().push(text);
        std::future::ready(Ok(()))
    })
}

#[tokio::test]
async fn init_gets_the_configuration_and_cleanup_is_called_at_the_end() {
    let code = r#"(func (export "init") (param i32) (result i32) (call $told (local.get 0)) (i32.const 0))"#;
    let no_code = r#"(func (export "init") (param i32) (call $told (local.get 0)))"#;
    for init in [code, no_code] {
        let told = Told::default();
        let loaded = load_hooks(telling(init, HOOK).bytes(), |settings| {
            settings.host_functions = noting(&told);
            settings.config = Some(r#"{"key": 1}"#.parse().unwrap());
        });
        let loaded = loaded.await.unwrap();
        assert_eq!(&*loaded.plugin.manifest().name, "told by it");
        assert_eq!(*told.lock().unwrap(), [r#"{"key": 1}"#]);
        loaded.plugin.cleanup().await;
        assert_eq!(told.lock().unwrap().last().unwrap(), "cleanup");
    }
}

#[tokio::test]
async fn an_init_that_gives_anything_but_0_refuses_its_configuration() {
    let init = r#"(func (export "init") (param i32) (result i32) (i32.const 7))"#;
    let refused = load_hooks(telling(init, HOOK).bytes(), |settings| {
        settings.host_functions = noting(&Told::default());
    });
    let error = refused.await.err().unwrap().to_string();
    assert!(error.contains("`init` returned 7, where 0 means success"), "{error}");
}

/// What it exports under these names is its application's business.
#[tokio::test]
async fn without_hooks_nothing_is_called_by_itself() {
    let init = r#"(func (export "init") (param i32) (result i32) (call $told (local.get 0)) (i32.const 7))"#;
    let told = Told::default();
    let plugin = telling(init, "")
        .load(|settings| settings.host_functions = noting(&told))
        .await;
    assert_eq!(&*plugin.manifest().name, "guest");
    assert_eq!(plugin.call::<i32>("init", "by hand").await.unwrap(), 7);
    plugin.remove().await;
    assert_eq!(*told.lock().unwrap(), ["by hand"]);
}

#[tokio::test]
async fn an_init_of_another_type_is_not_called() {
    let init = r#"(func (export "init") (call $told (i32.const 64)))"#;
    let told = Told::default();
    let loaded = load_hooks(telling(init, HOOK).bytes(), |settings| {
        settings.host_functions = noting(&told)
    });
    loaded.await.unwrap();
    assert_eq!(told.lock().unwrap().len(), 0);
}

/// Before its first call it would be used again, though it trapped.
#[tokio::test]
async fn a_guest_that_can_not_free_what_its_start_left_is_refused() {
    let init = r#"(func (export "init") (param i32))"#;
    let broken = Wat {
        deallocate: r#"(func (export "deallocate") (param i32 i32) unreachable)"#,
        ..telling(init, HOOK)
    };
    let only_its_name = Wat {
        deallocate: broken.deallocate,
        ..telling("", HOOK)
    };
    for guest in [broken, only_its_name] {
        let refused = load_hooks(guest.bytes(), |settings| {
            settings.host_functions = noting(&Told::default())
        });
        let error = refused.await.err().unwrap().to_string();
        assert!(error.contains("it could not free what"), "{error}");
    }
}
