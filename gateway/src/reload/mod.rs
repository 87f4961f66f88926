//! Reloads: the configuration is read again, and what serves is replaced as a whole, or stays.
//!
//! One task carries them out, one after another. Whoever asks for one gets what came of a reload that began after that:
//! those who ask while one is under way share the next.

mod outcome;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use heimdall_host::loader::Host;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::cli::Failed;
use crate::config::{self, Config, Origin};
use crate::observe::Observation;
use crate::plugins::{self, Before};
use crate::server::{self, Live, Parts};

use outcome::Outcome;
pub(crate) use outcome::ReloadError;
pub(crate) use watch::Watch;
use watch::files_of;

/// Reloads that may be asked for while one is under way.
const WAITING: usize = 64;

/// Reads the configuration as at the start: from the same place, with the same words of the command line.
pub(crate) type Source = Arc<dyn Fn() -> anyhow::Result<(Config, Origin)> + Send + Sync>;

/// Why there is a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    Signal,
    Admin,
    Files,
}

impl Trigger {
    fn name(self) -> &'static str {
        match self {
            Trigger::Signal => "SIGHUP",
            Trigger::Admin => "the admin interface",
            Trigger::Files => "a file that changed",
        }
    }
}

/// A reload that somebody asked for.
struct Ask {
    trigger: Trigger,
    /// Where what came of it is told.
    told: Option<oneshot::Sender<Told>>,
}

type Told = Result<Arc<Outcome>, ReloadError>;

/// Where reloads are asked for. Clones are the same.
#[derive(Clone)]
pub(crate) struct Reloads {
    asks: mpsc::Sender<Ask>,
}

impl Reloads {
    /// Asks for a reload, and waits for what comes of it.
    ///
    /// # Errors
    /// Where what serves was not replaced.
    pub(crate) async fn reload(&self) -> Told {
        let (told, outcome) = oneshot::channel();
        let ask = Ask {
            trigger: Trigger::Admin,
            told: Some(told),
        };
        self.asks.try_send(ask).map_err(|_| ReloadError::Busy)?;
        outcome.await.unwrap_or(Err(ReloadError::Stopping))
    }
}

/// What carries out reloads.
pub(crate) struct Reloader {
    asked: mpsc::Receiver<Ask>,
    hangups: Signal,
    /// None: files may change as they like.
    watch: Option<Watch>,
    observation: Arc<Observation>,
    source: Source,
    host: Host,
    live: Live,
    /// What serves is made of.
    config: Config,
    /// What was replaced and has requests yet.
    retiring: JoinSet<()>,
}

impl Reloader {
    /// `config`: what `live` is made of. `watch`: its files, as they were when it was read.
    pub(crate) fn new(
        source: Source,
        host: Host,
        live: Live,
        config: Config,
        hangups: Signal,
        watch: Option<Watch>,
    ) -> (Reloads, Reloader) {
        let (asks, asked) = mpsc::channel(WAITING);
        let reloads = Reloads { asks };
        let reloader = Reloader {
            asked,
            hangups,
            watch,
            observation: live.app().observation.clone(),
            source,
            host,
            live,
            config,
            retiring: JoinSet::new(),
        };
        (reloads, reloader)
    }

    /// Carries out what is asked for until `stop`, and gives back what was replaced and has requests yet.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> JoinSet<()> {
        while let Some(first) = self.asked_unless(&stop).await {
            let mut asks = vec![first];
            while let Ok(ask) = self.asked.try_recv() {
                asks.push(ask);
            }
            let triggers: Vec<Trigger> = asks.iter().map(|ask| ask.trigger).collect();
            let outcome = tokio::select! {
                outcome = self.reload(&triggers, &stop) => outcome,
                () = stop.cancelled() => break,
            };
            for told in asks.into_iter().filter_map(|ask| ask.told) {
                // Who asked may have left.
                let _left = told.send(outcome.clone());
            }
        }
        self.retiring
    }

    /// The next ask; none: it is asked to stop.
    async fn asked_unless(&mut self, stop: &CancellationToken) -> Option<Ask> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return None,
                Some(ask) = self.asked.recv() => return Some(ask),
                Some(()) = self.hangups.recv() => return Some(Ask { trigger: Trigger::Signal, told: None }),
                () = changed(self.watch.as_mut()) => return Some(Ask { trigger: Trigger::Files, told: None }),
                Some(_) = self.retiring.join_next() => {}
            }
        }
    }

    /// Replaces what serves, and logs what came of it.
    async fn reload(&mut self, triggers: &[Trigger], stop: &CancellationToken) -> Told {
        let began = Instant::now();
        let by = triggers.first().map_or("", |trigger| trigger.name());
        // Who asks wants what servers have now; a file that changed is no reason to ask them.
        let fetches = triggers.iter().any(|trigger| *trigger != Trigger::Files);
        match self.replace(fetches, stop).await {
            Ok(outcome) => {
                self.observation.reloads.done.fetch_add(1, Ordering::Relaxed);
                let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                outcome.log(by, ms);
                Ok(Arc::new(outcome))
            }
            Err(error) => {
                self.observation.reloads.refused.fetch_add(1, Ordering::Relaxed);
                let error = format!("{error:#}");
                tracing::error!(
                    by,
                    "the reload is refused, and what served before goes on serving; correct this and reload again: {error}"
                );
                Err(ReloadError::Refused(error.into()))
            }
        }
    }

    async fn replace(&mut self, fetches: bool, stop: &CancellationToken) -> anyhow::Result<Outcome> {
        if let Some(watch) = &mut self.watch {
            watch.begin().await;
        }
        let Made {
            config,
            origin,
            parts,
            after_restart,
        } = self.read().await?;
        // Before plugins are read, so that no change is missed; and where one is refused, its file is what is corrected.
        self.follow(&config, &origin).await;
        let before = self.live.app();
        let taken = Before::new(&before, fetches);
        let plugins = plugins::load(&self.host, &config, &origin, Some(taken)).await;
        let plugins = plugins.map_err(Failed::into_error)?;
        let outcome = Outcome::new(&before, &plugins, after_restart);
        let next = parts.app(&config, plugins);
        if !Arc::ptr_eq(&before.clients, &next.clients) {
            tokio::spawn(server::refresh_keys(&next.clients, stop.clone()));
        }
        // It would hold what is to be retired.
        drop(before);
        self.retiring.spawn(self.live.replace(next).cleanup());
        self.config = config;
        Ok(outcome)
    }

    /// From here on the files of this configuration count.
    async fn follow(&mut self, config: &Config, origin: &Origin) {
        match &mut self.watch {
            Some(watch) if config.reload.watch => {
                let files = files(config, origin, &self.host).await;
                watch.follow(files, config.reload.debounce()).await
            }
            _ => self.watch = watch(config, origin, &self.host).await,
        }
    }

    /// Reads the configuration, and makes of it what needs no plugin.
    async fn read(&self) -> anyhow::Result<Made> {
        let (source, serving, app) = (self.source.clone(), self.config.clone(), self.live.app());
        let made = spawn_blocking(move || {
            let (mut config, origin) = source()?;
            let after_restart = config.keep_until_restart(&serving);
            config::check_listen(config.listen, &config)
                .map_err(|problem| anyhow::anyhow!("the address that is listened on until a restart {problem}"))?;
            let parts = Parts::new(&config, Some(&app))?;
            Ok(Made {
                config,
                origin,
                parts,
                after_restart,
            })
        });
        made.await.context("reading the configuration broke off")?
    }
}

/// A configuration that can serve, but for its plugins.
struct Made {
    config: Config,
    origin: Origin,
    parts: Parts,
    /// Settings that count after a restart only.
    after_restart: Vec<&'static str>,
}

/// Completes when a file changed that is watched.
async fn changed(watch: Option<&mut Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// What sees changes of the configuration's files, where it wants that. Where the system does not let it, that is told, and
/// the other ways to reload are left.
pub(crate) async fn watch(config: &Config, origin: &Origin, host: &Host) -> Option<Watch> {
    if !config.reload.watch {
        return None;
    }
    let files = files(config, origin, host).await;
    let watch = Watch::new(files, config.reload.debounce()).await;
    let told = |error: &anyhow::Error| {
        tracing::warn!("changes of files are not seen, so reload by SIGHUP or the admin interface: {error:#}");
    };
    watch.inspect_err(told).ok()
}

/// The files of this configuration, looked for where nothing waits; none at the end of the process.
async fn files(config: &Config, origin: &Origin, host: &Host) -> Vec<PathBuf> {
    let (config, origin, host) = (config.clone(), origin.clone(), host.clone());
    let files = spawn_blocking(move || files_of(&config, &origin, &host)).await;
    files.unwrap_or_default()
}

/// Refuses what can be read once only.
///
/// # Errors
/// In words.
pub(crate) fn check_readable_again(file: &Path) -> anyhow::Result<()> {
    let is_other = file.metadata().is_ok_and(|metadata| !metadata.is_file());
    anyhow::ensure!(
        !is_other,
        "the configuration {} is no regular file and can't be read again: restart, or give `--config` a file",
        file.display()
    );
    Ok(())
}
