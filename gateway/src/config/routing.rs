//! Which upstream a call goes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule for models that name no upstream. The first that matches counts.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub(crate) struct RouteConfig {
    /// Patterns of the model that the client asked for; `*` and `?` stand for other characters.
    pub(crate) models: Vec<String>,
    /// Where such calls go.
    pub(crate) upstream: String,
    /// The model that is asked there; else the client's.
    pub(crate) model: Option<String>,
    /// Where a call goes that failed there, instead of the upstream's own `fallbacks`.
    pub(crate) fallbacks: Option<Vec<String>>,
}

/// Paths that are passed on although Heimdall does not know them.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub(crate) struct PassthroughConfig {
    /// A pattern of paths below `/v1/`; `*` and `?` stand for other characters.
    pub(crate) path: String,
    /// Where they go; else to the `default_upstream`.
    pub(crate) upstream: Option<String>,
}
