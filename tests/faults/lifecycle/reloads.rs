//! What serves is replaced at a bad moment, or too often.

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use heimdall_tests::guests::TYPED_TAG;

use crate::requests::*;
use crate::served::*;

#[tokio::test]
async fn fault_78_reloads_at_once() {
    let config = configuration(UNWATCHED, &entry("v", "v.wasm", ""));
    served(&config, &[("v.wasm", &versioned("one"))], async |gateway| {
        for round in 0..10 {
            let text = if round % 2 == 0 { "two" } else { "one" };
            gateway.write("v.wasm", versioned(text));
            let all = join_all((0..8).map(|_| reload(gateway))).await;
            assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
            assert_eq!(version(gateway).await, text);
        }
        let done = admin(gateway, "/status").await["reloads"]["done"].as_u64().unwrap();
        assert!((10..=80).contains(&done), "{done}");
    })
    .await;
}

#[tokio::test]
async fn fault_79_a_reload_during_a_stream() {
    let tagged = |tag: &str| {
        let file = TYPED_TAG.path();
        let entry = entry("v", file.to_str().unwrap(), &format!("config = {{ tag = {tag:?} }}"));
        configuration(UNWATCHED, &entry)
    };
    served(&tagged("one"), &[], async |gateway| {
        let body = streamed("echo-chunk-delay-20", "a b c d e f").to_string();
        let url = format!("{}/v1/chat/completions", gateway.url);
        let response = client().post(url).body(body).send().await.unwrap();
        let mut pieces = response.bytes_stream();
        let mut read = pieces.next().await.unwrap().unwrap().to_vec();
        gateway.reconfigure(&tagged("two"));
        let (status, outcome) = reload(gateway).await;
        assert_eq!(
            (status, &outcome["replaced"]),
            (200, &serde_json::json!(["v"])),
            "{outcome}"
        );
        let after = post(gateway, "/v1/chat/completions", chat("echo", "hello")).await;
        assert!(after.body.contains("[tag:two]"), "{after:?}");
        while let Some(piece) = pieces.next().await {
            read.extend_from_slice(&piece.unwrap());
        }
        let read = String::from_utf8(read).unwrap();
        assert!(read.contains("[tag:one]") && !read.contains("[tag:two]"), "{read}");
        assert!(read.ends_with("data: [DONE]\n\n"), "{read}");
    })
    .await;
}

#[tokio::test]
async fn fault_80_a_storm_of_changes() {
    let config = configuration("reload = { debounce_ms = 300 }", &entry("v", "v.wasm", ""));
    let versions = ["one", "two"].map(versioned);
    served(&config, &[("v.wasm", &versions[0])], async |gateway| {
        for bytes in versions.iter().cycle().take(200) {
            gateway.write("v.wasm", bytes);
        }
        until("the last change holds", async || version(gateway).await == "two").await;
        let done = admin(gateway, "/status").await["reloads"]["done"].as_u64().unwrap();
        assert!(done < 20, "{done} reloads of 200 changes");
    })
    .await;
}
