//! Connections: how many there are, how long one may be silent, and how they end.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::begun::{Begun, Spoken};
use super::door::Door;
use super::errors;
use super::flag::Flag;
use super::idle::{Activity, Patience};
use super::tls::{HANDSHAKE, Tls};
use crate::workers::{Place, Workers};

/// How long to wait after a connection could not be taken, as when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is told at most that connections can't be taken.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How long requests that are cut off have to tell their clients.
const FAREWELL: Duration = Duration::from_secs(1);

/// How far the HTTP library reads beyond the caps on a head, so that what is a little over them is told in words.
const SLACK: usize = 2;

/// Requests that may be under way at once on one HTTP/2 connection: as many as RFC 9113 (6.5.2) advises at least.
const MAX_STREAMS: u32 = 100;

/// The least that the HTTP library's buffer for a head can be.
const LEAST_BUFFER: usize = 8192;

/// How the server treats its connections.
pub(crate) struct Terms {
    /// Connections at once; more wait to be taken.
    pub(crate) max_connections: usize,
    /// How long a client may take to send a head, or a TLS handshake, and how long an idle connection is kept.
    pub(crate) head_timeout: Duration,
    /// How long a client may take nothing of an answer that is ready for it.
    pub(crate) write_timeout: Duration,
    /// The certificate; none: TLS is not spoken.
    pub(crate) tls: Option<Arc<Tls>>,
    /// How long requests that are under way at the stop may go on.
    pub(crate) grace: Duration,
    /// Raised by the server when that time is over.
    pub(crate) cut_off: Arc<Flag>,
    /// Whether clients are to go elsewhere.
    pub(crate) drain: Arc<Flag>,
    /// Whether requests are told where they come from: see [`Peer`](super::Peer).
    pub(crate) tells_peer: bool,
    /// The threads that serve the connections.
    pub(crate) workers: Workers,
}

/// What a connection is served with.
struct Server {
    http1: http1::Builder,
    http2: http2::Builder<Workers>,
    door: Door,
    head_timeout: Duration,
    write_timeout: Duration,
    tls: Option<Arc<Tls>>,
    drain: Arc<Flag>,
    /// Whether the server ends.
    stop: Arc<Flag>,
}

impl Server {
    fn new(door: Door, terms: &Terms, workers: &Workers, stop: &Arc<Flag>) -> Server {
        let limits = door.head_limits();
        let bytes = limits.bytes.saturating_mul(SLACK);
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(terms.head_timeout)
            .max_headers(limits.headers.saturating_mul(SLACK))
            .max_buf_size(bytes.max(LEAST_BUFFER));
        let mut http2 = http2::Builder::new(workers.clone());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(terms.head_timeout)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(bytes).unwrap_or(u32::MAX));
        Server {
            http1,
            http2,
            door,
            head_timeout: terms.head_timeout,
            write_timeout: terms.write_timeout,
            tls: terms.tls.clone(),
            drain: terms.drain.clone(),
            stop: stop.clone(),
        }
    }
}

/// Serves until `stop`; then takes no more connections and gives requests that are under way, streams included, time to
/// finish. When it returns none is left.
pub(crate) async fn serve(listener: TcpListener, door: &Door, stop: &CancellationToken, terms: Terms) {
    let mut connections = JoinSet::new();
    let mut troubles = Troubles::default();
    let stopping = Arc::new(Flag::default());
    loop {
        let full = connections.len() >= terms.max_connections;
        troubles.full(connections.len(), terms.max_connections);
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if !full => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let door = match terms.tells_peer {
                    true => door.told(from.ip()),
                    false => door.clone(),
                };
                let workers = match door.has_several_scarce() {
                    true => Workers::default(),
                    false => terms.workers.clone(),
                };
                let server = Server::new(door, &terms, &workers, &stopping);
                match workers.place() {
                    None => connections.spawn(server.serve(stream, from.ip())),
                    Some(place) => {
                        let runtime = place.runtime.clone();
                        connections.spawn_on(server.serve_at(place, stream, from.ip()), &runtime)
                    }
                };
            }
            Err(error) => {
                troubles.not_taken(&error);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.raise();
    if !all_end(&mut connections, terms.grace).await {
        tracing::warn!("requests are cut off: they did not finish within {:?}", terms.grace);
        terms.cut_off.raise();
        all_end(&mut connections, FAREWELL).await;
        connections.shutdown().await;
    }
}

/// Whether all connections end within this time.
async fn all_end(connections: &mut JoinSet<()>, time: Duration) -> bool {
    let ended = async { while connections.join_next().await.is_some() {} };
    timeout(time, ended).await.is_ok()
}

impl Server {
    /// Another thread's connection than the one that took it.
    async fn serve_at(self, _place: Place, stream: TcpStream, from: IpAddr) {
        match stream.into_std().and_then(TcpStream::from_std) {
            Ok(stream) => self.serve(stream, from).await,
            Err(error) => tracing::debug!(%from, "a connection ended early: {error}"),
        }
    }

    async fn serve(self, stream: TcpStream, from: IpAddr) {
        // Events of a stream are small, and each is to leave at once. Without it they are only late.
        let _late = stream.set_nodelay(true);
        match self.tls.clone() {
            Some(tls) => self.serve_tls(&tls, stream, from).await,
            None => {
                let stream = self.timed(stream);
                self.serve_http(stream, from).await;
            }
        }
    }

    /// Below TLS, which keeps what the client does not take.
    fn timed(&self, stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.write_timeout));
        Box::pin(stream)
    }

    async fn serve_tls(self, tls: &Tls, stream: TcpStream, from: IpAddr) {
        let handshake = async {
            let mut first = [0];
            if stream.peek(&mut first).await? > 0 && first != [HANDSHAKE] {
                refuse_plain(stream).await?;
                return Ok(None);
            }
            tls.acceptor().accept(self.timed(stream)).await.map(Some)
        };
        match self.in_time(handshake).await {
            Some(Ok(Some(stream))) => self.serve_http(stream, from).await,
            Some(Err(error)) => tracing::debug!(%from, "a TLS handshake failed: {error}"),
            Some(Ok(None)) | None => {}
        }
    }

    async fn serve_http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, from: IpAddr) {
        // The server's own clock for a head starts only when it knows the protocol.
        let Some(Ok(Some((stream, spoken)))) = self.in_time(Begun::read(stream)).await else {
            return;
        };
        if stream.first() == Some(HANDSHAKE) {
            tracing::debug!(%from, "a client speaks TLS, which is spoken here only with `tls`");
            return;
        }
        let ended = match spoken {
            Spoken::Http1 => self.serve_http1(stream).await,
            Spoken::Http2 => self.serve_http2(stream).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%from, "a connection ended early: {error}");
        }
    }

    async fn serve_http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> hyper::Result<()> {
        let door = self.door;
        let service = service_fn(move |request| door.answer(request).map(Ok::<_, Infallible>));
        let mut connection = pin!(self.http1.serve_connection(TokioIo::new(stream), service));
        match self.stop.unless_raised(connection.as_mut()).await {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }

    async fn serve_http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> hyper::Result<()> {
        let activity = Activity::default();
        let service = activity.of(self.door.clone());
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(stream), service));
        let patience = Patience {
            fresh: self.head_timeout,
            answered: self.head_timeout.max(self.write_timeout),
            stalled: self.write_timeout,
        };
        // A client that was told to go elsewhere before it asked for anything would only come again.
        let is_drained = async {
            self.drain.raised().await;
            activity.asked().await;
        };
        let patience = tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.stop.raised() => {
                connection.as_mut().graceful_shutdown();
                return connection.await;
            }
            () = activity.ends(patience) => self.farewell(&activity),
            () = is_drained => patience,
        };
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = activity.ends(patience) => Ok(()),
        }
    }

    /// A request that crosses the farewell is answered; a client that does not answer it is not waited for.
    fn farewell(&self, activity: &Activity) -> Patience {
        Patience {
            fresh: FAREWELL,
            answered: FAREWELL,
            stalled: match activity.is_open() {
                true => FAREWELL,
                false => self.write_timeout,
            },
        }
    }

    /// None: it took too long, or the server stops.
    async fn in_time<T>(&self, beginning: impl Future<Output = T>) -> Option<T> {
        self.stop
            .unless_raised(timeout(self.head_timeout, beginning))
            .await?
            .ok()
    }
}

/// Tells a client that speaks plain HTTP; for any other it is as good as nothing.
async fn refuse_plain(mut stream: TcpStream) -> std::io::Result<()> {
    // What is not read when the connection is closed could keep the answer from being read.
    let mut words = [0; LEAST_BUFFER];
    let _read = stream.read(&mut words).await?;
    stream.write_all(errors::PLAIN_ON_TLS).await?;
    stream.shutdown().await
}

/// What keeps connections from being taken: told when it begins and now and then, not each time.
#[derive(Default)]
struct Troubles {
    told: Option<Instant>,
    full: bool,
}

impl Troubles {
    /// Where it is told again only after some room was there: at the cap, each connection that ends lets one in.
    fn full(&mut self, there: usize, max: usize) {
        if there >= max && !self.full {
            tracing::warn!("no more connections are taken: there are {max} (`max_connections`)");
            self.full = true;
        } else if there < max - max / 8 {
            self.full = false;
        }
    }

    fn not_taken(&mut self, error: &std::io::Error) {
        let is_due = self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_due {
            tracing::warn!("connections can't be taken: {error}");
            self.told = Some(Instant::now());
        }
    }
}
