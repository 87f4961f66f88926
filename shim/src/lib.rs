//! Legacy core modules behind the host's port, in two layers that don't know each other: [`abi`] carries bytes into an
//! instance and out of it, [`envelope`] knows what the bytes say.
//!
//! [`host()`] is a host of them all. One with settings of its own gets them like this:
//!
//! ```
//! use heimdall_host::loader::Host;
//! use heimdall_host::runtime::RuntimeSettings;
//!
//! let settings = RuntimeSettings { instances: 10, ..RuntimeSettings::default() };
//! let host = Host::builder().runtime(settings).abis(heimdall_shim::abis()).build()?;
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

use heimdall_host::loader::{Abi, Host};
use heimdall_host::runtime::RuntimeError;

pub use input::Input;
pub use load::{Extism, Packed, Stdio, Wasp};

/// Every ABI of legacy modules, in the order in which a file is offered to them.
pub fn abis() -> Vec<Arc<dyn Abi>> {
    vec![Arc::new(Packed), Arc::new(Wasp), Arc::new(Extism), Arc::new(Stdio)]
}

/// A host of every ABI and of typed components, with the defaults.
///
/// ```no_run
/// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
/// let plugin = heimdall_shim::host()?.open("plugin.wasm").await?;
/// let vowels: String = plugin.call("count_vowels", "Hello!").await?;
/// # Ok(())
/// # }
/// ```
pub fn host() -> Result<Host, RuntimeError> {
    Host::builder().abis(abis()).build()
}
