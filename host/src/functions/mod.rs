//! The second port: functions of a guest, called by name, beside the hooks that a pipeline calls.
//!
//! A plugin that was written for a host of functions (Extism, Wasp, JSON-RPC over stdio) exports functions that its application
//! calls when it likes, and imports functions of that application. Here the application is whoever embeds this crate:
//!
//! ```no_run
//! use heimdall_host::loader::{Host, PluginSettings};
//!
//! # async fn start(host: Host) -> Result<(), Box<dyn std::error::Error>> {
//! let upper = async |text: String| Ok(text.to_uppercase());
//! let plugin = host.open(PluginSettings::new("greet.wasm").function("plugin", "upper", upper)).await?;
//! let greeting: String = plugin.call("greet", "Ada").await?;
//! let sum: i32 = plugin.call("add", (1, 2)).await?;
//! # Ok(())
//! # }
//! ```

mod callable;
mod closures;
mod convert;
mod value;

use std::fmt;

use async_trait::async_trait;

pub use callable::{CallCause, CallError, Callable, CancelHandle};
pub use closures::{HostClosure, HostError, HostFunction, HostFunctions};
pub use convert::{Arguments, Json, Output};
pub use value::{Value, ValueType};

/// A function that a guest has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The name that it is called by.
    pub name: String,
    /// What it takes.
    pub parameters: Vec<ValueType>,
    /// What it gives.
    pub result: ValueType,
}

/// `greet(word) -> word`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters: Vec<&str> = self.parameters.iter().map(ValueType::name).collect();
        write!(f, "{}({})", self.name, parameters.join(", "))?;
        match self.result {
            ValueType::Nothing => Ok(()),
            result => write!(f, " -> {}", result.name()),
        }
    }
}

/// Functions of a guest: what an adapter implements beside [`Plugin`](crate::plugin::Plugin).
///
/// A call keeps its plugin's deadline and caps, and never panics on what a guest does. Dropping its future ends it, and the
/// instance with it.
#[async_trait]
pub trait Functions: Send + Sync + 'static {
    /// What can be called. An ABI that can't tell without calling (JSON-RPC) lists none, and takes every name.
    fn functions(&self) -> &[Function];

    /// Calls one of them. `result` is what the caller wants of an ABI whose results have no types of their own.
    ///
    /// # Errors
    /// Why it failed.
    async fn call(&self, name: &str, arguments: Vec<Value>, result: ValueType) -> Result<Value, CallCause>;
}
