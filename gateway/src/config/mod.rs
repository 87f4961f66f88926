//! The configuration: `heimdall.toml`, read strictly.
//!
//! The structs here are the file as it is written; [`load()`] reads and checks it. Other forms of the same settings are
//! to be read into the same structs.

mod check;
mod error;
mod fields;
mod load;
mod places;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use heimdall_host::limits::Limits;
use heimdall_host::loader::{FailurePolicy, Isolation};
use serde::Deserialize;

pub(crate) use check::check_listen;
pub(crate) use error::ConfigError;
pub(crate) use load::load;

/// The file that is used without `--config` if it is in the working directory.
pub(crate) const DEFAULT_FILE: &str = "heimdall.toml";

/// How an address to listen on is written.
pub(crate) const ADDRESS_FORM: &str = "an IP address and a port, as in 127.0.0.1:8080";

/// Everything that `heimdall serve` can be told.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// How clients show who they are. Only `none` exists; it has to be written where others than this machine can call.
    pub(crate) auth: Option<Auth>,
    /// The upstream of a model that names none. Needed where there are several.
    pub(crate) default_upstream: Option<String>,
    /// The largest request body, in MiB.
    pub(crate) max_body_mib: usize,
    /// How long a client may take to send a request body.
    pub(crate) body_timeout_ms: u64,
    /// Connections at once; more wait until one ends.
    pub(crate) max_connections: usize,
    /// How long requests that are under way at a shutdown may go on.
    pub(crate) shutdown_timeout_ms: u64,
    /// Whether compiled plugins are kept on disk.
    pub(crate) cache: bool,
    /// Where compiled plugins are kept; empty: nowhere.
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where the key that authenticates them is kept; empty: nowhere, and no cache either.
    pub(crate) state_dir: Option<PathBuf>,
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
            default_upstream: None,
            max_body_mib: 16,
            body_timeout_ms: 60_000,
            max_connections: 4096,
            shutdown_timeout_ms: 30_000,
            cache: true,
            cache_dir: None,
            state_dir: None,
            upstreams: BTreeMap::new(),
            plugins: Vec::new(),
        }
    }
}

/// How clients show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auth {
    /// Not at all.
    None,
}

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
    /// The environment variable that holds the key.
    pub(crate) api_key_env: Option<String>,
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
            connect_timeout_ms: 10_000,
            first_byte_timeout_ms: 120_000,
            idle_timeout_ms: 60_000,
            total_timeout_ms: 600_000,
            max_response_mib: 64,
            max_event_mib: 4,
        }
    }
}

/// One plugin.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PluginConfig {
    /// The `.wasm` file; a relative path starts at the configuration file's folder.
    pub(crate) path: PathBuf,
    /// Its name here; else the guest's, else the file's.
    pub(crate) name: Option<String>,
    /// False: as if the entry were not there.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// What the guest's `init` gets, as JSON.
    pub(crate) config: Option<toml::Table>,
    /// What a failure of the plugin comes to.
    #[serde(default)]
    pub(crate) on_failure: FailurePolicy,
    /// Whether requests share instances; else as the plugin's kind has it.
    pub(crate) isolation: Option<Isolation>,
    /// How many instances may live at once; else as the plugin's kind has it.
    pub(crate) instances: Option<usize>,
    /// Its budgets.
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
    /// Settings of the plugin's ABI.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

/// A plugin's budgets; what is not written is as [`Limits::default`] has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LimitsConfig {
    pub(crate) memory_mib: Option<usize>,
    pub(crate) table_elements: Option<usize>,
    pub(crate) handles: Option<usize>,
    pub(crate) init_timeout_ms: Option<u64>,
    pub(crate) hook_timeout_ms: Option<u64>,
    pub(crate) cleanup_timeout_ms: Option<u64>,
    pub(crate) output_mib: Option<usize>,
    pub(crate) log_lines: Option<u32>,
}

impl LimitsConfig {
    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        let mib = |value: Option<usize>, default| value.map_or(default, |mib: usize| mib.saturating_mul(1 << 20));
        let ms = |value: Option<u64>, default| value.map_or(default, Duration::from_millis);
        Limits {
            memory: mib(self.memory_mib, default.memory),
            table_elements: self.table_elements.unwrap_or(default.table_elements),
            handles: self.handles.unwrap_or(default.handles),
            init_timeout: ms(self.init_timeout_ms, default.init_timeout),
            hook_timeout: ms(self.hook_timeout_ms, default.hook_timeout),
            cleanup_timeout: ms(self.cleanup_timeout_ms, default.cleanup_timeout),
            output: mib(self.output_mib, default.output),
            log_lines: self.log_lines.unwrap_or(default.log_lines),
            ..default
        }
    }
}

/// A plugin's configuration as the JSON that its `init` gets.
///
/// # Errors
/// In words, what JSON has no place for.
pub(crate) fn plugin_json(table: &toml::Table) -> Result<serde_json::Value, String> {
    json(&toml::Value::Table(table.clone()))
}

fn json(value: &toml::Value) -> Result<serde_json::Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) if number.is_finite() => (*number).into(),
        toml::Value::Float(number) => return Err(format!("holds {number}, which JSON has no number for")),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(datetime) => datetime.to_string().into(),
        toml::Value::Array(values) => values.iter().map(json).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| Ok((key.clone(), json(value)?)))
            .collect::<Result<_, String>>()?,
    })
}
