//! Which headers go on, in both directions.

use heimdall_host::model::is_framing;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The header of a request's id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that names the upstream which was asked last, for those who look for a fault.
pub(super) const UPSTREAM: HeaderName = HeaderName::from_static("x-heimdall-upstream");

/// The header that says how often the call was tried.
pub(super) const ATTEMPTS: HeaderName = HeaderName::from_static("x-heimdall-attempts");

/// The longest id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;

/// Whether a header is about one hop, or about the framing of one message.
fn is_of_hop(name: &HeaderName) -> bool {
    *name == header::EXPECT || is_framing(name.as_str())
}

/// Whether a header is between the client and this gateway, or rewritten for the upstream.
fn is_kept_from_upstream(name: &str) -> bool {
    let is_listed = matches!(
        name,
        "authorization"
            | "proxy-authorization"
            | "cookie"
            | "host"
            | "accept"
            | "accept-encoding"
            | "content-type"
            | "content-encoding"
            | "forwarded"
            | "origin"
            | "referer"
            | "api-key"
            | "openai-organization"
            | "openai-project"
            | "true-client-ip"
            | "x-api-key"
            | "x-real-ip"
    );
    is_listed || NOT_UPSTREAM_STARTS.iter().any(|start| name.starts_with(start))
}

/// Whether a header is between the upstream and this gateway, or this gateway's own.
fn is_kept_from_client(name: &str) -> bool {
    let is_listed = matches!(
        name,
        "set-cookie"
            | "server"
            | "date"
            | "alt-svc"
            | "content-type"
            | "content-encoding"
            | "strict-transport-security"
            | "proxy-authenticate"
            | "openai-organization"
            | "openai-project"
            | "x-request-id"
            | "x-heimdall-upstream"
            | "x-heimdall-attempts"
    );
    is_listed || NOT_CLIENT_STARTS.iter().any(|start| name.starts_with(start))
}

/// Where a client is, and which page it shows: what browsers and proxies tell of it is not for the upstream.
const NOT_UPSTREAM_STARTS: [&str; 4] = ["access-control-", "cf-", "sec-", "x-forwarded-"];

/// Which pages may read an answer is decided here.
const NOT_CLIENT_STARTS: [&str; 1] = ["access-control-"];

/// Whether a header holds a client's key, or whose account a call is on, which goes with the key and is its owner's to choose.
fn is_client_key(name: &str) -> bool {
    matches!(
        name,
        "authorization" | "openai-organization" | "openai-project" | "api-key" | "x-api-key"
    )
}

/// Takes out what the client's `connection` names as being about its own hop. Before any hook: what a plugin sets is
/// not for the client to take out.
pub(super) fn end_hop(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
}

/// The client's headers, as the HTTP hooks left them, that the upstream gets.
pub(crate) fn for_upstream(headers: &HeaderMap) -> HeaderMap {
    only(headers, |name| {
        !is_of_hop(name) && !is_kept_from_upstream(name.as_str())
    })
}

/// The headers that hold the client's key, as the HTTP hooks left them.
pub(super) fn client_key(headers: &HeaderMap) -> HeaderMap {
    let mut held = HeaderMap::new();
    // Of one that is there several times, the first.
    for (name, value) in headers.iter().filter(|(name, _)| is_client_key(name.as_str())) {
        held.entry(name.clone()).or_insert_with(|| {
            let mut value = value.clone();
            value.set_sensitive(true);
            value
        });
    }
    held
}

/// The upstream's headers that the client gets.
pub(crate) fn for_client(headers: &HeaderMap) -> HeaderMap {
    let of_hop = named_by_connection(headers);
    only(headers, |name| {
        !is_of_hop(name) && !of_hop.contains(name) && !is_kept_from_client(name.as_str())
    })
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    let names = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    names.filter_map(|name| name.trim().parse().ok()).collect()
}

/// Those that are kept, in their order: what is removed from a map brings its last header to the gap.
fn only(headers: &HeaderMap, is_kept: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A response's headers without those that the server writes itself.
pub(super) fn framed_by_host(headers: HeaderMap) -> HeaderMap {
    let is_kept = |name: &HeaderName| *name == header::CONNECTION || !is_of_hop(name);
    match headers.keys().all(is_kept) {
        true => headers,
        false => only(&headers, is_kept),
    }
}

/// The id that the client gave its request, if it is a sane one.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID).map(HeaderValue::to_str)?.ok()?;
    let sane = !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    sane.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_a_client_says_of_its_hop_is_taken_out() {
        let mut all = headers(&[("connection", "close, x-hop"), ("x-hop", "1"), ("x-a", "b")]);
        end_hop(&mut all);
        assert_eq!(all, headers(&[("connection", "close, x-hop"), ("x-a", "b")]));
    }

    #[test]
    fn an_upstreams_word_on_other_pages_and_on_the_account_is_not_passed_on() {
        let all = headers(&[
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("openai-organization", "org-1"),
            ("x-a", "b"),
        ]);
        assert_eq!(for_client(&all), headers(&[("x-a", "b")]));
    }

    #[test]
    fn an_upstream_gets_neither_credentials_nor_hop_headers_nor_where_the_client_is() {
        let all = headers(&[
            ("authorization", "Bearer client"),
            ("cookie", "a=b"),
            ("host", "localhost"),
            ("connection", "close, x-guard-request"),
            ("origin", "https://app.example"),
            ("sec-fetch-site", "cross-site"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-api-key", "client"),
            ("openai-organization", "org-1"),
            ("openai-project", "proj-1"),
            ("transfer-encoding", "chunked"),
            ("x-guard-request", "rust"),
            ("openai-beta", "assistants"),
            ("user-agent", "test"),
        ]);
        let expected = headers(&[
            ("x-guard-request", "rust"),
            ("openai-beta", "assistants"),
            ("user-agent", "test"),
        ]);
        assert_eq!(for_upstream(&all), expected);
    }

    #[test]
    fn what_holds_a_clients_key_is_taken_once_and_kept_from_logs() {
        let all = headers(&[
            ("authorization", "Bearer a"),
            ("x-a", "b"),
            ("x-api-key", "b"),
            ("authorization", "Bearer c"),
            ("openai-project", "proj-1"),
        ]);
        let held = client_key(&all);
        let expected = [
            ("authorization", "Bearer a"),
            ("x-api-key", "b"),
            ("openai-project", "proj-1"),
        ];
        assert_eq!(held, headers(&expected));
        assert!(held.values().all(HeaderValue::is_sensitive));
    }

    #[test]
    fn the_server_frames_its_own_messages() {
        let all = headers(&[
            ("connection", "close"),
            ("content-length", "7"),
            ("expect", "100-continue"),
            ("proxy-authenticate", "Basic"),
            ("x-a", "b"),
        ]);
        assert_eq!(framed_by_host(all), headers(&[("connection", "close"), ("x-a", "b")]));
    }

    #[test]
    fn only_sane_request_ids_are_taken() {
        let long = "x".repeat(129);
        let cases = [("abc-1", true), ("", false), ("a b", false), (&long, false)];
        for (id, taken) in cases {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]);
            assert_eq!(request_id(&headers).is_some(), taken, "{id}");
        }
    }
}
