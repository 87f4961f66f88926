//! JSON-RPC over standard streams as a kind of plugin that the host's loader knows.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use heimdall_host::failure::{Cause, Failure};
use heimdall_host::functions::HostFunctions;
use heimdall_host::loader::{
    Abi, Artifact, Candidate, Import, Isolation, Item, LoadError, PluginSettings, Recognition, Shape,
};
use heimdall_host::model::EditError;
use heimdall_host::plugin::Plugin;
use heimdall_host::runtime::{Deadline, Runtime, World, own_name};

use super::{
    CHUNK_FORM, Found, Started, check_imports, check_options, chunk_forms, config_text, invalid_setting, other_type,
    provisional_account,
};
use crate::Input;
use crate::abi::stdio::{self, INVALID_REQUEST, METHOD_NOT_FOUND, Parts, RpcError, StdioFactory, Template};
use crate::functions::Callables;
use crate::hooks::{Hooks, KNOWN};

/// What a module of this kind needs, for those whose module is none.
const NEEDS: &str = "a core module built as a WASI command (`wasm32-wasip1`) that reads a JSON-RPC request from its standard \
                     input and answers on its standard output: it exports `_start` and `memory`, and imports WASI preview 1 \
                     alone, `fd_read` and `fd_write` among it";
const KIND: &str = "JSON-RPC over stdio";
/// The setting that names a plugin's hooks, so that it is not asked for them.
const HOOKS: &str = "hooks";
/// The method of the host's that gives a plugin its configuration.
const CONFIG: &str = "config";
/// What plugins of other kinds export beside a command's `_start`.
const OTHER_KINDS: [&str; 1] = ["allocate"];

/// Core modules of the wasmi plugin framework, and others that speak JSON-RPC over their standard streams.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdio;

#[async_trait]
impl Abi for Stdio {
    fn name(&self) -> &'static str {
        KIND
    }

    fn recognise(&self, artifact: &Artifact, _is_named: bool) -> Recognition {
        match find(artifact) {
            Ok(found) => found.recognised(KIND),
            Err(closest) => Recognition::No {
                score: u32::from(closest.is_some()) * 10,
                closest,
                needs: NEEDS.to_owned(),
            },
        }
    }

    fn offers(&self, import: &Import) -> bool {
        matches!(import.item, Item::Func { .. }) && stdio::offers(&import.module, &import.name)
    }

    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
        let settings = &candidate.settings;
        check_options(settings, KIND, &[CHUNK_FORM, HOOKS])?;
        let chunk_forms = chunk_forms(settings)?;
        let named = named_hooks(settings)?;
        let offered = ["wasi_snapshot_preview1"];
        check_imports(settings, &candidate.artifact, |import| self.offers(import), &offered)?;
        let parts = Parts {
            module: candidate.module()?,
            account: provisional_account(settings),
            world: World {
                directories: Vec::new(),
                ..World::granted(settings)
            },
            functions: host_functions(settings),
        };
        let template = Template::link(runtime, parts).map_err(|error| other_type(settings, &error))?;
        let mut guest = Guest {
            settings,
            factory: StdioFactory(Arc::new(template)),
        };
        let first = guest
            .factory
            .start()
            .await
            .map_err(|cause| guest.failed("start", cause))?;
        let hooks = match named {
            Some(hooks) => hooks,
            None if candidate.for_pipeline => guest.hooks().await?,
            None => Hooks::default(),
        };
        if !hooks.set().is_empty() {
            guest.configure().await?;
            guest.take_name().await?;
        }
        let started = Started {
            account: guest.factory.0.account().clone(),
            factory: guest.factory,
            first: Some(first),
            isolation: settings.isolation.unwrap_or(Isolation::Request),
            hooks,
            callables: Some(Callables {
                list: Vec::new(),
                is_open: true,
            }),
            chunk_forms,
            version: candidate.recognised.version.clone(),
            notes: Vec::new(),
        };
        Ok(started.plugin(&candidate))
    }
}

/// What can be told of a module without running it, or what keeps it from being one of this kind; none: everything.
fn find(artifact: &Artifact) -> Result<Found, Option<String>> {
    let Shape::Module(module) = &artifact.shape else {
        return Err(None);
    };
    let is_start = |item: &Item| match item {
        Item::Func { params, results } => params.is_empty() && results.is_empty(),
        _ => false,
    };
    if !module.export("_start").is_some_and(is_start) {
        return Err(None);
    }
    let not = |what: String| Err(Some(format!("it is a command, but {what}")));
    if module.export("memory") != Some(&Item::Memory) {
        return not("it exports no memory `memory`".to_owned());
    }
    let others = KNOWN.iter().map(|known| known.name).chain(OTHER_KINDS);
    if let Some(other) = others.into_iter().find(|name| module.export(name).is_some()) {
        return not(format!("it exports `{other}`, as plugins of another kind do"));
    }
    if let Some(import) = module
        .imports
        .iter()
        .find(|import| !stdio::offers(&import.module, &import.name))
    {
        return not(format!("it imports `{import}`, which is not of WASI preview 1"));
    }
    for needed in ["fd_read", "fd_write"] {
        if !module.imports.iter().any(|import| import.name == needed) {
            return not(format!("it does not import WASI's `{needed}`"));
        }
    }
    Ok(Found {
        hooks: Hooks::default(),
        functions: Vec::new(),
        version: "JSON-RPC 2.0".to_owned(),
        notes: vec![format!(
            "its methods show only when they are called: for a pipeline it is asked for its hooks when it is loaded, unless \
             the setting `{HOOKS}` names them"
        )],
    })
}

/// The hooks that its operator names.
fn named_hooks(settings: &PluginSettings) -> Result<Option<Hooks>, LoadError> {
    let Some(names) = settings.options.get(HOOKS) else {
        return Ok(None);
    };
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let known: Vec<&str> = Hooks::names_of_one().collect();
    if let Some(unknown) = names.clone().find(|name| !known.contains(name)) {
        let reason = format!("`{unknown}` is no hook; it can be a list of {}", known.join(", "));
        return Err(invalid_setting(settings, HOOKS, reason));
    }
    Ok(Some(Hooks::named(names)))
}

/// The embedder's; and its configuration, for who asks for it, unless the embedder answers that itself.
fn host_functions(settings: &PluginSettings) -> HostFunctions {
    let functions = settings.host_functions.clone();
    if settings.config.is_none() || functions.named(CONFIG).is_some() {
        return functions;
    }
    let config = config_text(settings);
    functions.function("", CONFIG, move || {
        let config = config.clone();
        async move { Ok(config) }
    })
}

/// A plugin that is being loaded.
struct Guest<'a> {
    settings: &'a PluginSettings,
    factory: StdioFactory,
}

impl Guest<'_> {
    fn failed(&self, hook: &'static str, cause: Cause) -> LoadError {
        LoadError::Start(Failure {
            plugin: self.factory.0.account().plugin().clone(),
            file: self.settings.file.as_str().into(),
            hook,
            cause,
        })
    }

    /// The hooks that it has: each is called once, and what does not say that there is no such method is one. Who answers
    /// nothing at all has none.
    async fn hooks(&self) -> Result<Hooks, LoadError> {
        let deadline = Deadline::after(self.factory.0.account().limits().start_timeout);
        let (mut has_answered, mut there) = (false, Vec::new());
        for name in Hooks::names_of_one() {
            let asked = self
                .factory
                .start()
                .await
                .map_err(|cause| self.failed("start", cause))?;
            let answer = asked.ask(name, &Input::default(), &deadline).await;
            has_answered |= answer.is_ok();
            // What it does of nothing says nothing, unless it is that there is no such method.
            let is_there = match answer {
                Ok(Ok(_)) => true,
                Ok(Err(error)) => ![METHOD_NOT_FOUND, INVALID_REQUEST].contains(&error.code),
                Err(Cause::Deadline(_)) => false,
                Err(_) => true,
            };
            if is_there {
                there.push(name);
            }
        }
        Ok(match has_answered {
            true => Hooks::named(there.iter().copied()),
            false => Hooks::default(),
        })
    }

    /// What a method gives that a gateway calls beside the hooks; none where there is no such method.
    async fn told(&self, method: &'static str, params: Bytes, deadline: Deadline) -> Result<Option<Bytes>, LoadError> {
        let asked = self
            .factory
            .start()
            .await
            .map_err(|cause| self.failed("start", cause))?;
        let answer = asked.ask(method, &params.into(), &deadline).await;
        match answer.map_err(|cause| self.failed(method, cause))? {
            Ok(result) => Ok(Some(result)),
            Err(RpcError {
                code: METHOD_NOT_FOUND, ..
            }) => Ok(None),
            Err(error) => {
                let cause = Cause::Returned(EditError::Other(error.to_string()));
                Err(self.failed(method, cause))
            }
        }
    }

    /// Whether its configuration can be used. No instance lives long enough to keep it: each asks for it.
    async fn configure(&self) -> Result<(), LoadError> {
        if self.settings.config.is_none() {
            return Ok(());
        }
        let deadline = Deadline::after(self.factory.0.account().limits().init_timeout);
        self.told("init", config_text(self.settings), deadline)
            .await
            .map(|_| ())
    }

    /// The name that it tells, if its operator gives it none.
    async fn take_name(&mut self) -> Result<(), LoadError> {
        if self.settings.name.is_some() {
            return Ok(());
        }
        let deadline = Deadline::after(self.factory.0.account().limits().start_timeout);
        let told = self.told("get_name", Bytes::new(), deadline).await?;
        let name: Option<String> = told.and_then(|name| serde_json::from_slice(&name).ok());
        if let Some(name) = name.filter(|name| !name.trim().is_empty()) {
            let name = own_name(name.trim()).map_err(|cause| self.failed("get_name", cause))?;
            self.factory = StdioFactory(Arc::new(self.factory.0.renamed(name)));
        }
        Ok(())
    }
}
