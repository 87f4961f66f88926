//! The upstream and the proxy over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that fails by a panic says what is wrong")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use heimdall_load::document::{self, CHUNKS, Document, Size};
use heimdall_load::proxy::Proxy;
use heimdall_load::reader::Reader;
use heimdall_load::server;
use heimdall_load::upstream::Upstream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A server of what this answers.
macro_rules! serving {
    ($server:expr, $answer:ident) => {{
        let (listener, address) = listener().await;
        let server = $server;
        tokio::spawn(server::serve(listener, move |request| {
            let server = server.clone();
            async move { server.$answer(request).await }
        }));
        address
    }};
}

async fn upstream() -> SocketAddr {
    serving!(Upstream::new(), answer)
}

/// Sends back what it gets: the body as it is, path, host and one header in headers.
async fn mirror() -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(server::serve(listener, async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let told = |name| head.headers.get(name).cloned().unwrap();
        Response::builder()
            .status(418)
            .header("x-path", head.uri.path_and_query().unwrap().as_str())
            .header("x-host", told("host"))
            .header("x-kept", told("x-mark"))
            .body(body)
            .unwrap()
    }));
    address
}

async fn proxy(upstream: SocketAddr) -> SocketAddr {
    serving!(Proxy::new(upstream.to_string().parse().unwrap()), forward)
}

async fn reader(upstream: SocketAddr) -> SocketAddr {
    serving!(Reader::new(upstream.to_string().parse().unwrap()), forward)
}

async fn ask(server: SocketAddr, http2: bool, path: &str, body: impl Into<Bytes>) -> Response<Incoming> {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let request = Request::post(format!("http://{server}{path}")).header("x-mark", "kept");
    client
        .request(request.body(Full::new(body.into())).unwrap())
        .await
        .unwrap()
}

/// The frames of a body, in which it came.
async fn frames(response: Response<Incoming>) -> Vec<Bytes> {
    let mut body = response.into_body();
    let mut frames = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        // HTTP/2 may say by an empty one that it is over.
        frames.extend((!data.is_empty()).then_some(data));
    }
    frames
}

#[tokio::test]
async fn the_upstream_answers_as_large_as_it_is_asked() {
    let upstream = upstream().await;
    for http2 in [false, true] {
        for size in [Size::Small, Size::Large] {
            let text = Document { size, stream: false }.text();
            let response = ask(upstream, http2, "/v1/chat/completions", text).await;
            assert_eq!(
                (response.status(), &response.headers()["content-type"]),
                (200.try_into().unwrap(), &"application/json".parse().unwrap())
            );
            assert_eq!(
                response.into_body().collect().await.unwrap().to_bytes(),
                document::answer(size)
            );
        }
    }
}

#[tokio::test]
async fn the_upstream_sends_each_chunk_by_itself() {
    let upstream = upstream().await;
    for (http2, size) in [(false, Size::Small), (true, Size::Large)] {
        let text = Document { size, stream: true }.text();
        let response = ask(upstream, http2, "/", text).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let frames = frames(response).await;
        assert_eq!(frames.concat(), document::events(size).concat().into_bytes());
        if http2 {
            assert_eq!(frames.len(), CHUNKS + 1);
        }
    }
}

#[tokio::test]
async fn the_proxy_changes_no_body_and_no_answer() {
    let (upstream, mirror) = (upstream().await, mirror().await);
    let (to_upstream, to_mirror) = (proxy(upstream).await, proxy(mirror).await);
    for http2 in [false, true] {
        let body: Vec<u8> = (0..300_000_u32).map(|byte| byte as u8).collect();
        let response = ask(to_mirror, http2, "/a/path?with=query", body.clone()).await;
        assert_eq!(response.status(), 418);
        let told = ["x-path", "x-host", "x-kept"].map(|name| response.headers()[name].to_str().unwrap().to_owned());
        assert_eq!(
            told,
            ["/a/path?with=query".to_owned(), mirror.to_string(), "kept".to_owned()]
        );
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);

        let text = Document {
            size: Size::Small,
            stream: true,
        }
        .text();
        let response = ask(to_upstream, http2, "/v1/chat/completions", text).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(
            frames(response).await.concat(),
            document::events(Size::Small).concat().into_bytes()
        );
    }
}

#[tokio::test]
async fn a_proxy_without_an_upstream_says_so() {
    let (gone, address) = listener().await;
    drop(gone);
    let proxy = proxy(address).await;
    let response = ask(proxy, false, "/", "").await;
    assert_eq!(response.status(), 502);
}

#[tokio::test]
async fn what_has_come_is_passed_on_before_the_rest_and_a_break_is_no_end() {
    let (listener, address) = listener().await;
    let (seen, was_seen) = tokio::sync::oneshot::channel();
    let breaks = Arc::new(Mutex::new(Some(was_seen)));
    tokio::spawn(server::serve(listener, move |_| {
        let was_seen = breaks.lock().unwrap().take().unwrap();
        let begun = stream::iter([Ok(Frame::data(Bytes::from("begun")))]);
        let broken = stream::once(async move { Err(was_seen.await.map_or("unseen", |()| "broken")) });
        async { Response::new(StreamBody::new(begun.chain(broken))) }
    }));
    let proxy = proxy(address).await;
    let mut body = ask(proxy, false, "/", "").await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "begun");
    seen.send(()).unwrap();
    assert!(body.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn the_proxy_that_reads_passes_on_what_is_a_call_and_its_answer() {
    let document = Document {
        size: Size::Small,
        stream: false,
    };
    let upstream = upstream().await;
    let direct = ask(upstream, false, "/v1/chat/completions", document.text()).await;
    let read = ask(reader(upstream).await, false, "/v1/chat/completions", document.text()).await;
    assert_eq!(read.status(), direct.status());
    assert_eq!(read.headers().get("content-type"), direct.headers().get("content-type"));
    let (read, direct) = (read.collect().await.unwrap(), direct.collect().await.unwrap());
    assert_eq!(read.to_bytes(), direct.to_bytes());
}

#[tokio::test]
async fn the_proxy_that_reads_refuses_what_is_no_call_to_a_model() {
    let reader = reader(upstream().await).await;
    for body in ["", "{", r#"{"model":""}"#, r#"{"model":1}"#, "[]"] {
        let refused = ask(reader, false, "/v1/chat/completions", body).await;
        assert_eq!(refused.status(), 400, "{body}");
    }
}
