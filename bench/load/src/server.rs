//! Connections of HTTP/1.1 and HTTP/2 without TLS, for the upstream and the proxy.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! let upstream = heimdall_load::upstream::Upstream::new();
//! let answer = move |request| {
//!     let upstream = upstream.clone();
//!     async move { upstream.answer(request).await }
//! };
//! heimdall_load::server::serve(listener, answer).await
//! # }
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::io;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

/// Answers what comes, until the listener fails.
///
/// # Errors
/// Where no more connections can be taken.
pub async fn serve<A, F, B>(listener: TcpListener, answer: A) -> io::Result<()>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener.accept().await?;
        // It fails on a connection that has ended already, which is served as one that ends.
        let _gone = stream.set_nodelay(true);
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            // A client that leaves ends its connection only.
            let _ended = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
