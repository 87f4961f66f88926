//! The plugin that is called.

use heimdall_host::loader::{LoadError, Prepared};

use super::Arguments;
use crate::cli::{Exit, Failed, given};
use crate::config::{self, Config};
use crate::plugins;

/// Reads and compiles the file.
pub(super) async fn prepare(arguments: &Arguments) -> Result<Prepared, Failed> {
    let bytes = given::read_plugin(&arguments.file).await;
    let bytes = bytes.map_err(|error| Failed::new(Exit::Usage, error))?;
    let host = plugins::host(&Config::default())?;
    let limits = config::limits("--limit", &arguments.limits);
    let limits = limits.map_err(|error| Failed::new(Exit::Usage, error))?;
    let file = arguments.file.display().to_string();
    host.prepare(&file, bytes, &limits).await.map_err(failed)
}

/// What a script is told of an error of loading.
pub(super) fn failed(error: LoadError) -> Failed {
    let exit = match &error {
        LoadError::InvalidConfig { .. } | LoadError::InvalidSetting { .. } | LoadError::Manifest { .. } => Exit::Usage,
        LoadError::Start(_) | LoadError::Compile { .. } => Exit::Failed,
        _ => Exit::NotAPlugin,
    };
    Failed::new(exit, error)
}
