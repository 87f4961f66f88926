//! A file that may be a plugin, and what it exports and imports.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use crate::runtime::Extras;
pub use wasmparser::ValType;

/// A valid WebAssembly file, and what can be told without running it.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its bytes; what is compiled is what was read.
    pub bytes: Bytes,
    /// What it exports and imports.
    pub shape: Shape,
    /// Its memory; of a component: the largest of those inside.
    pub memory: Option<MemoryShape>,
    /// What made it, where it tells.
    pub toolchain: Option<String>,
    /// What it needs of an engine beside what every plugin gets.
    pub extras: Extras,
    /// Whether this is a component that was made from a core module when it was loaded.
    pub encoded: bool,
}

/// What a file exports and imports.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A component.
    Component(ComponentShape),
    /// A core module.
    Module(ModuleShape),
}

/// What a component exports and imports: the names of functions and interfaces.
#[derive(Debug, Clone, Default)]
pub struct ComponentShape {
    /// In the file's order.
    pub exports: Vec<String>,
    /// In the file's order.
    pub imports: Vec<String>,
    /// The functions and resources that it imports, by interface.
    pub imported_items: BTreeMap<String, Vec<String>>,
}

/// What a core module exports and imports.
#[derive(Debug, Clone, Default)]
pub struct ModuleShape {
    /// In the file's order.
    pub exports: Vec<Export>,
    /// In the file's order.
    pub imports: Vec<Import>,
    /// Where its own stack and data end, if it exports a constant `__heap_base`.
    pub heap_base: Option<u32>,
}

impl ModuleShape {
    /// The export of that name.
    pub fn export(&self, name: &str) -> Option<&Item> {
        self.exports
            .iter()
            .find(|export| export.name == name)
            .map(|export| &export.item)
    }
}

/// An export of a core module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What it is.
    pub item: Item,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module that it is looked for in; of a component: the interface.
    pub module: String,
    /// Its name; of a component: empty.
    pub name: String,
    /// What it is.
    pub item: Item,
}

/// What an export or import is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A function.
    Func {
        /// The types of its parameters.
        params: Vec<ValType>,
        /// The types of its results.
        results: Vec<ValType>,
    },
    /// A memory.
    Memory,
    /// A table.
    Table,
    /// A global.
    Global,
    /// A tag of exceptions.
    Tag,
    /// An interface of a component.
    Instance,
}

/// A memory, in pages of 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct MemoryShape {
    /// At the start.
    pub min_pages: u64,
    /// At most, if the file says so.
    pub max_pages: Option<u64>,
}

impl Shape {
    /// In words.
    pub fn form(&self) -> &'static str {
        match self {
            Shape::Component(_) => "component",
            Shape::Module(_) => "core module",
        }
    }

    /// Exports with their types, to be read.
    pub fn export_texts(&self) -> Vec<String> {
        match self {
            Shape::Component(component) => component.exports.clone(),
            Shape::Module(module) => module.exports.iter().map(ToString::to_string).collect(),
        }
    }

    /// What it imports.
    pub fn imports(&self) -> Vec<Import> {
        match self {
            Shape::Component(component) => component.imports.iter().map(|name| Import::interface(name)).collect(),
            Shape::Module(module) => module.imports.clone(),
        }
    }
}

impl Import {
    /// An import of a component.
    pub fn interface(name: &str) -> Self {
        Import {
            module: name.into(),
            name: String::new(),
            item: Item::Instance,
        }
    }
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.item)
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            Item::Instance => f.write_str(&self.module),
            _ => write!(f, "{}.{}{}", self.module, self.name, self.item),
        }
    }
}

/// What follows the name: `(i32, i32) -> i64`, ` (memory)`.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Func { params, results } => {
                write!(f, "({})", types(params))?;
                if results.is_empty() {
                    Ok(())
                } else {
                    write!(f, " -> {}", types(results))
                }
            }
            Item::Memory => f.write_str(" (memory)"),
            Item::Table => f.write_str(" (table)"),
            Item::Global => f.write_str(" (global)"),
            Item::Tag => f.write_str(" (tag)"),
            Item::Instance => f.write_str(" (interface)"),
        }
    }
}

fn types(types: &[ValType]) -> String {
    let texts: Vec<String> = types.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
