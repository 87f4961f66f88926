//! `heimdall dev`: a plugin is served on the echo, built and loaded anew when its files change, and shown at work.

mod shown;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use heimdall_host::json::Document;
use heimdall_host::loader::{Host, Loaded, PluginSettings};
use tokio::task::JoinSet;

use super::build::{self, CONFIGURATION, Watch};
use super::front::Front;
use super::output::{self, FAINT, GOOD, HEADING, WARNING};
use super::project::{FILE, Project};
use super::signals::{self, Signals};
use super::{Exit, Failed, given};
use crate::config::{self, Config, Origin, PluginConfig};
use crate::logging;
use crate::plugins::{self, Plugins};
use crate::server::{Live, Parts};
use shown::Shown;

const EXAMPLES: &str = "\
Examples:
  heimdall dev                                 the plugin in this folder, on 127.0.0.1:8080
  heimdall dev my-plugin --listen 127.0.0.1:9000
  heimdall dev my-plugin --config '{\"banned\": [\"word\"]}'

The plugin's configuration is `--config`, else that of the entry in the folder's heimdall.toml whose `path` is the plugin.
Every call goes to the built-in echo. For each request it tells what each hook decided, how long it took, what it changed
and what it logged.

When a file changes, the plugin is built and loaded anew. Requests that are under way end with the plugin that they began
with. While a build fails, the plugin of before goes on serving. SIGTERM or SIGINT ends it.";

/// Serve a plugin while you write it: rebuilt and reloaded on change, every hook's doing shown
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", value_parser = super::serve::address, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The plugin's configuration as JSON, or `@` and the file that has it
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    logging::tell(|line| output::note(&output::log_line(&line)))?;
    let config = Config {
        listen: arguments.listen,
        ..Config::default()
    };
    config::check_listen(arguments.listen, &config)
        .map_err(|problem| Failed::new(Exit::Usage, anyhow::anyhow!("the address of `--listen` {problem}")))?;
    let front = Front::new(config)?;
    let runtime = super::runtime()?;
    let exit = runtime.block_on(async {
        let signals = signals::listen()?;
        tokio::select! {
            done = dev(arguments, front, &signals) => done,
            () = signals.now.cancelled() => Ok(Exit::Interrupted),
        }
    });
    runtime.shutdown_background();
    exit
}

async fn dev(arguments: &Arguments, front: Front, signals: &Signals) -> Result<Exit, Failed> {
    let project = build::read(&arguments.folder)?;
    // No build is needed to see that it is wrong.
    let given = given::config(arguments.config.as_deref()).map_err(|error| Failed::new(Exit::Usage, error))?;
    let socket = front.bind()?;
    let mut workshop = Workshop {
        arguments,
        given,
        host: plugins::host(front.config())?,
        // Before the first build, so that no change is missed.
        watch: Watch::new(&project).await?,
        project,
    };
    let Some(first) = workshop.first(signals).await? else {
        return Ok(Exit::Ok);
    };
    let open = front.open(socket, alone(first)?)?;
    output::note(&output::printable_lines(&open.banner(&workshop.origin()).text()));
    let (live, config) = (open.live.clone(), open.config.clone());
    let mut exit = Exit::Ok;
    let reloads = async {
        let mut retiring = JoinSet::new();
        if let Err(failed) = workshop.reload(&live, &config, &mut retiring, signals).await {
            // What serves would never be replaced again: that is told when it happens, and ends it.
            signals.stop.cancel();
            exit = failed.tell(false);
        }
        retiring
    };
    open.serve(signals, reloads).await;
    Ok(exit)
}

/// What makes the plugin, again and again.
struct Workshop<'a> {
    arguments: &'a Arguments,
    /// What `--config` was at the start.
    given: Option<Document>,
    host: Host,
    watch: Watch,
    /// As it was when it was last in order.
    project: Project,
}

impl Workshop<'_> {
    /// The first plugin that can serve; none: it was asked to stop before.
    async fn first(&mut self, signals: &Signals) -> Result<Option<Loaded>, Failed> {
        loop {
            let Some(loaded) = self.load_unless(signals).await else {
                return Ok(None);
            };
            match loaded {
                Ok(loaded) => return Ok(Some(loaded)),
                Err(failed) => failed.tell(false),
            };
            output::note(&format!("{FAINT}nothing serves yet; waiting for a change{FAINT:#}\n"));
            let Some(changed) = self.changed_unless(signals).await? else {
                return Ok(None);
            };
            build::told(&changed);
        }
    }

    /// Replaces the plugin whenever its files change, until it is asked to stop.
    async fn reload(
        mut self,
        live: &Live,
        config: &Config,
        retiring: &mut JoinSet<()>,
        signals: &Signals,
    ) -> Result<(), Failed> {
        while let Some(changed) = self.changed_unless(signals).await? {
            build::told(&changed);
            // Those that are over.
            while retiring.try_join_next().is_some() {}
            let Some(loaded) = self.load_unless(signals).await else {
                break;
            };
            match loaded.and_then(alone) {
                Ok(plugins) => {
                    let told = reloaded(plugins.pipeline.plugins());
                    let next = Parts::new(config, Some(&live.app()))?.app(config, plugins);
                    retiring.spawn(live.replace(next).cleanup());
                    output::note(&told);
                }
                Err(failed) => {
                    failed.tell(false);
                    output::note(&format!("{WARNING}the plugin of before goes on serving{WARNING:#}\n"));
                }
            }
        }
        Ok(())
    }

    /// None: it was asked to stop.
    async fn load_unless(&mut self, signals: &Signals) -> Option<Result<Loaded, Failed>> {
        tokio::select! {
            loaded = self.load() => Some(loaded),
            () = signals.stop.cancelled() => None,
        }
    }

    /// The file that changed; none: it was asked to stop.
    async fn changed_unless(&mut self, signals: &Signals) -> Result<Option<PathBuf>, Failed> {
        tokio::select! {
            changed = self.watch.changed(&self.project) => Ok(Some(changed?)),
            () = signals.stop.cancelled() => Ok(None),
        }
    }

    /// Builds the plugin, and loads it as its configuration says.
    async fn load(&mut self) -> Result<Loaded, Failed> {
        self.project = build::read(&self.arguments.folder)?;
        let built = build::build(&self.project, &self.host).await?;
        let settings = self.settings(&built.file)?;
        let loaded = self.host.load(built.bytes, settings).await;
        let loaded = loaded.map_err(|error| Failed::new(Exit::NotAPlugin, error))?;
        Ok(Loaded {
            plugin: Arc::new(Shown(loaded.plugin)),
            ..loaded
        })
    }

    fn settings(&self, plugin: &Path) -> Result<PluginSettings, Failed> {
        let usage = |error| Failed::new(Exit::Usage, error);
        let file = plugin.display().to_string();
        let mut settings = match self.entry(plugin)? {
            Some(entry) => plugins::settings(&entry, file),
            None => PluginSettings::new(file),
        };
        if let Some(config) = self.given().map_err(usage)? {
            settings.config = Some(config);
        }
        Ok(settings)
    }

    /// What `--config` is now: a file may have changed, while a pipe can be read once only.
    fn given(&self) -> anyhow::Result<Option<Document>> {
        let given = self.arguments.config.as_deref();
        let file = given.and_then(|given| given.strip_prefix('@')).map(Path::new);
        match file.is_some_and(Path::is_file) {
            true => given::config(given),
            false => Ok(self.given.clone()),
        }
    }

    /// What the folder's configuration says of the plugin.
    fn entry(&self, plugin: &Path) -> Result<Option<PluginConfig>, Failed> {
        let Some(file) = self.configuration() else {
            return Ok(None);
        };
        let loaded = config::load(Some(&file), None).map_err(|error| Failed::new(Exit::Usage, error))?;
        let plugin = plugin.canonicalize().ok();
        let is_it = |entry: &PluginConfig| Path::new(&entry.path).canonicalize().ok() == plugin;
        let entry = loaded.config.plugins.into_iter().find(is_it);
        if entry.is_none() {
            let (file, path) = (file.display(), self.project.plugin().display());
            tracing::warn!("{file} has no plugin whose `path` is {path}: it runs without that file's configuration");
        }
        Ok(entry)
    }

    fn configuration(&self) -> Option<PathBuf> {
        let file = self.project.at(Path::new(CONFIGURATION));
        file.exists().then_some(file)
    }

    /// Where what is served comes from.
    fn origin(&self) -> Origin {
        Origin::File(self.configuration().unwrap_or_else(|| self.project.at(Path::new(FILE))))
    }
}

/// The plugin without others.
fn alone(plugin: Loaded) -> Result<Plugins, Failed> {
    Ok(Plugins {
        pipeline: plugins::pipeline(vec![plugin], &Config::default())?,
        versions: Vec::new(),
        failed: Vec::new(),
    })
}

fn reloaded(plugins: &[Loaded]) -> String {
    let each = plugins.iter().map(|loaded| {
        let manifest = loaded.plugin.manifest();
        let time = output::duration(loaded.load_time);
        format!(
            "{GOOD}reloaded{GOOD:#} {HEADING}{}{HEADING:#}: {} {FAINT}(in {time}){FAINT:#}\n",
            manifest.name,
            manifest.hooks.join(", ")
        )
    });
    each.collect()
}
