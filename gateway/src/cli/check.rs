//! `heimdall check`: what would serve, without serving.

use std::fmt::Write as _;

use clap::Args;
use heimdall_host::loader::{FailurePolicy, Loaded};
use heimdall_host::plugin::HookSet;
use serde::Serialize;

use super::chosen::Chosen;
use super::front::Front;
use super::hooks::{HOOKS, Part};
use super::output::{self, BAD, FAINT, GOOD, HEADING, WARNING, indented, printable};
use super::{Exit, Failed};
use crate::config::{Config, Origin};
use crate::logging;
use crate::plugins::{self, Plugins};
use crate::upstream::Upstreams;

const EXAMPLES: &str = "\
Examples:
  heimdall check                                    the configuration that `serve` would use
  heimdall check gateway.toml
  heimdall check gateway.toml --deny-warnings       for CI that is to end where something is doubtful
  heimdall check --json gateway.toml

Plugins are loaded and configured as `serve` does it; no address is listened on, and no upstream is
called. It ends with 0 if all is in order, 1 if a plugin can't be loaded (also where `serve` would
go on without it), 2 if the configuration is wrong, or has warnings and `--deny-warnings` was given.";

/// Check a configuration: load its plugins, and tell what would serve and in which order
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    chosen: Chosen,

    /// A warning counts as a mistake
    #[arg(long)]
    deny_warnings: bool,

    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Report {
    ok: bool,
    configuration: String,
    /// What keeps it from serving as it is written.
    errors: Vec<String>,
    warnings: Vec<String>,
    listen: Option<String>,
    plugins: Vec<PluginReport>,
    hooks: Vec<HookReport>,
    upstreams: Vec<UpstreamReport>,
    default_upstream: Option<String>,
    /// Where models go that name no upstream, in the order in which it is looked at.
    routes: Vec<String>,
    passthrough: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PluginReport {
    name: String,
    file: String,
    kind: String,
    version: String,
    on_failure: FailurePolicy,
    hooks: Vec<String>,
    notes: Vec<String>,
    load_ms: u128,
}

/// The plugins that a hook calls, in order.
#[derive(Debug, Serialize)]
struct HookReport {
    hook: String,
    plugins: Vec<String>,
}

#[derive(Debug, Serialize)]
struct UpstreamReport {
    name: String,
    summary: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let lines = logging::collect()?;
    let mut report = Report::default();
    let mut exit = match super::runtime()?.block_on(check(arguments, &mut report)) {
        Ok(exit) => exit,
        Err(Failed { exit, error, .. }) => {
            report.errors.push(format!("{error:#}"));
            exit
        }
    };
    let logged = lines
        .take()
        .into_iter()
        .filter(|line| matches!(line.level, "WARN" | "ERROR"));
    report.warnings.extend(logged.map(|line| match line.fields.as_str() {
        "" => line.message,
        fields => format!("{} ({fields})", line.message),
    }));
    if exit == Exit::Ok && arguments.deny_warnings && !report.warnings.is_empty() {
        exit = Exit::Usage;
    }
    report.ok = exit == Exit::Ok;
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.text())?;
    }
    Ok(exit)
}

async fn check(arguments: &Arguments, report: &mut Report) -> Result<Exit, Failed> {
    report.configuration = match arguments.chosen.file() {
        Some(file) => file.display().to_string(),
        None => "the configuration".to_owned(),
    };
    let loaded = arguments.chosen.load()?;
    report.configuration = from(&loaded.origin);
    report.warnings.extend(loaded.warnings.iter().map(ToString::to_string));
    let config = &loaded.config;
    let front = Front::new(config.clone())?;
    report.describe(config, front.upstreams());
    let plugins = plugins::load_all(config, &loaded.origin).await?;
    report.add_plugins(&plugins);
    report.warnings.extend(plugins::unseen(config, &plugins.pipeline));
    plugins.pipeline.cleanup().await;
    Ok(if plugins.failed.is_empty() {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

impl Report {
    fn describe(&mut self, config: &Config, upstreams: &Upstreams) {
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        self.listen = Some(format!("{scheme}://{}", config.listen));
        self.upstreams = upstreams
            .summaries()
            .map(|(name, summary)| UpstreamReport {
                name: name.to_owned(),
                summary,
            })
            .collect();
        self.default_upstream.clone_from(&config.default_upstream);
        let aliases = config.aliases.iter().map(|(alias, to)| format!("{alias} → {to}"));
        let rules = config.routes.iter().map(|route| {
            let model = route
                .model
                .as_ref()
                .map(|model| format!("/{model}"))
                .unwrap_or_default();
            let fallbacks = route.fallbacks.iter().flatten().map(|to| format!(", else {to}"));
            let fallbacks: String = fallbacks.collect();
            format!("{} → {}{model}{fallbacks}", route.models.join(", "), route.upstream)
        });
        self.routes = aliases.chain(rules).collect();
        self.passthrough = config.passthrough.iter().map(|passed| passed.path.clone()).collect();
    }

    fn add_plugins(&mut self, plugins: &Plugins) {
        let loaded = plugins.pipeline.plugins();
        self.plugins = loaded.iter().map(PluginReport::new).collect();
        let names = |hook: HookSet| {
            let having = loaded.iter().filter(move |loaded| loaded.plugin.hooks().contains(hook));
            having.map(|loaded| loaded.plugin.manifest().name.to_string())
        };
        let hooks = HOOKS.iter().map(|row| HookReport {
            hook: match row.part {
                Part::Whole => row.name.to_owned(),
                Part::Chunk => format!("{} of each chunk", row.name),
                Part::Streamed => format!("{} of a stream", row.name),
            },
            plugins: if row.reverse {
                names(row.set).rev().collect()
            } else {
                names(row.set).collect()
            },
        });
        self.hooks = hooks.filter(|hook| !hook.plugins.is_empty()).collect();
        let failed = plugins
            .failed
            .iter()
            .map(|failed| format!("the plugin `{}` can't be loaded: {}", failed.name, failed.error));
        self.errors.extend(failed);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (style, verdict) = match (self.errors.is_empty(), self.ok) {
            (false, _) => (BAD, "can't serve as it is written"),
            (true, false) => (WARNING, "is in order but for its warnings, which are denied"),
            (true, true) => (GOOD, "is in order"),
        };
        writeln!(
            out,
            "{HEADING}{}{HEADING:#} {style}{verdict}{style:#}",
            printable(&self.configuration)
        )?;
        if let Some(listen) = &self.listen {
            writeln!(out, "  listens on   {listen}")?;
        }
        for upstream in &self.upstreams {
            let is_default = self.default_upstream.as_deref() == Some(&upstream.name);
            let default = if is_default { " (default)" } else { "" };
            let (name, summary) = (printable(&upstream.name), printable(&upstream.summary));
            writeln!(out, "  upstream     {name}: {summary}{default}")?;
        }
        for route in &self.routes {
            writeln!(out, "  models       {}", printable(route))?;
        }
        for path in &self.passthrough {
            writeln!(out, "  passthrough  {}", printable(path))?;
        }
        for plugin in &self.plugins {
            plugin.write(out)?;
        }
        for hook in &self.hooks {
            writeln!(
                out,
                "  hook         {}: {}",
                hook.hook,
                printable(&hook.plugins.join(", "))
            )?;
        }
        for warning in &self.warnings {
            writeln!(out, "{WARNING}warning{WARNING:#}: {}", indented(warning))?;
        }
        for error in &self.errors {
            writeln!(out, "{BAD}error{BAD:#}: {}", indented(error))?;
        }
        Ok(())
    }
}

impl PluginReport {
    fn new(loaded: &Loaded) -> PluginReport {
        let manifest = loaded.plugin.manifest();
        PluginReport {
            name: manifest.name.to_string(),
            file: manifest.file.to_string(),
            kind: manifest.kind.clone(),
            version: manifest.version.clone(),
            on_failure: loaded.on_failure,
            hooks: manifest.hooks.clone(),
            notes: manifest.notes.clone(),
            load_ms: loaded.load_time.as_millis(),
        }
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let [name, file, kind, version] =
            [&self.name, &self.file, &self.kind, &self.version].map(|text| printable(text));
        writeln!(out, "  plugin       {name}: {kind}, {version} {FAINT}{file}{FAINT:#}")?;
        if self.on_failure == FailurePolicy::Open {
            writeln!(out, "    on_failure open: if it fails, requests go on without it")?;
        }
        for note in &self.notes {
            writeln!(out, "    note       {}", printable(note))?;
        }
        Ok(())
    }
}

/// Where the configuration comes from, in words.
fn from(origin: &Origin) -> String {
    match origin {
        Origin::File(file) => file.display().to_string(),
        Origin::Environment => "the environment".to_owned(),
        Origin::BuiltIn => "the built-in configuration".to_owned(),
    }
}
