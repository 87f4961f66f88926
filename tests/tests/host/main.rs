//! The host library with the committed guests: every kind and generation, alone and together.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails by a panic says what is wrong")]

mod conformance;
mod lossless;
mod mixed;
mod support;
