//! The gateway's real binary over real sockets: with the echo, and with an upstream that replays recorded bytes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod bad_input;
mod calls;
mod lifecycle;
mod streams;
mod support;
mod upstreams;
