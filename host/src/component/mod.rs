//! Typed plugins: components that implement the contract in `wit/`.
//!
//! A typed plugin exports `heimdall:plugin/lifecycle` and one interface per hook. Which hooks are there is looked up
//! once, when it is loaded; what it lacks is never called. Requests, responses and chunks stay in the host and are lent
//! to the guest for a call, so that a hook pays for what it touches.
//!
//! ```
//! use heimdall_host::component::Typed;
//! use heimdall_host::loader::{Abi, Import, Item};
//!
//! let interface = |name: &str| Import { module: name.into(), name: String::new(), item: Item::Instance };
//! assert!(Typed.offers(&interface("heimdall:plugin/llm-types@0.1.0")));
//! assert!(Typed.offers(&interface("wasi:random/random@0.2.3")));
//! assert!(!Typed.offers(&interface("wasi:http/outgoing-handler@0.2.3")));
//! ```

mod contract;
mod imports;
mod interfaces;
mod plugin;
mod schema;
mod state;
mod v0_1;

use std::sync::Arc;

use async_trait::async_trait;

use crate::failure::{Cause, Failure};
use crate::loader::{
    Abi, Artifact, Candidate, ComponentShape, Import, Isolation, LoadError, ModuleShape, PluginSettings, Recognised,
    Recognition, Shape,
};
use crate::plugin::{Manifest, Plugin};
use crate::runtime::{Account, Deadline, Instances, Runtime, Stage, own_name};
use interfaces::{Exported, PACKAGE, TRACK};
use plugin::{Guest, Guests, TypedPlugin};
use schema::SchemaError;
use state::State;
use v0_1::Description;

/// What this kind of plugin is called.
const NAME: &str = "typed component";

/// Instances of one plugin, unless its settings say otherwise: hooks don't wait for each other.
const INSTANCES: usize = 32;
/// With an instance per request that many requests are served at once. A stream holds its instance to its end.
const REQUEST_INSTANCES: usize = 256;

/// How plausible it is that a file that is no typed plugin was meant to be one: it exports something of the contract.
const SCORE_CONTRACT: u32 = 80;
/// It is a component, whatever it is for.
const SCORE_COMPONENT: u32 = 30;

/// Components that implement the contract in `wit/`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Typed;

#[async_trait]
impl Abi for Typed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognise(&self, artifact: &Artifact, _is_named: bool) -> Recognition {
        let shape = match &artifact.shape {
            Shape::Component(shape) => shape,
            Shape::Module(module) => return unlike_module(module),
        };
        let exported = Exported::among(shape.exports.iter().map(String::as_str));
        match exported.version {
            Some(version) => Recognition::Yes(recognised(&exported, version, shape)),
            None if !exported.interfaces.is_empty() => {
                let hooks = exported.interfaces.hook_names().join(", ");
                unlike(
                    Some(format!("it exports {hooks} of {PACKAGE}, but not lifecycle")),
                    SCORE_CONTRACT,
                )
            }
            None if !exported.unknown.is_empty() => {
                let names = exported.unknown.join(", ");
                let remedy = if exported.is_newer() {
                    "upgrade Heimdall to one that knows it, or build the plugin against"
                } else {
                    "build the plugin against"
                };
                unlike(
                    Some(format!(
                        "it exports {names}; this host knows {PACKAGE}@{TRACK}: {remedy} {PACKAGE}@{}",
                        v0_1::VERSION
                    )),
                    SCORE_CONTRACT,
                )
            }
            None => unlike(
                Some(format!(
                    "it is a component that exports nothing of {PACKAGE}: build it for a world that includes {PACKAGE}/base@{}",
                    v0_1::VERSION
                )),
                SCORE_COMPONENT,
            ),
        }
    }

    fn offers(&self, import: &Import) -> bool {
        imports::offers(&import.module)
    }

    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
        load(runtime, candidate).await
    }
}

fn unlike(closest: Option<String>, score: u32) -> Recognition {
    let needs =
        format!("a component that exports {PACKAGE}/lifecycle@{TRACK}.x and an interface for each of its hooks");
    Recognition::No { closest, needs, score }
}

/// What is meant to be typed, and was built without its last step.
fn unlike_module(module: &ModuleShape) -> Recognition {
    let is_of_contract = |name: &&str| name.contains(&format!("{PACKAGE}/"));
    let exported = module.exports.iter().map(|export| export.name.as_str());
    let Some(name) = exported.filter(is_of_contract).min() else {
        return unlike(None, 0);
    };
    unlike(
        Some(format!(
            "it exports `{name}`, as the core module of a typed plugin does, but has no component-type section, from which \
             the component would be made: link what the bindings made for it and strip no custom sections, or put the world in \
             afterwards, by `[component]` in heimdall.plugin.toml or by `wasm-tools component embed`"
        )),
        SCORE_CONTRACT,
    )
}

fn recognised(exported: &Exported<'_>, version: &str, shape: &ComponentShape) -> Recognised {
    let hooks = exported.interfaces.hook_names();
    let mut notes = Vec::new();
    if hooks.is_empty() {
        notes.push("it has no hook that this host knows: it is started and never called".to_owned());
    }
    for name in &exported.unknown {
        notes.push(format!(
            "{name} is never called: this host has {PACKAGE}@{}; upgrade Heimdall to have it called",
            v0_1::VERSION
        ));
    }
    notes.extend(contract::missing(&shape.imported_items));
    Recognised {
        kind: NAME.to_owned(),
        version: format!("{PACKAGE}@{version}"),
        hooks,
        functions: Vec::new(),
        notes,
    }
}

async fn load(runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
    let settings = &candidate.settings;
    refuse_options(settings)?;
    let component = candidate.component()?;
    let linked = imports::link(runtime, component, &settings.file)?;
    let kind = component.component_type();
    let exports: Vec<String> = kind
        .exports(runtime.engine())
        .map(|(name, _)| name.to_owned())
        .collect();
    let interfaces = Exported::among(exports.iter().map(String::as_str)).interfaces;
    let indices =
        v0_1::Indices::new(&linked.component, interfaces).map_err(|error| misfit(settings, &one_line(&error)))?;

    let guests = Guests {
        runtime: runtime.clone(),
        component: linked.component,
        indices,
        account: Account::new(
            settings.name.as_deref().unwrap_or_else(|| settings.file_stem()).into(),
            settings.limits.clone(),
            settings.counters.clone(),
        ),
        config: settings
            .config
            .as_ref()
            .map_or_else(|| "null".to_owned(), |config| config.as_str().to_owned()),
    };
    let (guests, guest, description) = first_instance(guests, settings).await?;

    let mut notes = candidate.recognised.notes.clone();
    for missing in &linked.missing {
        let note = format!("a call would fail: {missing}");
        // What a newer contract would have is told before anything is linked.
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let manifest = Manifest {
        name: guests.account.plugin().clone(),
        file: settings.file.as_str().into(),
        kind: candidate.recognised.kind.clone(),
        version: candidate.recognised.version.clone(),
        summary: summary(&description),
        hooks: candidate.recognised.hooks.clone(),
        imports: linked.imports,
        notes,
    };
    let isolation = settings.isolation.unwrap_or(Isolation::Warm);
    let cap = settings.instances.unwrap_or(match isolation {
        Isolation::Warm => INSTANCES,
        Isolation::Request => REQUEST_INSTANCES,
    });
    let instances = Instances::new(guests, settings.instances(manifest.name.clone(), isolation, cap));
    instances.put(guest);
    Ok(Arc::new(TypedPlugin {
        manifest,
        hooks: interfaces.hooks(),
        instances,
    }))
}

fn refuse_options(settings: &PluginSettings) -> Result<(), LoadError> {
    let Some(option) = settings.options.keys().next() else {
        return Ok(());
    };
    Err(LoadError::InvalidSetting {
        file: settings.file.clone(),
        setting: option.clone(),
        reason: format!("a {NAME} has no such setting; remove it"),
    })
}

/// Makes the instance that all others are like: starts it, learns who it is, checks its configuration, initialises it.
async fn first_instance(
    mut guests: Guests,
    settings: &PluginSettings,
) -> Result<(Guests, Guest, Description), LoadError> {
    let failed = |account: &Account, (hook, stage), cause| {
        account.ran_over(&cause, stage);
        LoadError::Start(Failure {
            plugin: account.plugin().clone(),
            file: settings.file.as_str().into(),
            hook,
            cause,
        })
    };
    let (start, describe, init) = (
        ("start", Stage::Start),
        ("describe", Stage::Start),
        ("init", Stage::Init),
    );
    let deadline = Deadline::after(settings.limits.start_timeout);
    let mut guest = guests.start(&deadline).await.map_err(|cause| match cause {
        Cause::AbiViolation(what) => misfit(settings, &what),
        cause => failed(&guests.account, start, cause),
    })?;
    let description = guest
        .describe(&deadline)
        .await
        .map_err(|cause| failed(&guests.account, describe, cause))?;

    if settings.name.is_none() && !description.name.is_empty() {
        let name = own_name(&description.name).map_err(|cause| failed(&guests.account, describe, cause))?;
        guests.account = guests.account.renamed(name);
        guest.rename(&guests.account);
    }
    if let Some(schema) = &description.config_schema {
        schema::check(schema, settings.config.as_ref()).map_err(|error| match error {
            SchemaError::Schema(_) => failed(&guests.account, describe, Cause::InvalidOutput(error.to_string())),
            SchemaError::Config(reason) => LoadError::InvalidConfig {
                file: settings.file.clone(),
                reason,
            },
        })?;
    }
    let deadline = Deadline::after(settings.limits.init_timeout);
    let ready = guest.init(&guests.config, &deadline).await;
    ready.map_err(|cause| failed(&guests.account, init, cause))?;
    Ok((guests, guest, description))
}

/// An export that has not the form of the contract.
fn misfit(settings: &PluginSettings, what: &str) -> LoadError {
    LoadError::Incompatible {
        file: settings.file.clone(),
        what: format!("its exports differ from {PACKAGE}@{}: {what}", v0_1::VERSION),
        remedy: format!("build it against the published contract {PACKAGE}@{TRACK}"),
    }
}

fn summary(description: &Description) -> Option<String> {
    let parts = [description.version.as_str(), description.summary.as_str()];
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!said.is_empty()).then(|| said.join(": "))
}

/// The engine's chain of causes as one line.
fn one_line(error: &wasmtime::Error) -> String {
    let chain: Vec<String> = error
        .chain()
        .map(|cause| cause.to_string().replace('\n', " "))
        .collect();
    chain.join(": ")
}
