//! What plugins did, from the host's counters.

use std::collections::BTreeSet;

use heimdall_host::counters::{CauseKind, Hook, HookCounts, Limit, Outcome, Wear};
use heimdall_host::loader::Loaded;
use heimdall_host::pipeline::BreakerState;
use heimdall_host::plugin::{HookSet, Usage};

use super::family::{Family, Labels};
use crate::plugins::Version;
use crate::server::App;

/// A plugin at one moment.
struct Seen<'a> {
    loaded: &'a Loaded,
    version: &'a Version,
    usage: Usage,
    /// Those that it has, and those that an earlier version of it had.
    hooks: Vec<(Hook, HookCounts)>,
}

impl<'a> Seen<'a> {
    fn new(loaded: &'a Loaded, version: &'a Version) -> Seen<'a> {
        let has = loaded.plugin.hooks();
        let counted = Hook::ALL.iter().map(|hook| (*hook, loaded.counters.hook(*hook)));
        Seen {
            loaded,
            version,
            usage: loaded.plugin.usage(),
            hooks: counted
                .filter(|(hook, counts)| has.intersects(set(*hook)) || counts.calls() > 0)
                .collect(),
        }
    }

    fn labels(&self, more: &[(&'static str, &str)]) -> Labels {
        let name = self.loaded.plugin.manifest().name.to_string();
        let more = more.iter().map(|(label, value)| (*label, (*value).to_owned()));
        [("plugin", name)].into_iter().chain(more).collect()
    }

    /// For each hook and each of these a number.
    fn by_hook<T: Copy>(
        &self,
        label: &'static str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
        count: impl Fn(&HookCounts, T) -> u64,
    ) -> Vec<(Labels, u64)> {
        let mut series = Vec::new();
        for (hook, counts) in &self.hooks {
            for one in all {
                let labels = self.labels(&[("hook", hook.name()), (label, name(*one))]);
                series.push((labels, count(counts, *one)));
            }
        }
        series
    }
}

/// The ways of a plugin to have a hook.
fn set(hook: Hook) -> HookSet {
    match hook {
        Hook::OnRequest => HookSet::HTTP_REQUEST,
        Hook::BeforeCall => HookSet::PRE_LLM,
        Hook::AfterCall => HookSet::POST_LLM | HookSet::POST_LLM_STREAMED,
        Hook::OnResponse => HookSet::HTTP_RESPONSE,
        Hook::AfterChunk => HookSet::POST_LLM_CHUNK,
        Hook::OnChunk => HookSet::CHUNK,
        Hook::OnEnd => HookSet::END,
    }
}

pub(super) fn families(app: &App) -> Vec<Family> {
    let plugins = app.pipeline.plugins().iter().zip(&app.versions);
    let all: Vec<Seen<'_>> = plugins.map(|(loaded, version)| Seen::new(loaded, version)).collect();
    let mut families = states(app, &all);
    families.extend(hooks(&all));
    families.extend(instances(&all));
    families
}

fn states(app: &App, all: &[Seen<'_>]) -> Vec<Family> {
    let info = |seen: &Seen<'_>| {
        let manifest = seen.loaded.plugin.manifest();
        let labels = [
            ("version", manifest.version.as_str()),
            ("kind", manifest.kind.as_str()),
            ("sha256", seen.version.sha256.as_str()),
        ];
        (seen.labels(&labels), 1)
    };
    let circuit = |seen: &Seen<'_>| match seen.loaded.breaker.state() {
        BreakerState::Closed { .. } => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open { .. } => 2,
    };
    // One file may be there twice, and fail twice.
    let failed: BTreeSet<&str> = app.failed.iter().map(|failed| failed.name.as_str()).collect();
    let failed = failed.into_iter().map(|name| (vec![("plugin", name.to_owned())], 0));
    vec![
        Family::gauge(
            "heimdall_plugin_info",
            "The plugins that serve, and their versions",
            all.iter().map(info),
        ),
        Family::gauge(
            "heimdall_plugin_loaded",
            "Whether a plugin of the configuration is loaded",
            all.iter().map(|seen| (seen.labels(&[]), 1)).chain(failed),
        ),
        Family::gauge(
            "heimdall_plugin_enabled",
            "Whether a plugin takes part in requests, or is disabled by its operator",
            all.iter()
                .map(|seen| (seen.labels(&[]), u64::from(seen.loaded.switch.is_on()))),
        ),
        Family::gauge(
            "heimdall_plugin_circuit_state",
            "Whether a plugin is called: 0 it is (closed), 1 one call tries it (half-open), 2 it is not (open)",
            all.iter().map(|seen| (seen.labels(&[]), circuit(seen))),
        ),
    ]
}

fn hooks(all: &[Seen<'_>]) -> Vec<Family> {
    let times = |seen: &Seen<'_>| -> Vec<_> {
        let hooks = seen.hooks.iter();
        hooks
            .map(|(hook, counts)| (seen.labels(&[("hook", hook.name())]), counts.time.clone()))
            .collect()
    };
    let limits = |seen: &Seen<'_>| -> Vec<_> {
        let limits = Limit::ALL.iter();
        limits
            .map(|limit| {
                let labels = seen.labels(&[("limit", limit.name())]);
                (labels, seen.loaded.counters.overruns(*limit))
            })
            .collect()
    };
    vec![
        Family::counter(
            "heimdall_plugin_calls",
            "Hooks of plugins, by what they came to",
            all.iter()
                .flat_map(|seen| seen.by_hook("outcome", Outcome::ALL, Outcome::name, HookCounts::outcome)),
        ),
        Family::counter(
            "heimdall_plugin_failures",
            "Hooks of plugins that failed, by their cause",
            all.iter()
                .flat_map(|seen| seen.by_hook("cause", CauseKind::ALL, CauseKind::name, HookCounts::failure)),
        ),
        Family::histogram(
            "heimdall_plugin_duration_seconds",
            "How long hooks of plugins took, waiting for an instance included",
            all.iter().flat_map(times),
        ),
        Family::counter(
            "heimdall_plugin_limit_exceeded",
            "How often a plugin ran over one of its limits",
            all.iter().flat_map(limits),
        ),
    ]
}

fn instances(all: &[Seen<'_>]) -> Vec<Family> {
    let states = |seen: &Seen<'_>| {
        let idle = seen.usage.live.saturating_sub(seen.usage.busy);
        [("idle", idle), ("busy", seen.usage.busy)]
            .map(|(state, count)| (seen.labels(&[("state", state)]), count as u64))
    };
    let recycled = |seen: &Seen<'_>| -> Vec<_> {
        let reasons = Wear::ALL.iter();
        reasons
            .map(|wear| {
                let labels = seen.labels(&[("reason", wear.name())]);
                (labels, seen.loaded.counters.instances_recycled(*wear))
            })
            .collect()
    };
    vec![
        Family::gauge(
            "heimdall_plugin_instances",
            "Instances of a plugin",
            all.iter().flat_map(states),
        ),
        Family::counter(
            "heimdall_plugin_instances_made",
            "Instances of a plugin that were made",
            all.iter()
                .map(|seen| (seen.labels(&[]), seen.loaded.counters.instances_made())),
        ),
        Family::counter(
            "heimdall_plugin_instances_recycled",
            "Instances that made way for a fresh one before they would have failed, by the reason",
            all.iter().flat_map(recycled),
        ),
        Family::counter(
            "heimdall_plugin_instances_discarded",
            "Instances that were thrown away after a call that did not return",
            all.iter()
                .map(|seen| (seen.labels(&[]), seen.loaded.counters.instances_discarded())),
        ),
        Family::gauge(
            "heimdall_plugin_memory_bytes",
            "The most memory that an instance had when it came back from a call, in bytes",
            all.iter().map(|seen| (seen.labels(&[]), seen.usage.memory as u64)),
        ),
        Family::gauge(
            "heimdall_plugin_waiting",
            "Calls that wait for an instance",
            all.iter().map(|seen| (seen.labels(&[]), seen.usage.waiting as u64)),
        ),
    ]
}
