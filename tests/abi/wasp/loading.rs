//! Which modules are taken, what they may import, and what is said of those that are not.

use heimdall_host::functions::HostFunctions;
use heimdall_host::loader::LoadError;

use super::support::{KITS, Wat, imported};
use crate::support::{guest, host, load, wat};

#[tokio::test]
async fn guests_of_all_kits_are_recognised() {
    for (file, version) in [
        ("rust/plugin.wasm", "without WASI"),
        ("c/plugin.wasm", "wasi_snapshot_preview1"),
        ("tinygo/plugin.wasm", "wasi_snapshot_preview1"),
        ("assemblyscript/plugin.wasm", "without WASI"),
        ("guard-rust/guard.wasm", "without WASI"),
    ] {
        let inspected = host().inspect(file, &guest(&format!("wasp/{file}"))).await.unwrap();
        assert_eq!((&*inspected.kind, &*inspected.version), ("Wasp", version), "{file}");
    }
}

#[tokio::test]
async fn what_is_missing_or_has_another_type_is_told() {
    let fine = Wat {
        functions: r#"(func (export "f"))"#,
        ..Wat::default()
    };
    fine.load(|_| {}).await;
    let memory = r#"(module (func (export "allocate") (param i32) (result i32) (i32.const 0))
      (func (export "get_string_size") (param i32) (result i32) (i32.const 0)) (func (export "f")))"#;
    let with = |change: fn(&mut Wat)| {
        let mut guest = Wat {
            functions: r#"(func (export "f"))"#,
            ..Wat::default()
        };
        change(&mut guest);
        guest.bytes()
    };
    for (bytes, expected) in [
        (wat(memory), "exports no `memory`"),
        (with(|guest| guest.allocate = ""), "exports no `allocate(i32) -> i32`"),
        (
            with(|guest| guest.get_string_size = ""),
            "exports no `get_string_size(i32) -> i32`",
        ),
        (
            with(|guest| guest.allocate = r#"(func (export "allocate") (param i64) (result i32) (i32.const 0))"#),
            "exports `allocate` with another type: `allocate(i64) -> i32`, where `allocate(i32) -> i32` is expected",
        ),
        (
            with(|guest| guest.get_string_size = r#"(func (export "get_string_size") (param i32))"#),
            "exports `get_string_size` with another type: `get_string_size(i32)`",
        ),
        (
            with(|guest| guest.deallocate = r#"(func (export "deallocate") (param i32))"#),
            "exports `deallocate` with another type: `deallocate(i32)`, where `deallocate(i32, i32)` is expected",
        ),
        (
            with(|guest| {
                guest.functions = r#"(func (export "f") (param i64))"#;
                guest.deallocate = "";
            }),
            "exports no function of i32s",
        ),
    ] {
        let error = load(bytes, |_| {}).await.err().unwrap().to_string();
        assert!(error.contains("closest is Wasp") && error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn only_functions_of_32_bits_with_one_result_at_most_can_be_called() {
    let guest = Wat {
        functions: r#"
          (func (export "none"))
          (func (export "three") (param i32 i32 i32) (result i32) (i32.const 0))
          (func (export "wide") (param i64))
          (func (export "float") (result f32) (f32.const 0))
          (func (export "two") (result i32 i32) (i32.const 0) (i32.const 0))
          (func (export "malloc") (param i32) (result i32) (i32.const 0))
          (func (export "__wasm_call_ctors"))
          (func (export "_start"))"#,
        deallocate: "",
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    let functions: Vec<String> = plugin.functions().iter().map(ToString::to_string).collect();
    assert_eq!(functions, ["none()", "three(word, word, word) -> word"]);
}

#[tokio::test]
async fn imports_that_are_missing_are_refused_by_name() {
    for file in KITS {
        let bytes = guest(&format!("wasp/{file}"));
        let functions = HostFunctions::new().function("env", "add", async |a: i32, _: i32| Ok(a));
        let error = load(bytes, |settings| settings.host_functions = functions)
            .await
            .err()
            .unwrap();
        let LoadError::UnknownImports { missing, offered, .. } = error else {
            panic!("{file}: {error}")
        };
        assert_eq!(missing, ["plugin.upper(i32) -> i32"], "{file}");
        for expected in ["env.raise_error", "env.add", "wasi_unstable"] {
            assert!(offered.iter().any(|it| it == expected), "{file}: {offered:?}");
        }
    }
}

#[tokio::test]
async fn an_import_of_another_type_is_refused_by_name() {
    let functions = imported().function("plugin", "upper", async |text: String, _: i32| Ok(text));
    let bytes = guest("wasp/rust/plugin.wasm");
    let error = load(bytes, |settings| settings.host_functions = functions)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, LoadError::Incompatible { .. }));
    let error = error.to_string();
    assert!(error.contains("plugin") && error.contains("upper"), "{error}");
}

/// TinyGo of 2021 had it.
#[tokio::test]
async fn wasi_unstable_is_offered() {
    let guest = Wat {
        imports: r#"(import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_unstable" "random_get" (func $random (param i32 i32) (result i32)))"#,
        functions: r#"
          (data (i32.const 64) "\48\00\00\00\03\00\00\00hi\n")
          (func (export "print") (result i32)
            (i32.or (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 100))
              (call $random (i32.const 200) (i32.const 8))))"#,
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    assert_eq!(plugin.call::<i32>("print", ()).await.unwrap(), 0);
    assert_eq!(plugin.manifest().version, "wasi_unstable");
}

#[tokio::test]
async fn settings_of_other_kinds_are_refused() {
    let fine = Wat {
        functions: r#"(func (export "f"))"#,
        ..Wat::default()
    };
    for (name, value, expected) in [
        ("fuel", "1", "has no such setting"),
        ("start", "main", "it can be `_start`, `_initialize` or `none`"),
        ("start", "_start", "the module exports no `_start()`"),
    ] {
        let refused = load(fine.bytes(), |settings| {
            drop(settings.options.insert(name.into(), value.into()))
        });
        let error = refused.await.err().unwrap();
        assert!(matches!(error, LoadError::InvalidSetting { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
