//! The Extism ABI: functions without parameters, whose input and output lie in the memory of a *kernel* beside the guest. Guests
//! hold addresses of blocks in it as 64-bit handles, and move bytes by functions that they import from `extism:host/env`.
//!
//! What moves bytes is put into the guest's own module (`rewrite/`), the allocator and everything else are the host's.
//!
//! ```
//! use heimdall_shim::abi::extism;
//!
//! assert!(extism::offers("extism:host/env", "load_u64"));
//! assert!(extism::offers("env", "extism_load_u64"));
//! assert!(extism::offers("wasi_snapshot_preview1", "fd_write"));
//! assert!(!extism::offers("extism:host/env", "open_socket"));
//! ```

mod http;
mod imports;
mod instance;
mod kernel;
mod link;
mod manifest;
mod rewrite;
mod variables;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use heimdall_host::runtime::{HasTenant, Tenant};

pub use http::HttpSettings;
pub use instance::{ExtismFactory, ExtismInstance};
pub use link::{Parts, Template};
pub use manifest::{Manifest, ManifestError, Memory, Wasm, is_remote};

use kernel::Kernel;
use variables::Variables;

/// Where kits import the kernel from.
const KERNEL: &str = "extism:host/env";
/// Where kits up to 0.5 did, under names that begin with this.
const OLD_KERNEL: (&str, &str) = ("env", "extism_");
/// Where host functions are, unless they say otherwise.
pub const USER: &str = "extism:host/user";

/// The kernel's name of an import; none if it isn't the kernel's.
fn plain_name<'a>(module: &str, name: &'a str) -> Option<&'a str> {
    match module {
        KERNEL => Some(name),
        module if module == OLD_KERNEL.0 => name.strip_prefix(OLD_KERNEL.1),
        _ => None,
    }
}

/// Whether modules of this name are the host's.
fn is_reserved(module: &str) -> bool {
    let own = [KERNEL, rewrite::KERNEL_MODULE, imports::OBSERVER];
    own.contains(&module) || module.starts_with("wasi_")
}

/// Whether an import is one of the kernel's.
pub fn is_kernel(module: &str, name: &str) -> bool {
    plain_name(module, name).is_some_and(|name| imports::KERNEL_FUNCTIONS.contains(&name))
}

/// Whether every plugin of this kind gets this import: the kernel's functions, WASI, what AssemblyScript's runtime needs, and what
/// instrumented plugins are observed by.
pub fn offers(module: &str, name: &str) -> bool {
    let observes = module == imports::OBSERVER && imports::OBSERVER_FUNCTIONS.contains(&name);
    is_kernel(module, name)
        || observes
        || super::assembly_script::offers(module, name)
        || super::wasi::offers(module, name)
}

/// The module with the kernel's part that moves bytes in it. `is_linked`: it shares the kernel with other modules.
///
/// # Errors
/// What is wrong with the module, in words.
pub fn with_kernel(module: &[u8], is_linked: bool) -> Result<Bytes, String> {
    rewrite::with_kernel(module, is_linked)
        .map(Bytes::from)
        .map_err(|error| error.to_string())
}

/// What all instances of a plugin have in common beside its code.
pub struct Shared {
    /// What the guest is told of its configuration.
    pub config: BTreeMap<String, String>,
    /// The most bytes that its variables may have; 0: it may set none.
    pub max_variables: usize,
    /// Which requests it may send.
    pub http: HttpSettings,
    /// The least level of its log lines; none: what the log shows.
    pub log_level: Option<tracing::Level>,
}

/// A Store's data.
pub struct Guest {
    tenant: Tenant,
    /// From instantiation on.
    kernel: Option<Kernel>,
    shared: Arc<Shared>,
    variables: Arc<Mutex<Variables>>,
    /// The status of the last request; 0: none.
    status: u16,
    /// Its headers as JSON, where they are given.
    headers: String,
}

impl HasTenant for Guest {
    fn tenant(&mut self) -> &mut Tenant {
        &mut self.tenant
    }
}
