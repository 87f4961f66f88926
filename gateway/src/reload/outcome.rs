//! What came of a reload.

use std::sync::Arc;

use heimdall_host::loader::Loaded;
use serde::Serialize;

use crate::plugins::Plugins;
use crate::server::App;

/// What a reload did to each plugin, by names.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// The same as before, with all that they keep.
    pub(crate) kept: Vec<String>,
    /// Loaded anew in another's place.
    pub(crate) replaced: Vec<String>,
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    /// Not loaded; requests go on without them.
    pub(crate) failed: Vec<String>,
    /// Settings that count after a restart only.
    pub(crate) after_restart: Vec<&'static str>,
}

/// Why a reload changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ReloadError {
    #[error("too many reloads are asked for already: ask again when they are over")]
    Busy,
    #[error("the gateway is stopping")]
    Stopping,
    #[error("{0}")]
    Refused(Arc<str>),
}

impl Outcome {
    /// What takes the place of `before`.
    pub(super) fn new(before: &App, plugins: &Plugins, after_restart: Vec<&'static str>) -> Outcome {
        let (old, new) = (before.pipeline.plugins(), plugins.pipeline.plugins());
        let mut outcome = Outcome {
            failed: plugins.failed.iter().map(|failed| failed.name.clone()).collect(),
            after_restart,
            ..Outcome::default()
        };
        for loaded in new {
            let list = match old.iter().find(|old| name(old) == name(loaded)) {
                Some(old) if Arc::ptr_eq(&old.plugin, &loaded.plugin) => &mut outcome.kept,
                Some(_) => &mut outcome.replaced,
                None => &mut outcome.added,
            };
            list.push(name(loaded).to_string());
        }
        let is_gone = |old: &&Loaded| !new.iter().any(|loaded| name(loaded) == name(old));
        outcome.removed = old.iter().filter(is_gone).map(|old| name(old).to_string()).collect();
        outcome
    }

    pub(super) fn log(&self, by: &str, ms: u64) {
        let listed = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
        tracing::info!(
            by,
            ms,
            kept = listed(&self.kept),
            replaced = listed(&self.replaced),
            added = listed(&self.added),
            removed = listed(&self.removed),
            failed = listed(&self.failed),
            "reloaded"
        );
        if !self.after_restart.is_empty() {
            let settings = self.after_restart.join(", ");
            tracing::warn!(settings, "these settings changed, and count after a restart only");
        }
    }
}

fn name(loaded: &Loaded) -> &Arc<str> {
    &loaded.plugin.manifest().name
}
