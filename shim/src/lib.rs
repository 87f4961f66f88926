//! Legacy core modules behind the host's port, in two layers that don't know each other: [`abi`] carries bytes into an
//! instance and out of it, [`envelope`] knows what the bytes say.
//!
//! A host gets them all like this:
//!
//! ```
//! use heimdall_host::loader::{Host, HostBuilder};
//!
//! let host = heimdall_shim::abis().into_iter().fold(Host::builder(), HostBuilder::abi).build()?;
//! # Ok::<(), heimdall_host::runtime::RuntimeError>(())
//! ```

#![deny(missing_docs)]

pub mod abi;
mod adapter;
mod detect;
pub mod envelope;
mod input;
mod load;

pub use input::Input;
pub use load::Packed;

/// Every ABI of legacy modules, in the order in which a file is offered to them.
pub fn abis() -> Vec<Packed> {
    vec![Packed]
}
