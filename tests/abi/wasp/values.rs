//! What goes in and comes out, byte by byte, and as which type.

use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, Json, Value, ValueType};

use super::support::{Wat, cause, kit};

/// `size` gives what was last asked of `allocate`, `byte(at)` what lies there, `same` the word that it is given.
const SHOWING: &str = r#"
  (func $allocate (export "allocate") (param $size i32) (result i32)
    (i32.store (i32.const 8) (local.get $size))
    (i32.const 4096))
  (func (export "size") (result i32) (i32.load (i32.const 8)))
  (func (export "byte") (param $at i32) (result i32) (i32.load8_u (local.get $at)))
  (func (export "same") (param $word i32) (result i32) (local.get $word))
  (func (export "nothing") (param $word i32))"#;

async fn showing() -> heimdall_host::functions::Callable {
    let guest = Wat {
        allocate: SHOWING,
        ..Wat::default()
    };
    guest.load(|_| {}).await
}

#[tokio::test]
async fn a_text_gets_room_for_its_nul() {
    let plugin = showing().await;
    plugin.call::<()>("same", "abc").await.unwrap();
    assert_eq!(plugin.call::<i32>("size", ()).await.unwrap(), 4);
    for (place, byte) in [(0, b'a'), (2, b'c'), (3, 0)] {
        let found = plugin.call::<i32>("byte", 4096 + place).await.unwrap();
        assert_eq!(found, i32::from(byte), "byte {place}");
    }
    plugin.call::<()>("same", "").await.unwrap();
    assert_eq!(plugin.call::<i32>("size", ()).await.unwrap(), 1);
    assert_eq!(plugin.call::<i32>("byte", 4096).await.unwrap(), 0);
}

#[tokio::test]
async fn bytes_get_their_length_in_little_endian_before_them() {
    let plugin = showing().await;
    plugin.call::<()>("same", vec![7_u8; 258]).await.unwrap();
    assert_eq!(plugin.call::<i32>("size", ()).await.unwrap(), 262);
    for (place, byte) in [(0, 2), (1, 1), (2, 0), (3, 0), (4, 7), (261, 7)] {
        assert_eq!(
            plugin.call::<i32>("byte", 4096 + place).await.unwrap(),
            byte,
            "byte {place}"
        );
    }
}

#[tokio::test]
async fn the_caller_names_what_a_result_is() {
    let plugin = showing().await;
    let same = async |argument: Value, result| plugin.call_values("same", &[argument], result).await.unwrap();
    let text = || Value::Text("abc".to_owned());
    assert_eq!(same(text(), ValueType::Text).await, text());
    assert_eq!(same(text(), ValueType::Json).await, text());
    assert_eq!(same(text(), ValueType::I32).await, Value::I32(4096));
    assert_eq!(same(text(), ValueType::Word).await, Value::I32(4096));
    assert_eq!(same(text(), ValueType::Nothing).await, Value::Nothing);
    let bytes = || Value::Bytes(vec![1, 0, 255].into());
    assert_eq!(same(bytes(), ValueType::Bytes).await, bytes());
    let Json(list) = plugin.call::<Json<Vec<i32>>>("same", Json([1, 2])).await.unwrap();
    assert_eq!(list, [1, 2]);
}

#[tokio::test]
async fn a_result_at_0_is_none() {
    let plugin = showing().await;
    for result in [ValueType::Text, ValueType::Bytes] {
        let value = plugin.call_values("same", &[Value::I32(0)], result).await.unwrap();
        assert_eq!(value, Value::Nothing);
    }
    assert_eq!(plugin.call::<String>("same", 0).await.unwrap(), "");
    assert_eq!(plugin.call::<i32>("same", 0).await.unwrap(), 0);
}

#[tokio::test]
async fn a_function_without_a_result_gives_none() {
    let plugin = showing().await;
    plugin.call::<()>("nothing", "text").await.unwrap();
    assert_eq!(plugin.call::<String>("nothing", "text").await.unwrap(), "");
    let error = plugin.call::<i32>("nothing", "text").await.unwrap_err();
    assert!(error.to_string().contains("nothing, where i32 is wanted"), "{error}");
}

/// AssemblyScript's guests do: the real one is in `kits`.
#[tokio::test]
async fn a_nul_that_is_counted_in_is_no_part_of_a_text() {
    let guest = Wat {
        get_string_size: r#"(func (export "get_string_size") (param i32) (result i32) (i32.const 4))"#,
        functions: r#"(data (i32.const 64) "abc\00")
          (func (export "text") (result i32) (i32.const 64))"#,
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    assert_eq!(plugin.call::<String>("text", ()).await.unwrap(), "abc");
}

#[tokio::test]
async fn a_text_that_is_no_utf_8_is_refused() {
    let guest = Wat {
        functions: r#"(data (i32.const 64) "a\ff\00")
          (func (export "text") (result i32) (i32.const 64))"#,
        ..Wat::default()
    };
    let plugin = guest.load(|_| {}).await;
    let refused = cause(plugin.call::<String>("text", ()).await.unwrap_err());
    assert!(
        matches!(&refused, Cause::InvalidOutput(what) if what.contains("no UTF-8")),
        "{refused}"
    );
}

#[tokio::test]
async fn what_a_function_does_not_take_is_told_with_what_it_takes() {
    let plugin = showing().await;
    for (arguments, expected) in [
        (vec![], "argument 1 is missing"),
        (vec![Value::I64(1)], "argument 1 is i64"),
        (vec![Value::I32(1), Value::I32(2)], "2 arguments are too many"),
    ] {
        let error = plugin.call::<()>("same", arguments).await.unwrap_err();
        assert!(matches!(error.cause, CallCause::Arguments(_)));
        let error = error.to_string();
        assert!(
            error.contains(expected) && error.contains("`same(word) -> word`"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_function_that_is_missing_is_named_with_those_that_are_there() {
    let plugin = showing().await;
    let error = plugin.call::<()>("sane", 1).await.unwrap_err();
    assert!(matches!(&error.cause, CallCause::NoSuchFunction { known } if known.contains(&"same".to_owned())));
    assert!(error.to_string().contains("failed in `sane`"), "{error}");
}

#[tokio::test]
async fn a_result_over_its_cap_is_refused_before_it_is_copied() {
    let limited = |settings: &mut heimdall_host::loader::PluginSettings| settings.limits.output = 100;
    let plugin = kit("c/plugin.wasm", limited).await;
    assert_eq!(
        plugin.call::<Vec<u8>>("same_bytes", vec![1; 100]).await.unwrap().len(),
        100
    );
    for refused in [
        plugin.call::<Vec<u8>>("same_bytes", vec![1; 101]).await.map(drop),
        plugin.call::<String>("greet", "x".repeat(93)).await.map(drop),
    ] {
        let refused = cause(refused.unwrap_err());
        assert!(
            matches!(refused, Cause::OutputTooLarge { size: 101, limit: 100 }),
            "{refused}"
        );
    }
    let limited = |settings: &mut heimdall_host::loader::PluginSettings| settings.limits.input = 100;
    let plugin = kit("c/plugin.wasm", limited).await;
    let refused = cause(plugin.call::<String>("greet", "x".repeat(101)).await.unwrap_err());
    assert!(
        matches!(refused, Cause::InputTooLarge { size: 101, limit: 100 }),
        "{refused}"
    );
}
