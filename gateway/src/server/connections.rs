//! Connections: how many there are, how long one may be silent, and how they end.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long a client may take to send the head of a request, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait after a connection could not be taken, as when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long requests that are cut off have to tell their clients.
const FAREWELL: Duration = Duration::from_secs(1);

/// What every HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long to wait for the rest of a preface of which only a part has come.
const PREFACE_PAUSE: Duration = Duration::from_millis(20);

/// How the server treats its connections.
pub(crate) struct Terms {
    /// Connections at once; more wait to be taken.
    pub(crate) max_connections: usize,
    /// How long requests that are under way at the stop may go on.
    pub(crate) grace: Duration,
    /// Cancelled by the server when that time is over.
    pub(crate) cut_off: CancellationToken,
}

/// Serves until `stop`; then takes no more connections and gives requests that are under way, streams included, time to
/// finish. When it returns none is left.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: &CancellationToken, terms: Terms) {
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
    let mut connections = JoinSet::new();
    let mut troubles = Troubles::default();
    loop {
        let full = connections.len() >= terms.max_connections;
        troubles.full(full, terms.max_connections);
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if !full => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                troubles.taken();
                connections.spawn(serve_one(
                    server.clone(),
                    stream,
                    from.ip(),
                    service.clone(),
                    stop.clone(),
                ));
            }
            Err(error) => {
                troubles.not_taken(&error);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if !all_end(&mut connections, terms.grace).await {
        tracing::warn!("requests are cut off: they did not finish within {:?}", terms.grace);
        terms.cut_off.cancel();
        all_end(&mut connections, FAREWELL).await;
        connections.shutdown().await;
    }
}

/// Whether all connections end within this time.
async fn all_end(connections: &mut JoinSet<()>, time: Duration) -> bool {
    let ended = async { while connections.join_next().await.is_some() {} };
    timeout(time, ended).await.is_ok()
}

async fn serve_one(
    server: auto::Builder<TokioExecutor>,
    stream: TcpStream,
    from: IpAddr,
    service: TowerToHyperService<Router>,
    stop: CancellationToken,
) {
    // Events of a stream are small, and each is to leave at once. Without it they are only late.
    let _late = stream.set_nodelay(true);
    // The server's own clock for a head starts only when it knows the protocol.
    let spoken = tokio::select! {
        () = stop.cancelled() => return,
        spoken = timeout(HEAD_TIMEOUT, first_words(&stream)) => spoken,
    };
    if !matches!(spoken, Ok(Ok(true))) {
        return;
    }
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%from, "a connection ended early: {error}");
    }
}

/// Waits until the client has said enough to tell its protocol; false: it said nothing and went.
async fn first_words(stream: &TcpStream) -> std::io::Result<bool> {
    let mut words = [0; HTTP2_PREFACE.len()];
    loop {
        let length = stream.peek(&mut words).await?;
        let unclear = HTTP2_PREFACE.get(..length) == words.get(..length) && length < HTTP2_PREFACE.len();
        if !unclear || length == 0 {
            return Ok(length > 0);
        }
        sleep(PREFACE_PAUSE).await;
    }
}

/// What keeps connections from being taken: told when it begins or changes, not each time.
#[derive(Default)]
struct Troubles {
    last: Option<String>,
    full: bool,
}

impl Troubles {
    fn full(&mut self, full: bool, max: usize) {
        if full && !self.full {
            tracing::warn!("no more connections are taken: there are {max} (`max_connections`)");
        }
        self.full = full;
    }

    fn taken(&mut self) {
        self.last = None;
    }

    fn not_taken(&mut self, error: &std::io::Error) {
        let words = error.to_string();
        if self.last.as_ref() != Some(&words) {
            tracing::warn!("connections can't be taken: {words}");
            self.last = Some(words);
        }
    }
}
