//! How it is operated while it serves.

use std::net::SocketAddr;
use std::time::Duration;

use heimdall_host::runtime::RuntimeSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretPlace;
use super::bounds::{MAX_INSTANCES, MAX_STACK_KIB, MIN_STACK_KIB};

/// The admin interface, an address of its own. Without this table there is none.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct AdminConfig {
    /// The address that it listens on. It speaks HTTP without TLS.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// Where the token is that its clients send as `authorization: Bearer TOKEN`. It has to be there where others than this
    /// machine can reach the address.
    pub(crate) token: Option<SecretPlace>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        AdminConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            token: None,
        }
    }
}

/// The engine that all plugins share. It is made once, at the start.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct EngineConfig {
    /// Instances that may live at once, of all plugins together.
    #[schemars(range(min = 1, max = MAX_INSTANCES))]
    pub(crate) instances: u32,
    /// The stack that a plugin's calls may take, of every plugin alike.
    #[schemars(range(min = MIN_STACK_KIB, max = MAX_STACK_KIB))]
    pub(crate) stack_kib: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let RuntimeSettings { instances, stack, .. } = RuntimeSettings::default();
        EngineConfig {
            instances,
            stack_kib: stack >> 10,
        }
    }
}

/// When the configuration is read again without being asked to.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(crate) struct ReloadConfig {
    /// Whether that is when its file or a plugin's file changed.
    pub(crate) watch: bool,
    /// How long files have to be left alone until then; where they never are, it is ten times as long.
    #[schemars(range(min = 1))]
    pub(crate) debounce_ms: u64,
}

impl ReloadConfig {
    pub(crate) fn debounce(&self) -> Duration {
        Duration::from_millis(self.debounce_ms)
    }
}

impl Default for ReloadConfig {
    fn default() -> Self {
        ReloadConfig {
            watch: true,
            debounce_ms: 200,
        }
    }
}
