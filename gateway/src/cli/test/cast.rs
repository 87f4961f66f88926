//! The plugins of the cases: each is loaded once for each configuration that it is given.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use heimdall_host::failure::Failure;
use heimdall_host::limits::Limits;
use heimdall_host::loader::{Host, LoadError, Loaded, PluginSettings, Prepared};
use heimdall_host::pipeline::{BreakerSettings, Pipeline, PipelineSettings};
use heimdall_host::plugin::HookSet;

use super::case::{Case, Neighbour, Outcome};
use super::json::Json;
use crate::cli::observed::{Decision, Observed, Observer};
use crate::cli::{Exit, Failed, given};
use crate::config::Config;
use crate::plugins;

/// What the plugins decided since the last time.
#[derive(Clone, Default)]
pub(super) struct Decisions(Arc<Mutex<Decided>>);

#[derive(Default)]
pub(super) struct Decided {
    /// The one that counts: a failure above all.
    pub(super) outcome: Option<Outcome>,
    /// The failures, in words.
    pub(super) failures: Vec<String>,
}

impl Decisions {
    pub(super) fn take(&self) -> Decided {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Decisions {
    fn called(&self, _hook: HookSet, _time: Duration, came: Result<Decision, &Failure>) {
        let outcome = match came {
            Ok(Decision::GoOn) => return,
            Ok(Decision::Respond) => Outcome::Responded,
            Ok(Decision::Answer) => Outcome::Answered,
            Ok(Decision::Refuse) => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        let mut decided = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        decided.outcome = decided.outcome.max(Some(outcome));
        decided.failures.extend(came.err().map(ToString::to_string));
    }
}

/// Which plugin it is, and how it is set up.
#[derive(PartialEq, Eq, Hash)]
struct Part {
    file: PathBuf,
    name: Option<String>,
    config: Option<Json>,
}

/// All plugins, and what loads them.
pub(super) struct Cast {
    host: Host,
    /// The plugin under test.
    file: PathBuf,
    limits: Limits,
    /// Each file, compiled.
    files: HashMap<PathBuf, Prepared>,
    loaded: HashMap<Part, Result<Loaded, String>>,
    decisions: Decisions,
}

/// Why there is no pipeline for a case.
pub(super) enum NoPipeline {
    /// The plugin under test could not be loaded with its configuration.
    NotLoaded(String),
    Failed(Failed),
}

impl Cast {
    /// Reads the plugin under test.
    ///
    /// # Errors
    /// When it is no plugin.
    pub(super) async fn new(file: &Path, limits: Limits) -> Result<Cast, Failed> {
        let bytes = given::read_plugin(file).await;
        let bytes = bytes.map_err(|error| Failed::new(Exit::Usage, error))?;
        let host = plugins::host(&Config::default())?;
        let prepared = host.prepare(&file.display().to_string(), bytes, &limits).await;
        let prepared = prepared.map_err(|error| {
            let exit = match &error {
                LoadError::Compile { .. } => Exit::Failed,
                _ => Exit::NotAPlugin,
            };
            Failed::new(exit, error)
        })?;
        Ok(Cast {
            host,
            file: file.to_owned(),
            limits,
            files: [(file.to_owned(), prepared)].into(),
            loaded: HashMap::new(),
            decisions: Decisions::default(),
        })
    }

    pub(super) fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// The name of the plugin under test, as it is set up in this case.
    pub(super) fn name(&self, case: &Case) -> String {
        let loaded = self.loaded.get(&self.under_test(case));
        let loaded = loaded.and_then(|loaded| loaded.as_ref().ok());
        loaded.map_or_else(String::new, |loaded| loaded.plugin.manifest().name.to_string())
    }

    fn under_test(&self, case: &Case) -> Part {
        Part {
            file: self.file.clone(),
            name: None,
            config: case.config.clone(),
        }
    }

    /// The pipeline of a case.
    pub(super) async fn pipeline(&mut self, case: &Case) -> Result<Arc<Pipeline>, NoPipeline> {
        let mut plugins = Vec::new();
        for neighbour in &case.before {
            plugins.push(self.neighbour(case, neighbour).await?);
        }
        let part = self.under_test(case);
        plugins.push(self.load(part).await.map_err(NoPipeline::NotLoaded)?);
        for neighbour in &case.after {
            plugins.push(self.neighbour(case, neighbour).await?);
        }
        let pipeline = Pipeline::new(plugins, PipelineSettings::default());
        pipeline.map(Arc::new).map_err(|error| wrong(case, error.to_string()))
    }

    /// Loads what stands around the plugin under test in these cases, so that what is missing is told before any runs.
    ///
    /// # Errors
    /// When one can't be had.
    pub(super) async fn gather(&mut self, cases: &[Case]) -> Result<(), Failed> {
        for case in cases {
            for neighbour in case.before.iter().chain(&case.after) {
                match self.neighbour(case, neighbour).await {
                    Err(NoPipeline::Failed(failed)) => return Err(failed),
                    // The plugin under test is not asked for.
                    Ok(_) | Err(NoPipeline::NotLoaded(_)) => {}
                }
            }
        }
        Ok(())
    }

    async fn neighbour(&mut self, case: &Case, neighbour: &Neighbour) -> Result<Loaded, NoPipeline> {
        let Neighbour { path, name, config } = neighbour.clone();
        if !self.files.contains_key(&path) {
            let bytes = given::read_plugin(&path).await;
            let bytes = bytes.map_err(|error| wrong(case, format!("{error:#}")))?;
            let prepared = self
                .host
                .prepare(&path.display().to_string(), bytes, &Limits::default())
                .await;
            let prepared = prepared.map_err(|error| wrong(case, format!("{:#}", anyhow!(error))))?;
            self.files.insert(path.clone(), prepared);
        }
        let part = Part {
            file: path,
            name,
            config,
        };
        self.load(part).await.map_err(|error| wrong(case, error))
    }

    async fn load(&mut self, part: Part) -> Result<Loaded, String> {
        if let Some(loaded) = self.loaded.get(&part) {
            return loaded.clone();
        }
        let loaded = self.load_anew(&part).await;
        self.loaded.insert(part, loaded.clone());
        loaded
    }

    async fn load_anew(&self, part: &Part) -> Result<Loaded, String> {
        let Part { file, name, config } = part;
        let limits = match *file == self.file {
            true => self.limits.clone(),
            false => Limits::default(),
        };
        let settings = PluginSettings {
            name: name.clone(),
            config: config.as_ref().map(Json::document).transpose()?,
            limits,
            // A case tells what a hook does, however often it has failed before.
            breaker: BreakerSettings {
                failures: 0,
                ..BreakerSettings::default()
            },
            ..PluginSettings::new(file.display().to_string())
        };
        let prepared = self.files.get(file).ok_or("it was not read")?;
        let loaded = prepared.load(settings).await;
        let loaded = loaded.map_err(|error| format!("{:#}", anyhow!(error)))?;
        let (_, observed) = Observed::wrap(&loaded, self.decisions.clone());
        Ok(observed)
    }

    /// Ends all plugins.
    pub(super) async fn cleanup(&self) {
        for loaded in self.loaded.values().flatten() {
            loaded.plugin.cleanup().await;
        }
    }
}

fn wrong(case: &Case, problem: String) -> NoPipeline {
    let error = anyhow!("{}: the case `{}`: {problem}", case.place, case.name);
    NoPipeline::Failed(Failed::new(Exit::Usage, error))
}
