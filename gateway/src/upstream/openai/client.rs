//! How an HTTP client of one upstream is made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http::HeaderValue;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, Url, redirect};

use super::Limits;
use crate::config::{Protocol, UpstreamConfig};
use crate::files;
use crate::upstream::held::SecretSource;
use crate::upstream::secret::Secret;

/// The largest file of certificates that is read.
const MAX_CERTIFICATES: u64 = 16 << 20;

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

/// What a client is made of: the files that the configuration names are read.
pub(super) struct Recipe {
    connect: Duration,
    protocol: Protocol,
    max_idle: usize,
    idle_timeout: Duration,
    proxy: Option<Proxy>,
    trust: Trust,
}

/// What the server's certificate is measured by.
enum Trust {
    /// There is none to measure: a machine without authorities is no reason to refuse.
    Nothing,
    System,
    File(PathBuf, Vec<Certificate>),
}

impl Recipe {
    /// # Errors
    /// When certificates or the proxy's credentials can't be read.
    pub(super) fn new(config: &UpstreamConfig, base_url: &Url, limits: Limits) -> anyhow::Result<Recipe> {
        let proxy = config.proxy.as_deref().map(|address| proxy(address, config));
        Ok(Recipe {
            connect: limits.connect,
            protocol: config.protocol,
            max_idle: config.max_idle_connections,
            idle_timeout: Duration::from_millis(config.idle_connection_timeout_ms),
            proxy: proxy.transpose()?,
            trust: Trust::of(config, base_url)?,
        })
    }

    /// Whether several calls may share a connection.
    pub(super) fn may_be_http2(&self) -> bool {
        match self.protocol {
            Protocol::Auto => !matches!(self.trust, Trust::Nothing),
            Protocol::Http1 => false,
            Protocol::Http2 => true,
        }
    }

    /// # Errors
    /// When the certificates can't be used.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        self.speaking(self.protocol)
    }

    /// For a server that is known to speak HTTP/2: one connection is made for all calls, where else each makes one until it is
    /// known that they could share.
    ///
    /// # Errors
    /// As [`Recipe::client`].
    pub(super) fn http2_client(&self) -> anyhow::Result<Client> {
        self.speaking(Protocol::Http2)
    }

    fn speaking(&self, protocol: Protocol) -> anyhow::Result<Client> {
        // A redirect would carry the key elsewhere; so would a proxy that the configuration does not name.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(self.connect)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(self.max_idle)
            .pool_idle_timeout(self.idle_timeout)
            .http2_max_header_list_size(MAX_HEADERS)
            .http2_initial_stream_window_size(CALL_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT);
        // Its default of 30 s would end a call whose upstream takes its time to read a large request. The timeouts of a
        // call bound that; the keep-alives of TCP and HTTP/2 find a server that is gone.
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let client = client.tcp_user_timeout(None);
        let client = match protocol {
            Protocol::Auto => client,
            Protocol::Http1 => client.http1_only(),
            Protocol::Http2 => client.http2_prior_knowledge(),
        };
        let client = match &self.proxy {
            Some(proxy) => client.proxy(proxy.clone()),
            None => client,
        };
        self.trust.client(client)
    }
}

impl Trust {
    fn of(config: &UpstreamConfig, base_url: &Url) -> anyhow::Result<Trust> {
        if base_url.scheme() == "http" {
            return Ok(Trust::Nothing);
        }
        let Some(file) = &config.ca_file else {
            return Ok(Trust::System);
        };
        let certificates = certificates(file)
            .map_err(|problem| anyhow!("its `ca_file` can't be used: {} {problem}", file.display()))?;
        Ok(Trust::File(file.clone(), certificates))
    }

    fn client(&self, client: ClientBuilder) -> anyhow::Result<Client> {
        match self {
            Trust::Nothing => client
                .tls_certs_only([])
                .build()
                .context("no HTTP client could be made"),
            Trust::File(file, certificates) => {
                let client = client.tls_certs_only(certificates.clone()).build();
                client.with_context(|| format!("its `ca_file` can't be used: {}", file.display()))
            }
            Trust::System => client.build().context(
                "https needs the certificates of authorities, and this system has none: install its package \
                 `ca-certificates`, or name a file of them as `ca_file`",
            ),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, String> {
    let pem = files::read_regular(file, MAX_CERTIFICATES).map_err(|error| error.to_string())?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| "is no PEM".to_owned())?;
    if certificates.is_empty() {
        return Err("holds no certificate (PEM, `-----BEGIN CERTIFICATE-----`)".to_owned());
    }
    Ok(certificates)
}

fn proxy(address: &str, config: &UpstreamConfig) -> anyhow::Result<Proxy> {
    let proxy = Proxy::all(address).context("its `proxy` can't be used")?;
    let Some(source) = &config.proxy_credentials else {
        return Ok(proxy);
    };
    let Some(origin) = SecretSource::of(None, source.env.as_ref(), source.file.as_ref()) else {
        bail!("its `proxy_credentials` name neither an environment variable nor a file");
    };
    let credentials = origin
        .read()
        .map_err(|problem| anyhow!("`proxy_credentials`: {problem}"))?;
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
    let header: HeaderValue = Secret::plain(&format!("Basic {encoded}"))
        .map_err(|problem| anyhow!("`proxy_credentials`: {origin} {problem}"))?
        .header();
    Ok(proxy.custom_http_auth(header))
}
