//! From the configuration's plugins to the pipeline.

mod copies;
mod download;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use directories::ProjectDirs;
use heimdall_host::json::Document;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{FailurePolicy, Host, HostBuilder, Loaded, PluginSettings};
use heimdall_host::pipeline::Pipeline;
use heimdall_host::plugin::HookSet;
use heimdall_host::runtime::{CacheSettings, RuntimeSettings};
use sha2::{Digest as _, Sha256};

use crate::cli::{Exit, Failed};
use crate::config::{Config, Origin, PluginConfig};
use crate::files;
use copies::Copies;
use download::{Downloads, shown};

/// The largest file of a plugin that is read: the largest guests that are known, of JavaScript and Python, have 20 MiB.
const MAX_FILE: u64 = 256 << 20;

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
    pub(crate) failed: Vec<FailedPlugin>,
}

/// A plugin that could not be loaded and that requests can do without.
pub(crate) struct FailedPlugin {
    pub(crate) name: String,
    pub(crate) error: String,
}

/// A host of every kind of plugin.
pub(crate) fn host(cache: Option<CacheSettings>) -> anyhow::Result<Host> {
    heimdall_shim::abis()
        .into_iter()
        .fold(Host::builder(), HostBuilder::abi)
        .runtime(RuntimeSettings {
            cache,
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
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Loads every plugin that is enabled, in order.
pub(crate) async fn load(config: &Config, origin: &Origin) -> Result<Plugins, Failed> {
    let loader = Loader::new(config)?;
    let mut plugins = Vec::new();
    let mut failed = Vec::new();
    for wanted in wanted(config, origin) {
        let (name, on_failure) = (wanted.name(), wanted.settings.on_failure);
        match loader.load(wanted).await {
            Ok(loaded) => plugins.push(loaded),
            Err(error) if on_failure == FailurePolicy::Open => {
                let error = format!("{error:#}");
                tracing::warn!(
                    plugin = name,
                    "it can't be loaded, and requests go on without it: {error}"
                );
                failed.push(FailedPlugin { name, error });
            }
            Err(error) => {
                let error = error.context(format!(
                    "the plugin `{name}` can't be loaded (with `on_failure = \"open\"` the others would serve without it)"
                ));
                return Err(Failed::new(Exit::Failed, error));
            }
        }
    }
    let pipeline = pipeline(plugins)?;
    if let Some(warning) = unseen(config, &pipeline) {
        tracing::warn!("{warning}");
    }
    Ok(Plugins { pipeline, failed })
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
    let loader = Loader::new(config)?;
    let mut plugins = Vec::new();
    let mut failed = Vec::new();
    for wanted in wanted(config, origin) {
        let name = wanted.name();
        match loader.load(wanted).await {
            Ok(loaded) => plugins.push(loaded),
            Err(error) => failed.push(FailedPlugin {
                name,
                error: format!("{error:#}"),
            }),
        }
    }
    Ok(Plugins {
        pipeline: pipeline(plugins)?,
        failed,
    })
}

fn pipeline(plugins: Vec<Loaded>) -> Result<Arc<Pipeline>, Failed> {
    let pipeline = Pipeline::new(plugins, Limits::default().context);
    Ok(Arc::new(pipeline.map_err(|error| Failed::new(Exit::Usage, error))?))
}

/// What plugins are loaded with.
struct Loader<'a> {
    config: &'a Config,
    host: Host,
    copies: Option<PathBuf>,
}

impl<'a> Loader<'a> {
    fn new(config: &'a Config) -> anyhow::Result<Loader<'a>> {
        let cache = cache(config);
        let copies = cache.as_ref().map(|cache| cache.directory.join("downloads"));
        let host = host(cache)?;
        Ok(Loader { config, host, copies })
    }

    async fn load(&self, wanted: Wanted) -> anyhow::Result<Loaded> {
        let sha256 = wanted.sha256.as_deref();
        let bytes = match wanted.code {
            Code::BuiltIn(bytes) => Bytes::from_static(bytes),
            Code::File(file) => read(&file, sha256)?,
            Code::Url(url) => {
                let copies = self.copies.clone().map(Copies::new);
                let downloads = Downloads::new(&self.config.downloads, copies, &self.host);
                downloads.get(&url, sha256).await?
            }
        };
        Ok(self.host.load(bytes, wanted.settings).await?)
    }
}

/// A plugin before it is loaded.
struct Wanted {
    code: Code,
    sha256: Option<String>,
    settings: PluginSettings,
}

enum Code {
    File(PathBuf),
    Url(String),
    BuiltIn(&'static [u8]),
}

impl Wanted {
    /// What to call it as long as its own name is not known.
    fn name(&self) -> String {
        self.settings.name.clone().unwrap_or_else(|| self.settings.file.clone())
    }
}

fn read(file: &Path, sha256: Option<&str>) -> anyhow::Result<Bytes> {
    let bytes = files::read_regular(file, MAX_FILE).map_err(|error| anyhow!("the file {} {error}", file.display()))?;
    let Some(expected) = sha256 else {
        return Ok(bytes.into());
    };
    let actual = sha256_of(&bytes);
    if !actual.eq_ignore_ascii_case(expected) {
        let (file, expected) = (file.display().to_string(), expected.to_owned());
        return Err(WrongHash { file, expected, actual }.into());
    }
    Ok(bytes.into())
}

fn wanted(config: &Config, origin: &Origin) -> Vec<Wanted> {
    match origin {
        Origin::File(_) | Origin::Environment => config
            .plugins
            .iter()
            .filter(|plugin| plugin.enabled)
            .map(from_file)
            .collect(),
        Origin::BuiltIn => {
            let example = |(file, bytes): &(&str, &'static [u8])| Wanted {
                code: Code::BuiltIn(bytes),
                sha256: None,
                settings: PluginSettings::new(*file),
            };
            EXAMPLES.iter().map(example).collect()
        }
    }
}

fn from_file(plugin: &PluginConfig) -> Wanted {
    let (file, code) = if plugin.is_remote() {
        (shown(&plugin.path).to_owned(), Code::Url(plugin.path.clone()))
    } else {
        (plugin.path.clone(), Code::File(plugin.path.clone().into()))
    };
    let settings = PluginSettings {
        name: plugin.name.clone(),
        config: plugin
            .config
            .as_ref()
            .and_then(|config| Document::parse(config.to_string()).ok()),
        on_failure: plugin.on_failure,
        isolation: plugin.isolation,
        instances: plugin.instances,
        limits: plugin.limits.limits(),
        hide_headers: plugin.hidden(),
        options: plugin.options.clone(),
        ..PluginSettings::new(file)
    };
    Wanted {
        code,
        sha256: plugin.sha256.clone(),
        settings,
    }
}

/// Where compiled plugins are kept; none: nowhere.
pub(crate) fn cache(config: &Config) -> Option<CacheSettings> {
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
