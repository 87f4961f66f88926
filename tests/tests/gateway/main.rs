//! The gateway's real binary over real sockets: with the echo, and with an upstream that replays recorded bytes.

mod bad_input;
mod calls;
mod lifecycle;
mod streams;
mod support;
mod upstreams;
