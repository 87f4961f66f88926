//! The configuration's plugins, fetched and loaded.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use futures_util::future::join_all;
use heimdall_host::json::Document;
use heimdall_host::loader::{FailurePolicy, Host, LoadError, Loaded, PluginSettings, Prepared};
use heimdall_host::runtime::CacheSettings;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::copies::Copies;
use super::download::{Downloads, Got, shown};
use super::version::{Before, Ready, Version};
use super::{EXAMPLES, MAX_FILE, WrongHash, cache, sha256_of, unpacked};
use crate::config::{Config, Origin, PluginConfig};
use crate::{files, workers};

/// What plugins are loaded with.
pub(super) struct Loader<'a> {
    config: &'a Config,
    host: Host,
    copies: Option<Copies>,
    /// Guests that start at once: their time runs, so each is to have a core.
    starts: Semaphore,
}

/// What became of one plugin.
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) on_failure: FailurePolicy,
    /// The plugin: the one that serves, where nothing of it changed. Also, whether it was loaded anew.
    pub(super) ready: anyhow::Result<(Ready, bool)>,
}

/// What a plugin's code came to before it is loaded.
enum Code {
    /// Of a file, compiled; or why it can't be.
    Prepared {
        prepared: Box<Result<Prepared, LoadError>>,
        sha256: String,
    },
    Got {
        got: Box<Got>,
        sha256: String,
    },
    /// It serves, and nothing of it has changed; or it is not fetched again.
    Serves(Box<Ready>),
}

impl<'a> Loader<'a> {
    pub(super) fn new(host: &Host, config: &'a Config) -> Loader<'a> {
        let is_remote = config.plugins.iter().any(|plugin| plugin.enabled && plugin.is_remote());
        let cache = cache(config).filter(|_| is_remote);
        Loader {
            config,
            host: host.clone(),
            copies: cache.as_ref().and_then(copies),
            starts: Semaphore::new(workers::count()),
        }
    }

    fn downloads(&self) -> Downloads<'_> {
        Downloads::new(&self.config.downloads, self.copies.as_ref(), &self.host)
    }

    /// All of them, side by side: servers that don't answer are waited for once, and as many guests start at once as there are cores.
    pub(super) async fn take_all(&self, all: Vec<Wanted>, before: Option<Before<'_>>) -> Vec<Taken> {
        let taken = all.into_iter().map(async |wanted| {
            let (name, on_failure) = (wanted.name(), wanted.settings.on_failure);
            let ready = match self.fetch(&wanted, before).await {
                Ok(code) => self.take(wanted, code, before).await,
                Err(error) => Err(error),
            };
            Taken {
                name,
                on_failure,
                ready,
            }
        });
        join_all(taken).await
    }

    /// A file that was read. Where its plugin serves already, it is not compiled again.
    async fn prepared(
        &self,
        wanted: &Wanted,
        (bytes, sha256): (Bytes, String),
        before: Option<Before<'_>>,
    ) -> anyhow::Result<Code> {
        if let Some(serves) = serving(wanted, &sha256, before) {
            return Ok(serves);
        }
        let settings = &wanted.settings;
        let code = unpacked_file(bytes, &settings.file).await?;
        let prepared = self.host.prepare(&settings.file, code, &settings.limits).await;
        Ok(Code::Prepared {
            prepared: Box::new(prepared),
            sha256,
        })
    }

    async fn fetch(&self, wanted: &Wanted, before: Option<Before<'_>>) -> anyhow::Result<Code> {
        let sha256 = wanted.sha256.clone();
        Ok(match &wanted.place {
            Place::BuiltIn(bytes) => {
                let read = (Bytes::from_static(bytes), sha256_of(bytes));
                self.prepared(wanted, read, before).await?
            }
            Place::File(file) => {
                let (file, host, limits) = (file.clone(), self.host.clone(), wanted.settings.limits.clone());
                // A large one, or a slow disk, holds up no request.
                let read = tokio::task::spawn_blocking(move || {
                    let (bytes, sha256) = read(&file, sha256.as_deref())?;
                    let named = host.named_files(&file.to_string_lossy(), &bytes, &limits);
                    anyhow::Ok((bytes, sha256_with(sha256, &named)))
                });
                self.prepared(wanted, read.await??, before).await?
            }
            Place::Url(url) => {
                let serves = before.and_then(|before| before.not_fetched(wanted.entry.as_ref()));
                if let Some(serves) = serves {
                    return Ok(Code::Serves(Box::new(serves)));
                }
                let got = self.downloads().get(url, sha256.as_deref()).await?;
                let sha256 = sha256_of(&got.bytes);
                serving(wanted, &sha256, before).unwrap_or(Code::Got {
                    got: Box::new(got),
                    sha256,
                })
            }
        })
    }

    async fn take(&self, wanted: Wanted, code: Code, before: Option<Before<'_>>) -> anyhow::Result<(Ready, bool)> {
        let code = match code {
            Code::Serves(ready) => return Ok((*ready, false)),
            code => code,
        };
        let (called, entry) = (wanted.name(), wanted.entry.clone());
        let mut wanted = wanted;
        if let Some(serving) = before.and_then(|before| before.of(&called)) {
            // What it did counts on, whatever its version.
            wanted.settings.counters = serving.counters.clone();
        }
        let (mut loaded, sha256) = self.load(wanted, code).await?;
        if let Some(serving) = before.and_then(|before| before.named(&loaded.plugin.manifest().name)) {
            // It stays off where its operator turned it off, who knows it by this name.
            loaded.switch = serving.switch.clone();
        }
        let version = Version {
            called,
            entry,
            sha256,
            loaded: SystemTime::now(),
        };
        Ok(((loaded, version), true))
    }

    /// A file that was fetched is kept when it is known to run; one that does not gives way to what was kept before.
    async fn load(&self, wanted: Wanted, code: Code) -> anyhow::Result<(Loaded, String)> {
        let (got, sha256) = match code {
            Code::Prepared { prepared, sha256 } => {
                let prepared = prepared.inspect_err(|error| error.count(&wanted.settings.counters))?;
                let loaded = self.started(async move { prepared.load(wanted.settings).await });
                return Ok((loaded.await??, sha256));
            }
            Code::Got { got, sha256 } => (got, sha256),
            Code::Serves(ready) => return Ok((ready.0, ready.1.sha256)),
        };
        let error = match self.load_unpacked(got.bytes.clone(), wanted.settings.clone()).await {
            Ok(loaded) => {
                self.downloads().keep(&got);
                return Ok((loaded, sha256));
            }
            Err(error) => error,
        };
        let Some(before) = got.before else {
            return Err(error);
        };
        let (age, plugin) = (before.age(), wanted.name());
        tracing::warn!(
            plugin,
            age,
            "the copy of {age} ago serves, because what the server has now can't be loaded: {error:#}"
        );
        let sha256 = sha256_of(&before.bytes);
        Ok((self.load_unpacked(before.bytes, wanted.settings).await?, sha256))
    }

    /// Loads what a file holds, wherever that came from; its hash is that of the file as it is.
    async fn load_unpacked(&self, bytes: Bytes, settings: PluginSettings) -> anyhow::Result<Loaded> {
        let code = unpacked_file(bytes, &settings.file).await?;
        let host = self.host.clone();
        Ok(self.started(async move { host.load(code, settings).await }).await??)
    }

    /// Where a thread is free: guests start side by side. It is given up when nobody waits for it any more.
    async fn started<T: Send + 'static>(&self, start: impl Future<Output = T> + Send + 'static) -> anyhow::Result<T> {
        let _turn = self.starts.acquire().await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(start.in_current_span());
        let ended = tasks.join_next().await.context("its start was not begun")?;
        ended.context("its start broke off")
    }

    /// Removes copies that are in use no more.
    pub(super) fn tidy(&self) {
        let urls = self.config.plugins.iter().filter(|plugin| plugin.is_remote());
        if let Some(copies) = &self.copies {
            copies.tidy(urls.map(|plugin| plugin.path.as_str()));
        }
    }
}

/// The plugin that serves, if neither what the configuration says of it nor its file has changed.
fn serving(wanted: &Wanted, sha256: &str, before: Option<Before<'_>>) -> Option<Code> {
    let same = before?.same(wanted.entry.as_ref(), &wanted.name(), sha256)?;
    Some(Code::Serves(Box::new(same)))
}

async fn unpacked_file(bytes: Bytes, file: &str) -> anyhow::Result<Bytes> {
    let code = unpacked(bytes).await;
    code.map_err(|error| anyhow!("the file {file} {error}"))
}

/// Where copies of downloads are kept; none, with a warning, where they can't be told from what others put there.
fn copies(cache: &CacheSettings) -> Option<Copies> {
    match cache.seal() {
        Ok(seal) => Some(Copies::new(cache.directory.join("downloads"), seal)),
        Err(error) => {
            let key_file = cache.key_file.display();
            tracing::warn!(%key_file, "no copies of plugins by URL are kept, so each start needs the network: {error}");
            None
        }
    }
}

/// A plugin before it is loaded.
pub(super) struct Wanted {
    place: Place,
    /// What the configuration says of it; none: it is built in.
    entry: Option<PluginConfig>,
    sha256: Option<String>,
    settings: PluginSettings,
}

/// Where its code is.
enum Place {
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

/// What a file holds, and its hash.
fn read(file: &Path, sha256: Option<&str>) -> anyhow::Result<(Bytes, String)> {
    let name = file.display();
    let bytes = files::read_regular(file, MAX_FILE as u64).map_err(|error| anyhow!("the file {name} {error}"))?;
    let actual = sha256_of(&bytes);
    if let Some(expected) = sha256
        && !actual.eq_ignore_ascii_case(expected)
    {
        let (file, expected) = (name.to_string(), expected.to_owned());
        return Err(WrongHash { file, expected, actual }.into());
    }
    Ok((bytes.into(), actual))
}

/// The hash of a file, and of those that it names as they are before it is loaded: one that changes meanwhile has another hash
/// at the next reload.
fn sha256_with(sha256: String, named: &[PathBuf]) -> String {
    if named.is_empty() {
        return sha256;
    }
    let hash = |file: &PathBuf| {
        let bytes = files::read_regular(file, MAX_FILE as u64);
        bytes.map_or_else(|error| error.to_string(), |bytes| sha256_of(&bytes))
    };
    let hashes: Vec<String> = named.iter().map(hash).collect();
    sha256_of(format!("{sha256}\n{}", hashes.join("\n")).as_bytes())
}

pub(super) fn wanted(config: &Config, origin: &Origin) -> Vec<Wanted> {
    match origin {
        Origin::File(_) | Origin::Environment => config
            .plugins
            .iter()
            .filter(|plugin| plugin.enabled)
            .map(from_file)
            .collect(),
        Origin::BuiltIn => {
            let example = |(file, bytes): &(&str, &'static [u8])| Wanted {
                place: Place::BuiltIn(bytes),
                entry: None,
                sha256: None,
                settings: PluginSettings::new(*file),
            };
            EXAMPLES.iter().map(example).collect()
        }
    }
}

fn from_file(plugin: &PluginConfig) -> Wanted {
    let (file, place) = if plugin.is_remote() {
        (shown(&plugin.path).to_owned(), Place::Url(plugin.path.clone()))
    } else {
        (plugin.path.clone(), Place::File(plugin.path.clone().into()))
    };
    Wanted {
        place,
        entry: Some(plugin.clone()),
        sha256: plugin.sha256.clone(),
        settings: settings(plugin, file),
    }
}

/// What an entry says of its plugin, whose file is called this.
pub(crate) fn settings(plugin: &PluginConfig, file: String) -> PluginSettings {
    PluginSettings {
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
        recycle: plugin.recycle.settings(),
        breaker: plugin.breaker.settings(),
        options: plugin.options.clone(),
        ..PluginSettings::new(file)
    }
}
