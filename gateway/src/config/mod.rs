//! The configuration: `heimdall.toml`, `.yaml` or `.json`, with the environment over it, read strictly.
//!
//! The structs here are the file as it is written, and their comments are the reference. [`load()`] reads any format into
//! one tree in which everything has a place, puts the environment's variables into it, and reads and checks the structs.

mod access;
mod bifrost;
mod bounds;
mod check;
mod data;
mod environment;
mod error;
mod format;
mod load;
mod mask;
mod names;
mod operation;
mod paths;
mod plugin;
mod read;
mod reference;
mod restart;
mod routing;
mod schema;
mod telemetry;
#[cfg(test)]
mod tests;
mod tree;
mod upstream;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use access::{Auth, ClientKeyConfig, CorsConfig, EVERY_ORIGIN, TlsConfig};
pub(crate) use check::check_listen;
pub(crate) use data::{Item, read_items};
pub(crate) use error::{ConfigError, Warning};
pub(crate) use format::Format;
#[cfg(fuzzing)]
pub(crate) use load::round_trip;
pub(crate) use load::{FileFormat, Loaded, Origin, convert, limits, load};
pub(crate) use operation::{AdminConfig, EngineConfig, ReloadConfig};
pub(crate) use plugin::{DownloadsConfig, LimitsConfig, PluginConfig};
pub(crate) use reference::reference;
pub(crate) use routing::{PassthroughConfig, RouteConfig, glob_set, upstream_and_model};
pub(crate) use schema::schema;
pub(crate) use telemetry::TelemetryConfig;
pub(crate) use upstream::{KeyConfig, Protocol, UpstreamConfig, UpstreamKind};

/// The files of which one is used without `--config` if it is in the working directory.
const DEFAULT_FILES: [&str; 4] = ["heimdall.toml", "heimdall.yaml", "heimdall.yml", "heimdall.json"];

/// How an address to listen on is written.
pub(crate) const ADDRESS_FORM: &str = "an IP address and a port, as in 127.0.0.1:8080";

/// What stands outside of any table.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Config {
    /// The address to listen on.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// How clients show who they are; else by their keys where there are `client_keys`, and not at all on an address
    /// that only this machine reaches.
    pub(crate) auth: Option<Auth>,
    /// The keys of clients, by the name that logs and plugins know them by.
    pub(crate) client_keys: BTreeMap<String, ClientKeyConfig>,
    /// The certificate of the address; else it speaks HTTP without TLS.
    pub(crate) tls: Option<TlsConfig>,
    /// Web pages of other origins that may call.
    pub(crate) cors: CorsConfig,
    /// The upstream of a model that names none. Needed where there are several.
    pub(crate) default_upstream: Option<String>,
    /// Rules for models that are no alias and name no upstream. The first that matches counts; a model that none matches
    /// goes to the `default_upstream`.
    pub(crate) routes: Vec<RouteConfig>,
    /// Further names of models: each stands for an `upstream/model`, or for an `upstream` that is asked for the model of
    /// this very name. They go before everything else, and an alias can't stand for another one.
    pub(crate) aliases: BTreeMap<String, String>,
    /// Further paths below `/v1/` that are passed on; all others are answered with 404. Plugins see them by their HTTP
    /// hooks only, so a client can do there what the LLM hooks would not let it do.
    pub(crate) passthrough: Vec<PassthroughConfig>,
    /// How old the list of an upstream's models may be, in milliseconds, before it is asked for anew; until the new one is
    /// there, clients get the old one. 0: it is not remembered at all.
    pub(crate) models_cache_ms: u64,
    /// The most headers that a request may have.
    #[schemars(range(min = 1, max = bounds::MAX_HEADERS))]
    pub(crate) max_headers: usize,
    /// The largest that a request's headers may be together, in KiB.
    #[schemars(range(min = 1, max = bounds::MAX_HEADER_KIB))]
    pub(crate) max_header_kib: usize,
    /// How long a client may take to send a request's headers, and how long an idle connection is kept; one of HTTP/2 that
    /// was answered at least for `write_timeout_ms`.
    #[schemars(range(min = 1))]
    pub(crate) head_timeout_ms: u64,
    /// The largest request body, in MiB. A compressed one counts as it is when unpacked.
    #[schemars(range(min = 1))]
    pub(crate) max_body_mib: usize,
    /// The most that the bodies of all requests under way may have together, in MiB; never less than one body may have.
    /// What does not fit in is answered with 503.
    #[schemars(range(min = 1))]
    pub(crate) max_bodies_mib: usize,
    /// How long a client may take to send a request body.
    #[schemars(range(min = 1))]
    pub(crate) body_timeout_ms: u64,
    /// How long a client may take nothing of an answer that is ready for it, until its connection is closed. The system tells
    /// of a slow reader's progress only now and then, so a few seconds would be too short.
    #[schemars(range(min = 1))]
    pub(crate) write_timeout_ms: u64,
    /// Connections at once; more wait until one ends.
    #[schemars(range(min = 1))]
    pub(crate) max_connections: usize,
    /// How long requests that are under way at a shutdown may go on.
    pub(crate) shutdown_timeout_ms: u64,
    /// Whether anything is kept on disk: compiled plugins, and copies of plugins that come by URL. Without them every
    /// start compiles and downloads anew, and fails where the network is down.
    pub(crate) cache: bool,
    /// Where compiled plugins and copies of downloaded ones are kept; else the folder `heimdall` of the user's cache
    /// (on Linux `$XDG_CACHE_HOME`, or `~/.cache`). Empty: nowhere.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where the key that authenticates compiled plugins is kept; else the folder `heimdall` of the user's state (on
    /// Linux `$XDG_STATE_HOME`, or `~/.local/state`). Empty: nowhere, and no cache either.
    pub(crate) state_dir: Option<PathBuf>,
    /// How long all plugins of a request may take together, in milliseconds. One whose turn comes later fails.
    #[schemars(range(min = 1))]
    pub(crate) plugins_timeout_ms: u64,
    /// What all plugins together run in.
    pub(crate) engine: EngineConfig,
    /// The admin interface; else there is none.
    pub(crate) admin: Option<AdminConfig>,
    /// When the configuration is read again.
    pub(crate) reload: ReloadConfig,
    /// Where traces and metrics are sent.
    pub(crate) telemetry: TelemetryConfig,
    /// How plugins are fetched whose path is a URL.
    pub(crate) downloads: DownloadsConfig,
    /// Where calls go, by name.
    pub(crate) upstreams: BTreeMap<String, UpstreamConfig>,
    /// What requests pass, in order.
    pub(crate) plugins: Vec<PluginConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            auth: None,
            client_keys: BTreeMap::new(),
            tls: None,
            cors: CorsConfig::default(),
            default_upstream: None,
            routes: Vec::new(),
            aliases: BTreeMap::new(),
            passthrough: Vec::new(),
            models_cache_ms: 60_000,
            max_headers: 100,
            max_header_kib: 64,
            head_timeout_ms: 60_000,
            max_body_mib: 16,
            max_bodies_mib: 1024,
            body_timeout_ms: 60_000,
            write_timeout_ms: 60_000,
            max_connections: 4096,
            shutdown_timeout_ms: 30_000,
            cache: true,
            cache_dir: None,
            state_dir: None,
            plugins_timeout_ms: 10_000,
            engine: EngineConfig::default(),
            admin: None,
            reload: ReloadConfig::default(),
            telemetry: TelemetryConfig::default(),
            downloads: DownloadsConfig::default(),
            upstreams: BTreeMap::new(),
            plugins: Vec::new(),
        }
    }
}

/// A text that may be a secret: as it is, or where it is read from.
#[derive(Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Source {
    /// The text itself.
    pub(crate) value: Option<String>,
    /// The environment variable that holds it.
    pub(crate) env: Option<String>,
    /// The file that holds it.
    pub(crate) file: Option<PathBuf>,
}

/// Where a secret is read from, which is not written in a configuration.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct SecretPlace {
    /// The environment variable that holds it.
    pub(crate) env: Option<String>,
    /// The file that holds it.
    pub(crate) file: Option<PathBuf>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { value, env, file } = self;
        let value = value.as_ref().map(|_| "[value]");
        let mut shown = f.debug_struct("Source");
        shown
            .field("value", &value)
            .field("env", env)
            .field("file", file)
            .finish()
    }
}
