//! Upstreams that speak HTTP/2: many calls share a connection, and its end is that of all of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::post as posted;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use heimdall_tests::process::Gateway;
use tokio::sync::Barrier;

use crate::servers::{Authority, Server, http2_of};
use crate::support::*;

const CALL: &str = "/v1/chat/completions";

/// A server that takes so many calls on one connection, and ends no answer before so many are under way.
async fn all_at_once(tls: Option<rustls::ServerConfig>, calls: u32, together: usize) -> Server {
    let barrier = Arc::new(Barrier::new(together));
    let answer = move || async move {
        let all_there = async move {
            barrier.wait().await;
            Ok(b"data: [DONE]\n\n".to_vec())
        };
        let first = stream::once(async { Ok::<_, std::io::Error>(b"data: {\"choices\":[]}\n\n".to_vec()) });
        let body = Body::from_stream(first.chain(stream::once(all_there)));
        ([("content-type", "text/event-stream")], body)
    };
    http2_of(tls, Some(calls), Router::new().route(CALL, posted(answer))).await
}

#[tokio::test]
async fn more_calls_than_a_connection_takes_are_answered_at_the_same_time() {
    let authority = Authority::new();
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, &authority.pem).unwrap();
    let plain = all_at_once(None, 2, 7).await;
    let secure = all_at_once(Some(authority.server("localhost", 4000)), 2, 7).await;
    let cases = [
        (plain.url(), "protocol = \"http2\"".to_owned()),
        (secure.https_url(), format!("ca_file = {ca_file:?}")),
    ];
    for (url, settings) in cases {
        let gateway = Gateway::start(&upstream(
            "mill",
            &url,
            &format!("calls_per_connection = 2\n{settings}"),
        ));
        // Twice: what was taken is given back.
        for _ in 0..2 {
            let calls = (0..7).map(|_| post(&gateway, CALL, streamed("m", "hi")));
            for answer in join_all(calls).await {
                assert_eq!(answer.events(), ["{\"choices\":[]}", "[DONE]"], "{url}: {answer:?}");
            }
        }
    }
}
