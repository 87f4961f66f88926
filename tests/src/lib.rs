//! What the tests share: the committed guests, and the processes that the end-to-end tests run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]
#![deny(missing_docs)]

pub mod guests;
pub mod process;
