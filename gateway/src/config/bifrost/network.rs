//! How a provider is called: retries, timeouts, headers, a proxy.

use http::header::{self, HeaderName, HeaderValue};

use super::providers::{FROM_ENVIRONMENT, secret_text};
use super::{Converter, Table, entries, inner, member, number, refuse, text, with};
use crate::config::ConfigError;
use crate::config::bounds::MAX_RETRIES;
use crate::config::check::is_own_header;
use crate::config::tree::{Entry, Node, Step, Value};

/// The longest timeout, in milliseconds: some thirty years.
const MAX_TIMEOUT_MS: f64 = 1e12;

/// Units of Go's durations, in milliseconds. Of two that a text could end in, the longer comes first.
const UNITS: [(&str, f64); 7] = [
    ("ms", 1.0),
    ("us", 1e-3),
    ("µs", 1e-3),
    ("ns", 1e-6),
    ("s", 1e3),
    ("m", 6e4),
    ("h", 3.6e6),
];

impl Converter {
    pub(super) fn network(&mut self, network: &Node, path: &[Step], upstream: &mut Table) -> Result<(), ConfigError> {
        if let Some(retries) = member(network, "max_retries") {
            let path = with(path, "max_retries");
            let retries = self.retries(retries, &path);
            self.take(upstream, "retries", retries, &path);
        }
        if let Some(pause) = member(network, "retry_backoff_initial") {
            let path = with(path, "retry_backoff_initial");
            if let Some(pause) = self.pause(pause, &path) {
                self.take(upstream, "retry_backoff_ms", pause, &path);
            }
        }
        for (theirs, ours) in [
            // There it is no bound on a stream, which may go on for as long as it brings something.
            ("default_request_timeout_in_seconds", "first_byte_timeout_ms"),
            ("stream_idle_timeout_in_seconds", "idle_timeout_ms"),
        ] {
            let path = with(path, theirs);
            let timeout = member(network, theirs).and_then(|node| self.timeout(node, &path));
            if let Some(timeout) = timeout {
                self.take(upstream, ours, timeout, &path);
            }
        }
        if let Some((headers, path)) = inner(network, path, "extra_headers")? {
            self.headers(headers, &path, upstream)?;
        }
        let known = [
            "base_url",
            "max_retries",
            "retry_backoff_initial",
            "default_request_timeout_in_seconds",
            "stream_idle_timeout_in_seconds",
            "extra_headers",
        ];
        self.ignore_others(network, path, &known);
        Ok(())
    }

    fn take(&mut self, upstream: &mut Table, ours: &str, node: Node, theirs: &[Step]) {
        self.names.add(&with(&upstream.path, ours), theirs);
        upstream.add(ours, node);
    }

    fn retries(&mut self, node: &Node, path: &[Step]) -> Node {
        if number(node).is_none_or(|retries| retries <= f64::from(MAX_RETRIES)) {
            return node.clone();
        }
        self.warn_of(
            node,
            path,
            &format!("is taken for {MAX_RETRIES}, the most that an upstream may have"),
        );
        Node::new(node.place.clone(), Value::Integer(i64::from(MAX_RETRIES)))
    }

    /// Milliseconds as a number, or a duration as Go writes it.
    fn pause(&mut self, node: &Node, path: &[Step]) -> Option<Node> {
        let Some(written) = text(node) else {
            return Some(node.clone());
        };
        let Some(pause) = duration(written) else {
            self.warn_of(node, path, "is ignored: it is no duration, as in `500ms`");
            return None;
        };
        Some(milliseconds(node, pause))
    }

    fn timeout(&mut self, node: &Node, path: &[Step]) -> Option<Node> {
        match number(node) {
            Some(seconds) if seconds > 0.0 => Some(milliseconds(node, seconds * 1000.0)),
            // What is 0 has its default there.
            Some(0.0) => None,
            _ => {
                self.warn_of(node, path, "is ignored: it is no number of seconds");
                None
            }
        }
    }

    fn headers(&mut self, headers: &Node, path: &[Step], upstream: &mut Table) -> Result<(), ConfigError> {
        let ours = with(&upstream.path, "headers");
        let mut made = Table::new(headers.place.clone(), ours);
        let has_key = upstream.has("keys");
        for entry in entries(headers) {
            let path = with(path, &entry.key);
            let Some(value) = text(&entry.node) else {
                return Err(refuse(&entry.node, &path, "has to be a text"));
            };
            if let Some(problem) = unusable(entry, value, &made, has_key) {
                self.warn(
                    &entry.place,
                    format!("`{}` is left out: {problem}", crate::config::tree::written(&path)),
                );
                continue;
            }
            let mut source = Table::new(entry.node.place.clone(), with(&made.path, &entry.key));
            self.names.add(&with(&source.path, "value"), &path);
            source.add("value", entry.node.clone());
            made.add_at(&entry.key, &entry.place, source.into_node());
        }
        self.names.add(&made.path, path);
        upstream.add("headers", made.into_node());
        Ok(())
    }

    pub(super) fn proxy(&mut self, proxy: &Node, path: &[Step], upstream: &mut Table) {
        let kind = member(proxy, "type");
        match kind.map(|kind| text(kind)) {
            None | Some(Some("none" | "")) => return,
            Some(Some("http")) => {}
            Some(kind) => {
                let kind = kind.map(|kind| format!(" of the type `{}`", kind.escape_debug()));
                let text = format!(
                    "a proxy{} is not supported, and calls are made without it",
                    kind.unwrap_or_default()
                );
                self.warn(&proxy.place, text);
                return;
            }
        }
        self.ignore_others(proxy, path, &["type", "url"]);
        let path = with(path, "url");
        match member(proxy, "url").map(secret_text) {
            None => self.warn_of(proxy, &path, "is missing, so calls are made without a proxy"),
            Some(url) if text(url).is_some_and(|url| url.starts_with(FROM_ENVIRONMENT)) => {
                let problem = "names an environment variable, which no proxy is read from: calls are made without it; \
                               write the address itself";
                self.warn_of(url, &path, problem);
            }
            Some(url) => self.take(upstream, "proxy", url.clone(), &path),
        }
    }
}

/// Why a header of the file can't be one of the upstream's.
fn unusable(entry: &Entry, value: &str, others: &Table, has_key: bool) -> Option<&'static str> {
    let Ok(name) = HeaderName::from_bytes(entry.key.as_bytes()) else {
        return Some("it is no name that a header can have");
    };
    let is_written = |other: &Entry| other.key.eq_ignore_ascii_case(&entry.key);
    if is_own_header(&name) {
        Some("Heimdall writes this header itself")
    } else if name == header::AUTHORIZATION && has_key {
        Some("a key is sent in this header")
    } else if others.entries.iter().any(is_written) {
        Some("it is written twice, in capitals and small letters")
    } else if value.is_empty() {
        Some("it is empty")
    } else if HeaderValue::from_str(value.trim()).is_err() {
        Some("its value holds a character that no header can carry")
    } else {
        None
    }
}

fn milliseconds(node: &Node, milliseconds: f64) -> Node {
    let whole = milliseconds.clamp(1.0, MAX_TIMEOUT_MS).round();
    Node::new(node.place.clone(), Value::Integer(whole as i64))
}

/// A duration of Go's (`1m30s`), in milliseconds.
fn duration(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (amount, after) = rest.split_at_checked(digits)?;
        let amount: f64 = amount.parse().ok()?;
        let (unit, after) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((unit, after.strip_prefix(name)?)))?;
        sum += amount * unit;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_of_go_is_read_in_milliseconds() {
        for (text, expected) in [
            ("500ms", Some(500.0)),
            ("5s", Some(5000.0)),
            ("1m30s", Some(90_000.0)),
            ("1.5h", Some(5_400_000.0)),
            ("", None),
            ("5", None),
            ("5 s", None),
            ("-1s", None),
            ("s", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }
}
