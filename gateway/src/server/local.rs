//! Whether a request is from this machine's own programs, as far as its headers tell.
//!
//! A gateway that asks for no key and listens on a loopback address is for this machine. A web page of elsewhere can
//! still have a browser send requests here; what gives those away is the `Host` that it thinks it speaks to, or the
//! `Origin` that it comes from.

use std::net::IpAddr;

use http::header::{HOST, HeaderValue, ORIGIN};
use http::uri::Authority;
use http::{Request, Uri};

use super::Cors;

/// The header that is foreign, if one is. The origins that may call are not.
pub(crate) fn foreign<B>(request: &Request<B>, cors: &Cors) -> Option<&'static str> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let is_host_foreign = match request.headers().get(HOST) {
        Some(host) if is_usual(host.as_bytes()) => false,
        Some(host) => !text(host).parse::<Authority>().is_ok_and(|host| is_local(host.host())),
        None => request.uri().host().is_some_and(|host| !is_local(host)),
    };
    if is_host_foreign {
        return Some("Host");
    }
    let origin = request.headers().get(ORIGIN).filter(|origin| !cors.names(origin))?;
    let origin = text(origin).parse::<Uri>();
    let is_ours = origin.is_ok_and(|origin| origin.scheme().is_some() && origin.host().is_some_and(is_local));
    (!is_ours).then_some("Origin")
}

/// Whether it is what nearly every client of this machine says, which needs no parser: a name, and a port or none.
fn is_usual(host: &[u8]) -> bool {
    let rest = [b"127.0.0.1".as_slice(), b"localhost"]
        .iter()
        .find_map(|name| host.strip_prefix(*name));
    match rest {
        Some([]) => true,
        Some([b':', port @ ..]) => !port.is_empty() && port.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    address.parse().is_ok_and(is_loopback) || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CorsConfig;

    fn nobody() -> Cors {
        Cors::new(&CorsConfig::default())
    }

    #[test]
    fn only_hosts_and_origins_of_this_machine_are_local() {
        let cases = [
            (Some("127.0.0.1:8080"), None, None),
            (Some("[::1]:8080"), None, None),
            (Some("LocalHost"), None, None),
            (None, None, None),
            (Some("127.0.0.1"), Some("http://localhost:3000"), None),
            (Some("evil.example:8080"), None, Some("Host")),
            (Some("127.0.0.1.evil.example"), None, Some("Host")),
            (Some("127.0.0.1@evil.example"), None, Some("Host")),
            (Some("127.0.0.1:80@evil.example"), None, Some("Host")),
            (Some("192.168.0.1"), None, Some("Host")),
            (Some(""), None, Some("Host")),
            (Some("127.0.0.1"), Some("https://evil.example"), Some("Origin")),
            (Some("127.0.0.1"), Some("null"), Some("Origin")),
            (Some("127.0.0.1"), Some("localhost"), Some("Origin")),
        ];
        for (host, origin, expected) in cases {
            let mut request = Request::builder().uri("/v1/models");
            for (name, value) in [(HOST, host), (ORIGIN, origin)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            assert_eq!(
                foreign(&request.body(()).unwrap(), &nobody()),
                expected,
                "{host:?} {origin:?}"
            );
        }
    }

    #[test]
    fn an_origin_that_may_call_is_not_foreign() {
        let allowed = Cors::new(&CorsConfig {
            origins: vec!["https://app.example".to_owned()],
            ..CorsConfig::default()
        });
        for (origin, expected) in [
            ("https://app.example", None),
            ("https://app.example.evil", Some("Origin")),
        ] {
            let request = Request::builder().header(HOST, "localhost").header(ORIGIN, origin);
            assert_eq!(foreign(&request.body(()).unwrap(), &allowed), expected);
        }
    }

    #[test]
    fn the_host_of_a_target_counts_where_there_is_no_header() {
        for (target, expected) in [("http://localhost/", None), ("http://evil.example/", Some("Host"))] {
            assert_eq!(
                foreign(&Request::builder().uri(target).body(()).unwrap(), &nobody()),
                expected
            );
        }
    }
}
