//! The gateway's real binary over real sockets: with the echo, and with an upstream that replays recorded bytes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod access;
mod admin;
mod attempts;
mod bad_input;
mod calls;
mod client_keys;
mod collector;
mod configuration;
mod control_characters;
mod cors;
mod downloads;
mod fallbacks;
mod frames;
#[path = "../../../host/tests/component/guest.rs"]
#[expect(dead_code, reason = "the host's own tests build guests of more kinds")]
mod guest;
mod hidden_headers;
mod http2_edges;
mod http_edges;
mod lifecycle;
mod listener_tls;
mod metrics;
mod models;
mod observability;
mod packing;
mod passthrough;
mod patience;
mod plugins;
mod reload;
mod routing;
mod scrape;
mod servers;
mod site;
mod sockets;
mod streams;
mod support;
mod telemetry;
mod upstream_bodies;
mod upstream_http2;
mod upstream_keys;
mod upstream_tls;
mod upstreams;
mod verbs;
mod wat;
