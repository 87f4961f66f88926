//! `heimdall bench`: a pipeline on recorded requests, without a network.

mod timings;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use clap::Args;
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use serde_json::{Value, json};

use super::chosen::Chosen;
use super::observed::Observed;
use super::output::{self, BAD, FAINT, HEADING, WARNING};
use super::passage::{Ending, pass};
use super::recorded::Recorded;
use super::{Exit, Failed, given};
use crate::plugins::Plugins;
use crate::upstream::Routing;
use crate::{logging, plugins};
use timings::{Timing, Timings};

/// A plugin whose hooks are timed.
type Timed = Observed<Timings>;

const EXAMPLES: &str = "\
Examples:
  heimdall bench --requests requests.jsonl      the plugins that `serve` would load
  heimdall bench gateway.toml --requests requests.jsonl --count 1000
  heimdall bench gateway.toml --requests requests.jsonl --concurrency 4 --json

Each line of the file is the body of a call, or a whole request:
{\"method\", \"path\", \"query\", \"headers\", \"body\", \"response\"}.
`response` is what the upstream answered: a body, the text of a stream's events, or
{\"status\", \"headers\", \"body\"}; where there is none, the built-in echo answers.
No upstream is called, and none needs its key.

It ends with 0 when all requests were sent, 1 if a plugin can't be loaded or failed, 2 if the
configuration or the file of requests is wrong.";

/// Send recorded requests through the plugins, without upstreams: how long each plugin and hook takes
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    chosen: Chosen,

    /// The requests, one JSON object to a line
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,

    /// How many are sent, from the first line again after the last [default: each line once]
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// How many are under way at once
    #[arg(long, value_name = "REQUESTS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,

    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failed> {
    let usage = |error| Failed::new(Exit::Usage, error);
    let lines = logging::collect()?;
    let recorded = read(&arguments.requests).map_err(usage)?;
    let loaded = arguments.chosen.load()?;
    super::runtime()?.block_on(async {
        let host = plugins::host(&loaded.config)?;
        let plugins = plugins::load(&host, &loaded.config, &loaded.origin, None)
            .await
            .map_err(|failed| failed.with_log(lines.take()))?;
        if let Some(failed) = plugins.failed.first() {
            let problem = anyhow!("{}", failed.error).context(format!("the plugin `{}` can't be loaded", failed.name));
            return Err(Failed::new(Exit::Failed, problem).with_log(lines.take()));
        }
        let routing = Routing::of(&loaded.config).map_err(usage)?;
        let report = bench(arguments, routing, &plugins, recorded, &lines).await?;
        let printed = if arguments.json {
            output::print_json(&report.json())
        } else {
            output::print(&report.text())
        };
        plugins.pipeline.cleanup().await;
        printed?;
        Ok(if report.failures() == 0 { Exit::Ok } else { Exit::Failed })
    })
}

/// A request, and the line on which it stands.
struct Line {
    number: usize,
    recorded: Recorded,
}

fn read(file: &Path) -> anyhow::Result<Vec<Line>> {
    let name = file.display();
    let text = given::read_text(file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(index, line)| {
        let number = index + 1;
        let recorded = Recorded::parse(line.to_owned());
        recorded
            .map(|recorded| Line { number, recorded })
            .map_err(|problem| anyhow!("{name}:{number}: the request {problem}"))
    });
    let requests: Vec<Line> = read.collect::<Result<_, _>>()?;
    if requests.is_empty() {
        return Err(anyhow!(
            "the file {name} has no requests: each of its lines is to be one, as JSON"
        ));
    }
    Ok(requests)
}

struct Report {
    plugins: Vec<Arc<Timed>>,
    requests: u64,
    ended: u64,
    /// Those that called no model, and why the first of them did not.
    without_model: u64,
    why_without: Option<String>,
    elapsed: Duration,
}

async fn bench(
    arguments: &Arguments,
    routing: Routing,
    plugins: &Plugins,
    recorded: Vec<Line>,
    lines: &logging::Lines,
) -> Result<Report, Failed> {
    let (timed, wrapped): (Vec<_>, Vec<_>) = plugins
        .pipeline
        .plugins()
        .iter()
        .map(|loaded| Observed::wrap(loaded, Timings::default()))
        .unzip();
    let pipeline =
        Pipeline::new(wrapped, PipelineSettings::default()).map_err(|error| Failed::new(Exit::Usage, error))?;
    let requests = arguments.count.unwrap_or(recorded.len() as u64);
    let work = Arc::new(Work {
        pipeline: Arc::new(pipeline),
        routing,
        recorded,
        requests,
        next: AtomicU64::new(0),
        ended: AtomicU64::new(0),
        without_model: Mutex::default(),
        lines: lines.clone(),
    });
    let started = Instant::now();
    let workers: Vec<_> = (0..arguments.concurrency)
        .map(|_| tokio::spawn(work.clone().run()))
        .collect();
    for worker in workers {
        worker.await.context("a worker broke off")?;
    }
    let without = work.without_model.lock().unwrap_or_else(PoisonError::into_inner);
    let why_without = without
        .first
        .as_ref()
        .map(|(line, why)| format!("{}:{line}: the request {why}", arguments.requests.display()));
    Ok(Report {
        plugins: timed,
        requests,
        ended: work.ended.load(Ordering::Relaxed),
        without_model: without.count,
        why_without,
        elapsed: started.elapsed(),
    })
}

/// What workers share.
struct Work {
    pipeline: Arc<Pipeline>,
    routing: Routing,
    recorded: Vec<Line>,
    requests: u64,
    next: AtomicU64,
    ended: AtomicU64,
    without_model: Mutex<WithoutModel>,
    lines: logging::Lines,
}

/// Requests that called no model.
#[derive(Default)]
struct WithoutModel {
    count: u64,
    /// The line that stands first in the file, and why it called none.
    first: Option<(usize, String)>,
}

impl WithoutModel {
    fn add(&mut self, line: usize, why: String) {
        self.count += 1;
        if self.first.as_ref().is_none_or(|(first, _)| line < *first) {
            self.first = Some((line, why));
        }
    }
}

impl Work {
    async fn run(self: Arc<Self>) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.requests {
                return;
            }
            let place = usize::try_from(number).unwrap_or_default() % self.recorded.len().max(1);
            let Some(line) = self.recorded.get(place) else {
                return;
            };
            let id = format!("heimdall-bench-{number}");
            let choose = |model: &str| {
                let target = self.routing.choose(model)?.target;
                Some((target.upstream.to_string(), target.model.to_string()))
            };
            match pass(&self.pipeline, choose, &id, &line.recorded, &mut ()).await {
                Ending::Passed => {}
                Ending::Ended => {
                    self.ended.fetch_add(1, Ordering::Relaxed);
                }
                Ending::NoModel { why, .. } => {
                    let mut without = self.without_model.lock().unwrap_or_else(PoisonError::into_inner);
                    without.add(line.number, why);
                }
            }
            // What plugins write is part of their time, and nothing is done with it.
            self.lines.take();
        }
    }
}

impl Report {
    fn timings(&self) -> impl Iterator<Item = (String, Timing)> {
        self.plugins.iter().flat_map(|plugin| plugin.observer().by_hook())
    }

    fn failures(&self) -> u64 {
        self.timings().map(|(_, timing)| timing.failures).sum()
    }

    fn in_plugins(&self) -> Duration {
        self.timings().map(|(_, timing)| timing.times.total()).sum()
    }

    fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        use heimdall_host::plugin::Plugin as _;
        let name = |plugin: &Timed| output::printable(&plugin.manifest().name);
        let width = self.plugins.iter().map(|plugin| name(plugin).chars().count()).max();
        let width = width.unwrap_or(0).max("plugin".len());
        writeln!(
            out,
            "{HEADING}{:<width$}  {:<18} {:>8} {:>6} {:>10} {:>10} {:>10} {:>10} {:>6}{HEADING:#}",
            "plugin", "hook", "calls", "failed", "mean", "p50", "p99", "max", "share"
        )?;
        for plugin in &self.plugins {
            for (hook, timing) in plugin.observer().by_hook() {
                let told = timing.times.distribution();
                let [mean, p50, p99, max] = [told.mean, told.p50, told.p99, told.max].map(output::duration);
                let failed = format!("{:>6}", timing.failures);
                let failed = if timing.failures > 0 {
                    format!("{BAD}{failed}{BAD:#}")
                } else {
                    failed
                };
                writeln!(
                    out,
                    "{:<width$}  {hook:<18} {:>8} {failed} {mean:>10} {p50:>10} {p99:>10} {max:>10} {:>5.1}%",
                    name(plugin),
                    timing.times.count(),
                    self.share(timing.times.total()) * 100.0,
                )?;
            }
        }
        let per_request = self.in_plugins().div_f64(self.requests.max(1) as f64);
        writeln!(
            out,
            "{} requests in {}: {:.0} a second, {} in plugins for each; {} ended by a plugin",
            self.requests,
            output::duration(self.elapsed),
            self.per_second(),
            output::duration(per_request),
            self.ended,
        )?;
        if let Some(why) = &self.why_without {
            writeln!(
                out,
                "{WARNING}{} called no model{WARNING:#}, so that HTTP hooks alone saw them; the first: {}",
                self.without_model,
                output::printable(why)
            )?;
        }
        if let Some(first) = self
            .timings()
            .filter_map(|(_, timing)| timing.times.percentiles_of())
            .next()
        {
            writeln!(
                out,
                "{FAINT}percentiles are of the first {first} calls of a hook{FAINT:#}"
            )?;
        }
        writeln!(out, "{FAINT}times of a hook hold its waiting for an instance{FAINT:#}")
    }

    fn share(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.in_plugins().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn json(&self) -> Value {
        use heimdall_host::plugin::Plugin as _;
        let hooks = self.plugins.iter().flat_map(|plugin| {
            let timings = plugin.observer().by_hook().into_iter();
            timings.map(|(hook, timing)| {
                json!({
                    "plugin": &*plugin.manifest().name,
                    "hook": hook,
                    "calls": timing.times.count(),
                    "failed": timing.failures,
                    "time_us": timing.times.json(),
                    "share": self.share(timing.times.total()),
                })
            })
        });
        json!({
            "hooks": hooks.collect::<Vec<_>>(),
            "requests": self.requests,
            "ended_by_a_plugin": self.ended,
            "called_no_model": self.without_model,
            "why_no_model": self.why_without,
            "elapsed_us": output::microseconds(self.elapsed),
            "in_plugins_us": output::microseconds(self.in_plugins()),
            "requests_per_second": self.per_second(),
        })
    }
}
