//! What clients, upstreams and plugins send by way of the gateway.

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use heimdall_tests::guests::TYPED_GUARD;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::requests::*;
use crate::served::*;
use crate::site::{Reply, Site, answer};

#[tokio::test]
async fn fault_57_members_twice_in_a_clients_document() {
    served(&configuration(UNWATCHED, ""), &[], async |gateway| {
        for body in [
            r#"{"model":"echo","messages":[],"messages":[{"role":"user","content":"forbidden-word"}]}"#,
            r#"{"model":"echo","messages":[{"role":"user","content":"a","content":"b"}]}"#,
            r#"{"model":"echo","model":"echo","messages":[{"role":"user","content":"hi"}]}"#,
        ] {
            let answer = post(gateway, "/v1/chat/completions", body).await;
            assert_eq!(answer.status, 400, "{body}: {answer:?}");
            assert!(answer.error().contains("more than one member"), "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn fault_57_members_twice_in_an_upstreams_answer() {
    const BODY: &[u8] = br#"{"choices":[{"index":0,"message":{"role":"assistant","content":"none","content":"TOP-SECRET"},"finish_reason":"stop"}]}"#;
    let site = Site::new(|_| Reply::Bytes(answer("200 OK", "content-type: application/json\r\n", BODY)));
    let mill = upstream("mill", &format!("http://{}/v1", site.address), "");
    let entries = plugin(TYPED_GUARD, &one_instance("")) + &mill;
    served(&configuration(UNWATCHED, &entries), &[], async |gateway| {
        let answer = post(gateway, "/v1/chat/completions", chat("mill/m", "hello")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        // The guard and the client see the same one.
        assert!(!answer.body.contains("TOP-SECRET"), "{answer:?}");
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "[redacted]");
    })
    .await;
}

#[tokio::test]
async fn fault_62_headers_of_the_connection_that_a_plugin_sets() {
    const HOPS: &str = r#""content-length":"7","transfer-encoding":"chunked","connection":"x-kept","keep-alive":"timeout=9","upgrade":"h2c","te":"trailers","trailer":"x-kept","proxy-authorization":"a","x-kept":"yes""#;
    let before = saying("http_pre_hook", &format!(r#"{{"request":{{"headers":{{{HOPS}}}}}}}"#));
    let after = saying("http_post_hook", &format!(r#"{{"response":{{"headers":{{{HOPS}}}}}}}"#));
    const BODY: &[u8] =
        br#"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
    let site = Site::new(|_| Reply::Bytes(answer("200 OK", "content-type: application/json\r\n", BODY)));
    let entries = entry("before", "before.wasm", "")
        + &entry("after", "after.wasm", "")
        + &upstream("mill", &format!("http://{}/v1", site.address), "");
    let files = [("before.wasm", &*before), ("after.wasm", &*after)];
    served(&configuration(UNWATCHED, &entries), &files, async |gateway| {
        let sent = chat("mill/m", "hello").to_string();
        let answer = post(gateway, "/v1/chat/completions", &sent).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let heads = site.heads();
        let head = heads.last().unwrap().to_ascii_lowercase();
        assert!(head.contains("x-kept: yes"), "{head}");
        for told in [
            "transfer-encoding",
            "keep-alive:",
            "upgrade",
            "te:",
            "trailer",
            "proxy-",
            "content-length: 7\r",
        ] {
            assert!(!head.contains(&format!("\r\n{told}")), "{told}: {head}");
        }
        assert_eq!(answer.header("x-kept"), Some("yes"));
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        for name in [
            "transfer-encoding",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
            "proxy-authorization",
        ] {
            assert_eq!(answer.header(name), None, "{name}");
        }
    })
    .await;
}

/// The bytes in this content encoding.
async fn packed(bytes: &[u8], encoding: &str) -> Vec<u8> {
    async fn write(mut encoder: impl AsyncWrite + Unpin, bytes: &[u8]) {
        encoder.write_all(bytes).await.unwrap();
        encoder.shutdown().await.unwrap();
    }
    let mut out = Vec::new();
    match encoding {
        "gzip" => write(GzipEncoder::new(&mut out), bytes).await,
        "br" => write(BrotliEncoder::with_quality(&mut out, Level::Fastest), bytes).await,
        _ => write(ZstdEncoder::new(&mut out), bytes).await,
    }
    out
}

#[tokio::test]
async fn fault_65_a_bomb_of_json_and_of_compression() {
    let keys = format!("max_body_mib = 8\n{UNWATCHED}");
    served(&configuration(&keys, ""), &[], async |gateway| {
        let url = format!("{}/v1/chat/completions", gateway.url);
        // Over the cap; and far more than its packed size.
        for (size, encoding) in [64 << 20, 4 << 20]
            .into_iter()
            .flat_map(|size| ["gzip", "br", "zstd"].map(|it| (size, it)))
        {
            let bomb = packed(&vec![b' '; size], encoding).await;
            let request = client().post(&url).header("content-encoding", encoding).body(bomb);
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!(answer.status, 413, "{size} {encoding}: {answer:?}");
        }
        let deep = format!(r#"{{"model":"echo","messages":{}"#, "[".repeat(1 << 20));
        let wide = format!(r#"{{"model":"echo","messages":[{}0]}}"#, "0,".repeat(5 << 20));
        for (body, status) in [(deep, 400), (wide, 413)] {
            let answer = post(gateway, "/v1/chat/completions", body).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn fault_65_a_bomb_from_an_upstream() {
    let bomb = packed(&vec![b' '; 64 << 20], "gzip").await;
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let site = Site::new(move |_| Reply::Bytes(answer("200 OK", headers, &bomb)));
    let mill = upstream("mill", &format!("http://{}/v1", site.address), "");
    served(&configuration(UNWATCHED, &mill), &[], async |gateway| {
        let answer = post(gateway, "/v1/chat/completions", chat("mill/m", "hello")).await;
        assert_eq!(answer.status, 502, "{answer:?}");
        assert!(answer.error().contains("more than 100 times as large"), "{answer:?}");
    })
    .await;
}
