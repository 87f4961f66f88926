//! The Wasp ABI: functions of 32-bit words, each a number or the address of a text or of bytes in the guest's memory. The guest
//! says by `allocate` where the host may write, and by `get_string_size` how long a text is.
//!
//! ```
//! use heimdall_shim::abi::wasp;
//!
//! assert!(wasp::offers("env", "raise_error"));
//! assert!(wasp::offers("env", "abort"));
//! assert!(wasp::offers("wasi_unstable", "fd_write"));
//! assert!(!wasp::offers("plugin", "raise_error"));
//! ```

mod exports;
mod imports;
mod instance;
mod lent;
mod link;
mod memory;

use std::sync::Arc;

use heimdall_host::runtime::{HasTenant, Tenant};

pub use imports::{OFFERED, offers};
pub use instance::{WaspFactory, WaspInstance};
pub use link::{Life, Parts, Template};

use exports::Exports;
use lent::Lent;

/// The names that a module's memory goes by.
pub const ALLOCATE: &str = "allocate";
/// As [`ALLOCATE`]; a module may lack it.
pub const DEALLOCATE: &str = "deallocate";
/// As [`ALLOCATE`].
pub const GET_STRING_SIZE: &str = "get_string_size";
/// As [`ALLOCATE`].
pub const MEMORY: &str = "memory";

/// A Store's data.
pub struct Guest {
    tenant: Tenant,
    /// From the first time on that they were needed.
    exports: Option<Arc<Exports>>,
    progress: Progress,
}

/// What the call in progress has come to so far.
#[derive(Default)]
struct Progress {
    /// What the host has to free after it.
    lent: Lent,
    /// The error that the guest raised first.
    raised: Option<String>,
    /// Functions of the host that have not returned yet, one in the other.
    depth: u32,
}

impl Guest {
    fn new(tenant: Tenant) -> Guest {
        Guest {
            tenant,
            exports: None,
            progress: Progress::default(),
        }
    }
}

impl HasTenant for Guest {
    fn tenant(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}
