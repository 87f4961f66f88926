//! What a guest sees of the world, and how it starts.

use heimdall_host::failure::Cause;
use heimdall_host::loader::{LoadError, PluginSettings};

use super::support::{SOON, Wat, kit, told};
use crate::support::load;

fn option(name: &'static str, value: impl Into<String>) -> impl FnOnce(&mut PluginSettings) {
    move |settings| drop(settings.options.insert(name.to_owned(), value.into()))
}

#[tokio::test]
async fn a_workspace_is_seen_under_both_of_its_names() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "first\nsecond\n").unwrap();
    let workspace = directory.path().to_str().unwrap();
    for file in ["c/plugin.wasm", "c/wears-out.wasm"] {
        let plugin = kit(file, option("workspace", workspace)).await;
        for path in ["workspace/notes.txt", "/workspace/notes.txt"] {
            assert_eq!(
                plugin.call::<String>("read_line", path).await.unwrap(),
                "first",
                "{path}"
            );
        }
        for path in [
            "notes.txt",
            "/etc/passwd",
            "workspace/../../etc/passwd",
            "workspace/none",
        ] {
            let error = plugin.call::<String>("read_line", path).await.unwrap_err();
            assert_eq!(told(error), "there is no such file", "{path}");
        }
    }
}

#[tokio::test]
async fn without_a_workspace_there_are_no_files() {
    let plugin = kit("c/plugin.wasm", |_| {}).await;
    let error = plugin
        .call::<String>("read_line", "workspace/notes.txt")
        .await
        .unwrap_err();
    assert_eq!(told(error), "there is no such file");
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_told() {
    let bytes = crate::support::guest("wasp/c/plugin.wasm");
    let refused = load(bytes, |settings| {
        settings.host_functions = super::support::imported();
        option("workspace", "/no/such/place")(settings);
    });
    let error = refused.await.err().unwrap().to_string();
    assert!(error.contains("/no/such/place"), "{error}");
}

#[tokio::test]
async fn a_guest_has_the_environment_that_it_is_given_and_no_other() {
    let plugin = kit("c/plugin.wasm", |settings| {
        settings.environment.insert("COLOUR".into(), "blue".into());
    });
    let plugin = plugin.await;
    assert_eq!(plugin.call::<String>("environment", "COLOUR").await.unwrap(), "blue");
    assert_eq!(plugin.call::<String>("environment", "PATH").await.unwrap(), "");
}

/// `started` tells what was called of it.
fn starting() -> Wat {
    Wat {
        imports: r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (import "env" "raise_error" (func $raise_error (param i32)))"#,
        functions: r#"
          (global $started (mut i32) (i32.const 0))
          (func (export "_initialize") (global.set $started (i32.const 1)))
          (func (export "_start") (global.set $started (i32.const 2)) (call $exit (i32.const 0)))
          (func (export "started") (result i32) (global.get $started))"#,
        ..Wat::default()
    }
}

#[tokio::test]
async fn neither_start_nor_initialize_is_called_unless_it_is_wanted() {
    let plugin = starting().load(|_| {}).await;
    assert_eq!(plugin.call::<i32>("started", ()).await.unwrap(), 0);
    // Who has not decided is told that there is something to decide.
    let notes = plugin.manifest().notes.join("\n");
    assert!(notes.contains("`start = \"_initialize\"` does"), "{notes}");
    for (value, expected) in [("none", 0), ("_initialize", 1), ("_start", 2)] {
        let plugin = starting().load(option("start", value)).await;
        assert_eq!(plugin.call::<i32>("started", ()).await.unwrap(), expected, "{value}");
        assert!(plugin.manifest().notes.is_empty(), "{value}");
    }
}

#[tokio::test]
async fn guests_of_kits_work_with_and_without_their_initialiser() {
    for (file, start) in [
        ("tinygo/plugin.wasm", "_initialize"),
        ("c/plugin.wasm", "_start"),
        ("c/wears-out.wasm", "_start"),
    ] {
        let plugin = kit(file, option("start", start)).await;
        for _ in 0..100 {
            assert_eq!(
                plugin.call::<String>("greet", "Ada").await.unwrap(),
                "Hello, Ada!",
                "{file}"
            );
        }
        assert_eq!(plugin.usage().made, 1, "{file}");
    }
}

#[tokio::test]
async fn a_start_that_fails_is_told() {
    for (body, expected) in [
        ("unreachable", "it trapped"),
        ("(call $exit (i32.const 3))", "it exited with status 3"),
        ("(loop $again (br $again))", "it did not return"),
        ("(call $raise_error (i32.const 64))", "no key is set"),
    ] {
        let functions = format!(
            r#"(data (i32.const 64) "no key is set\00")
            (func (export "_start") {body})
            (func (export "f"))"#
        );
        let guest = Wat {
            functions: functions.leak(),
            ..starting()
        };
        let refused = load(guest.bytes(), |settings| {
            settings.limits.start_timeout = SOON;
            option("start", "_start")(settings);
        });
        let error = refused.await.err().unwrap();
        assert!(matches!(error, LoadError::Start(_)));
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// A module's own start function belongs to its instantiation: AssemblyScript's top level is one.
#[tokio::test]
async fn a_start_function_of_the_module_may_call_the_host() {
    let guest = Wat {
        imports: r#"(import "plugin" "f" (func $f (param i32) (result i32)))"#,
        functions: r#"
          (data (i32.const 64) "four\00")
          (global $length (mut i32) (i32.const 0))
          (func $begin (global.set $length (call $f (i32.const 64))))
          (start $begin)
          (func (export "length") (result i32) (global.get $length))"#,
        ..Wat::default()
    };
    let functions = heimdall_host::functions::HostFunctions::new()
        .function("plugin", "f", async |text: String| Ok(text.len() as i32));
    let plugin = guest.load(|settings| settings.host_functions = functions).await;
    assert_eq!(plugin.call::<i32>("length", ()).await.unwrap(), 4);
    assert_eq!(super::support::freed(&plugin).await, [(64, 4)]);
}

#[tokio::test]
async fn memory_has_a_bound() {
    let plugin = kit("rust/plugin.wasm", |settings| settings.limits.memory = 8 << 20).await;
    assert_eq!(plugin.call::<i32>("grow", 2).await.unwrap(), 2);
    assert_eq!(plugin.call::<i32>("grow", 100).await.unwrap(), -1);
}

#[tokio::test]
async fn time_has_a_bound() {
    for file in ["rust/plugin.wasm", "c/plugin.wasm"] {
        let plugin = kit(file, |settings| settings.limits.hook_timeout = SOON).await;
        let late = super::support::cause(plugin.call::<()>("spin", ()).await.unwrap_err());
        assert!(matches!(late, Cause::Deadline(_)), "{file}: {late}");
    }
}

#[tokio::test]
async fn what_a_guest_prints_is_no_part_of_its_answers() {
    for file in ["c/plugin.wasm", "tinygo/plugin.wasm"] {
        let plugin = kit(file, |_| {}).await;
        plugin.call::<()>("print", "a line").await.unwrap();
        assert_eq!(
            plugin.call::<String>("greet", "Ada").await.unwrap(),
            "Hello, Ada!",
            "{file}"
        );
    }
}
