//! What the admin interface tells of plugins, and does to them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use heimdall_host::counters::{CauseKind, Counters, Hook, Limit, Outcome};
use heimdall_host::loader::Loaded;
use heimdall_host::pipeline::BreakerState;
use serde_json::{Map, Value, json};

use super::{Admin, answers};
use crate::plugins::{FailedPlugin, Version};
use crate::server::App;

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Response {
    let app = admin.live.app();
    let failed = app.failed.iter().map(failed);
    answers::document(&json!({
        "plugins": serving(&app).chain(failed).collect::<Vec<_>>(),
        // Of every version that has requests yet, too.
        "live_stores": admin.host.runtime().live().stores,
    }))
}

pub(super) async fn one(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Response {
    let app = admin.live.app();
    let mut all = serving(&app).chain(app.failed.iter().map(failed));
    match all.find(|plugin| plugin["name"] == *name) {
        Some(plugin) => answers::document(&plugin),
        None => answers::no_such_plugin(&name),
    }
}

pub(super) async fn disable(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Response {
    turn(&admin, &name, false)
}

pub(super) async fn enable(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Response {
    turn(&admin, &name, true)
}

/// Turns a plugin off or on, for requests that begin from here on, and for versions of it that follow.
fn turn(admin: &Admin, name: &str, on: bool) -> Response {
    let app = admin.live.app();
    let mut all = app.pipeline.plugins().iter().zip(&app.versions);
    let Some((loaded, version)) = all.find(|(loaded, _)| *loaded.plugin.manifest().name == *name) else {
        return answers::no_such_plugin(name);
    };
    if loaded.switch.is_on() != on {
        match on {
            true => loaded.switch.turn_on(),
            false => loaded.switch.turn_off(),
        }
        let plugin = &*loaded.plugin.manifest().name;
        match on {
            true => tracing::info!(plugin, "enabled: requests pass it again"),
            false => tracing::warn!(
                plugin,
                "disabled: requests pass as if it were not there, whatever its `on_failure`"
            ),
        }
    }
    answers::document(&plugin(loaded, version))
}

fn serving(app: &App) -> impl Iterator<Item = Value> {
    let plugins = app.pipeline.plugins().iter();
    plugins
        .zip(&app.versions)
        .map(|(loaded, version)| plugin(loaded, version))
}

fn plugin(loaded: &Loaded, version: &Version) -> Value {
    let manifest = loaded.plugin.manifest();
    let usage = loaded.plugin.usage();
    json!({
        "name": *manifest.name,
        "file": *manifest.file,
        "kind": manifest.kind,
        "version": manifest.version,
        "sha256": version.sha256,
        "loaded": httpdate::fmt_http_date(version.loaded),
        "state": state(loaded),
        "on_failure": loaded.on_failure,
        "hooks": manifest.hooks,
        "calls": calls(&loaded.counters),
        "limits_exceeded": limits(&loaded.counters),
        "breaker": breaker(loaded),
        "instances": {
            "made": usage.made,
            "most": usage.most,
            "live": usage.live,
            "busy": usage.busy,
            "waiting": usage.waiting,
            "recycled": usage.recycled,
            "discarded": usage.discarded,
        },
        "memory_bytes": usage.memory,
    })
}

fn state(loaded: &Loaded) -> &'static str {
    match loaded.breaker.state() {
        _ if !loaded.switch.is_on() => "disabled",
        BreakerState::Closed { .. } => "serving",
        BreakerState::Open { .. } => "circuit-open",
        BreakerState::HalfOpen => "circuit-half-open",
    }
}

fn breaker(loaded: &Loaded) -> Value {
    let trips = loaded.breaker.trips();
    match loaded.breaker.state() {
        BreakerState::Closed { failures } => json!({"trips": trips, "failures_in_a_row": failures}),
        BreakerState::HalfOpen => json!({"trips": trips}),
        BreakerState::Open { left } => json!({"trips": trips, "tried_again_in_ms": left.as_millis()}),
    }
}

/// Calls by hook: by outcome, and those that failed by cause. What never was is left out.
fn calls(counters: &Counters) -> Value {
    let hooks = Hook::ALL.iter().filter_map(|hook| {
        let counts = counters.hook(*hook);
        let outcomes = Outcome::ALL
            .iter()
            .map(|outcome| (outcome.name(), counts.outcome(*outcome)));
        let causes = CauseKind::ALL
            .iter()
            .map(|cause| (cause.name(), counts.failure(*cause)));
        (counts.calls() > 0).then(|| {
            let told =
                json!({"total": counts.calls(), "outcomes": above_zero(outcomes), "failures": above_zero(causes)});
            (hook.name().to_owned(), told)
        })
    });
    Value::Object(hooks.collect())
}

fn limits(counters: &Counters) -> Value {
    above_zero(Limit::ALL.iter().map(|limit| (limit.name(), counters.overruns(*limit))))
}

fn above_zero(counts: impl Iterator<Item = (&'static str, u64)>) -> Value {
    let counts = counts.filter(|(_, count)| *count > 0);
    let counts: Map<String, Value> = counts.map(|(name, count)| (name.to_owned(), count.into())).collect();
    Value::Object(counts)
}

fn failed(failed: &FailedPlugin) -> Value {
    json!({"name": failed.name, "state": "failed", "error": failed.error})
}
