//! Where plugins come from.

use heimdall_host::json::Document;

use super::Table;
use crate::config::{Config, ConfigError, PluginConfig};

/// How plugins are fetched.
pub(super) fn check_downloads(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    let table = root.table(&[super::Step::Key("downloads".into())]);
    let downloads = &config.downloads;
    table.above_zero("timeout_ms", Some(downloads.timeout_ms))?;
    table.above_zero("stall_timeout_ms", Some(downloads.stall_timeout_ms))?;
    table.above_zero("max_mib", Some(downloads.max_mib as u64))
}

/// The file or URL of a plugin, and its hash.
pub(super) fn check_origin(plugin: &PluginConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    if plugin.path.is_empty() {
        return Err(table.refuse("path", "is empty"));
    }
    if plugin.is_remote() {
        let is_safe = check_url(&plugin.path).map_err(|problem| table.refuse("path", problem))?;
        if !is_safe && plugin.sha256.is_none() {
            table.warn(
                "path",
                "is fetched without TLS, so that whoever is on the way can put another file in its place: \
                 use `https://`, or write its `sha256`",
            );
        }
    } else if has_scheme(&plugin.path) {
        return Err(table.refuse(
            "path",
            "is a URL that nothing can be fetched from: it has to start with `https://` or `http://`",
        ));
    }
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plugin.sha256.as_deref().is_some_and(|text| !is_digest(text)) {
        return Err(table.refuse(
            "sha256",
            "is no SHA-256: it has to be 64 hexadecimal digits, as `sha256sum FILE` prints them",
        ));
    }
    Ok(())
}

/// Its own configuration, which it gets as JSON.
pub(super) fn check_config(plugin: &PluginConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    let config = plugin.config.as_ref().map(|config| Document::parse(config.to_string()));
    match config {
        Some(Err(error)) => Err(table.refuse("config", format!("can't be given to the plugin: {error}"))),
        _ => Ok(()),
    }
}

/// Whether nobody on the way can change what is fetched.
///
/// The URL is not repeated: what is wrong with it may be that there is a secret in it.
fn check_url(path: &str) -> Result<bool, String> {
    let url = reqwest::Url::parse(path).map_err(|error| format!("is no URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password: use an address that is signed in its query, or a file".to_owned());
    }
    let is_local = |host: &str| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    Ok(url.scheme() == "https" || url.host_str().is_some_and(is_local))
}

/// Whether it starts as `s3://` does.
fn has_scheme(path: &str) -> bool {
    let scheme = path.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}
