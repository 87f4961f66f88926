//! The host library with the committed guests, every kind and generation, alone and together; and with guests in WAT,
//! which do what no toolchain builds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod assemblyscript;
mod compiling;
mod counting;
mod generations;
#[path = "../../../host/tests/component/guest.rs"]
#[expect(dead_code, reason = "the host's own tests build guests of more kinds")]
mod guest;
mod isolation;
mod legacy;
mod limits;
mod lines;
mod loading;
mod logs;
mod lossless;
mod mixed;
mod outcomes;
mod policies;
mod support;
mod typed;
