//! The HTTP server: connections, and their orderly end.

mod access;
mod api;
mod asked;
mod body;
mod call;
mod errors;
mod headers;
mod health;
mod models;
mod outgoing;
mod router;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use heimdall_host::pipeline::Pipeline;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::plugins::FailedPlugin;
use crate::upstream::Upstreams;

pub(crate) use router::router;

/// How long a client may take to send the head of a request, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait after a connection could not be taken, as when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What every request needs.
pub(crate) struct App {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) upstreams: Upstreams,
    /// Plugins that the configuration has and this process does not.
    pub(crate) failed: Vec<FailedPlugin>,
    /// Bytes that a request's body may have.
    pub(crate) max_body: usize,
    /// How long a client may take to send it.
    pub(crate) body_timeout: Duration,
}

/// Serves until `stop`; then takes no more connections and gives requests that are under way, streams included, this
/// long to finish. Gives back whether all of them did.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> bool {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIMEOUT);
    let service = TowerToHyperService::new(router);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("a connection could not be taken: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // Events of a stream are small, and each is to leave at once. Without it they are only late.
        let _late = stream.set_nodelay(true);
        let connection = server
            .serve_connection(TokioIo::new(stream), service.clone())
            .into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended early: {error}");
            }
        });
    }
    drop(listener);
    tokio::time::timeout(grace, connections.shutdown()).await.is_ok()
}
