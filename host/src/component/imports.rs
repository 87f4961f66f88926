//! What a component imports: what the host has is linked, what a newer contract or a grant that nobody gave would have
//! is replaced by a function that says so when it is called, and everything else is refused.

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, LinkerInstance, ResourceType};

use super::interfaces::{InterfaceName, OFFERED, PACKAGE};
use super::{State, one_line, v0_1};
use crate::failure::Cause;
use crate::loader::LoadError;
use crate::runtime::{Runtime, add_wasi_to_component_linker};

/// The packages of WASI that this host offers.
const WASI: [&str; 6] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];
const WASI_TRACK: &str = "0.2";
/// The version by which the engine's linker knows them.
const WASI_VERSION: &str = "0.2.12";

/// A component with all of its imports.
pub(super) struct Linked {
    pub component: InstancePre<State>,
    /// The names of what it imports.
    pub imports: Vec<String>,
    /// What it imports and this host has not, by interface, each with why.
    pub missing: Vec<String>,
}

/// What stands in for a missing resource: no value of it ever comes to be.
enum Missing {}

/// Whether this host offers an interface, were it only by its name.
pub(super) fn offers(name: &str) -> bool {
    let Some(name) = InterfaceName::parse(name) else {
        return false;
    };
    (name.is_ours() && OFFERED.contains(&name.interface))
        || (WASI.contains(&name.package) && name.is_of_track(WASI_TRACK))
}

/// Gives a component what it imports.
pub(super) fn link(runtime: &Runtime, component: &Component, file: &str) -> Result<Linked, LoadError> {
    let engine = runtime.engine();
    let kind = component.component_type();
    let incompatible = |error: wasmtime::Error| LoadError::Incompatible {
        file: file.to_owned(),
        what: format!("its imports don't fit what this host offers: {}", one_line(&error)),
        remedy: format!("build it against the published contract {PACKAGE}@{}", v0_1::VERSION),
    };
    let mut linker = Linker::new(engine);
    add_wasi_to_component_linker(&mut linker)
        .and_then(|()| v0_1::add_to_linker(&mut linker))
        .map_err(incompatible)?;

    let mut stand_ins = StandIns {
        known: Vec::new(),
        missing: Vec::new(),
    };
    let mut imports = Vec::new();
    let mut unknown = Vec::new();
    for (name, item) in kind.imports(engine) {
        imports.push(name.to_owned());
        match (&item.ty, stand_in_place(name)) {
            (ComponentItem::ComponentInstance(instance), Some(place)) => {
                let home = linker.instance(&place.home).map_err(incompatible)?;
                stand_ins.fill(home, name, instance, runtime, place.why);
            }
            // What has only types needs no definition.
            (ComponentItem::ComponentInstance(instance), None) if !needs_definition(instance, runtime) => {}
            (ComponentItem::Type(_), _) => {}
            _ => unknown.push(name.to_owned()),
        }
    }
    if !unknown.is_empty() {
        return Err(LoadError::UnknownImports {
            file: file.to_owned(),
            missing: unknown,
            offered: offered(),
        });
    }
    let component = linker.instantiate_pre(component).map_err(incompatible)?;
    Ok(Linked {
        component,
        imports,
        missing: stand_ins.missing,
    })
}

/// All that a component may import, in words for a message.
fn offered() -> Vec<String> {
    let ours = OFFERED
        .iter()
        .map(|interface| format!("{PACKAGE}/{interface}@{}", v0_1::VERSION));
    let wasi = WASI.iter().map(|package| format!("{package}@{WASI_TRACK}"));
    ours.chain(wasi).collect()
}

/// Where what is missing of an interface is put into the linker, and why it is missing.
struct Place {
    home: String,
    why: &'static str,
}

/// None: what is missing of this interface is not replaced.
fn stand_in_place(name: &str) -> Option<Place> {
    let Some(parsed) = InterfaceName::parse(name) else {
        return name.starts_with("wasi:").then(|| Place {
            home: name.to_owned(),
            why: NOT_GRANTED,
        });
    };
    let at = |version: &str| format!("{}/{}@{version}", parsed.package, parsed.interface);
    if parsed.is_ours() {
        return Some(Place {
            home: at(v0_1::VERSION),
            why: NEWER_CONTRACT,
        });
    }
    if WASI.contains(&parsed.package) && parsed.is_of_track(WASI_TRACK) {
        return Some(Place {
            home: at(WASI_VERSION),
            why: NEWER_WASI,
        });
    }
    parsed.package.starts_with("wasi:").then(|| Place {
        home: name.to_owned(),
        why: NOT_GRANTED,
    })
}

pub(super) const NEWER_CONTRACT: &str =
    "the plugin was built against a newer contract than this host has: upgrade Heimdall";
const NEWER_WASI: &str = "the plugin was built against a newer WASI than this host has: upgrade Heimdall";
const NOT_GRANTED: &str = "this host grants it to no plugin";

/// Puts stand-ins into a linker.
struct StandIns {
    /// Resources that an interface before this one has introduced; seen again, they are the same.
    known: Vec<ResourceType>,
    missing: Vec<String>,
}

impl StandIns {
    fn fill(
        &mut self,
        mut home: LinkerInstance<'_, State>,
        name: &str,
        instance: &ComponentInstance,
        runtime: &Runtime,
        why: &'static str,
    ) {
        let mut missing = Vec::new();
        for (item_name, item) in instance.exports(runtime.engine()) {
            // The linker takes no second definition, so what the host has stays.
            let stood_in = match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let message = format!("it called `{item_name}` of {name}; {why}");
                    home.func_new(item_name, move |_, _, _, _| {
                        Err(wasmtime::Error::new(Cause::Trap(message.clone())))
                    })
                }
                ComponentItem::Resource(resource) if !self.known.contains(&resource) => {
                    self.known.push(resource);
                    home.resource(item_name, ResourceType::host::<Missing>(), |_, _| Ok(()))
                }
                _ => continue,
            };
            if stood_in.is_ok() {
                missing.push(format!("`{item_name}`"));
            }
        }
        if !missing.is_empty() {
            self.missing.push(format!("{} of {name}; {why}", few(&missing)));
        }
    }
}

/// The first few of a list that may be long.
pub(super) fn few(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn needs_definition(instance: &ComponentInstance, runtime: &Runtime) -> bool {
    instance
        .exports(runtime.engine())
        .any(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)))
}
