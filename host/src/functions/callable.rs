//! A loaded plugin, as an application calls it.

use std::sync::Arc;

use tokio::sync::watch;

use super::convert::{Arguments, Output};
use super::value::{Value, ValueType};
use super::{Function, Functions};
use crate::failure::Cause;
use crate::plugin::{Manifest, Plugin, Usage};

/// A call of a function that failed: of which plugin, which function, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("plugin `{plugin}` ({file}) failed in `{function}`: {cause} ({})", cause.remedy())]
pub struct CallError {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// Its file, as it was given.
    pub file: Arc<str>,
    /// The function.
    pub function: String,
    /// Why.
    pub cause: CallCause,
}

/// Why a call of a function failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallCause {
    /// It was made, and failed; [`Cause::Returned`] is the guest's own word.
    #[error(transparent)]
    Failed(#[from] Cause),
    /// There is no such function.
    #[error("it has no such function, only {}", listed(known))]
    NoSuchFunction {
        /// What there is.
        known: Vec<String>,
    },
    /// What it is given is not what it takes.
    #[error("it can't be called like this: {0}")]
    Arguments(String),
    /// Its caller ended it.
    #[error("it was cancelled")]
    Cancelled,
}

impl CallCause {
    /// What to do about it.
    fn remedy(&self) -> &'static str {
        match self {
            CallCause::Failed(cause) => cause.remedy("call"),
            CallCause::NoSuchFunction { .. } => "check its name, or build the plugin with it",
            CallCause::Arguments(_) => "see what `functions()` says of it",
            CallCause::Cancelled => "its instance is gone; the next call has a fresh one",
        }
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 30;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match shown.is_empty() {
        true => "none at all".to_owned(),
        false => shown.join(", "),
    }
}

/// A loaded plugin whose functions are called. Clones are the same plugin, for any number of threads: as many calls are served
/// at once as it has instances, and further ones wait.
#[derive(Clone)]
pub struct Callable {
    plugin: Arc<dyn Plugin>,
    cancelled: Arc<watch::Sender<u64>>,
}

/// Ends calls of one [`Callable`], from any thread.
#[derive(Debug, Clone)]
pub struct CancelHandle {
    cancelled: Arc<watch::Sender<u64>>,
}

impl CancelHandle {
    /// Ends the calls that are on their way. Their instances are gone; the next call has a fresh one.
    pub fn cancel(&self) {
        self.cancelled.send_modify(|times| *times = times.wrapping_add(1));
    }
}

impl Callable {
    /// None where the plugin has no functions.
    pub(crate) fn new(plugin: Arc<dyn Plugin>) -> Option<Callable> {
        plugin.functions()?;
        Some(Callable {
            plugin,
            cancelled: Arc::new(watch::Sender::new(0)),
        })
    }

    /// The same plugin; what is cancelled of the one is not cancelled of the other.
    pub fn apart(&self) -> Callable {
        Callable {
            plugin: self.plugin.clone(),
            cancelled: Arc::new(watch::Sender::new(0)),
        }
    }

    /// What ends the calls of this one and its clones.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            cancelled: self.cancelled.clone(),
        }
    }

    /// Who this is.
    pub fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    /// What can be called; see [`Functions::functions`].
    pub fn functions(&self) -> &[Function] {
        self.plugin.functions().map_or(&[], Functions::functions)
    }

    /// Whether there is a function of this name, as far as the ABI tells.
    pub fn has(&self, name: &str) -> bool {
        self.functions().iter().any(|function| function.name == name)
    }

    /// Calls a function.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn call<O: Output>(&self, name: &str, arguments: impl Arguments) -> Result<O, CallError> {
        let failed = |cause| self.failed(name, cause);
        let arguments = arguments
            .into_values()
            .map_err(|what| failed(CallCause::Arguments(what)))?;
        let value = self.call_with(name, arguments, O::TYPE).await?;
        O::from_value(value).map_err(|what| failed(Cause::InvalidOutput(what).into()))
    }

    /// As [`Callable::call`], for who knows the types only when it runs.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn call_values(&self, name: &str, arguments: &[Value], result: ValueType) -> Result<Value, CallError> {
        self.call_with(name, arguments.to_vec(), result).await
    }

    async fn call_with(&self, name: &str, arguments: Vec<Value>, result: ValueType) -> Result<Value, CallError> {
        let Some(functions) = self.plugin.functions() else {
            return Err(self.failed(name, Cause::Retired.into()));
        };
        let mut cancelled = self.cancelled.subscribe();
        let called = tokio::select! {
            biased;
            called = functions.call(name, arguments, result) => called,
            _ = cancelled.changed() => Err(CallCause::Cancelled),
        };
        called.map_err(|cause| self.failed(name, cause))
    }

    /// What its instances came to so far.
    pub fn usage(&self) -> Usage {
        self.plugin.usage()
    }

    /// Retires every instance, its guest's `cleanup` called. Calls fail from then on.
    pub async fn remove(&self) {
        self.plugin.cleanup().await;
    }

    fn failed(&self, function: &str, cause: CallCause) -> CallError {
        let Manifest { name, file, .. } = self.plugin.manifest();
        CallError {
            plugin: name.clone(),
            file: file.clone(),
            function: function.to_owned(),
            cause,
        }
    }
}
