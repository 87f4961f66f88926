//! What the tests share: the committed guests, and the processes that the end-to-end tests run.

#![deny(missing_docs)]

pub mod guests;
pub mod process;
