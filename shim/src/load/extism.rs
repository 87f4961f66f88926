//! The Extism ABI as a kind of plugin that the host's loader knows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::functions::{Function, ValueType};
use heimdall_host::limits::Limits;
use heimdall_host::loader::{
    Abi, Artifact, Candidate, Directory, Import, Isolation, Item, LoadError, ModuleShape, Package, PluginSettings,
    Recognition, Shape, ValType,
};
use heimdall_host::plugin::Plugin;
use heimdall_host::runtime::{Extras, Runtime, World};

use super::{
    CHUNK_FORM, Found, Started, check_imports, check_options, chunk_forms, config_text, invalid_setting, other_type,
    provisional_account, start,
};
use crate::abi::Starter as _;
use crate::abi::extism::{self, ExtismFactory, HttpSettings, Manifest, Parts, Shared, Template};
use crate::functions::Callables;

/// What a module of this ABI needs, for those whose module is none.
const NEEDS: &str = "a core module made with an Extism development kit: it imports from `extism:host/env` and exports functions \
                     without parameters that give an i32; or a manifest, JSON or TOML, with `wasm`";
/// The setting that gives guests the headers of responses to their own requests.
const RESPONSE_HEADERS: &str = "http_response_headers";
/// What its toolchain calls before anything else; nothing for others to call.
const NOT_CALLED: [&str; 4] = ["_initialize", "__wasm_call_ctors", "hs_init", "hs_exit"];
/// Bytes of a response to a guest's request, unless its manifest says otherwise.
const MAX_RESPONSE: u64 = 50 << 20;
/// Bytes of a plugin's variables, unless its manifest says otherwise.
const MAX_VARIABLES: u64 = 1 << 20;
const PAGE: usize = 64 << 10;

/// Core modules of Extism's development kits, and manifests that name them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extism;

#[async_trait]
impl Abi for Extism {
    fn name(&self) -> &'static str {
        "Extism"
    }

    fn recognise(&self, artifact: &Artifact, is_named: bool) -> Recognition {
        match find(artifact, is_named) {
            Ok(found) => found.recognised(self.name()),
            Err(closest) => Recognition::No {
                score: u32::from(closest.is_some()) * 20,
                closest,
                needs: NEEDS.to_owned(),
            },
        }
    }

    async fn open(&self, file: &str, bytes: &Bytes, limits: &Limits) -> Option<Result<Package, LoadError>> {
        let unusable = |error: extism::ManifestError| LoadError::Manifest {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        if bytes.len() > Manifest::most(limits) {
            return None;
        }
        let text = bytes.clone();
        // It may be as long as a module.
        let read = tokio::task::spawn_blocking(move || Manifest::read(&text))
            .await
            .ok()??;
        let manifest = match read {
            Ok(manifest) => manifest,
            Err(error) => return Some(Err(unusable(error))),
        };
        Some(match manifest.modules(file, limits).await {
            Ok((main, linked)) => Ok(Package {
                main,
                linked,
                manifest: Arc::new(manifest),
            }),
            Err(error) => Err(unusable(error)),
        })
    }

    fn named_files(&self, file: &str, bytes: &[u8], limits: &Limits) -> Vec<PathBuf> {
        if bytes.len() > Manifest::most(limits) {
            return Vec::new();
        }
        let manifest = Manifest::read(bytes).and_then(Result::ok);
        manifest.map(|manifest| manifest.files(file)).unwrap_or_default()
    }

    fn translate(&self, file: &str, artifact: &Artifact, linked: bool) -> Result<Option<Bytes>, LoadError> {
        let translated = extism::with_kernel(&artifact.bytes, linked);
        translated.map(Some).map_err(|reason| LoadError::Invalid {
            file: file.to_owned(),
            reason,
        })
    }

    fn extras(&self) -> Extras {
        Extras::GC
    }

    fn offers(&self, import: &Import) -> bool {
        matches!(import.item, Item::Func { .. }) && extism::offers(&import.module, &import.name)
    }

    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
        let manifest = candidate.manifest.as_ref().and_then(|manifest| manifest.downcast_ref());
        let manifest: Manifest = manifest.cloned().unwrap_or_default();
        let candidate = Candidate {
            settings: with_manifest(&candidate.settings, &manifest, candidate.for_pipeline)?,
            ..candidate
        };
        let settings = &candidate.settings;
        check_options(settings, "Extism's ABI", &[CHUNK_FORM, RESPONSE_HEADERS])?;
        let chunk_forms = chunk_forms(settings)?;
        let found = find(&candidate.artifact, true).map_err(|closest| LoadError::Incompatible {
            file: settings.file.clone(),
            what: closest.unwrap_or_else(|| NEEDS.to_owned()),
            remedy: "build the plugin again".to_owned(),
        })?;
        self.check_all_imports(&candidate)?;
        let isolation = settings.isolation.unwrap_or(Isolation::Warm);
        let template = link(runtime, &candidate, &manifest, &found, isolation)?;
        let (factory, first) = start(settings, ExtismFactory(Arc::new(template)), found.has_hook("get_name")).await?;
        let started = Started {
            account: factory.account().clone(),
            factory,
            first: Some(first),
            isolation,
            hooks: found.hooks,
            callables: Some(Callables {
                list: found.functions,
                is_open: false,
            }),
            chunk_forms,
            version: found.version,
            notes: found.notes,
        };
        Ok(started.plugin(&candidate))
    }
}

impl Extism {
    fn check_all_imports(&self, candidate: &Candidate) -> Result<(), LoadError> {
        let settings = &candidate.settings;
        let is_there = |import: &Import| {
            let linked = candidate.linked.iter().find(|linked| linked.name == import.module);
            let is_linked = linked.is_some_and(|linked| match &linked.artifact.shape {
                Shape::Module(module) => module.export(&import.name).is_some(),
                Shape::Component(_) => false,
            });
            is_linked || self.offers(import) || settings.host_functions.get(&import.module, &import.name).is_some()
        };
        let mut offered = vec![
            "the functions of extism:host/env".to_owned(),
            "wasi_snapshot_preview1".to_owned(),
        ];
        offered.extend(settings.host_functions.iter().map(|function| format!("{function:?}")));
        offered.extend(
            candidate
                .linked
                .iter()
                .map(|linked| format!("the module `{}`", linked.name)),
        );
        let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
        let artifacts = candidate.linked.iter().map(|linked| &linked.artifact);
        for artifact in artifacts.chain([&candidate.artifact]) {
            check_imports(settings, artifact, is_there, &offered)?;
        }
        Ok(())
    }
}

impl Found {
    /// Whether it has hooks, and this function besides.
    fn has_hook(&self, name: &str) -> bool {
        !self.hooks.set().is_empty() && self.has(name)
    }
}

/// What can be called of a module, or what keeps it from being one of this ABI; none: everything.
fn find(artifact: &Artifact, is_named: bool) -> Result<Found, Option<String>> {
    let Shape::Module(module) = &artifact.shape else {
        return Err(None);
    };
    let imports_kernel = |import: &Import| extism::is_kernel(&import.module, &import.name);
    if !is_named && !module.imports.iter().any(imports_kernel) {
        return Err(None);
    }
    let functions = functions(module);
    if functions.is_empty() {
        return Err(Some(
            "it exports no function without parameters that gives an i32 or nothing".to_owned(),
        ));
    }
    let is_old = module
        .imports
        .iter()
        .any(|import| imports_kernel(import) && import.module == "env");
    let version = match is_old {
        true => "imports of kits up to 0.5",
        false => "extism:host/env",
    };
    Ok(Found::of(functions, version.to_owned()))
}

fn functions(module: &ModuleShape) -> Vec<Function> {
    let callable = |item: &Item| match item {
        Item::Func { params, results } => params.is_empty() && matches!(results.as_slice(), [] | [ValType::I32]),
        _ => false,
    };
    let exports = module.exports.iter();
    let exports = exports.filter(|export| callable(&export.item) && !NOT_CALLED.contains(&export.name.as_str()));
    let function = |name: &str| Function {
        name: name.to_owned(),
        parameters: vec![ValueType::Bytes],
        result: ValueType::Bytes,
    };
    exports.map(|export| function(&export.name)).collect()
}

/// What the manifest says goes before the defaults, and what the operator sets beside it adds to it. Of a gateway's plugin the
/// operator's limits are the most: there the manifest may be anybody's.
fn with_manifest(
    settings: &PluginSettings,
    manifest: &Manifest,
    for_pipeline: bool,
) -> Result<PluginSettings, LoadError> {
    let mut settings = settings.clone();
    let limits = &mut settings.limits;
    if let Some(pages) = manifest.memory.max_pages {
        let wanted = usize::try_from(pages).unwrap_or(usize::MAX).saturating_mul(PAGE);
        if for_pipeline {
            limits.memory = wanted.min(limits.memory);
        } else {
            limits.memory = wanted;
            limits.memory_growth = limits.memory_growth.max(wanted);
        }
    }
    if let Some(timeout) = manifest.timeout_ms {
        let wanted = Duration::from_millis(timeout);
        limits.hook_timeout = if for_pipeline {
            wanted.min(limits.hook_timeout)
        } else {
            wanted
        };
    }
    let paths = manifest.allowed_paths.iter().flatten();
    settings.directories.extend(paths.map(|(host, guest)| {
        let (host, read_only) = match host.strip_prefix("ro:") {
            Some(host) => (host, true),
            None => (host.as_str(), false),
        };
        Directory {
            host: host.into(),
            guest: guest.clone(),
            read_only,
        }
    }));
    if extism::is_remote(&settings.file) && manifest.allowed_paths.iter().flatten().next().is_some() {
        return Err(LoadError::Manifest {
            file: settings.file,
            reason: "a manifest that comes by URL grants no directories here; keep it in a file".to_owned(),
        });
    }
    Ok(settings)
}

/// The members of the configuration as texts, over those of the manifest.
fn config(settings: &PluginSettings, manifest: &Manifest) -> BTreeMap<String, String> {
    let mut config = manifest.config.clone();
    let text = config_text(settings);
    let given: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&text).unwrap_or_default();
    config.extend(given.into_iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => (name, text),
        other => (name, other.to_string()),
    }));
    config
}

fn link(
    runtime: &Runtime,
    candidate: &Candidate,
    manifest: &Manifest,
    found: &Found,
    isolation: Isolation,
) -> Result<Template, LoadError> {
    let settings = &candidate.settings;
    let bytes = |number: Option<u64>, default| usize::try_from(number.unwrap_or(default)).unwrap_or(usize::MAX);
    let gives_headers = match settings.options.get(RESPONSE_HEADERS).map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            let reason = format!("it is `{other}`; it can be `true` or `false`");
            return Err(invalid_setting(settings, RESPONSE_HEADERS, reason));
        }
    };
    let hosts = manifest.allowed_hosts.clone().unwrap_or_default();
    // The guest has to have room for either, and the host holds them.
    let most = |number, default| bytes(number, default).min(settings.limits.memory);
    let max_response = most(manifest.memory.max_http_response_bytes, MAX_RESPONSE);
    let max_variables = most(manifest.memory.max_var_bytes, MAX_VARIABLES);
    let may_grant = !extism::is_remote(&settings.file);
    let http =
        HttpSettings::new(&hosts, may_grant, max_response, gives_headers).map_err(|error| LoadError::Manifest {
            file: settings.file.clone(),
            reason: error.to_string(),
        })?;
    let parts = Parts {
        main: candidate.module()?,
        linked: &candidate.linked,
        functions: &settings.host_functions,
        account: provisional_account(settings),
        shared: Shared {
            config: config(settings, manifest),
            max_variables,
            http,
            log_level: settings.log_level,
        },
        world: World::granted(settings),
        shares_variables: isolation == Isolation::Warm,
        init: found.has_hook("init").then(|| config_text(settings).into()),
        has_cleanup: found.has_hook("cleanup"),
    };
    Template::link(runtime, parts).map_err(|error| other_type(settings, &error))
}
