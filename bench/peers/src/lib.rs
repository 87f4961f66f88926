//! What the harness and the contenders of `bench/peers` share: the [`documents`], the cases, and how a [`peer`] is measured.
//!
//! ```
//! use heimdall_peers::documents::{SIZES, chat};
//!
//! assert_eq!(chat(SIZES[0]).len() as u64, SIZES[0]);
//! ```
#![deny(missing_docs)]

pub mod cases;
pub mod compare;
pub mod differential;
pub mod documents;
pub mod original;
pub mod peer;
pub mod versions;

/// As Heimdall's, so that it makes no difference.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
