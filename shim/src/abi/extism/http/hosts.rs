//! Which hosts guests may ask, by name and by address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{HttpError, shown};

/// Hosts by name and by address.
pub(super) struct Hosts {
    /// Each with its pattern; none for what is no glob.
    allowed: Vec<(String, Option<GlobMatcher>)>,
    /// Whether who wrote this may grant addresses of private networks: who wrote a manifest that comes by URL may not.
    may_grant: bool,
}

impl Hosts {
    pub(super) fn new(allowed: &[String], may_grant: bool) -> Hosts {
        let matcher = |pattern: &String| {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            (pattern.clone(), glob.ok().map(|glob| glob.compile_matcher()))
        };
        Hosts {
            allowed: allowed.iter().map(matcher).collect(),
            may_grant,
        }
    }

    pub(super) fn allow(&self, host: &str) -> bool {
        self.allowed
            .iter()
            .any(|(pattern, matcher)| pattern == host || matcher.as_ref().is_some_and(|matcher| matcher.is_match(host)))
    }

    /// Whether a private address is named: by itself, or as `localhost` where it is the machine's own.
    pub(super) fn grant(&self, name: &str, address: IpAddr) -> bool {
        let named = |wanted: &str| self.allowed.iter().any(|(pattern, _)| pattern == wanted);
        let text = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        self.may_grant && (named(&text) || (name == "localhost" && address.is_loopback() && named("localhost")))
    }

    /// Whether a request may go to this URL, as far as can be told before its name is resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), HttpError> {
        let host = url.host_str().unwrap_or_default();
        if !self.allow(host) {
            return Err(HttpError::NotAllowed(shown(url)));
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match literal {
            Ok(address) if is_private(address) && !self.grant(host, address) => Err(HttpError::Private(shown(url))),
            _ => Ok(()),
        }
    }
}

/// Whether an address is of no use to anybody but this machine and its neighbours.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => {
            let inner = embedded_v4(address);
            let [first, ..] = address.segments();
            inner.is_some_and(is_private_v4)
                || address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                // Translated by a network of one's own (RFC 8215).
                || matches!(address.segments(), [0x64, 0xff9b, 1, ..])
                // Unique local, link-local and site-local addresses.
                || first & 0xfe00 == 0xfc00
                || first & 0xff80 == 0xfe80
        }
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        // This network; shared by carriers; protocol assignments; for measuring; reserved.
        || a == 0
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18)
        || a >= 240
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, 6to4, or translated (RFC 6052).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let four = |at: usize| {
        let four: [u8; 4] = octets.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(four))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => four(12),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => four(12),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => four(12),
        [0x2002, ..] => four(2),
        _ => None,
    }
}

/// Resolves names to addresses that may be connected to: what was checked is what is connected to.
pub(super) struct Resolver(pub(super) Arc<Hosts>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = self.0.clone();
        Box::pin(async move {
            let name = name.as_str();
            let all = tokio::net::lookup_host((name, 0)).await?;
            let public: Vec<SocketAddr> = all
                .filter(|address| !is_private(address.ip()) || hosts.grant(name, address.ip()))
                .collect();
            match public.is_empty() {
                true => Err(Box::new(HttpError::Private(name.to_owned())).into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::1",
            "::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::ffff:0.0.0.0",
            "::ffff:0:7f00:1",
            "64:ff9b:1::1",
        ];
        for address in private {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2002:808:808::",
        ] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_are_globs_and_nothing_is_allowed_without_one() {
        let hosts =
            |allowed: &[&str]| Hosts::new(&allowed.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), true);
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(hosts(&[]).check(&url("https://example.com/")).is_err());
        assert!(hosts(&["*"]).check(&url("https://example.com/")).is_ok());
        assert!(
            hosts(&["*.example.com"])
                .check(&url("https://a.b.example.com:8443/x"))
                .is_ok()
        );
        assert!(hosts(&["*.example.com"]).check(&url("https://example.com/")).is_err());
        assert!(hosts(&["*"]).check(&url("http://127.0.0.1/")).is_err());
        assert!(hosts(&["127.0.0.1"]).check(&url("http://127.0.0.1:8080/")).is_ok());
        assert!(hosts(&["*"]).check(&url("http://[::ffff:10.0.0.1]/")).is_err());
    }
}
