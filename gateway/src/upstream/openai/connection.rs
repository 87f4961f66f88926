//! How a connection to an upstream is made, and what it is.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

/// After how long without a byte the system asks whether the other end is there, how often, and how many times.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

type Problem = Box<dyn Error + Send + Sync>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A server between this one and the upstream.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) address: Uri,
    pub(super) credentials: Option<HeaderValue>,
}

/// Makes connections. The HTTP client clones it for each call.
#[derive(Clone)]
pub(super) struct Connector {
    way: Arc<Way>,
    within: Duration,
}

enum Way {
    Plain(HttpConnector),
    Tls(HttpsConnector<HttpConnector>),
    /// A proxy is sent the requests themselves.
    PlainByProxy(HttpConnector, Uri),
    /// A proxy is asked for a tunnel to the server.
    TlsByProxy(HttpsConnector<Tunnel<HttpConnector>>),
}

impl Connector {
    pub(super) fn new(tls: Option<ClientConfig>, proxy: Option<&Proxy>, within: Duration) -> Connector {
        let way = match (tls, proxy) {
            (None, None) => Way::Plain(tcp(within)),
            (Some(tls), None) => Way::Tls((tcp(within), tls).into()),
            (None, Some(proxy)) => Way::PlainByProxy(tcp(within), proxy.address.clone()),
            (Some(tls), Some(proxy)) => {
                let tunnel = Tunnel::new(proxy.address.clone(), tcp(within));
                let tunnel = match &proxy.credentials {
                    Some(credentials) => tunnel.with_auth(credentials.clone()),
                    None => tunnel,
                };
                Way::TlsByProxy((tunnel, tls).into())
            }
        };
        Connector {
            way: Arc::new(way),
            within,
        }
    }
}

/// TCP as it is under every kind of connection. A user timeout is not set: it would end a call whose upstream takes its
/// time to read a large request. The timeouts of a call bound that; the keep-alives find a server that is gone.
fn tcp(within: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(within));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE));
    tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    tcp
}

impl Way {
    async fn connect(&self, server: Uri) -> Result<Wire, Problem> {
        let (stream, is_proxied) = match self {
            Way::Plain(tcp) => (tcp.clone().call(server).await?.into(), false),
            Way::Tls(tls) => (tls.clone().call(server).await?, false),
            Way::PlainByProxy(tcp, proxy) => (tcp.clone().call(proxy.clone()).await?.into(), true),
            Way::TlsByProxy(tls) => (tls.clone().call(server).await?, false),
        };
        Ok(Wire { stream, is_proxied })
    }
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = Problem;
    type Future = BoxFuture<'static, Result<Wire, Problem>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let Connector { way, within } = self.clone();
        Box::pin(async move { timeout(within, way.connect(server)).await? })
    }
}

/// A connection.
pub(super) struct Wire {
    stream: Stream,
    /// Whether a request has to name the whole address, for the proxy that reads it.
    is_proxied: bool,
}

impl Wire {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut Stream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        // Not the stream's own, which has each answer carry both addresses for nobody.
        let connected = Connected::new().proxy(self.is_proxied);
        match self.stream.connected().is_negotiated_h2() {
            true => connected.negotiated_h2(),
            false => connected,
        }
    }
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, into)
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, bytes)
    }
}
