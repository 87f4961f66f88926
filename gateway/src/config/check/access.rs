//! Who may call: what the types can't say of it.

use http::header::HeaderName;

use super::{Table, source};
use crate::config::bounds::{MAX_HEADER_KIB, MAX_HEADERS, MAX_REQUESTS};
use crate::config::tree::Step;
use crate::config::{Auth, ClientKeyConfig, Config, ConfigError, CorsConfig, EVERY_ORIGIN};

/// The longest name of a client: it stands in every log line.
const MAX_CLIENT_NAME: usize = 64;

pub(super) fn check(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    limits(config, root)?;
    if config.auth == Some(Auth::ClientKeys) && config.client_keys.is_empty() {
        let problem = "asks clients for their keys, and there are none under `client_keys`";
        return Err(root.refuse("auth", problem));
    }
    if config.auth == Some(Auth::None) && !config.client_keys.is_empty() {
        let problem = "lets everyone call, but there are keys under `client_keys`: leave out one of the two";
        return Err(root.refuse("auth", problem));
    }
    for (name, key) in &config.client_keys {
        client_key(name, key, root)?;
    }
    if let Some(tls) = &config.tls {
        let table = root.table(&[Step::Key("tls".into())]);
        for (key, file) in [("certificate", &tls.certificate), ("key", &tls.key)] {
            if file.as_os_str().is_empty() {
                return Err(table.refuse(key, "is empty"));
            }
        }
    }
    cors(config, &root.table(&[Step::Key("cors".into())]))
}

fn cors(config: &Config, table: &Table<'_>) -> Result<(), ConfigError> {
    let CorsConfig {
        origins,
        expose_headers,
        max_age_s: _,
    } = &config.cors;
    let is_every = |origin: &String| origin == EVERY_ORIGIN;
    if let Some(origin) = origins.iter().find(|origin| !is_every(origin) && !is_origin(origin)) {
        let problem = format!("holds {origin:?}, which is no origin: that is as in `https://app.example:8443`");
        return Err(table.refuse("origins", problem));
    }
    if origins.iter().any(is_every) {
        if origins.len() > 1 {
            return Err(table.refuse("origins", "holds `*`, which is every origin, and others beside it"));
        }
        if config.auth.is_none() && config.client_keys.is_empty() {
            let problem = "lets every web page call, and none is asked for a key: name the origins, or their keys under \
                           `client_keys`, or write `auth = \"none\"` if that is meant";
            return Err(table.refuse("origins", problem));
        }
        if config.auth == Some(Auth::None) {
            table.warn(
                "origins",
                "lets every web page that someone opens call, and `auth` asks none for a key",
            );
        }
    }
    if let Some(name) = expose_headers.iter().find(|name| name.parse::<HeaderName>().is_err()) {
        return Err(table.refuse(
            "expose_headers",
            format!("holds {name:?}, which is no name of a header"),
        ));
    }
    Ok(())
}

/// Whether a text is what a browser sends as `origin`.
fn is_origin(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else {
        return false;
    };
    let is_plain = url.has_host() && url.username().is_empty() && url.password().is_none();
    // With a slash at its end, where a browser sends none.
    is_plain
        && url.path().len() <= 1
        && text.trim_end_matches('/') == text
        && url.as_str().trim_end_matches('/') == text
}

fn limits(config: &Config, root: &Table<'_>) -> Result<(), ConfigError> {
    for (key, value) in [
        ("max_headers", config.max_headers as u64),
        ("max_header_kib", config.max_header_kib as u64),
        ("head_timeout_ms", config.head_timeout_ms),
        ("max_body_mib", config.max_body_mib as u64),
        ("max_bodies_mib", config.max_bodies_mib as u64),
        ("body_timeout_ms", config.body_timeout_ms),
        ("write_timeout_ms", config.write_timeout_ms),
        ("max_connections", config.max_connections as u64),
        ("plugins_timeout_ms", config.plugins_timeout_ms),
    ] {
        root.above_zero(key, Some(value))?;
    }
    for (key, value, most) in [
        ("max_headers", config.max_headers, MAX_HEADERS),
        ("max_header_kib", config.max_header_kib, MAX_HEADER_KIB),
    ] {
        if value > most {
            return Err(root.refuse(key, format!("is above {most}, the most that can be read")));
        }
    }
    Ok(())
}

fn client_key(name: &str, key: &ClientKeyConfig, root: &Table<'_>) -> Result<(), ConfigError> {
    let keys = root.table(&[Step::Key("client_keys".into())]);
    let is_sane = !name.is_empty() && name.len() <= MAX_CLIENT_NAME && !name.contains(char::is_control);
    if !is_sane {
        let problem = format!("is no name for a client: 1 to {MAX_CLIENT_NAME} bytes without control characters");
        return Err(keys.refuse(name, problem));
    }
    let table = keys.table(&[Step::Key(name.to_owned())]);
    source::check(None, key.env.as_ref(), key.file.as_ref(), &table)?;
    if key.burst.is_some() && key.requests_per_minute.is_none() {
        return Err(table.refuse("burst", "has no meaning without `requests_per_minute`"));
    }
    for (name, value) in [("burst", key.burst), ("requests_per_minute", key.requests_per_minute)] {
        if value.is_some_and(|value| value.get() > MAX_REQUESTS) {
            return Err(table.refuse(name, format!("is above {MAX_REQUESTS}, the most that can be counted")));
        }
    }
    Ok(())
}
