//! What the two sides of the comparison with the original hosts share: a [`task`], what came of its calls ([`outcome`]), and
//! the [`lines`] that a guest logs.
//!
//! Each side is a program that reads one task as JSON from its standard input and answers each call with a line:
//!
//! ```
//! use heimdall_differential::outcome::{Answer, Class, Outcome};
//!
//! let output = Outcome::output(b"hello");
//! let failure = Outcome::failed(Class::Error, "why", "it returned an error: why");
//! let (theirs, ours) = (Answer::from(output.clone()), Answer::from(output));
//! assert!(theirs.is_matched_by(&ours));
//! assert!(!theirs.is_matched_by(&failure.into()));
//! ```
#![deny(missing_docs)]

pub mod lines;
pub mod outcome;
pub mod task;
