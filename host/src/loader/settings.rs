//! What an operator says of one plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::HeaderName;
use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::json::Document;
use crate::limits::Limits;
use crate::pipeline::BreakerSettings;

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
    /// When it is left alone because it keeps failing.
    pub breaker: BreakerSettings,
    /// Where what it does is counted.
    pub counters: Arc<Counters>,
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
            breaker: BreakerSettings::default(),
            counters: Arc::default(),
            options: BTreeMap::new(),
        }
    }

    /// The file's name without directories and endings: what a plugin is called that says nothing of itself.
    pub fn file_stem(&self) -> &str {
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file);
        name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name)
    }
}
