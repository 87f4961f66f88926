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
