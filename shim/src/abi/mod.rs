//! How bytes enter and leave an instance. What they say is [`crate::envelope`]'s business; neither knows the other.
//!
//! ```
//! use bytes::Bytes;
//! use std::time::Duration;
//! use heimdall_host::failure::Cause;
//! use heimdall_host::model::Context;
//! use heimdall_host::plugin::Logged;
//! use heimdall_host::runtime::Deadline;
//! use heimdall_shim::Input;
//! use heimdall_shim::abi::Instance;
//!
//! async fn echo(guest: &mut impl Instance) -> Result<Option<Bytes>, Cause> {
//!     let context = Context::new("request-1", 1 << 20);
//!     let deadline = Deadline::after(Duration::from_secs(1));
//!     guest
//!         .call("pre_hook", &[Bytes::from_static(b"{}").into()], &context, &deadline, &mut Logged::default())
//!         .await
//! }
//! ```

pub mod packed;

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::model::Context;
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::Deadline;

use crate::Input;

/// An instance of a guest that takes bytes and gives bytes.
#[async_trait]
pub trait Instance: Send + 'static {
    /// Calls an export with these inputs; none where it gives no output. `context` names the request in log lines, of which
    /// `logged` were written before. The hook has to return until `deadline`; what is left to do then has a time of its own.
    ///
    /// # Errors
    /// Why the call failed; the instance must not be called again.
    async fn call(
        &mut self,
        export: &'static str,
        inputs: &[Input],
        context: &Context,
        deadline: &Deadline,
        logged: &mut Logged,
    ) -> Result<Option<Bytes>, Cause>;

    /// Whether the last call left the instance in a state in which it must not be called again, although there was an
    /// answer.
    fn is_spent(&self) -> bool;
}
