//! Exports and their types → ABI and envelope of each hook, or why not.

use heimdall_host::loader::{Artifact, Item, ModuleShape, Shape, ValType};

use crate::abi::packed::Layout;
use crate::hooks::{Hooks, KNOWN, Known};

/// What a module of the packed ABI needs, for those whose module is none.
const NEEDS: &str = "a core module that exports `memory`, `malloc(size) -> address` (or `plugin_malloc`) and at least one \
                     hook: pre_hook, post_hook, http_transport_intercept, http_intercept, http_pre_hook, http_post_hook, \
                     http_stream_chunk_hook";

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

/// A module that is recognised.
pub(crate) struct Detected {
    pub(crate) layout: Layout,
    pub(crate) hooks: Hooks,
    /// `generation 3`
    pub(crate) version: String,
    pub(crate) notes: Vec<String>,
}

/// A module that is not.
pub(crate) struct NotPacked {
    pub(crate) closest: Option<String>,
    pub(crate) needs: String,
    pub(crate) score: u32,
}

/// What else a module may export, with its type.
const LIFE_CYCLE: [(&str, &[ValType], &[ValType]); 6] = [
    ("_initialize", &[], &[]),
    ("_start", &[], &[]),
    ("plugin_reset", &[], &[]),
    ("init", &[I32, I32], &[I32]),
    ("get_name", &[], &[I64]),
    ("cleanup", &[], &[I32]),
];

pub(crate) fn detect(artifact: &Artifact) -> Result<Detected, NotPacked> {
    let Shape::Module(module) = &artifact.shape else {
        return Err(NotPacked {
            closest: None,
            needs: NEEDS.to_owned(),
            score: 0,
        });
    };
    let names: Vec<&str> = module.exports.iter().map(|export| export.name.as_str()).collect();
    let hooks = names.iter().filter(|name| spelling(name).is_some()).count();
    let score = hooks * 10
        + names
            .iter()
            .filter(|name| **name == "get_name" || **name == "plugin_malloc")
            .count();
    let mut problems = Vec::new();
    let found = find_hooks(module, &mut problems);
    // Beside a hook, a name like one may be anything.
    if found.is_empty() && problems.is_empty() {
        problems.extend(misspelt(&names));
    }
    check_life_cycle(module, &mut problems);
    let (malloc, free) = allocator(module, !found.is_empty(), &mut problems);
    match module.export("memory") {
        Some(Item::Memory) => {}
        Some(other) => problems.push(format!("exports `memory{other}`, where a memory is expected")),
        None => problems.push("exports no `memory`".to_owned()),
    }
    if score == 0 {
        return Err(NotPacked {
            closest: None,
            needs: NEEDS.to_owned(),
            score: 0,
        });
    }
    if hooks == 0 && module.export("get_name").is_none() {
        problems.push("exports no hook".to_owned());
    }
    if !problems.is_empty() {
        let score = u32::try_from(score).unwrap_or(u32::MAX);
        return Err(NotPacked {
            closest: Some(format!("it {}", problems.join("; it "))),
            needs: NEEDS.to_owned(),
            score,
        });
    }
    Ok(describe(artifact, module, found, malloc, free))
}

/// The hooks in a form that is known. One that has another form is a problem.
fn find_hooks(module: &ModuleShape, problems: &mut Vec<String>) -> Vec<&'static Known> {
    let mut found = Vec::new();
    for export in &module.exports {
        let forms: Vec<&Known> = KNOWN.iter().filter(|known| known.name == export.name).collect();
        if forms.is_empty() {
            continue;
        }
        let fits = |known: &&&Known| match &export.item {
            Item::Func { params, results } => {
                params.len() == known.inputs * 2 && params.iter().all(|param| *param == I32) && *results == [I64]
            }
            _ => false,
        };
        match forms.iter().find(fits) {
            Some(known) => found.push(*known),
            None => problems.push(near_miss(&export.name, &export.item, &forms)),
        }
    }
    found
}

/// The hook that an export is, or was meant to be: `preHook` is `pre_hook`.
fn spelling(export: &str) -> Option<&'static str> {
    let letters = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let meant = letters(export);
    let names = KNOWN.iter().map(|known| known.name);
    names.into_iter().find(|name| letters(name) == meant)
}

fn misspelt(names: &[&str]) -> Vec<String> {
    let meant = names.iter().filter_map(|name| Some((name, spelling(name)?)));
    meant
        .map(|(name, hook)| format!("exports `{name}`, which is spelt `{hook}`"))
        .collect()
}

/// `exports pre_hook with 3 parameters; generation 1 takes 4, generation 2 and 3 take 2`
fn near_miss(name: &str, item: &Item, forms: &[&Known]) -> String {
    let Item::Func { params, results } = item else {
        return format!("exports `{name}`, but not as a function");
    };
    let takes: Vec<String> = forms
        .iter()
        .map(|form| {
            let verb = if form.generations.len() == 1 { "takes" } else { "take" };
            format!("generation {} {verb} {}", numbers(form.generations), form.inputs * 2)
        })
        .collect();
    if forms.iter().all(|form| form.inputs * 2 != params.len()) {
        let plural = if params.len() == 1 { "" } else { "s" };
        return format!(
            "exports {name} with {} parameter{plural}; {}",
            params.len(),
            takes.join(", ")
        );
    }
    if *results != [I64] {
        return format!("exports {name} with another result: `{name}{item}`, where it returns one i64");
    }
    format!("exports {name} with other types: `{name}{item}`, where every parameter is an i32")
}

fn check_life_cycle(module: &ModuleShape, problems: &mut Vec<String>) {
    for (name, params, results) in LIFE_CYCLE {
        let wanted = Item::Func {
            params: params.to_vec(),
            results: results.to_vec(),
        };
        if let Some(item) = module.export(name).filter(|item| **item != wanted) {
            problems.push(format!("exports `{name}{item}`, where `{name}{wanted}` is expected"));
        }
    }
}

type Free = Option<(&'static str, bool)>;

/// The allocator that is the plugin's own: the `plugin_` spelling, else the plain one.
fn allocator(module: &ModuleShape, needed: bool, problems: &mut Vec<String>) -> (&'static str, Free) {
    let pick = |names: [&'static str; 2]| names.into_iter().find(|name| module.export(name).is_some());
    let malloc = pick(["plugin_malloc", "malloc"]);
    let wanted = Item::Func {
        params: vec![I32],
        results: vec![I32],
    };
    match malloc.and_then(|name| Some((name, module.export(name)?))) {
        Some((name, item)) if *item != wanted => {
            problems.push(format!("exports `{name}{item}`, where `{name}{wanted}` is expected"));
        }
        None if needed => problems.push("exports neither `plugin_malloc` nor `malloc`".to_owned()),
        _ => {}
    }
    let mut free = pick(["plugin_free", "free"]);
    // Beside both spellings of malloc, the plain free belongs to the plain one.
    if free == Some("free") && malloc == Some("plugin_malloc") && module.export("malloc").is_some() {
        free = None;
    }
    let free = free.and_then(|name| match module.export(name)? {
        Item::Func { params, results } if *params == [I32] && results.is_empty() => Some((name, false)),
        Item::Func { params, results } if *params == [I32, I32] && results.is_empty() => Some((name, true)),
        item => {
            problems.push(format!(
                "exports `{name}{item}`, where it takes an address, or an address and a size"
            ));
            None
        }
    });
    (malloc.unwrap_or_default(), free)
}

fn describe(
    artifact: &Artifact,
    module: &ModuleShape,
    found: Vec<&'static Known>,
    malloc: &'static str,
    free: Free,
) -> Detected {
    let mut hooks = Hooks::default();
    let mut notes = Vec::new();
    for known in KNOWN
        .iter()
        .filter(|known| found.iter().any(|found| std::ptr::eq(*found, *known)))
    {
        if let Some(older) = hooks.put(known) {
            notes.push(format!(
                "{} is not called, as {} takes its place",
                older.export, known.name
            ));
        }
    }
    if found.is_empty() {
        notes.push("it exports no hook, so it is never called".to_owned());
    }
    let has = |name: &str| module.export(name).is_some();
    let start = ["_initialize", "_start"].into_iter().find(|name| has(name));
    let layout = Layout {
        malloc,
        free,
        reset: has("plugin_reset"),
        start,
        init: has("init"),
        get_name: has("get_name"),
        cleanup: has("cleanup"),
        hooks: found.iter().map(|known| (known.name, known.inputs)).collect(),
        heap_base: module.heap_base.or_else(|| data_end(&artifact.bytes)),
    };
    Detected {
        layout,
        version: version(&found),
        hooks,
        notes,
    }
}

/// The generations in words, as few as the hooks allow.
fn version(found: &[&Known]) -> String {
    let mut certain: Vec<u8> = found
        .iter()
        .filter_map(|known| match known.generations {
            [only] => Some(*only),
            _ => None,
        })
        .collect();
    certain.sort_unstable();
    certain.dedup();
    let open = found
        .iter()
        .any(|known| known.generations.len() > 1 && !known.generations.iter().any(|g| certain.contains(g)));
    match (certain.as_slice(), open) {
        ([], true) => "generation 2 or 3".to_owned(),
        ([], false) => "no generation".to_owned(),
        ([only], false) => format!("generation {only}"),
        (several, false) => format!("generations {}", numbers(several)),
        (several, true) => format!("generations {} and 2 or 3", numbers(several)),
    }
}

fn numbers(generations: &[u8]) -> String {
    let texts: Vec<String> = generations.iter().map(u8::to_string).collect();
    texts.join(" and ")
}

/// Where the module's data ends, as far as its active segments tell.
fn data_end(bytes: &[u8]) -> Option<u32> {
    let sections = wasmparser::Parser::new(0).parse_all(bytes);
    let data = sections.filter_map(Result::ok).find_map(|payload| match payload {
        wasmparser::Payload::DataSection(section) => Some(section),
        _ => None,
    })?;
    data.into_iter()
        .filter_map(Result::ok)
        .filter_map(|segment| segment_end(&segment))
        .max()
}

fn segment_end(segment: &wasmparser::Data<'_>) -> Option<u32> {
    let wasmparser::DataKind::Active {
        memory_index: 0,
        offset_expr,
    } = &segment.kind
    else {
        return None;
    };
    match offset_expr.get_operators_reader().read().ok()? {
        wasmparser::Operator::I32Const { value } => {
            u32::from_ne_bytes(value.to_ne_bytes()).checked_add(u32::try_from(segment.data.len()).ok()?)
        }
        _ => None,
    }
}
