//! Legacy core modules behind the host's port, in two layers that don't know each other: [`abi`] carries bytes into an
//! instance and out of it, [`envelope`] knows what the bytes say.
//!
//! A host gets them all like this:
//!
//! ```
//! use heimdall_host::loader::Host;
//!
//! let host = Host::builder().abis(heimdall_shim::abis()).build()?;
//! # Ok::<(), heimdall_host::runtime::RuntimeError>(())
//! ```

#![deny(missing_docs)]

pub mod abi;
mod adapter;
pub mod envelope;
mod functions;
mod hooks;
mod input;
mod load;

use std::sync::Arc;

use heimdall_host::loader::Abi;

pub use input::Input;
pub use load::{Extism, Packed, Stdio, Wasp};

/// Every ABI of legacy modules, in the order in which a file is offered to them.
pub fn abis() -> Vec<Arc<dyn Abi>> {
    vec![Arc::new(Packed), Arc::new(Wasp), Arc::new(Extism), Arc::new(Stdio)]
}
