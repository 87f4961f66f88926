//! Where calls go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::MAX_RETRIES;
use super::{SecretPlace, Source};

/// What kind of upstream this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UpstreamKind {
    /// A server that speaks OpenAI's API.
    #[default]
    OpenAi,
    /// The built-in echo.
    Echo,
    /// No server: calls answer an error. It keeps a name from meaning anything else.
    None,
}

/// One upstream.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct UpstreamConfig {
    pub(crate) kind: UpstreamKind,
    /// The address of its API, up to and including `/v1`, as in `https://api.openai.com/v1`.
    pub(crate) base_url: Option<String>,
    /// The environment variable that holds its key, where there is one key.
    pub(crate) api_key_env: Option<String>,
    /// Its keys, where there are several, or where one is kept in a file. Each call is sent with one of them, by weight.
    pub(crate) keys: Vec<KeyConfig>,
    /// How long a key is not used, in milliseconds, after a call with it was answered with 401 or 429. The `retry-after`
    /// of a 429 counts instead, up to an hour. The call itself is sent again at once with another key. When no key is in
    /// use, the one that comes back first is taken; one whose file holds another key is in use at once.
    #[schemars(range(min = 1))]
    pub(crate) key_cooldown_ms: u64,
    /// Whether the client's own key is sent, in the header in which it came (`authorization`, `api-key` or
    /// `x-api-key`), instead of one of the gateway's.
    pub(crate) forward_client_key: bool,
    /// Headers that every call gets, in place of the client's of the same name. What comes from an environment variable
    /// or a file is treated as a key: it is taken out of what the upstream answers.
    pub(crate) headers: BTreeMap<String, Source>,
    /// A file of certificates (PEM) of the authorities that sign the server's, in place of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// The address of the HTTP proxy that calls pass, as in `http://proxy.example:3128`. Environment variables such as
    /// `HTTPS_PROXY` are not looked at.
    pub(crate) proxy: Option<String>,
    /// The user and password for the proxy, written `user:password`, from an environment variable or a file.
    pub(crate) proxy_credentials: Option<SecretPlace>,
    /// Which HTTP is spoken.
    pub(crate) protocol: Protocol,
    /// How many calls share a connection of HTTP/2 at most; the next one opens another, up to 64 of them. Servers have a
    /// bound of their own, often 100, beyond which calls would wait for each other.
    #[schemars(range(min = 1))]
    pub(crate) calls_per_connection: u32,
    /// The most requests that may be under way at it, streams included; else there is no bound but `max_connections`. One more
    /// goes to the next fallback at once, or is answered with 503 and `retry-after`.
    #[schemars(range(min = 1))]
    pub(crate) max_requests: Option<u32>,
    /// How many idle connections are kept for further calls: over HTTP/1.1 each thread that serves keeps its share, and one at least.
    pub(crate) max_idle_connections: usize,
    /// How long an idle connection is kept, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) idle_connection_timeout_ms: u64,
    /// How often a call is tried again here that could not be connected, got no answer, or was answered with 408, 409,
    /// 429, a status from 500 on (but for 501 and 505), or an error whose status is 200.
    #[schemars(range(max = MAX_RETRIES))]
    pub(crate) retries: u32,
    /// The pause before the first retry, in milliseconds; each further one is twice as long, up to 5 s, and chance makes
    /// all longer, up to twice. It comes after the time that an upstream's `Retry-After` asks for, up to 10 s together; if
    /// that alone is over 10 s, the fallbacks come at once.
    pub(crate) retry_backoff_ms: u64,
    /// Where a call goes that failed here for good: `upstream` or `upstream/model`, in order, each followed by its own
    /// fallbacks. They are tried after what is worth a retry, after timeouts and unusable answers, and after 401 to 404,
    /// 501 and 505; not after any other status, nor after a plugin's refusal that does not allow it. Of a stream no more
    /// than its first event is waited for. All attempts together take no longer than the first upstream's
    /// `total_timeout_ms`.
    pub(crate) fallbacks: Vec<String>,
    /// How long connecting may take, TLS included, in milliseconds.
    #[schemars(range(min = 1))]
    pub(crate) connect_timeout_ms: u64,
    /// How long the head of an answer may take, in milliseconds from the request on. Of a stream that a
    /// fallback could still replace, its first event too may take no longer.
    #[schemars(range(min = 1))]
    pub(crate) first_byte_timeout_ms: u64,
    /// How long an answer may pause between two of its pieces, in milliseconds. Comments of a stream count as pieces.
    #[schemars(range(min = 1))]
    pub(crate) idle_timeout_ms: u64,
    /// How long a call may take to the end of its answer, in milliseconds. No other attempt follows then.
    #[schemars(range(min = 1))]
    pub(crate) total_timeout_ms: u64,
    /// The largest answer that is not streamed, in MiB. A compressed one counts as it is when unpacked.
    #[schemars(range(min = 1))]
    pub(crate) max_response_mib: usize,
    /// The largest event of a stream, in MiB.
    #[schemars(range(min = 1))]
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
            calls_per_connection: 90,
            max_requests: None,
            max_idle_connections: 512,
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

impl UpstreamConfig {
    /// The files that it names, whose relative paths start at the configuration's folder.
    pub(super) fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let keys = self.keys.iter_mut().filter_map(|key| key.file.as_mut());
        let headers = self.headers.values_mut().filter_map(|source| source.file.as_mut());
        let proxy = self
            .proxy_credentials
            .iter_mut()
            .filter_map(|source| source.file.as_mut());
        self.ca_file.iter_mut().chain(keys).chain(headers).chain(proxy)
    }
}

/// Which HTTP an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// With TLS the newest that both sides speak, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only, without TLS too.
    Http2,
}

/// One key of an upstream.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct KeyConfig {
    /// The environment variable that holds it.
    pub(crate) env: Option<String>,
    /// The file that holds it. It is read again when it changed.
    pub(crate) file: Option<PathBuf>,
    /// Its share of the calls: one of weight 2 gets twice as many as one of weight 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}
