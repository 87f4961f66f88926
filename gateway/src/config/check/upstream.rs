//! One upstream: what the types can't say of it.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

use http::header::{self, HeaderName, HeaderValue};
use reqwest::Url;

use super::{Table, source};
use crate::config::tree::{Step, written};
use crate::config::{ConfigError, KeyConfig, Protocol, SecretPlace, Source, UpstreamConfig, UpstreamKind};

/// Headers that a call has anyway, or that belong to one connection or message.
const OWN: [HeaderName; 13] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
];

pub(super) fn check(name: &str, upstream: &UpstreamConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    check_name(name, table)?;
    match upstream.kind {
        UpstreamKind::None => {}
        UpstreamKind::Echo => check_echo(upstream, table)?,
        UpstreamKind::OpenAi => {
            let base_url = check_base_url(upstream, table)?;
            check_keys(upstream, table)?;
            check_headers(upstream, table)?;
            check_connection(upstream, &base_url, table)?;
        }
    }
    for (key, value) in [
        ("key_cooldown_ms", upstream.key_cooldown_ms),
        ("calls_per_connection", u64::from(upstream.calls_per_connection)),
        ("max_requests", upstream.max_requests.map_or(1, u64::from)),
        ("idle_connection_timeout_ms", upstream.idle_connection_timeout_ms),
        ("connect_timeout_ms", upstream.connect_timeout_ms),
        ("first_byte_timeout_ms", upstream.first_byte_timeout_ms),
        ("idle_timeout_ms", upstream.idle_timeout_ms),
        ("total_timeout_ms", upstream.total_timeout_ms),
        ("max_response_mib", upstream.max_response_mib as u64),
        ("max_event_mib", upstream.max_event_mib as u64),
    ] {
        table.above_zero(key, Some(value))?;
    }
    Ok(())
}

/// Whether it is a name that an upstream can have.
pub(in crate::config) fn is_upstream_name(name: &str) -> bool {
    let is_part_of_one = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(is_part_of_one)
}

/// Whether it is a header that a call has anyway.
pub(in crate::config) fn is_own_header(name: &HeaderName) -> bool {
    OWN.contains(name)
}

fn check_name(name: &str, table: &Table<'_>) -> Result<(), ConfigError> {
    if is_upstream_name(name) {
        return Ok(());
    }
    let place = table.tree.key(&table.path);
    let key = written(&table.path);
    let problem = "is no name for an upstream: letters, digits, `-`, `_` and `.` are".to_owned();
    Err(ConfigError::Value { place, key, problem })
}

fn check_echo(upstream: &UpstreamConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    let there = [
        ("base_url", upstream.base_url.is_some()),
        ("api_key_env", upstream.api_key_env.is_some()),
        ("keys", !upstream.keys.is_empty()),
        ("forward_client_key", upstream.forward_client_key),
        ("headers", !upstream.headers.is_empty()),
        ("ca_file", upstream.ca_file.is_some()),
        ("proxy", upstream.proxy.is_some()),
        ("proxy_credentials", upstream.proxy_credentials.is_some()),
        ("protocol", upstream.protocol != Protocol::Auto),
    ];
    match there.into_iter().find(|(_, there)| *there) {
        Some((key, _)) => Err(table.refuse(key, "has no meaning for the built-in echo")),
        None => Ok(()),
    }
}

fn check_base_url(upstream: &UpstreamConfig, table: &Table<'_>) -> Result<Url, ConfigError> {
    let Some(base_url) = &upstream.base_url else {
        return Err(table.missing(
            "base_url",
            "is missing: the server's address, as in `https://api.openai.com/v1`",
        ));
    };
    let url = Url::parse(base_url).map_err(|error| table.refuse("base_url", format!("is no URL: {error}")))?;
    let problem = if !matches!(url.scheme(), "http" | "https") {
        "has to start with `http://` or `https://`"
    } else if has_credentials(&url) {
        "holds a user name or password: keys come from the environment variable that `api_key_env` names"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has a `?` or `#`: only what stands before it can be the start of every call's URL"
    } else {
        return Ok(url);
    };
    Err(table.refuse("base_url", problem))
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn check_keys(upstream: &UpstreamConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    if upstream.api_key_env.as_ref().is_some_and(String::is_empty) {
        return Err(table.refuse("api_key_env", "is empty: it names an environment variable"));
    }
    table.variable("api_key_env", upstream.api_key_env.as_ref())?;
    if upstream.api_key_env.is_some() && !upstream.keys.is_empty() {
        return Err(table.refuse("api_key_env", "stands beside `keys`: write it as one of them"));
    }
    if upstream.forward_client_key && (upstream.api_key_env.is_some() || !upstream.keys.is_empty()) {
        let problem = "stands beside a key of the gateway's: one call carries one key";
        return Err(table.refuse("forward_client_key", problem));
    }
    let mut seen: HashSet<(Option<&str>, Option<&Path>)> = HashSet::new();
    for (index, key) in upstream.keys.iter().enumerate() {
        let KeyConfig { env, file, weight } = key;
        let table = table.table(&[Step::Key("keys".into()), Step::Index(index)]);
        source::check(None, env.as_ref(), file.as_ref(), &table)?;
        table.above_zero("weight", Some(u64::from(*weight)))?;
        if !seen.insert((env.as_deref(), file.as_deref())) {
            let written = if env.is_some() { "env" } else { "file" };
            return Err(table.refuse(
                written,
                "names a key that stands above already; `weight` says how much it is used",
            ));
        }
    }
    Ok(())
}

fn check_headers(upstream: &UpstreamConfig, table: &Table<'_>) -> Result<(), ConfigError> {
    let headers = table.table(&[Step::Key("headers".into())]);
    let has_key = upstream.forward_client_key || upstream.api_key_env.is_some() || !upstream.keys.is_empty();
    let mut seen = HashSet::new();
    for (written, source) in &upstream.headers {
        let Ok(name) = HeaderName::from_bytes(written.as_bytes()) else {
            return Err(headers.refuse(written, "is no name that a header can have"));
        };
        if is_own_header(&name) {
            return Err(headers.refuse(written, "is a header that the gateway writes itself"));
        }
        if name == header::AUTHORIZATION && has_key {
            return Err(headers.refuse(written, "stands beside a key, which is sent in this header"));
        }
        if !seen.insert(name) {
            return Err(headers.refuse(written, "is written twice, in capitals and small letters"));
        }
        check_header(source, &headers.table(&[Step::Key(written.clone())]))?;
    }
    Ok(())
}

fn check_header(source: &Source, table: &Table<'_>) -> Result<(), ConfigError> {
    let Source { value, env, file } = source;
    source::check(Some(value.as_ref()), env.as_ref(), file.as_ref(), table)?;
    let is_header = |value: &String| HeaderValue::from_str(value.trim()).is_ok();
    if value.as_ref().is_some_and(|value| !is_header(value)) {
        return Err(table.refuse("value", "holds a character that no header can carry"));
    }
    Ok(())
}

fn check_connection(upstream: &UpstreamConfig, base_url: &Url, table: &Table<'_>) -> Result<(), ConfigError> {
    if let Some(file) = &upstream.ca_file {
        if file.as_os_str().is_empty() {
            return Err(table.refuse("ca_file", "is empty"));
        }
        if base_url.scheme() == "http" {
            return Err(table.refuse("ca_file", "has no meaning where `base_url` starts with `http://`"));
        }
    }
    if let Some(credentials) = &upstream.proxy_credentials {
        let inner = table.table(&[Step::Key("proxy_credentials".into())]);
        if upstream.proxy.is_none() {
            return Err(table.refuse("proxy_credentials", "has no meaning without `proxy`"));
        }
        let SecretPlace { env, file } = credentials;
        source::check(None, env.as_ref(), file.as_ref(), &inner)?;
    }
    let Some(proxy) = &upstream.proxy else {
        return Ok(());
    };
    let url = Url::parse(proxy).map_err(|error| table.refuse("proxy", format!("is no URL: {error}")))?;
    let problem = if url.scheme() != "http" {
        "has to start with `http://`: other kinds of proxies are not spoken to"
    } else if has_credentials(&url) {
        "holds a user name or password: `proxy_credentials` says where they are kept"
    } else if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        "has more than a host and a port"
    } else if upstream.protocol == Protocol::Http2 && base_url.scheme() == "http" {
        "stands beside `protocol = \"http2\"` and a `base_url` that starts with `http://`: without TLS a proxy is spoken to in \
         HTTP/1.1; use `https://`, another `protocol`, or no proxy"
    } else {
        return Ok(());
    };
    Err(table.refuse("proxy", problem))
}
