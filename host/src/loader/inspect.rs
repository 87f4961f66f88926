//! What can be told of a file without running it.

use serde::Serialize;

use super::abi::{Abi, Recognised};
use super::artifact::{Artifact, MemoryShape};

/// What can be told of a file without running it.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The file, as it was given.
    pub file: String,
    /// `component`, `core module` or `core module with component-type sections`.
    pub form: &'static str,
    /// Whether the component is made from a core module when it is loaded.
    pub encoded_at_load: bool,
    /// The kind of plugin.
    pub kind: String,
    /// The contract's version, or the ABI's generation(s).
    pub version: String,
    /// The hooks that it has.
    pub hooks: Vec<String>,
    /// What can be called of it beside hooks, with types.
    pub functions: Vec<String>,
    /// What it imports.
    pub imports: Vec<InspectedImport>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Its memory.
    pub memory: Option<MemoryShape>,
    /// Bytes of the file.
    pub size: usize,
    /// What made it, where it tells.
    pub toolchain: Option<String>,
    /// What an operator should know.
    pub notes: Vec<String>,
}

/// An import, and whether this host has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InspectedImport {
    /// Its name, with its type.
    pub name: String,
    /// Whether it is there.
    pub offered: bool,
}

impl Inspection {
    pub(super) fn new(file: &str, size: usize, artifact: Artifact, abi: &dyn Abi, recognised: Recognised) -> Self {
        let imports = artifact.shape.imports();
        let imports = imports.iter().map(|import| InspectedImport {
            name: import.to_string(),
            offered: abi.offers(import),
        });
        Inspection {
            file: file.into(),
            form: if artifact.encoded {
                "core module with component-type sections"
            } else {
                artifact.shape.form()
            },
            encoded_at_load: artifact.encoded,
            kind: recognised.kind,
            version: recognised.version,
            hooks: recognised.hooks,
            functions: recognised.functions.iter().map(ToString::to_string).collect(),
            imports: imports.collect(),
            exports: artifact.shape.export_texts(),
            memory: artifact.memory,
            size,
            toolchain: artifact.toolchain,
            notes: recognised.notes,
        }
    }
}
