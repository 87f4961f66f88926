//! The Wasp ABI as a kind of plugin that the host's loader knows.

use std::sync::Arc;

use async_trait::async_trait;
use heimdall_host::functions::{Function, ValueType};
use heimdall_host::loader::{
    Abi, Artifact, Candidate, Directory, Import, Isolation, Item, LoadError, ModuleShape, PluginSettings, Recognition,
    Shape, ValType,
};
use heimdall_host::plugin::Plugin;
use heimdall_host::runtime::{Runtime, World};

use super::{
    CHUNK_FORM, Found, Started, check_imports, check_options, chunk_forms, config_text, invalid_setting, other_type,
    provisional_account, start,
};
use crate::abi::Starter as _;
use crate::abi::wasp::{self, ALLOCATE, DEALLOCATE, GET_STRING_SIZE, Life, MEMORY, Parts, Template, WaspFactory};
use crate::functions::Callables;
use crate::hooks::{Hooks, KNOWN};

/// What a module of this ABI needs, for those whose module is none.
const NEEDS: &str = "a core module that exports `memory`, `allocate(i32) -> i32`, `get_string_size(i32) -> i32` and at least one \
                     function of i32s";
/// The setting that names a directory of the host's that guests see.
const WORKSPACE: &str = "workspace";
/// What guests call it.
const WORKSPACES: [&str; 2] = ["workspace", "/workspace"];
/// The setting that names what is called before anything else.
const START: &str = "start";
/// How guests of 2021 import WASI.
const UNSTABLE: &str = "wasi_unstable";
/// Calls that an instance of such a guest serves.
const EARLY: u64 = 100;
const I32: ValType = ValType::I32;

/// What a module's memory goes by, each with its type, and whether a module may lack it.
const OF_MEMORY: [(&str, &[ValType], &[ValType], bool); 3] = [
    (ALLOCATE, &[I32], &[I32], false),
    (GET_STRING_SIZE, &[I32], &[I32], false),
    (DEALLOCATE, &[I32, I32], &[], true),
];

/// What toolchains export for themselves; nothing for others to call.
const NOT_CALLED: [&str; 8] = [
    "_start",
    "_initialize",
    "main",
    "malloc",
    "free",
    "calloc",
    "realloc",
    "cabi_realloc",
];

/// Core modules that take and give addresses of texts: Wasp's plugins.
///
/// Their settings: `workspace`, a directory of the host's that guests see as `workspace` and `/workspace`; `start`, which of `_start`
/// and `_initialize` is called before anything else, by default `none`; and `chunk_form`, as all plugins with hooks have it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wasp;

#[async_trait]
impl Abi for Wasp {
    fn name(&self) -> &'static str {
        "Wasp"
    }

    fn recognise(&self, artifact: &Artifact, _is_named: bool) -> Recognition {
        match find(artifact) {
            Ok(found) => found.recognised(self.name()),
            Err(NotWasp { closest, score }) => Recognition::No {
                closest,
                needs: NEEDS.to_owned(),
                score,
            },
        }
    }

    fn offers(&self, import: &Import) -> bool {
        matches!(import.item, Item::Func { .. }) && wasp::offers(&import.module, &import.name)
    }

    async fn load(&self, runtime: &Runtime, candidate: Candidate) -> Result<Arc<dyn Plugin>, LoadError> {
        let settings = &candidate.settings;
        check_options(settings, "Wasp's ABI", &[CHUNK_FORM, START, WORKSPACE])?;
        let chunk_forms = chunk_forms(settings)?;
        let mut found = find(&candidate.artifact).map_err(|not| LoadError::Incompatible {
            file: settings.file.clone(),
            what: not.closest.unwrap_or_else(|| NEEDS.to_owned()),
            remedy: "build the plugin again".to_owned(),
        })?;
        self.check_all_imports(&candidate)?;
        found.notes.extend(uncalled_initialiser(&candidate));
        let candidate = recycled_early(candidate, &mut found);
        let settings = &candidate.settings;
        let has_hooks = !found.hooks.set().is_empty();
        let template = Template::link(
            runtime,
            Parts {
                module: candidate.module()?,
                functions: &settings.host_functions,
                account: provisional_account(settings),
                world: world(settings),
                life: life(&candidate, has_hooks)?,
            },
        );
        let template = template.map_err(|error| other_type(settings, &error))?;
        let tells_name = has_hooks && has_type(&candidate.artifact, "get_name", &[], &[I32]);
        let (factory, first) = start(settings, WaspFactory(Arc::new(template)), tells_name).await?;
        let started = Started {
            account: factory.account().clone(),
            factory,
            first: Some(first),
            isolation: settings.isolation.unwrap_or(Isolation::Warm),
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

impl Wasp {
    fn check_all_imports(&self, candidate: &Candidate) -> Result<(), LoadError> {
        let functions = &candidate.settings.host_functions;
        let is_there = |import: &Import| {
            let is_function = matches!(import.item, Item::Func { .. });
            self.offers(import) || is_function && functions.get(&import.module, &import.name).is_some()
        };
        let own: Vec<String> = functions.iter().map(|function| format!("{function:?}")).collect();
        let mut offered = wasp::OFFERED.to_vec();
        offered.extend(own.iter().map(String::as_str));
        check_imports(&candidate.settings, &candidate.artifact, is_there, &offered)
    }
}

/// A file that is none of this kind.
struct NotWasp {
    closest: Option<String>,
    score: u32,
}

/// What can be called of a module, or what keeps it from being one of this ABI.
fn find(artifact: &Artifact) -> Result<Found, NotWasp> {
    let Shape::Module(module) = &artifact.shape else {
        return Err(NotWasp {
            closest: None,
            score: 0,
        });
    };
    // Other ABIs have an `allocate` too.
    let score = match (module.export(GET_STRING_SIZE), module.export(ALLOCATE)) {
        (Some(_), _) => 20,
        (None, Some(_)) => 1,
        (None, None) => 0,
    };
    let functions = functions(module);
    let mut problems = problems(module);
    if functions.is_empty() {
        problems.push("exports no function of i32s besides those of its memory".to_owned());
    }
    if !problems.is_empty() {
        let closest = (score > 0).then(|| format!("it {}", problems.join("; it ")));
        return Err(NotWasp { closest, score });
    }
    let hooks = functions.iter().filter(|function| is_hook(function));
    let hooks = Hooks::named(hooks.map(|function| function.name.as_str()));
    let notes = other_hooks(&functions);
    Ok(Found {
        hooks,
        functions,
        version: version(module).to_owned(),
        notes,
    })
}

/// What of its memory it lacks, or has with another type.
fn problems(module: &ModuleShape) -> Vec<String> {
    let mut problems = Vec::new();
    match module.export(MEMORY) {
        Some(Item::Memory) => {}
        Some(other) => problems.push(format!("exports `{MEMORY}{other}`, where a memory is expected")),
        None => problems.push(format!("exports no `{MEMORY}`")),
    }
    for (name, params, results, may_lack) in OF_MEMORY {
        let wanted = function_type(params, results);
        match module.export(name) {
            Some(item) if *item == wanted => {}
            Some(other) => problems.push(format!(
                "exports `{name}` with another type: `{name}{other}`, where `{name}{wanted}` is expected"
            )),
            None if may_lack => {}
            None => problems.push(format!("exports no `{name}{wanted}`")),
        }
    }
    problems
}

fn function_type(params: &[ValType], results: &[ValType]) -> Item {
    Item::Func {
        params: params.to_vec(),
        results: results.to_vec(),
    }
}

fn has_type(artifact: &Artifact, name: &str, params: &[ValType], results: &[ValType]) -> bool {
    match &artifact.shape {
        Shape::Module(module) => module.export(name) == Some(&function_type(params, results)),
        Shape::Component(_) => false,
    }
}

fn functions(module: &ModuleShape) -> Vec<Function> {
    let of_memory = |name: &str| OF_MEMORY.iter().any(|(known, ..)| *known == name);
    let is_for_others = |name: &str| !of_memory(name) && !NOT_CALLED.contains(&name) && !name.starts_with("__");
    let exports = module.exports.iter().filter(|export| is_for_others(&export.name));
    let function = |name: &str, params: &[ValType], results: &[ValType]| {
        let result = match results {
            [] => ValueType::Nothing,
            [ValType::I32] => ValueType::Word,
            _ => return None,
        };
        params.iter().all(|param| *param == I32).then(|| Function {
            name: name.to_owned(),
            parameters: vec![ValueType::Word; params.len()],
            result,
        })
    };
    let functions = exports.filter_map(|export| match &export.item {
        Item::Func { params, results } => function(&export.name, params, results),
        _ => None,
    });
    functions.collect()
}

/// Whether it takes one text and gives one, as far as its type tells.
fn is_hook(function: &Function) -> bool {
    function.parameters.len() == 1 && function.result == ValueType::Word
}

/// Functions that have the name of a hook, and are none.
fn other_hooks(functions: &[Function]) -> Vec<String> {
    let has_hooks_name = |name: &str| KNOWN.iter().any(|known| known.name == name && known.generations != [1]);
    let others = functions
        .iter()
        .filter(|function| has_hooks_name(&function.name) && !is_hook(function));
    others
        .map(|function| format!("`{function}` is no hook: one takes one text and gives one"))
        .collect()
}

/// A reactor's initialiser, which is called where its operator wants it, and not where nobody said anything.
fn uncalled_initialiser(candidate: &Candidate) -> Option<String> {
    let is_there = has_type(&candidate.artifact, "_initialize", &[], &[]);
    let is_undecided = !candidate.settings.options.contains_key(START);
    let note = "its `_initialize` is not called, as Wasp's own host does not call it; `start = \"_initialize\"` does";
    (is_there && is_undecided).then(|| note.to_owned())
}

/// Guests of the TinyGo of that time corrupt their heap after some hundred calls.
fn recycled_early(mut candidate: Candidate, found: &mut Found) -> Candidate {
    let recycle = &mut candidate.settings.recycle;
    if found.version == UNSTABLE && recycle.calls.is_none() {
        recycle.calls = Some(EARLY);
        found.notes.push(format!(
            "it was built when compilers' heaps wore out: a fresh instance takes over after {EARLY} calls, unless `recycle.calls` says otherwise"
        ));
    }
    candidate
}

/// By which name it knows WASI, if at all.
fn version(module: &ModuleShape) -> &'static str {
    let imports = |from: &str| module.imports.iter().any(|import| import.module == from);
    match (imports("wasi_unstable"), imports("wasi_snapshot_preview1")) {
        (true, _) => UNSTABLE,
        (false, true) => "wasi_snapshot_preview1",
        (false, false) => "without WASI",
    }
}

fn world(settings: &PluginSettings) -> World {
    let mut world = World::granted(settings);
    if let Some(host) = settings.options.get(WORKSPACE) {
        world.directories.extend(WORKSPACES.map(|guest| Directory {
            host: host.into(),
            guest: guest.to_owned(),
            read_only: false,
        }));
    }
    world
}

/// What is called of a module besides its functions: by gateways, where it has hooks.
fn life(candidate: &Candidate, has_hooks: bool) -> Result<Life, LoadError> {
    let (settings, artifact) = (&candidate.settings, &candidate.artifact);
    // The types of result that a function of these parameters has.
    let result = |name, params: &[ValType]| {
        let of_none = has_type(artifact, name, params, &[]).then_some(ValueType::Nothing);
        of_none.or_else(|| has_type(artifact, name, params, &[I32]).then_some(ValueType::I32))
    };
    let result = |name, params: &[ValType]| result(name, params).filter(|_| has_hooks);
    Ok(Life {
        start: start_function(settings, artifact)?,
        init: result("init", &[I32]).map(|result| (config_text(settings).into(), result)),
        cleanup: result("cleanup", &[]),
    })
}

fn start_function(settings: &PluginSettings, artifact: &Artifact) -> Result<Option<String>, LoadError> {
    let invalid = |reason| Err(invalid_setting(settings, START, reason));
    match settings.options.get(START).map(String::as_str) {
        None | Some("none") => Ok(None),
        Some(name @ ("_start" | "_initialize")) => match has_type(artifact, name, &[], &[]) {
            true => Ok(Some(name.to_owned())),
            false => invalid(format!("the module exports no `{name}()`")),
        },
        Some(other) => invalid(format!("it is `{other}`; it can be `_start`, `_initialize` or `none`")),
    }
}
