//! JSON-RPC over standard streams: a guest is a WASI command that reads one request from its standard input, answers on its
//! standard output, and ends. One JSON object per line, both ways; while it works it may call methods of its host's.
//!
//! Every call has an instance of its own: made before, started by the call, and gone once the answer is there. What the guest
//! would do after its answer is nobody's business, and its call ends without it.
//!
//! An error of a host method, of either kind, is an error response: the guest decides what comes of it.
//!
//! ```
//! use heimdall_shim::abi::stdio;
//!
//! assert!(stdio::offers("wasi_snapshot_preview1", "fd_read"));
//! assert!(!stdio::offers("env", "fd_read"));
//! ```

mod conversation;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod instance;
mod messages;
mod methods;
mod pipes;
mod wasi;

use std::sync::Arc;

use heimdall_host::runtime::{HasTenant, Tenant};
use wasmtime::Memory;

pub use instance::{Parts, StdioFactory, StdioInstance, Template};
pub use messages::{INVALID_REQUEST, METHOD_NOT_FOUND, RpcError};

use pipes::{Said, Stdin, Stdout};

/// Whether plugins of this kind get this import: WASI preview 1, and nothing else.
pub fn offers(module: &str, name: &str) -> bool {
    super::wasi::offers(module, name)
}

/// A Store's data.
pub(super) struct Guest {
    tenant: Tenant,
    /// Known once there is an instance.
    memory: Option<Memory>,
    stdin: Arc<Stdin>,
    /// Reads in a row that found nothing.
    empty_reads: u32,
    stdout: Stdout,
    said: Said,
    /// Which of the standard streams it has closed.
    closed: [bool; 3],
}

impl HasTenant for Guest {
    fn tenant(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}
