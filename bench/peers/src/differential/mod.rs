//! The comparison with the original hosts: the same binaries and the same calls on both sides.
//!
//! What is compared are the files of `differential/`: features of an ABI, and cases of each. A case is a plugin, how it is set
//! up, the calls that are made in turn, and what the original does; where ours does something else on purpose, it says why.

pub mod cases;
pub mod page;
pub mod server;
pub mod sides;
pub mod verdict;

/// The longest that a side may take for one task.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
