//! Who may call: what the types can't say of it.

use super::Table;
use crate::config::{Config, ConfigError};

pub(super) fn check(_config: &Config, _root: &Table<'_>) -> Result<(), ConfigError> {
    Ok(())
}
