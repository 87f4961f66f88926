//! How bytes enter and leave an instance. What they say is [`crate::envelope`]'s business; neither knows the other.
//!
//! ```
//! use bytes::Bytes;
//! use std::time::Duration;
//! use heimdall_host::failure::Cause;
//! use heimdall_host::functions::{Value, ValueType};
//! use heimdall_host::model::Context;
//! use heimdall_host::plugin::Logged;
//! use heimdall_host::runtime::Deadline;
//! use heimdall_shim::Input;
//! use heimdall_shim::abi::{Argument, Instance};
//!
//! async fn echo(guest: &mut impl Instance) -> Result<Value, Cause> {
//!     let (context, input) = (Context::new("request-1", 1 << 20), Input::from(Bytes::from_static(b"{}")));
//!     let deadline = Deadline::after(Duration::from_secs(1));
//!     let mut logged = Logged::default();
//!     let arguments = [Argument::Text(&input)];
//!     guest.call("pre_hook".into(), &arguments, ValueType::Bytes, &context, &deadline, &mut logged).await
//! }
//! ```

mod assembly_script;
pub mod extism;
pub(crate) mod life;
pub mod packed;
pub mod stdio;
mod wasi;
pub mod wasp;

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{Value, ValueType};
use heimdall_host::model::Context;
use heimdall_host::plugin::Logged;
use heimdall_host::runtime::{Account, Deadline, Factory};

use crate::Input;

/// Why a start failed: in which function, and the cause.
#[derive(Debug)]
pub struct StartFailure {
    /// `start`, `init`, `get_name`.
    pub hook: &'static str,
    /// Why.
    pub cause: Cause,
}

/// Makes instances, of which the first may tell its plugin's name.
#[async_trait]
pub(crate) trait Starter: Factory<Instance: Instance> + Sized {
    /// Whose instances it makes.
    fn account(&self) -> &Account;

    /// An instance, ready for calls.
    async fn start(&self) -> Result<Self::Instance, StartFailure>;

    /// The same for the plugin under the name that its guest has told, and the instance that told it.
    fn named(self, name: Arc<str>, instance: &mut Self::Instance) -> Self;
}

impl StartFailure {
    /// Why the call failed that this instance was to be made for.
    pub(crate) fn in_a_call(self) -> Cause {
        match self.cause {
            // The hook that needs this instance returned nothing.
            Cause::Returned(error) => Cause::Instantiate(error.to_string()),
            cause => cause,
        }
    }
}

/// What a function is given.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    /// Text.
    Text(&'a Input),
    /// Bytes.
    Bytes(&'a Input),
    /// 32 bits.
    I32(i32),
    /// 64 bits.
    I64(i64),
    /// A float of 32 bits.
    F32(f32),
    /// A float of 64 bits.
    F64(f64),
}

impl Argument<'_> {
    /// Bytes that it brings into the guest.
    pub fn size(&self) -> usize {
        match self {
            Argument::Text(input) | Argument::Bytes(input) => input.len(),
            Argument::I32(_) | Argument::F32(_) => 4,
            Argument::I64(_) | Argument::F64(_) => 8,
        }
    }

    /// The text or the bytes.
    pub fn input(&self) -> Option<&Input> {
        match self {
            Argument::Text(input) | Argument::Bytes(input) => Some(input),
            _ => None,
        }
    }
}

/// An instance of a guest whose functions are called by name.
#[async_trait]
pub trait Instance: Send + 'static {
    /// Calls a function. `result` is what is wanted of it, where the ABI doesn't say. `context` names the request in log lines, of
    /// which `logged` were written before. It has to return until `deadline`; what is left to do then has a time of its own.
    ///
    /// # Errors
    /// Why the call failed. The instance must not be called again, unless the guest itself returned the error and
    /// [`Instance::is_spent`] is false.
    async fn call(
        &mut self,
        function: Cow<'static, str>,
        arguments: &[Argument<'_>],
        result: ValueType,
        context: &Context,
        deadline: &Deadline,
        logged: &mut Logged,
    ) -> Result<Value, Cause>;

    /// Whether the last call left the instance in a state in which it must not be called again, although there was an
    /// answer.
    fn is_spent(&self) -> bool;

    /// Whether it is as it should be that an instance serves one call and no more.
    fn serves_once(&self) -> bool {
        false
    }
}
