//! Which configuration a verb works on.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Failed};
use crate::config::{self, FileFormat, Loaded};

// A comment that is documentation would stand in the place of the verb's own.
#[derive(Args)]
pub(super) struct Chosen {
    /// The configuration [default: what `serve` takes]
    #[arg(group = "chosen")]
    config: Option<PathBuf>,

    /// The configuration, as `serve` is told it
    #[arg(long = "config", id = "named", value_name = "FILE", group = "chosen")]
    named: Option<PathBuf>,

    /// What the configuration is, where its name does not tell, or where it is Bifrost's
    #[arg(long, value_name = "FORMAT", value_enum, requires = "chosen")]
    format: Option<FileFormat>,
}

impl Chosen {
    /// The file that was named.
    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref().or(self.named.as_deref())
    }

    /// # Errors
    /// When it is no configuration.
    pub(super) fn load(&self) -> Result<Loaded, Failed> {
        config::load(self.file(), self.format).map_err(|error| Failed::new(Exit::Usage, error))
    }
}
