//! What an operator says of one plugin.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::functions::{HostClosure, HostFunctions};
use crate::json::Document;
use crate::limits::Limits;
use crate::pipeline::BreakerSettings;
use crate::runtime::InstanceSettings;

/// The headers that tell who a client is: those that plugins can't read unless their operator says so.
pub const CREDENTIAL_HEADERS: [HeaderName; 6] = [
    http::header::AUTHORIZATION,
    http::header::PROXY_AUTHORIZATION,
    http::header::COOKIE,
    http::header::SET_COOKIE,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
];

/// Whether a request goes on when a plugin fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailurePolicy {
    /// No: the client gets a clear error.
    #[default]
    Closed,
    /// Yes, as if the plugin were not there.
    Open,
}

/// What separates one request from the next in a plugin's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Nothing: instances are used again.
    Warm,
    /// Each request has an instance of its own, fresh at its start and gone after it.
    Request,
}

/// When an instance makes way for a fresh one, before it fails. What it kept in memory is lost then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecycleSettings {
    /// After so many calls; none: whatever their number.
    pub calls: Option<u64>,
    /// At this age; none: whatever its age.
    pub age: Option<Duration>,
    /// When it has more than this share of the memory that it may have, in percent. Until the fresh one is there it serves
    /// on, unless it has come halfway from there to all of its memory.
    pub memory_percent: u32,
}

impl Default for RecycleSettings {
    fn default() -> Self {
        RecycleSettings {
            calls: None,
            age: None,
            memory_percent: 75,
        }
    }
}

/// A directory that a guest sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub host: PathBuf,
    /// What the guest calls it.
    pub guest: String,
    /// Whether the guest can't change anything in it.
    pub read_only: bool,
}

/// What an operator says of one plugin.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// Its name; none: the guest's own, else the file's.
    pub name: Option<String>,
    /// Where it comes from, as the operator wrote it.
    pub file: String,
    /// Its configuration.
    pub config: Option<Document>,
    /// Whether requests go on when it fails.
    pub on_failure: FailurePolicy,
    /// None: what its kind does by default.
    pub isolation: Option<Isolation>,
    /// The most instances at once; none: what its kind does by default.
    pub instances: Option<usize>,
    /// Its budgets.
    pub limits: Limits,
    /// Headers that it can't read, in any hook. What it sets replaces what is there; else that stays.
    pub hide_headers: Vec<HeaderName>,
    /// When an instance makes way for a fresh one.
    pub recycle: RecycleSettings,
    /// When it is left alone because it keeps failing.
    pub breaker: BreakerSettings,
    /// Where what it does is counted.
    pub counters: Arc<Counters>,
    /// Functions of the embedder's that it may import.
    pub host_functions: HostFunctions,
    /// Its environment variables. Without them a guest has none.
    pub environment: BTreeMap<String, String>,
    /// Directories that it sees, where its kind has files. Without them a guest has none.
    pub directories: Vec<Directory>,
    /// The least level of its log lines, where its kind asks for it; none: what the log shows.
    pub log_level: Option<tracing::Level>,
    /// Settings that only one kind of plugin knows. The others refuse them.
    pub options: BTreeMap<String, String>,
}

impl PluginSettings {
    /// The defaults, for this file.
    pub fn new(file: impl Into<String>) -> Self {
        PluginSettings {
            name: None,
            file: file.into(),
            config: None,
            on_failure: FailurePolicy::default(),
            isolation: None,
            instances: None,
            limits: Limits::default(),
            hide_headers: CREDENTIAL_HEADERS.to_vec(),
            recycle: RecycleSettings::default(),
            breaker: BreakerSettings::default(),
            counters: Arc::default(),
            host_functions: HostFunctions::default(),
            environment: BTreeMap::new(),
            directories: Vec::new(),
            log_level: None,
            options: BTreeMap::new(),
        }
    }

    /// With one more function of the embedder's that it may import: see [`HostFunctions::function`].
    pub fn function<M>(mut self, namespace: &str, name: &str, closure: impl HostClosure<M>) -> Self {
        self.host_functions = self.host_functions.function(namespace, name, closure);
        self
    }

    /// How its instances are kept.
    pub fn instances(&self, plugin: Arc<str>, isolation: Isolation, cap: usize) -> InstanceSettings {
        InstanceSettings {
            plugin,
            isolation,
            cap,
            waiting: self.limits.waiting,
            recycle: self.recycle.clone(),
            memory: self.limits.memory,
            counters: self.counters.clone(),
        }
    }

    /// The file's name without directories and endings: what a plugin is called that says nothing of itself.
    pub fn file_stem(&self) -> &str {
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file);
        name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name)
    }
}

/// The defaults, for this file.
impl From<&str> for PluginSettings {
    fn from(file: &str) -> Self {
        PluginSettings::new(file)
    }
}
