//! The host library with the committed guests: every kind and generation, alone and together.

mod conformance;
mod lossless;
mod mixed;
mod support;
