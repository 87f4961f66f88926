//! Which version of a plugin is loaded, and whether another one is wanted.

use std::time::SystemTime;

use heimdall_host::loader::Loaded;

use crate::config::PluginConfig;
use crate::server::App;

/// What tells a plugin that is loaded from one that is to be.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// What it was called before its own name was known.
    pub(super) called: String,
    /// What the configuration says of it; none: it is built in.
    pub(super) entry: Option<PluginConfig>,
    /// The SHA-256 of its file as it is; of a manifest that names files: one over all of their hashes.
    pub(crate) sha256: String,
    /// When it was loaded.
    pub(crate) loaded: SystemTime,
}

/// A plugin that is ready, and its version.
pub(super) type Ready = (Loaded, Version);

/// The plugins that serve while others are loaded: those that stay the same are taken over.
#[derive(Clone, Copy)]
pub(crate) struct Before<'a> {
    app: &'a App,
    /// Whether plugins by URL are fetched again, or stay as long as the configuration says the same of them.
    fetches: bool,
}

impl<'a> Before<'a> {
    pub(crate) fn new(app: &'a App, fetches: bool) -> Before<'a> {
        Before { app, fetches }
    }

    fn all(self) -> impl Iterator<Item = (&'a Loaded, &'a Version)> {
        self.app.pipeline.plugins().iter().zip(&self.app.versions)
    }

    /// The plugin of which the configuration says the same, if its file has not changed either.
    pub(super) fn same(self, entry: Option<&PluginConfig>, called: &str, sha256: &str) -> Option<Ready> {
        let is_same =
            |version: &Version| version.called == called && version.entry.as_ref() == entry && version.sha256 == sha256;
        let (loaded, version) = self.all().find(|(_, version)| is_same(version))?;
        Some((loaded.clone(), version.clone()))
    }

    /// The plugin by URL that is not to be fetched again.
    pub(super) fn not_fetched(self, entry: Option<&PluginConfig>) -> Option<Ready> {
        let is_same = |version: &Version| version.entry.is_some() && version.entry.as_ref() == entry;
        let (loaded, version) = self.all().find(|(_, version)| is_same(version) && !self.fetches)?;
        Some((loaded.clone(), version.clone()))
    }

    /// The plugin of this name, however it was called before that was known.
    pub(super) fn named(self, name: &str) -> Option<&'a Loaded> {
        let mut plugins = self.app.pipeline.plugins().iter();
        plugins.find(|loaded| *loaded.plugin.manifest().name == *name)
    }

    /// The version of the plugin that is called this and serves.
    pub(super) fn of(self, called: &str) -> Option<&'a Loaded> {
        self.all()
            .find(|(_, version)| version.called == called)
            .map(|(loaded, _)| loaded)
    }
}
