//! The host library with the committed guests, every kind and generation, alone and together; and with guests in WAT,
//! which do what no toolchain builds.

mod conformance;
#[path = "../../../host/tests/component/guest.rs"]
mod guest;
mod loading;
mod lossless;
mod mixed;
mod support;
