//! What hosts of other worlds provide, line by line: each rule of their ABIs is a test by its name, with guests of their real
//! development kits where a kit can show it, and with hand-written ones where only a hostile or an unusual guest would.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod examples;
mod extism;
mod faults;
#[path = "../tests/host/lines.rs"]
mod lines;
mod stdio;
mod support;
mod wasp;
