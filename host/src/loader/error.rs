//! Why a file can't be loaded: which file, what is wrong, and what to do about it.

use std::fmt;

use crate::counters::{Counters, Limit};
use crate::failure::Failure;
use crate::runtime::{CompileError, RuntimeError};

/// Why a file can't be loaded as a plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file, or nobody may read it.
    #[error("`{file}` can't be read: {error}; check its path, and who may read it")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// There is nothing in it.
    #[error("`{file}` is empty; build the plugin again, or check how the file got there")]
    Empty {
        /// The file.
        file: String,
    },
    /// It is something else.
    #[error("`{file}` is {what}, not WebAssembly; it begins with `{begins}`; {remedy}")]
    NotWasm {
        /// The file.
        file: String,
        /// What it seems to be.
        what: &'static str,
        /// Its first characters.
        begins: String,
        /// What to do.
        remedy: &'static str,
    },
    /// It breaks off.
    #[error("`{file}` is truncated: {reason}; copy or download it again")]
    Truncated {
        /// The file.
        file: String,
        /// Where it breaks off.
        reason: String,
    },
    /// It is not valid.
    #[error("`{file}` is not valid WebAssembly: {reason}; build the plugin again with a current toolchain")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// The compiler would take too much for it.
    #[error(
        "`{file}` has {size} {what}, {allowed} are allowed (raise `limits.{setting}`, or build the plugin smaller)"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// How much.
        size: u64,
        /// How much is allowed.
        allowed: u64,
        /// The setting that raises it.
        setting: &'static str,
        /// By which it is counted.
        limit: Limit,
    },
    /// It needs what no plugin gets here.
    #[error("`{file}` needs {feature}, which this host does not offer; {remedy}")]
    Unsupported {
        /// The file.
        file: String,
        /// What it needs.
        feature: &'static str,
        /// How to build it without.
        remedy: &'static str,
    },
    /// It carries component types, and can't be made the component that they describe.
    #[error(
        "`{file}` carries component types, but no component can be made of it: {reason}; build it again with bindings and tools of one release, or as a component"
    )]
    Encode {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// No kind of plugin has these exports.
    #[error("{0}")]
    UnknownKind(Box<UnknownKind>),
    /// There is no engine that it could run in.
    #[error("`{file}` needs an engine of its own, and {error}")]
    Engine {
        /// The file.
        file: String,
        /// Why, and what to do.
        error: RuntimeError,
    },
    /// It can't be compiled.
    #[error("`{file}` can't be compiled: {error}")]
    Compile {
        /// The file.
        file: String,
        /// Why, and what to do.
        error: CompileError,
    },
    /// It imports what this host has not.
    #[error("`{file}` imports what this host does not offer: {}; it offers {}; upgrade Heimdall, or build the plugin without them", .missing.join(", "), .offered.join(", "))]
    UnknownImports {
        /// The file.
        file: String,
        /// What it imports and is not there.
        missing: Vec<String>,
        /// What is there.
        offered: Vec<String>,
    },
    /// What it exports or imports has other types than its kind of plugin has.
    #[error("`{file}` does not fit: {what}; {remedy}")]
    Incompatible {
        /// The file.
        file: String,
        /// What does not fit.
        what: String,
        /// What to do, which side to upgrade.
        remedy: String,
    },
    /// Nothing of it would ever be called by a gateway.
    #[error(
        "`{file}` is a plugin ({kind}), but has no hook of a gateway, so nothing of it would be called; build it with `http_pre_hook`, `pre_hook`, `post_hook`, `http_post_hook` or `http_stream_chunk_hook`, or call its functions with `heimdall call`"
    )]
    NoHooks {
        /// The file.
        file: String,
        /// What it is.
        kind: String,
    },
    /// Its kind of plugin has hooks alone.
    #[error(
        "`{file}` is a plugin ({kind}) that has hooks alone: no function of it can be called by name; put it into a pipeline"
    )]
    NoFunctions {
        /// The file.
        file: String,
        /// What it is.
        kind: String,
    },
    /// A manifest that can't be used.
    #[error("`{file}` is a manifest that can't be used: {reason}")]
    Manifest {
        /// The file.
        file: String,
        /// Where, why, and what to do.
        reason: String,
    },
    /// A setting that its kind of plugin does not know, or not with this value.
    #[error("`{file}`: the setting `{setting}` can't be used: {reason}")]
    InvalidSetting {
        /// The file.
        file: String,
        /// The setting.
        setting: String,
        /// Why, and what can be used.
        reason: String,
    },
    /// Its configuration doesn't fit the schema that it gives.
    #[error("`{file}`: its configuration can't be used: {reason}; correct `config`")]
    InvalidConfig {
        /// The file.
        file: String,
        /// Where, and why.
        reason: String,
    },
    /// It could not be started.
    #[error("{0}")]
    Start(Failure),
}

impl LoadError {
    /// The limit that the file is over, if it is that.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            LoadError::TooLarge { limit, .. } => Some(*limit),
            LoadError::Compile { error, .. } => error.limit(),
            _ => None,
        }
    }

    /// Counts the limit that the file is over, if it is that.
    pub fn count(&self, counters: &Counters) {
        if let Some(limit) = self.limit() {
            counters.over(limit, 1);
        }
    }
}

/// A file that no kind of plugin recognised.
#[derive(Debug)]
pub struct UnknownKind {
    /// The file.
    pub file: String,
    /// `component` or `core module`.
    pub form: &'static str,
    /// What it exports, with types.
    pub exports: Vec<String>,
    /// What it imports, with types.
    pub imports: Vec<String>,
    /// Each kind of plugin by its name, and what it needs.
    pub needs: Vec<(&'static str, String)>,
    /// The kind that comes closest, and in what way.
    pub closest: Option<(&'static str, String)>,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is a {}, but no kind of plugin that this host knows",
            self.file, self.form
        )?;
        write!(f, "\n  it exports: {}", list(&self.exports))?;
        write!(f, "\n  it imports: {}", list(&self.imports))?;
        for (kind, needs) in &self.needs {
            write!(f, "\n  {kind}: {needs}")?;
        }
        if let Some((kind, how)) = &self.closest {
            write!(f, "\n  closest is {kind}: {how}")?;
        }
        write!(
            f,
            "\n  build it for one of these kinds, or upgrade Heimdall if the plugin is newer"
        )
    }
}

/// Long lists are cut: a module may export thousands of functions.
fn list(items: &[String]) -> String {
    const SHOWN: usize = 30;
    if items.is_empty() {
        return "nothing".into();
    }
    let shown: Vec<&str> = items.iter().take(SHOWN).map(String::as_str).collect();
    match items.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{}, and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
