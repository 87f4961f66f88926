//! How an HTTP client of one upstream is made.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::{HeaderValue, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::Url;
use rustls::ClientConfig;

use super::Limits;
use super::connection::{Connector, Proxy};
use super::trust;
use crate::config::{Protocol, UpstreamConfig};
use crate::upstream::held::SecretSource;
use crate::upstream::secret::Secret;
use crate::workers;

/// The most that the headers of an HTTP/2 answer may have, in bytes.
const MAX_HEADERS: u32 = 64 << 10;

/// What the server of an HTTP/2 connection may send ahead, in bytes: for one call, and for all calls together. A call whose
/// client does not read keeps what it was sent, so the second has to hold the first many times, or a few slow readers
/// would hold up everybody.
const CALL_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 30;

/// How often an HTTP/2 connection with calls under way is asked whether it still stands, and how long that may take.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A client: it follows no redirect, which would carry the key elsewhere, and uses no proxy but the configuration's.
pub(super) type HttpClient = Client<Connector, Full<Bytes>>;

/// What a client is made of: the files that the configuration names are read.
pub(super) struct Recipe {
    connect: Duration,
    protocol: Protocol,
    builder: Builder,
    max_idle: usize,
    proxy: Option<Proxy>,
    /// None: there is no certificate to measure. A machine without authorities is no reason to refuse.
    tls: Option<ClientConfig>,
}

impl Recipe {
    /// # Errors
    /// When certificates or the proxy's credentials can't be read.
    pub(super) fn new(config: &UpstreamConfig, base_url: &Url, limits: Limits) -> anyhow::Result<Recipe> {
        let proxy = config.proxy.as_deref().map(|address| proxy(address, config));
        let is_plain = base_url.scheme() == "http";
        let tls = (!is_plain).then(|| trust::tls(config.ca_file.as_deref()));
        Ok(Recipe {
            connect: limits.connect,
            protocol: config.protocol,
            builder: builder(config),
            max_idle: config.max_idle_connections,
            proxy: proxy.transpose()?,
            tls: tls.transpose()?,
        })
    }

    /// Whether several calls may share a connection.
    pub(super) fn may_be_http2(&self) -> bool {
        match self.protocol {
            Protocol::Auto => self.tls.is_some(),
            Protocol::Http1 => false,
            Protocol::Http2 => true,
        }
    }

    /// What each request has to show a proxy that reads it.
    pub(super) fn proxy_credentials(&self) -> Option<&HeaderValue> {
        let proxy = self.proxy.as_ref().filter(|_| self.tls.is_none())?;
        proxy.credentials.as_ref()
    }

    pub(super) fn client(&self) -> HttpClient {
        self.speaking(self.protocol, self.builder.clone())
    }

    /// For one of the threads that serve, which keeps its share of the idle connections.
    pub(super) fn thread_client(&self) -> HttpClient {
        let mut builder = self.builder.clone();
        builder.pool_max_idle_per_host(self.max_idle.div_ceil(workers::count()));
        self.speaking(self.protocol, builder)
    }

    /// For a server that is known to speak HTTP/2: one connection is made for all calls, where else each makes one until it is
    /// known that they could share.
    pub(super) fn http2_client(&self) -> HttpClient {
        self.speaking(Protocol::Http2, self.builder.clone())
    }

    fn speaking(&self, protocol: Protocol, mut builder: Builder) -> HttpClient {
        builder.http2_only(protocol == Protocol::Http2);
        let offered: &[&[u8]] = match protocol {
            Protocol::Auto => &[b"h2", b"http/1.1"],
            Protocol::Http1 => &[b"http/1.1"],
            Protocol::Http2 => &[b"h2"],
        };
        let tls = self.tls.clone().map(|mut tls| {
            tls.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
            tls
        });
        builder.build(Connector::new(tls, self.proxy.as_ref(), self.connect))
    }
}

fn builder(config: &UpstreamConfig) -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(config.max_idle_connections)
        .pool_idle_timeout(Duration::from_millis(config.idle_connection_timeout_ms))
        .http2_max_header_list_size(MAX_HEADERS)
        .http2_initial_stream_window_size(CALL_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_TIMEOUT);
    builder
}

fn proxy(address: &str, config: &UpstreamConfig) -> anyhow::Result<Proxy> {
    let address: Uri = Url::parse(address)
        .context("its `proxy` can't be used")?
        .as_str()
        .parse()
        .context("its `proxy` can't be used")?;
    let credentials = config.proxy_credentials.as_ref().map(|source| {
        let Some(origin) = SecretSource::of(None, source.env.as_ref(), source.file.as_ref()) else {
            bail!("its `proxy_credentials` name neither an environment variable nor a file");
        };
        let credentials = origin
            .read()
            .map_err(|problem| anyhow!("`proxy_credentials`: {problem}"))?;
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
        let secret = Secret::plain(&format!("Basic {encoded}"))
            .map_err(|problem| anyhow!("`proxy_credentials`: {origin} {problem}"))?;
        Ok(secret.header())
    });
    Ok(Proxy {
        address,
        credentials: credentials.transpose()?,
    })
}
