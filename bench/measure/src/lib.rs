//! What all instruments of `bench/` share: samples and what they say ([`sample`]), measuring several things side by side
//! ([`rounds`]), in this process or in those of others ([`contender`]), and the file in which what was measured is kept
//! ([`results`]).
//!
//! These machines are noisy, so nothing here is an absolute time: every statement is a ratio of two things that were
//! measured in turn in one run.
//!
//! ```
//! use heimdall_measure::rounds::Rounds;
//!
//! let mut rounds = Rounds::new(5);
//! rounds.add("add", 64, |times| (0..times).for_each(|i| { std::hint::black_box(i + 1); }));
//! rounds.add("twice", 64, |times| (0..2 * times).for_each(|i| { std::hint::black_box(i + 1); }));
//! let measured = rounds.run();
//! assert_eq!(measured.len(), 2);
//! assert!(measured[1].samples.over(&measured[0].samples).is_some());
//! ```
#![deny(missing_docs)]

pub mod contender;
pub mod results;
pub mod rounds;
pub mod sample;
