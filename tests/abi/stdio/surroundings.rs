//! What a plugin sees of the world.

use std::time::{Duration, SystemTime};

use heimdall_host::functions::Json;
use serde_json::{Value, json};

use super::kit;

#[tokio::test]
async fn it_has_neither_arguments_nor_an_environment() {
    let plugin = kit(|_| {}).await;
    let Json(seen): Json<Value> = plugin.call("surroundings", ()).await.unwrap();
    assert_eq!(seen["environment"], json!([]));
    assert_eq!(seen["arguments"], json!([]));
}

#[tokio::test]
async fn it_has_the_environment_that_its_operator_gives_it() {
    let plugin = kit(|settings| {
        settings.environment.insert("NAME".to_owned(), "value".to_owned());
    });
    let Json(seen): Json<Value> = plugin.await.call("surroundings", ()).await.unwrap();
    assert_eq!(seen["environment"], json!([["NAME", "value"]]));
}

#[tokio::test]
async fn it_has_clocks_and_random_numbers() {
    let plugin = kit(|_| {}).await;
    let Json(one): Json<Value> = plugin.call("surroundings", ()).await.unwrap();
    let Json(two): Json<Value> = plugin.call("surroundings", ()).await.unwrap();
    assert_ne!(one["random"], two["random"]);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seconds = one["seconds"].as_u64().unwrap();
    assert!(now.as_secs().abs_diff(seconds) <= 60, "{seconds}");
}

#[tokio::test]
async fn it_can_sleep() {
    let plugin = kit(|_| {}).await;
    let began = std::time::Instant::now();
    plugin.call::<()>("sleep", 20).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(20));
}

/// Ends with a trap where one of these is not as it should be.
const STREAMS: &str = r#"
  (if (call $fd_fdstat_get (i32.const 0) (i32.const 4096)) (then unreachable))
  (if (i32.ne (i32.load8_u (i32.const 4096)) (i32.const 2)) (then unreachable))
  (if (i64.ne (i64.load (i32.const 4104)) (i64.const 2)) (then unreachable))
  (if (call $fd_fdstat_get (i32.const 1) (i32.const 4096)) (then unreachable))
  (if (i64.ne (i64.load (i32.const 4104)) (i64.const 64)) (then unreachable))
  (if (i32.ne (call $fd_fdstat_get (i32.const 3) (i32.const 4096)) (i32.const 8)) (then unreachable))
  (if (i32.ne (call $fd_fdstat_get (i32.const 0) (i32.const -8)) (i32.const 21)) (then unreachable))
  (if (call $fd_close (i32.const 2)) (then unreachable))
  (if (i32.ne (call $fd_close (i32.const 2)) (i32.const 8)) (then unreachable))
  (if (i32.ne (call $fd_close (i32.const -1)) (i32.const 8)) (then unreachable))
  (if (i32.ne (call $fd_fdstat_get (i32.const 2) (i32.const 4096)) (i32.const 8)) (then unreachable))
  (call $answer)"#;

#[tokio::test]
async fn its_standard_streams_are_character_devices_until_it_closes_them() {
    let imports = r#"
      (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))"#;
    let module = super::command::command_with(imports, &[super::command::ANSWER], STREAMS);
    let plugin = crate::support::load(module, |_| {}).await.unwrap();
    plugin.call::<()>("any", ()).await.unwrap();
}
