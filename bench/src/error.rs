//! Why something could not be measured.

use heimdall_host::functions::CallError;
use heimdall_host::json::JsonError;
use heimdall_host::loader::LoadError;
use heimdall_host::pipeline::DuplicateName;
use heimdall_host::runtime::RuntimeError;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host does not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A plugin can't be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A function of a plugin fails.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Two plugins of a pipeline have one name.
    #[error(transparent)]
    Name(#[from] DuplicateName),
    /// A document is no JSON for this host.
    #[error(transparent)]
    Document(#[from] JsonError),
    /// The same for the library that the host is compared with.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A guest that is written in text can't be assembled.
    #[error(transparent)]
    Wat(#[from] wat::Error),
    /// The engine, where it is used without the host.
    #[error("the engine: {0:#}")]
    Wasm(wasmtime::Error),
    /// A file or a process.
    #[error("{what}: {source}")]
    Io {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The case does not do what it says.
    #[error("{0}")]
    Did(String),
}

impl From<wasmtime::Error> for Error {
    fn from(error: wasmtime::Error) -> Self {
        Error::Wasm(error)
    }
}

impl Error {
    /// The case did this, which is not what it says.
    pub fn did(what: impl Into<String>) -> Error {
        Error::Did(what.into())
    }

    /// With what was done to a file or process.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}
