//! Files that a configuration names: a relative path starts at the configuration's folder.

use std::path::{Path, PathBuf};

use super::{Config, PluginConfig, UpstreamConfig};

impl Config {
    /// Makes relative paths start at this folder.
    pub(super) fn start_paths_at(&mut self, folder: &Path) {
        for plugin in &mut self.plugins {
            start_plugin_at(plugin, folder);
        }
        for path in self.files() {
            // Empty means none, where it means anything.
            if !path.as_os_str().is_empty() {
                *path = folder.join(&*path);
            }
        }
    }

    fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let upstreams = self.upstreams.values_mut().flat_map(UpstreamConfig::files_mut);
        let client_keys = self.client_keys.values_mut().filter_map(|key| key.file.as_mut());
        let tls = self.tls.iter_mut().flat_map(|tls| [&mut tls.certificate, &mut tls.key]);
        let folders = [&mut self.cache_dir, &mut self.state_dir].into_iter().flatten();
        let admin = self
            .admin
            .iter_mut()
            .filter_map(|admin| admin.token.as_mut()?.file.as_mut());
        folders.chain(upstreams).chain(client_keys).chain(tls).chain(admin)
    }
}

fn start_plugin_at(plugin: &mut PluginConfig, folder: &Path) {
    if !plugin.is_remote() {
        plugin.path = folder.join(&plugin.path).display().to_string();
    }
}
