//! Where calls go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Source;

/// What kind of upstream this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UpstreamKind {
    /// A server that speaks OpenAI's API.
    #[default]
    OpenAi,
    /// The built-in echo.
    Echo,
}

/// One upstream.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct UpstreamConfig {
    pub(crate) kind: UpstreamKind,
    /// Up to and including `/v1`.
    pub(crate) base_url: Option<String>,
    /// The environment variable that holds the key, where there is one key.
    pub(crate) api_key_env: Option<String>,
    /// The keys, where there are several.
    pub(crate) keys: Vec<KeyConfig>,
    /// How long a key that was answered with 401 or 429 is not used, while there is another.
    pub(crate) key_cooldown_ms: u64,
    /// Whether the client's own key is sent, instead of one of the gateway's.
    pub(crate) forward_client_key: bool,
    /// Headers that every call gets.
    pub(crate) headers: BTreeMap<String, Source>,
    /// A file of certificates (PEM) that sign the server's, instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// The HTTP proxy that calls pass.
    pub(crate) proxy: Option<String>,
    /// What the proxy asks for: `user:password`, from an environment variable or a file.
    pub(crate) proxy_credentials: Option<Source>,
    /// Which HTTP is spoken.
    pub(crate) protocol: Protocol,
    /// Idle connections that are kept.
    pub(crate) max_idle_connections: usize,
    /// How long an idle connection is kept.
    pub(crate) idle_connection_timeout_ms: u64,
    /// How often a call that failed is tried again here.
    pub(crate) retries: u32,
    /// The pause before the first retry; each further one is twice as long, and all vary.
    pub(crate) retry_backoff_ms: u64,
    /// Where a call goes that failed here: `upstream` or `upstream/model`, in order.
    pub(crate) fallbacks: Vec<String>,
    /// Time to connect.
    pub(crate) connect_timeout_ms: u64,
    /// Time from a request until the head of its answer.
    pub(crate) first_byte_timeout_ms: u64,
    /// Time between two pieces of an answer.
    pub(crate) idle_timeout_ms: u64,
    /// Time from a request to the end of its answer.
    pub(crate) total_timeout_ms: u64,
    /// The largest answer that is not streamed, in MiB.
    pub(crate) max_response_mib: usize,
    /// The largest event of a stream, in MiB.
    pub(crate) max_event_mib: usize,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        UpstreamConfig {
            kind: UpstreamKind::OpenAi,
            base_url: None,
            api_key_env: None,
            keys: Vec::new(),
            key_cooldown_ms: 60_000,
            forward_client_key: false,
            headers: BTreeMap::new(),
            ca_file: None,
            proxy: None,
            proxy_credentials: None,
            protocol: Protocol::Auto,
            max_idle_connections: 128,
            idle_connection_timeout_ms: 60_000,
            retries: 0,
            retry_backoff_ms: 250,
            fallbacks: Vec::new(),
            connect_timeout_ms: 10_000,
            first_byte_timeout_ms: 120_000,
            idle_timeout_ms: 60_000,
            total_timeout_ms: 600_000,
            max_response_mib: 64,
            max_event_mib: 4,
        }
    }
}

/// Which HTTP an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// With TLS the newest that both know, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without TLS too.
    Http2,
}

/// One key of an upstream.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct KeyConfig {
    /// The environment variable that holds it.
    pub(crate) env: Option<String>,
    /// The file that holds it.
    pub(crate) file: Option<PathBuf>,
    /// How many calls it gets, against the others.
    #[serde(default = "one")]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}
