//! `heimdall build`: from a plugin's sources to a file that the host is known to run.

mod component;
mod tools;
mod watch;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use clap::Args;
use heimdall_host::loader::{Host, Inspection, LoadError, Loaded, PluginSettings};

use super::output::{self, FAINT, GOOD, HEADING, WARNING, printable};
use super::project::{FILE, Project};
use super::signals::{self, Signals};
use super::{Exit, Failed};
use crate::config::Config;
use crate::{files, logging, plugins};
pub(super) use watch::Watch;

/// The configuration of a plugin that is tried out, in its folder.
pub(super) const CONFIGURATION: &str = "heimdall.toml";

const EXAMPLES: &str = "\
Examples:
  heimdall build                    the plugin in this folder
  heimdall build my-plugin          the one in another
  heimdall build my-plugin --watch  again whenever one of its files changes

What is built and how stands in the folder's heimdall.plugin.toml, which `heimdall new` writes. What the build prints is
passed through. The result is made a component where the file says so, checked against the contract, and loaded once.

It ends with 0 when the plugin is built, 1 if a tool is not there or the build fails, 2 if heimdall.plugin.toml is wrong, 3 if
what was built is no plugin. With `--watch` it goes on until SIGINT or SIGTERM.";

/// Build a plugin by its language's own tools, and check what comes out
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// Build anew whenever a file changes
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let lines = logging::collect()?;
    let runtime = super::runtime()?;
    let exit = runtime.block_on(async {
        let signals = signals::listen()?;
        let host = plugins::host(&Config::default())?;
        if arguments.watch {
            return repeat(&arguments.folder, &host, &signals, &lines).await;
        }
        let built = once(&arguments.folder, &host, &signals).await;
        built.map_err(|failed| failed.with_log(lines.take()))
    });
    runtime.shutdown_background();
    exit
}

async fn repeat(folder: &Path, host: &Host, signals: &Signals, lines: &logging::Lines) -> Result<Exit, Failed> {
    let mut project = read(folder)?;
    // Before the first build, so that no change is missed.
    let mut watch = tokio::select! {
        watch = Watch::new(&project) => watch?,
        () = signals.stop.cancelled() => return Ok(Exit::Ok),
    };
    loop {
        let built = match read(folder) {
            Ok(changed) => {
                project = changed;
                once(folder, host, signals).await
            }
            Err(failed) => Err(failed),
        };
        if let Err(failed) = built {
            failed.with_log(lines.take()).tell(false);
        }
        if signals.stop.is_cancelled() {
            return Ok(Exit::Ok);
        }
        output::note(&format!(
            "{FAINT}waiting for a change in {}{FAINT:#}\n",
            printable(&folder.display().to_string())
        ));
        tokio::select! {
            changed = watch.changed(&project) => told(&changed?),
            () = signals.stop.cancelled() => return Ok(Exit::Ok),
        }
    }
}

/// Says what is built anew for.
pub(super) fn told(changed: &Path) {
    let file = printable(&changed.display().to_string());
    output::note(&format!("{FAINT}{file} changed{FAINT:#}\n"));
}

/// Builds, tries and tells.
async fn once(folder: &Path, host: &Host, signals: &Signals) -> Result<Exit, Failed> {
    let project = read(folder)?;
    let done = async {
        let built = build(&project, host).await?;
        let tried = built.try_out(host).await?;
        output::print(&built.text(&project, &tried))?;
        Ok(Exit::Ok)
    };
    tokio::select! {
        done = done => done,
        () = signals.stop.cancelled() => Ok(Exit::Interrupted),
    }
}

/// What the folder says of its build.
pub(super) fn read(folder: &Path) -> Result<Project, Failed> {
    Project::read(folder).map_err(|error| Failed::new(Exit::Usage, error))
}

/// A plugin that was built.
pub(super) struct Built {
    /// Where it is.
    pub(super) file: PathBuf,
    pub(super) bytes: Bytes,
    inspection: Inspection,
    time: Duration,
}

/// What came of loading it without a configuration.
struct Tried {
    loads_in: Option<Duration>,
    notes: Vec<String>,
}

/// Builds a plugin: its tools, the build, the component, a look at what came out.
///
/// # Errors
/// In words, with what to do.
pub(super) async fn build(project: &Project, host: &Host) -> Result<Built, Failed> {
    let started = Instant::now();
    tools::check(project).await?;
    tools::run(project).await?;
    let output = project.at(&project.output);
    let made = files::read_regular(&output, plugins::MAX_FILE as u64).map_err(|error| match error.is_missing() {
        true => anyhow!(
            "the build made no {} (`output` in {FILE} says where it is)",
            output.display()
        ),
        false => anyhow!("the file {} {error}", output.display()),
    })?;
    let (file, bytes) = match &project.component {
        None => (output, Bytes::from(made)),
        Some(component) => {
            let encoded = component::encode(project, component, made);
            let bytes = encoded.map_err(|error| Failed::new(Exit::NotAPlugin, error))?;
            let file = project.at(&component.file);
            std::fs::write(&file, &bytes).with_context(|| format!("{} can't be written", file.display()))?;
            (file, bytes)
        }
    };
    let name = file.display().to_string();
    let inspection = host
        .inspect(&name, &bytes)
        .await
        .map_err(|error| Failed::new(Exit::NotAPlugin, error))?;
    Ok(Built {
        file,
        bytes,
        inspection,
        time: started.elapsed(),
    })
}

impl Built {
    /// Loads it. That it wants a configuration keeps it from nothing.
    async fn try_out(&self, host: &Host) -> Result<Tried, Failed> {
        let name = self.file.display().to_string();
        match host.load(self.bytes.clone(), PluginSettings::new(&name)).await {
            Ok(Loaded { plugin, load_time, .. }) => {
                plugin.cleanup().await;
                Ok(Tried {
                    loads_in: Some(load_time),
                    notes: plugin.manifest().notes.clone(),
                })
            }
            Err(error) if wants_configuration(&error) => {
                let mut notes = self.inspection.notes.clone();
                notes.push(format!("without a configuration it does not start: {error}"));
                Ok(Tried { loads_in: None, notes })
            }
            Err(error) => Err(Failed::new(Exit::NotAPlugin, error)),
        }
    }

    fn text(&self, project: &Project, tried: &Tried) -> String {
        let Inspection {
            kind, version, hooks, ..
        } = &self.inspection;
        let file = printable(&self.file.display().to_string());
        let mut text = format!("{GOOD}built{GOOD:#} {HEADING}{file}{HEADING:#}: {kind}, {version}\n");
        let mut line = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name:<6} {}", printable(value));
        };
        line(
            "hooks",
            &if hooks.is_empty() {
                "none".to_owned()
            } else {
                hooks.join(", ")
            },
        );
        line("size", &size(self.inspection.size));
        let loads = tried
            .loads_in
            .map(|time| format!(", loads in {}", output::duration(time)));
        line(
            "time",
            &format!("built in {}{}", output::duration(self.time), loads.unwrap_or_default()),
        );
        if let Some(test) = &project.test {
            line("tests", test);
        }
        for note in &tried.notes {
            let _ = writeln!(text, "  {WARNING}note{WARNING:#}   {}", printable(note));
        }
        text
    }
}

/// Whether it is only its configuration that a plugin lacks.
fn wants_configuration(error: &LoadError) -> bool {
    match error {
        LoadError::InvalidConfig { .. } => true,
        LoadError::Start(failure) => failure.hook == "init" && failure.cause.keeps_instance(),
        _ => false,
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
