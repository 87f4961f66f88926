//! The packed ABI as a kind of plugin that the host's loader knows.

use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::functions::{Function, ValueType};
use heimdall_host::loader::{Abi, Artifact, Candidate, Import, Isolation, Item, LoadError, Recognised, Recognition};
use heimdall_host::plugin::Plugin;
use heimdall_host::runtime::Runtime;

use super::detect::{Detected, detect};
use super::{
    CHUNK_FORM, Started, check_imports, check_options, chunk_forms, config_text, not_started, other_type,
    provisional_account,
};
use crate::abi::packed::{self, HeapReport, Layout, Loaded, PackedFactory, Template};
use crate::functions::Callables;

/// Core modules that take and give JSON through packed addresses: Bifrost's plugins, of all three generations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Packed;

#[async_trait]
impl Abi for Packed {
    fn name(&self) -> &'static str {
        "packed ABI"
    }

    fn recognise(&self, artifact: &Artifact, _is_named: bool) -> Recognition {
        match detect(artifact) {
            Ok(detected) => Recognition::Yes(Recognised {
                kind: self.name().to_owned(),
                hooks: detected.hooks.names(),
                functions: functions(&detected.layout),
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
        check_options(settings, "the packed ABI", &[CHUNK_FORM])?;
        let chunk_forms = chunk_forms(settings)?;
        let detected = detect(&candidate.artifact).map_err(|not| LoadError::Incompatible {
            file: settings.file.clone(),
            what: not.closest.unwrap_or(not.needs),
            remedy: "build the plugin again".to_owned(),
        })?;
        check_imports(
            settings,
            &candidate.artifact,
            |import| self.offers(import),
            &packed::OFFERED,
        )?;
        let (template, loaded) = start(runtime, &candidate, &detected).await?;
        let isolation = settings.isolation.unwrap_or(default_isolation(loaded.heap));
        let mut notes = detected.notes;
        notes.extend(heap_notes(loaded.heap, isolation, detected.layout.reset));
        let started = Started {
            account: template.account().clone(),
            factory: PackedFactory(template),
            first: Some(loaded.instance),
            isolation,
            callables: callables(&detected.layout),
            hooks: detected.hooks,
            chunk_forms,
            version: detected.version,
            notes,
        };
        Ok(started.plugin(&candidate))
    }
}

/// Its hooks are what can be called of it.
fn functions(layout: &Layout) -> Vec<Function> {
    let hooks = layout.hooks.iter().map(|(name, inputs)| Function {
        name: (*name).to_owned(),
        parameters: vec![ValueType::Json; *inputs],
        result: ValueType::Json,
    });
    hooks.collect()
}

fn callables(layout: &Layout) -> Option<Callables> {
    let list = functions(layout);
    (!list.is_empty()).then_some(Callables { list, is_open: false })
}

/// Starts and configures the guest. The name of the configuration wins, else the guest's, else the file's.
async fn start(
    runtime: &Runtime,
    candidate: &Candidate,
    detected: &Detected,
) -> Result<(Arc<Template>, Loaded), LoadError> {
    let settings = &candidate.settings;
    let account = provisional_account(settings);
    let (provisional, config) = (account.plugin().clone(), config_text(settings));
    let layout = detected.layout.clone();
    let template = Template::link(runtime, candidate.module()?, layout, account, config);
    let template = Arc::new(template.map_err(|error| other_type(settings, &error))?);
    let loaded = template.load().await;
    let loaded = loaded.map_err(|failure| not_started(settings, provisional, failure))?;
    // What it logged up to now bears the file's name.
    Ok(match loaded.name.clone().filter(|_| settings.name.is_none()) {
        Some(name) => loaded.named(&template, name),
        None => (template, loaded),
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
