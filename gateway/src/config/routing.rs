//! Which upstream a call goes to.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule for models that are no alias and name no upstream. The first that matches counts.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct RouteConfig {
    /// Patterns of the model that the client asked for: `*` stands for any characters, `?` for one, and a `/` is a
    /// character like any other. One that matches is enough.
    pub(crate) models: Vec<String>,
    /// The upstream to which such calls go.
    pub(crate) upstream: String,
    /// The model that is asked there; else the client's.
    pub(crate) model: Option<String>,
    /// Where a call goes that failed there, instead of the upstream's own `fallbacks`: `upstream` or `upstream/model`, in
    /// order. Those of these upstreams are not tried; an empty list means that nothing is.
    pub(crate) fallbacks: Option<Vec<String>>,
}

/// Paths that are passed on although Heimdall does not know them.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct PassthroughConfig {
    /// A pattern of the whole path, as in `/v1/files*`: `*` stands for any characters, `?` for one. It is compared with
    /// the decoded path. Paths that Heimdall answers itself, and other ways to write those, are never passed on.
    pub(crate) path: String,
    /// The upstream to which they go; else the `default_upstream`.
    pub(crate) upstream: Option<String>,
}

/// The upstream's name and, where there is one, the model of a text like `upstream` or `upstream/model`. None: it starts
/// with no upstream's name.
pub(crate) fn upstream_and_model(text: &str, is_upstream: impl Fn(&str) -> bool) -> Option<(&str, Option<&str>)> {
    if is_upstream(text) {
        return Some((text, None));
    }
    let (upstream, model) = text.split_once('/')?;
    (is_upstream(upstream) && !model.is_empty()).then_some((upstream, Some(model)))
}

/// What matches any of these patterns. A `/` is a character like any other.
///
/// # Errors
/// When one can't be read; the error says which.
pub(crate) fn glob_set(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(false).build()?);
    }
    set.build()
}
