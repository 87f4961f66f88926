//! Each ABI as a kind of plugin that the host's loader knows.

mod detect;
mod extism;
mod packed;
mod stdio;
mod wasp;

use std::sync::Arc;

use heimdall_host::failure::Failure;
use heimdall_host::functions::Function;
use heimdall_host::loader::{
    Artifact, Candidate, Import, Isolation, LoadError, PluginSettings, Recognised, Recognition,
};
use heimdall_host::plugin::{Manifest, Plugin};
use heimdall_host::runtime::{Account, Factory, Instances, own_name};

pub use extism::Extism;
pub use packed::Packed;
pub use stdio::Stdio;
pub use wasp::Wasp;

use crate::abi::{Instance, StartFailure, Starter, life};
use crate::adapter::Adapter;
use crate::functions::Callables;
use crate::hooks::{ChunkForms, Hooks};

/// The setting that says how chunks are given to a chunk hook.
const CHUNK_FORM: &str = "chunk_form";
/// Legacy plugins were written for a host that shows them one state.
const WARM_INSTANCES: usize = 1;
/// With an instance per request that many requests are served at once. A stream holds its instance to its end.
const REQUEST_INSTANCES: usize = 256;

/// A file that an ABI has recognised.
struct Found {
    hooks: Hooks,
    functions: Vec<Function>,
    version: String,
    notes: Vec<String>,
}

impl Found {
    /// With those hooks that generations 2 and 3 have among functions of one text.
    fn of(functions: Vec<Function>, version: String) -> Found {
        let names = functions.iter().map(|function| function.name.as_str());
        Found {
            hooks: Hooks::named(names),
            functions,
            version,
            notes: Vec::new(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function.name == name)
    }

    fn recognised(self, kind: &str) -> Recognition {
        Recognition::Yes(Recognised {
            kind: kind.to_owned(),
            hooks: self.hooks.names(),
            functions: self.functions,
            version: self.version,
            notes: self.notes,
        })
    }
}

/// A plugin that has been started.
struct Started<F: Factory> {
    factory: F,
    first: Option<F::Instance>,
    account: Account,
    isolation: Isolation,
    hooks: Hooks,
    callables: Option<Callables>,
    chunk_forms: ChunkForms,
    version: String,
    notes: Vec<String>,
}

impl<F> Started<F>
where
    F: Factory,
    F::Instance: Instance,
{
    /// The plugin, behind the host's ports.
    fn plugin(self, candidate: &Candidate) -> Arc<dyn Plugin> {
        let settings = &candidate.settings;
        let cap = settings.instances.unwrap_or(match self.isolation {
            Isolation::Warm => WARM_INSTANCES,
            Isolation::Request => REQUEST_INSTANCES,
        });
        let name = self.account.plugin().clone();
        let instances = Instances::new(self.factory, settings.instances(name.clone(), self.isolation, cap));
        if let Some(first) = self.first {
            instances.put(first);
        }
        Arc::new(Adapter {
            manifest: Manifest {
                name,
                file: settings.file.as_str().into(),
                kind: candidate.recognised.kind.clone(),
                version: self.version,
                summary: None,
                hooks: self.hooks.names(),
                imports: candidate.artifact.shape.imports().iter().map(import_name).collect(),
                notes: self.notes,
            },
            account: self.account,
            hook_set: self.hooks.set(),
            hooks: self.hooks,
            instances,
            callables: self.callables,
            chunk_forms: self.chunk_forms,
        })
    }
}

fn import_name(import: &Import) -> String {
    format!("{}.{}", import.module, import.name)
}

/// What a plugin is called before its guest has said anything.
fn provisional_account(settings: &PluginSettings) -> Account {
    let name: Arc<str> = settings.name.as_deref().unwrap_or(settings.file_stem()).into();
    Account::new(name, settings.limits.clone(), settings.counters.clone())
}

/// What the guest is given as its configuration.
fn config_text(settings: &PluginSettings) -> bytes::Bytes {
    let config = settings.config.as_ref();
    config.map(|config| config.bytes().clone()).unwrap_or_default()
}

fn invalid_setting(settings: &PluginSettings, setting: &str, reason: String) -> LoadError {
    LoadError::InvalidSetting {
        file: settings.file.clone(),
        setting: setting.to_owned(),
        reason,
    }
}

/// Refuses settings that a kind does not know.
fn check_options(settings: &PluginSettings, kind: &str, known: &[&str]) -> Result<(), LoadError> {
    let Some(unknown) = settings.options.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let known = match known.as_slice() {
        [only] => format!("only {only}"),
        _ => format!("but {}", known.join(", ")),
    };
    Err(invalid_setting(
        settings,
        unknown,
        format!("a plugin of {kind} has no such setting, {known}"),
    ))
}

fn chunk_forms(settings: &PluginSettings) -> Result<ChunkForms, LoadError> {
    let form = settings.options.get(CHUNK_FORM).map(String::as_str);
    ChunkForms::from_setting(form).ok_or_else(|| {
        let given = form.unwrap_or_default();
        invalid_setting(
            settings,
            CHUNK_FORM,
            format!("it is `{given}`; it can be `auto`, `json` or `base64`"),
        )
    })
}

/// Refuses a file that imports what there is not.
fn check_imports(
    settings: &PluginSettings,
    artifact: &Artifact,
    offers: impl Fn(&Import) -> bool,
    offered: &[&str],
) -> Result<(), LoadError> {
    let imports = artifact.shape.imports();
    let missing = imports.iter().filter(|import| !offers(import));
    let missing: Vec<String> = missing.map(ToString::to_string).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(LoadError::UnknownImports {
            file: settings.file.clone(),
            missing,
            offered: offered.iter().map(|text| (*text).to_owned()).collect(),
        }),
    }
}

/// The first instance, under the name that it tells, if its operator gives it none.
async fn start<F: Starter>(
    settings: &PluginSettings,
    factory: F,
    tells_name: bool,
) -> Result<(F, F::Instance), LoadError> {
    let account = factory.account().clone();
    let failed = |failure| not_started(settings, account.plugin().clone(), failure);
    let mut first = factory.start().await.map_err(failed)?;
    if !tells_name || settings.name.is_some() {
        return Ok((factory, first));
    }
    let told = life::told_name(&mut first, &account).await;
    let name = told.and_then(|told| told.map(|name| own_name(&name)).transpose());
    let name = name.map_err(|cause| {
        failed(StartFailure {
            hook: "get_name",
            cause,
        })
    })?;
    Ok(match name {
        Some(name) => (factory.named(name, &mut first), first),
        None => (factory, first),
    })
}

/// Where and why a plugin did not start.
fn not_started(settings: &PluginSettings, plugin: Arc<str>, failure: StartFailure) -> LoadError {
    LoadError::Start(Failure {
        plugin,
        file: settings.file.as_str().into(),
        hook: failure.hook,
        cause: failure.cause,
    })
}

/// An import has a type that the host's function of the name has not.
fn other_type(settings: &PluginSettings, error: &wasmtime::Error) -> LoadError {
    LoadError::Incompatible {
        file: settings.file.clone(),
        what: format!("an import has another type than the host's: {error:#}"),
        remedy: "build the plugin with a current toolchain, or upgrade Heimdall".to_owned(),
    }
}
