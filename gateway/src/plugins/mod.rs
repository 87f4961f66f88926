//! From the configuration's plugins to the pipeline.

mod copies;
mod download;
mod loader;
mod version;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use directories::ProjectDirs;
use futures_util::future::join_all;
use heimdall_host::loader::{FailurePolicy, Host, Loaded};
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use heimdall_host::plugin::HookSet;
use heimdall_host::runtime::{CacheSettings, Compiler, RuntimeSettings};
use sha2::{Digest as _, Sha256};

use crate::cli::{COMPILE_WORKER, Exit, Failed};
use crate::config::{Config, Origin};
use crate::encoding::{Encoding, EncodingError, decode};
use crate::text::write_hex;
pub(crate) use loader::settings;
use loader::{Loader, Taken, wanted};
use version::Ready;
pub(crate) use version::{Before, Version};

/// One plugin of each kind, for a start without a configuration.
const EXAMPLES: [(&str, &[u8]); 2] = [
    (
        "built-in example guard.wasm",
        include_bytes!("../../../guest-examples/typed/rust/guard.wasm"),
    ),
    (
        "built-in example gen3.wasm",
        include_bytes!("../../../guest-examples/legacy/rust/gen3/gen3.wasm"),
    ),
];

/// What the configuration's plugins came to.
pub(crate) struct Plugins {
    pub(crate) pipeline: Arc<Pipeline>,
    /// Which version each of them is, in order.
    pub(crate) versions: Vec<Version>,
    pub(crate) failed: Vec<FailedPlugin>,
}

/// A plugin that could not be loaded and that requests can do without.
pub(crate) struct FailedPlugin {
    pub(crate) name: String,
    pub(crate) error: String,
}

/// A host of every kind of plugin, which compiles in child processes. It keeps what it compiles where the configuration says.
pub(crate) fn host(config: &Config) -> anyhow::Result<Host> {
    let compiler = Compiler::this_program([COMPILE_WORKER]).context("this program can't be found")?;
    Host::builder()
        .abis(heimdall_shim::abis())
        .runtime(RuntimeSettings {
            cache: cache(config),
            compiler,
            instances: config.engine.instances,
            stack: config.engine.stack_kib.saturating_mul(1 << 10),
            ..RuntimeSettings::default()
        })
        .build()
        .context("the WebAssembly engine can't be started")
}

/// A file is not the one that the configuration means.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{file}` has the SHA-256 {actual}, and its `sha256` says {expected}: it is not the file that was meant; get the right one, or correct `sha256` if it was changed on purpose"
)]
struct WrongHash {
    file: String,
    expected: String,
    actual: String,
}

fn sha256_of(bytes: &[u8]) -> String {
    let mut text = String::new();
    write_hex(&mut text, &Sha256::digest(bytes));
    text
}

/// What a zstd file begins with.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The largest file of a plugin that is read, and that one may unpack to: the largest guests that are known, of
/// JavaScript and Python, have 20 MiB.
pub(crate) const MAX_FILE: usize = 256 << 20;

/// A plugin's code from what its file holds, which may be packed by zstd: those of JavaScript and Python are a quarter
/// of their size then.
///
/// # Errors
/// In words that follow the file's name.
pub(crate) async fn unpacked(bytes: impl Into<Bytes>) -> Result<Bytes, EncodingError> {
    let bytes = bytes.into();
    let encoding = match bytes.starts_with(ZSTD) {
        true => Encoding::Zstd,
        false => Encoding::Identity,
    };
    decode(bytes, encoding, MAX_FILE, |_| true).await
}

/// Loads every plugin that is enabled, side by side; those of `before` that stay the same are taken over.
///
/// # Errors
/// When one can't be loaded that requests can't do without. None that was loaded for this is left.
pub(crate) async fn load(
    host: &Host,
    config: &Config,
    origin: &Origin,
    before: Option<Before<'_>>,
) -> Result<Plugins, Failed> {
    let loader = Loader::new(host, config);
    let mut row = Row::default();
    let mut refused = None;
    for Taken {
        name,
        on_failure,
        ready,
    } in loader.take_all(wanted(config, origin), before).await
    {
        let serves = before.is_some_and(|before| before.of(&name).is_some());
        match ready {
            Ok((ready, is_new)) => row.push(ready, is_new),
            Err(error) if on_failure == FailurePolicy::Open && !serves => {
                let error = format!("{error:#}");
                row.failed.push(FailedPlugin { name, error });
            }
            // The first in order is what the load fails with.
            Err(error) if refused.is_none() => refused = Some((name, on_failure, error)),
            Err(error) => tracing::error!(plugin = name, "it can't be loaded: {error:#}"),
        }
    }
    if let Some((name, on_failure, error)) = refused {
        row.undo().await;
        let remedy = match on_failure {
            FailurePolicy::Open => "",
            FailurePolicy::Closed => " (with `on_failure = \"open\"` the others would serve without it)",
        };
        let error = error.context(format!("the plugin `{name}` can't be loaded{remedy}"));
        return Err(Failed::new(Exit::Failed, error));
    }
    for FailedPlugin { name, error } in &row.failed {
        tracing::warn!(
            plugin = name,
            "it can't be loaded, and requests go on without it: {error}"
        );
    }
    let plugins = row.plugins(config).await?;
    loader.tidy();
    if let Some(warning) = unseen(config, &plugins.pipeline) {
        tracing::warn!("{warning}");
    }
    Ok(plugins)
}

/// Plugins that are being loaded, in order.
#[derive(Default)]
struct Row {
    ready: Vec<Ready>,
    failed: Vec<FailedPlugin>,
    /// Those that were not there before.
    new: Vec<Loaded>,
}

impl Row {
    fn push(&mut self, ready: Ready, is_new: bool) {
        if is_new {
            self.new.push(ready.0.clone());
        }
        self.ready.push(ready);
    }

    async fn plugins(self, config: &Config) -> Result<Plugins, Failed> {
        let Row { ready, failed, new } = self;
        let (plugins, versions) = ready.into_iter().unzip();
        match pipeline(plugins, config) {
            Ok(pipeline) => Ok(Plugins {
                pipeline,
                versions,
                failed,
            }),
            Err(error) => {
                cleanup(new).await;
                Err(error)
            }
        }
    }

    async fn undo(self) {
        cleanup(self.new).await;
    }
}

/// Plugins that were loaded in vain.
async fn cleanup(plugins: Vec<Loaded>) {
    join_all(plugins.iter().map(|loaded| loaded.plugin.cleanup())).await;
}

/// Plugins that look at calls to models, where there are paths that are passed on without being looked at.
pub(crate) fn unseen(config: &Config, pipeline: &Pipeline) -> Option<String> {
    // Streams of events pass `on-response` by, here as elsewhere: they are not there as a whole.
    let llm = HookSet::all() - HookSet::HTTP_REQUEST;
    let plugins = pipeline.plugins().iter();
    let blind = plugins.filter(|loaded| loaded.plugin.hooks().intersects(llm));
    let blind: Vec<&str> = blind.map(|loaded| &*loaded.plugin.manifest().name).collect();
    let paths: Vec<&str> = config.passthrough.iter().map(|entry| entry.path.as_str()).collect();
    (!blind.is_empty() && !paths.is_empty()).then(|| {
        format!(
            "`passthrough` lists {}: what clients send there and get from there, the LLM hooks of these plugins don't \
             see, nor do their `on-response` hooks an answer that is a stream of events: {}",
            paths.join(", "),
            blind.join(", ")
        )
    })
}

/// Loads what can be loaded, whatever the policies say, and tells what can't.
pub(crate) async fn load_all(config: &Config, origin: &Origin) -> Result<Plugins, Failed> {
    let host = host(config)?;
    let loader = Loader::new(&host, config);
    let mut row = Row::default();
    for Taken { name, ready, .. } in loader.take_all(wanted(config, origin), None).await {
        match ready {
            Ok((ready, is_new)) => row.push(ready, is_new),
            Err(error) => row.failed.push(FailedPlugin {
                name,
                error: format!("{error:#}"),
            }),
        }
    }
    row.plugins(config).await
}

/// The plugins in this order.
pub(crate) fn pipeline(plugins: Vec<Loaded>, config: &Config) -> Result<Arc<Pipeline>, Failed> {
    let settings = PipelineSettings {
        time: Duration::from_millis(config.plugins_timeout_ms),
        ..PipelineSettings::default()
    };
    let pipeline = Pipeline::new(plugins, settings);
    Ok(Arc::new(pipeline.map_err(|error| Failed::new(Exit::Usage, error))?))
}

/// Where compiled plugins are kept; none: nowhere.
fn cache(config: &Config) -> Option<CacheSettings> {
    if !config.cache {
        return None;
    }
    let system = ProjectDirs::from("", "", "heimdall");
    let system = system.as_ref();
    let directory = config
        .cache_dir
        .clone()
        .or_else(|| system.map(|system| system.cache_dir().to_owned()))?;
    let state_of = |system: &ProjectDirs| system.state_dir().unwrap_or(system.data_local_dir()).to_owned();
    let state = config.state_dir.clone().or_else(|| system.map(state_of))?;
    let wanted = !directory.as_os_str().is_empty() && !state.as_os_str().is_empty();
    wanted.then(|| CacheSettings {
        directory,
        key_file: state.join("cache.key"),
    })
}
