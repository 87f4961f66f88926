//! Which files are plugins of this kind.

use heimdall_host::loader::LoadError;

use super::command::{ANSWER, command};
use crate::support::{guest, host, load, wat};

const KIND: &str = "JSON-RPC over stdio";
const READS: &str = r#"(import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))"#;
const WRITES: &str = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const START: &str = r#"(func (export "_start"))"#;

#[tokio::test]
async fn a_command_that_reads_and_writes_is_one_and_tells_how_its_hooks_are_found() {
    for bytes in [
        guest("stdio/rust/plugin.wasm"),
        guest("stdio/guard-rust/guard.wasm"),
        command(&[ANSWER], ""),
    ] {
        let inspected = host().inspect("guest.wasm", &bytes).await.unwrap();
        assert_eq!(inspected.kind, KIND);
        assert!(inspected.hooks.is_empty());
        assert!(
            inspected.notes.iter().any(|note| note.contains("`hooks`")),
            "{:?}",
            inspected.notes
        );
    }
}

#[tokio::test]
async fn what_comes_close_is_told_what_it_lacks() {
    for (module, told) in [
        (
            format!("(module {WRITES} {MEMORY} {START})"),
            "does not import WASI's `fd_read`",
        ),
        (
            format!("(module {READS} {MEMORY} {START})"),
            "does not import WASI's `fd_write`",
        ),
        (
            format!("(module {READS} {WRITES} {START})"),
            "exports no memory `memory`",
        ),
        (
            format!(r#"(module {READS} {WRITES} (import "env" "upper" (func (param i32))) {MEMORY} {START})"#),
            "imports `env.upper(i32)`, which is not of WASI preview 1",
        ),
    ] {
        let error = host().inspect("guest.wasm", &wat(&module)).await.unwrap_err();
        let LoadError::UnknownKind(unknown) = &error else {
            panic!("{error}")
        };
        let (kind, closest) = unknown.closest.as_ref().unwrap();
        assert_eq!(*kind, KIND);
        assert!(closest.contains(told), "{closest}");
        assert!(
            error.to_string().contains("`fd_read` and `fd_write` among it"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_has_no_start_or_another_one_is_none() {
    for module in [
        format!("(module {READS} {WRITES} {MEMORY})"),
        format!(r#"(module {READS} {WRITES} {MEMORY} (func (export "_start") (param i32)))"#),
        format!(r#"(module {READS} {WRITES} {MEMORY} (func (export "_start") (result i32) (i32.const 0)))"#),
    ] {
        let error = host().inspect("guest.wasm", &wat(&module)).await.unwrap_err();
        let LoadError::UnknownKind(unknown) = &error else {
            panic!("{error}")
        };
        assert!(
            unknown.closest.as_ref().is_none_or(|(kind, _)| *kind != KIND),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_plugin_of_another_kind_is_that() {
    for file in ["tinygo/command/gen1.wasm", "go/gen3.wasm"] {
        let path = format!("{}/../guest-examples/legacy/{file}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let inspected = host().inspect("guest.wasm", &bytes.into()).await.unwrap();
        assert_eq!(inspected.kind, "packed ABI");
    }
}

#[tokio::test]
async fn a_setting_of_another_kind_is_refused() {
    let loaded = load(command(&[], ""), |settings| {
        settings.options.insert("nothing".to_owned(), String::new());
    });
    assert!(matches!(loaded.await, Err(LoadError::InvalidSetting { .. })));
}
