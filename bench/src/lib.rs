//! What calls of plugins cost, without HTTP, beside what the pieces of a call cost without a host: see [`cases`] for what is
//! measured and [`targets`] for what is aimed at.
//!
//! A [`Case`](case::Case) is data: a table, a row of it, a size, and how it is made ready. Three programs run them: `calls`
//! measures all of them side by side, `allocations` counts what they allocate, and `cargo bench` is for a single one.
//!
//! ```no_run
//! use heimdall_bench::{cases, world::World};
//!
//! let world = World::new(&heimdall_bench::world::target_directory()?)?;
//! for case in cases::all() {
//!     case.prepare(&world)?.run(100)?;
//! }
//! # Ok::<(), heimdall_bench::Error>(())
//! ```
#![deny(missing_docs)]

pub mod case;
pub mod cases;
pub mod clock;
mod counted;
pub mod documents;
mod error;
pub mod guests;
pub mod hooks;
pub mod native;
pub mod raw;
pub mod targets;
pub mod world;

pub use counted::Counted;
pub use error::Error;

/// The engine's version, which the workspace pins.
pub const WASMTIME: &str = "48.0.8";
