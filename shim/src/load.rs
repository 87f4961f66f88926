//! The packed ABI as a kind of plugin that the host's loader knows.

use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::failure::Failure;
use heimdall_host::loader::{
    Abi, Artifact, Candidate, Import, Isolation, Item, LoadError, PluginSettings, Recognised, Recognition,
};
use heimdall_host::plugin::{Manifest, Plugin};
use heimdall_host::runtime::{Account, Instances, Runtime};

use crate::abi::packed::{self, HeapReport, Loaded, PackedFactory, StartFailure, Template};
use crate::adapter::{Adapter, ChunkForms};
use crate::detect::{Detected, detect};

/// The setting that says how chunks are given to a chunk hook.
const CHUNK_FORM: &str = "chunk_form";
/// Legacy plugins were written for a host that shows them one state.
const WARM_INSTANCES: usize = 1;
/// With an instance per request that many requests are served at once. A stream holds its instance to its end.
const REQUEST_INSTANCES: usize = 256;

/// Core modules that take and give JSON through packed addresses: Bifrost's plugins, of all three generations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Packed;

#[async_trait]
impl Abi for Packed {
    fn name(&self) -> &'static str {
        "packed ABI"
    }

    fn recognise(&self, artifact: &Artifact) -> Recognition {
        match detect(artifact) {
            Ok(detected) => Recognition::Yes(Recognised {
                kind: self.name().to_owned(),
                hooks: detected.hooks.names(),
                version: detected.version,
                notes: detected.notes,
            }),
            Err(not) => Recognition::No {
                closest: not.closest,
                needs: not.needs,
                score: not.score,
            },
        }
    }

    fn offers(&self, import: &Import) -> bool {
        matches!(import.item, Item::Func { .. }) && packed::offers(&import.module, &import.name)
    }

    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
        let settings = &candidate.settings;
        let file = settings.file.clone();
        let chunk_forms = chunk_forms(settings)?;
        let detected = detect(&candidate.artifact).map_err(|not| LoadError::Incompatible {
            file: file.clone(),
            what: not.closest.unwrap_or(not.needs),
            remedy: "build the plugin again".to_owned(),
        })?;
        self.check_imports(&candidate)?;
        let (template, loaded) = start(runtime, &candidate, &detected).await?;
        let isolation = settings.isolation.unwrap_or(default_isolation(loaded.heap));
        let cap = settings.instances.unwrap_or(match isolation {
            Isolation::Warm => WARM_INSTANCES,
            Isolation::Request => REQUEST_INSTANCES,
        });
        let mut notes = detected.notes;
        notes.extend(heap_notes(loaded.heap, isolation, detected.layout.reset));
        let (name, account) = (template.plugin().clone(), template.account().clone());
        let instances = Instances::new(
            PackedFactory(template),
            settings.instances(name.clone(), isolation, cap),
        );
        instances.put(loaded.instance);
        Ok(Arc::new(Adapter {
            manifest: Manifest {
                name,
                file: file.into(),
                kind: candidate.recognised.kind.clone(),
                version: detected.version,
                summary: None,
                hooks: detected.hooks.names(),
                imports: candidate.artifact.shape.imports().iter().map(import_name).collect(),
                notes,
            },
            account,
            hook_set: detected.hooks.set(),
            hooks: detected.hooks,
            instances,
            chunk_forms,
        }))
    }
}

impl Packed {
    fn check_imports(&self, candidate: &Candidate) -> Result<(), LoadError> {
        let imports = candidate.artifact.shape.imports();
        let missing: Vec<String> = imports
            .iter()
            .filter(|import| !self.offers(import))
            .map(ToString::to_string)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let offered = packed::OFFERED.map(str::to_owned).to_vec();
        Err(LoadError::UnknownImports {
            file: candidate.settings.file.clone(),
            missing,
            offered,
        })
    }
}

/// Starts and configures the guest. The name of the configuration wins, else the guest's, else the file's.
async fn start(
    runtime: &Runtime,
    candidate: &Candidate,
    detected: &Detected,
) -> Result<(Arc<Template>, Loaded), LoadError> {
    let settings = &candidate.settings;
    let provisional: Arc<str> = settings.name.as_deref().unwrap_or(settings.file_stem()).into();
    let account = Account::new(provisional.clone(), settings.limits.clone(), settings.counters.clone());
    let config = settings
        .config
        .as_ref()
        .map(|config| config.bytes().clone())
        .unwrap_or_default();
    let layout = detected.layout.clone();
    let template = Template::link(runtime, candidate.module()?, layout, account, config);
    let template = Arc::new(template.map_err(|error| LoadError::Incompatible {
        file: settings.file.clone(),
        what: format!("an import has another type than the host's: {error:#}"),
        remedy: "build the plugin with a current toolchain, or upgrade Heimdall".to_owned(),
    })?);
    let failed = |StartFailure { hook, cause }| {
        LoadError::Start(Failure {
            plugin: provisional.clone(),
            file: settings.file.as_str().into(),
            hook,
            cause,
        })
    };
    let loaded = template.load().await.map_err(failed)?;
    // What it logged up to now bears the file's name.
    Ok(match loaded.name.clone().filter(|_| settings.name.is_none()) {
        Some(name) => loaded.named(&template, name),
        None => (template, loaded),
    })
}

fn chunk_forms(settings: &PluginSettings) -> Result<ChunkForms, LoadError> {
    let invalid = |setting: &str, reason: String| LoadError::InvalidSetting {
        file: settings.file.clone(),
        setting: setting.to_owned(),
        reason,
    };
    if let Some(unknown) = settings.options.keys().find(|name| *name != CHUNK_FORM) {
        return Err(invalid(
            unknown,
            format!("a plugin of the packed ABI has no such setting, only `{CHUNK_FORM}`"),
        ));
    }
    let form = settings.options.get(CHUNK_FORM).map(String::as_str);
    ChunkForms::from_setting(form).ok_or_else(|| {
        let given = form.unwrap_or_default();
        invalid(
            CHUNK_FORM,
            format!("it is `{given}`; it can be `auto`, `json` or `base64`"),
        )
    })
}

/// A heap that lies in the guest's own data sooner or later overwrites it: one request is as much as it is good for.
fn default_isolation(heap: HeapReport) -> Isolation {
    if heap.is_low {
        Isolation::Request
    } else {
        Isolation::Warm
    }
}

fn heap_notes(heap: HeapReport, isolation: Isolation, reset: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if heap.is_low {
        let from = heap.first.unwrap_or_default();
        notes.push(match isolation {
            Isolation::Request => format!(
                "its allocator starts at address {from}, in its own stack and data: each request gets a fresh instance"
            ),
            Isolation::Warm => format!(
                "its allocator starts at address {from}, in its own stack and data, which warm instances will overwrite"
            ),
        });
    }
    if let Some(capacity) = heap.capacity.filter(|_| !reset && isolation == Isolation::Warm) {
        notes.push(format!(
            "its heap of {} KiB is never freed: a fresh instance takes over before it is full, and its state is lost then",
            capacity / 1024
        ));
    }
    notes
}

fn import_name(import: &Import) -> String {
    format!("{}.{}", import.module, import.name)
}
