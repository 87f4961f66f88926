//! Reads a file: whether it is WebAssembly that this host takes, and what it exports and imports.

use bytes::Bytes;
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::{EntityType, Types};
use wasmparser::{
    BinaryReaderError, ExternalKind, KnownCustom, MemoryType, Operator, Parser, Payload, ProducersSectionReader,
    TypeRef, ValidPayload, Validator, WasmFeatures,
};

use super::artifact::{Artifact, ComponentShape, Export, Import, Item, MemoryShape, ModuleShape, Shape};
use super::error::LoadError;
use super::{WASM, encode};
use crate::runtime::Extras;

/// Reads any bytes, whatever they are.
pub(super) fn artifact(file: &str, bytes: Bytes) -> Result<Artifact, LoadError> {
    artifact_unless(file, bytes, &|_| false)
}

/// As [`artifact`]. Of a file that was compiled before functions are not validated: they were then, and are again if it is
/// compiled again.
pub(super) fn artifact_unless(
    file: &str,
    bytes: Bytes,
    was_compiled: &dyn Fn(&[u8]) -> bool,
) -> Result<Artifact, LoadError> {
    refuse_other_formats(file, &bytes)?;
    let outline = Outline::read(file, &bytes)?;
    if !outline.component && outline.component_types {
        let preview1 = outline.imports_preview1;
        let component = Bytes::from(encode::component(file, &bytes, preview1)?);
        let inner = Outline::read(file, &component)?;
        let (shape, extras) = shape(file, &component, &inner, !was_compiled(&component))?;
        let (memory, toolchain) = (outline.memory, outline.toolchain());
        return Ok(Artifact {
            bytes: component,
            shape,
            memory,
            toolchain,
            extras,
            encoded: true,
        });
    }
    let (shape, extras) = shape(file, &bytes, &outline, !was_compiled(&bytes))?;
    Ok(Artifact {
        shape,
        memory: outline.memory,
        toolchain: outline.toolchain(),
        bytes,
        extras,
        encoded: false,
    })
}

/// The component that a file is, or, if it is a core module with component-type sections, describes.
///
/// # Errors
/// When it is neither, or no component can be made of it.
pub fn component(file: &str, bytes: Bytes) -> Result<Bytes, LoadError> {
    let artifact = artifact(file, bytes)?;
    match artifact.shape {
        Shape::Component(_) => Ok(artifact.bytes),
        Shape::Module(_) => Err(LoadError::Encode {
            file: file.into(),
            reason: "it is a core module without component-type sections".into(),
        }),
    }
}

fn refuse_other_formats(file: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::Empty { file: file.into() });
    }
    if bytes.starts_with(WASM) {
        return Ok(());
    }
    if WASM.starts_with(bytes) {
        return Err(LoadError::Truncated {
            file: file.into(),
            reason: "it ends within its first bytes".into(),
        });
    }
    let head = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    // The cut may have gone through a character.
    let text = head.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    let is_text = text.len() + 4 > head.len() && !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    let start = text.trim_start().to_ascii_lowercase();
    let (what, remedy) = match () {
        () if !is_text => (
            "some other binary file",
            "give the `.wasm` file that the plugin's build wrote",
        ),
        () if start.starts_with("<!doctype") || start.starts_with("<html") => (
            "an HTML page",
            "the download gave a page instead of the file; check the address and the access to it",
        ),
        () if start.starts_with("(module") || start.starts_with("(component") => {
            ("WebAssembly as text", "turn it into a binary with `wasm-tools parse`")
        }
        () => ("a text file", "give the `.wasm` file that the plugin's build wrote"),
    };
    let begins = if is_text {
        text.trim_start()
            .chars()
            .take(40)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    } else {
        head.iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    Err(LoadError::NotWasm {
        file: file.into(),
        what,
        begins,
        remedy,
    })
}

/// What the sections say, before anything is validated.
#[derive(Default)]
struct Outline {
    component: bool,
    exports: Vec<String>,
    imports: Vec<String>,
    memory: Option<MemoryShape>,
    component_types: bool,
    imports_preview1: bool,
    heap_base: Option<u32>,
    producers: Vec<String>,
}

impl Outline {
    fn read(file: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let mut outline = Outline::default();
        // What is inside of a component is not its own; only memories and toolchains are collected from there.
        let mut depth = 0_u32;
        let mut constants = Constants::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| malformed(file, &error))?;
            match &payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            outline
                .section(payload, depth == 0, &mut constants)
                .map_err(|error| malformed(file, &error))?;
            if let Some((feature, remedy)) = constants.unsupported {
                return Err(LoadError::Unsupported {
                    file: file.into(),
                    feature,
                    remedy,
                });
            }
        }
        outline.heap_base = constants.heap_base();
        Ok(outline)
    }

    fn section(&mut self, payload: Payload<'_>, top: bool, constants: &mut Constants) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } if top => self.component = encoding == wasmparser::Encoding::Component,
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.imports_preview1 |= top && encode::is_preview1(import.module);
                    match import.ty {
                        TypeRef::Memory(memory) => self.memory(memory, constants),
                        TypeRef::Global(_) if top => constants.globals.push(None),
                        _ => {}
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memory(memory?, constants);
                }
            }
            Payload::GlobalSection(section) if top => {
                for global in section {
                    let mut operators = global?.init_expr.get_operators_reader();
                    constants.globals.push(match operators.read()? {
                        Operator::I32Const { value } => Some(value.cast_unsigned()),
                        _ => None,
                    });
                }
            }
            Payload::ExportSection(section) if top => {
                for export in section {
                    let export = export?;
                    if export.name == "__heap_base" && export.kind == ExternalKind::Global {
                        constants.heap_base = usize::try_from(export.index).ok();
                    }
                }
            }
            Payload::ComponentImportSection(section) if top => {
                for import in section {
                    self.imports.push(import?.name.name.into());
                }
            }
            Payload::ComponentExportSection(section) if top => {
                for export in section {
                    self.exports.push(export?.name.name.into());
                }
            }
            Payload::CustomSection(section) => {
                self.component_types |= top && section.name().starts_with("component-type");
                if let KnownCustom::Producers(producers) = section.as_known() {
                    // Whatever is wrong with it, it is no reason to refuse the file.
                    let _ = self.producers(producers);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn memory(&mut self, memory: MemoryType, constants: &mut Constants) {
        if memory.memory64 {
            constants.unsupported = Some(("a 64-bit memory", "build it for wasm32"));
        }
        if memory.shared {
            constants.unsupported = Some(("threads (a shared memory)", "build it without threads"));
        }
        let shape = MemoryShape {
            min_pages: memory.initial,
            max_pages: memory.maximum,
        };
        if self.memory.is_none_or(|largest| largest.min_pages < shape.min_pages) {
            self.memory = Some(shape);
        }
    }

    fn producers(&mut self, section: ProducersSectionReader<'_>) -> Result<(), BinaryReaderError> {
        const MOST: usize = 16;
        for field in section {
            for value in field?.values {
                let value = value?;
                let text = format!("{} {}", value.name, value.version);
                let text: String = text.trim().chars().filter(|c| !c.is_control()).take(80).collect();
                if !text.is_empty() && !self.producers.contains(&text) && self.producers.len() < MOST {
                    self.producers.push(text);
                }
            }
        }
        Ok(())
    }

    fn toolchain(&self) -> Option<String> {
        (!self.producers.is_empty()).then(|| self.producers.join(", "))
    }
}

/// What is collected on the way.
#[derive(Default)]
struct Constants {
    /// The values of the globals, where they are constants.
    globals: Vec<Option<u32>>,
    /// The global that is exported as `__heap_base`.
    heap_base: Option<usize>,
    unsupported: Option<(&'static str, &'static str)>,
}

impl Constants {
    fn heap_base(&self) -> Option<u32> {
        self.globals.get(self.heap_base?).copied().flatten()
    }
}

/// Validates the file, so that what follows may rely on it.
fn shape(file: &str, bytes: &[u8], outline: &Outline, with_functions: bool) -> Result<(Shape, Extras), LoadError> {
    let (types, extras) = match types(bytes, with_functions, features()) {
        Ok(types) => (types, Extras::empty()),
        // Whether its kind may have them shows when its kind is known.
        Err(error) => match types(bytes, with_functions, features().union(WasmFeatures::GC)) {
            Ok(types) => (types, Extras::GC),
            Err(_) => return Err(refused_feature(file, bytes).unwrap_or_else(|| malformed(file, &error))),
        },
    };
    if outline.component {
        let (exports, imports) = (outline.exports.clone(), outline.imports.clone());
        let items = imports.iter().map(|name| (name.clone(), imported_items(&types, name)));
        let shape = Shape::Component(ComponentShape {
            imported_items: items.filter(|(_, items)| !items.is_empty()).collect(),
            exports,
            imports,
        });
        return Ok((shape, extras));
    }
    let exports = types.as_ref().core_exports().into_iter().flatten();
    let exports = exports
        .map(|(name, entity)| Export {
            name: name.into(),
            item: item(&types, entity),
        })
        .collect();
    let imports = types.as_ref().core_imports().into_iter().flatten();
    let imports = imports
        .map(|(module, name, entity)| Import {
            module: module.into(),
            name: name.into(),
            item: item(&types, entity),
        })
        .collect();
    let shape = Shape::Module(ModuleShape {
        exports,
        imports,
        heap_base: outline.heap_base,
    });
    Ok((shape, extras))
}

fn types(bytes: &[u8], with_functions: bool, features: WasmFeatures) -> Result<Types, BinaryReaderError> {
    let mut validator = Validator::new_with_features(features);
    if with_functions {
        return validator.validate_all(bytes);
    }
    let mut types = None;
    for payload in Parser::new(0).parse_all(bytes) {
        if let ValidPayload::End(ended) = validator.payload(&payload?)? {
            types = Some(ended);
        }
    }
    // What has no end is no module.
    types.map_or_else(|| Validator::new_with_features(features).validate_all(bytes), Ok)
}

/// The functions and resources of an interface that a component imports.
fn imported_items(types: &Types, interface: &str) -> Vec<String> {
    let Some(ComponentEntityType::Instance(id)) = types.component_item_for_import(interface).map(|item| item.ty) else {
        return Vec::new();
    };
    let is_item = |kind: &ComponentEntityType| match kind {
        ComponentEntityType::Func(_) => true,
        ComponentEntityType::Type { referenced, created } => {
            // A resource of its own: one that it uses from another interface has the type that it has there.
            matches!(created, ComponentAnyTypeId::Resource(_)) && types.peel_alias(*referenced).is_none()
        }
        _ => false,
    };
    let items = types[id].exports.iter().filter(|(_, item)| is_item(&item.ty));
    items.map(|(name, _)| name.clone()).collect()
}

fn item(types: &Types, entity: EntityType) -> Item {
    match entity {
        EntityType::Func(id) | EntityType::FuncExact(id) => match &types[id].composite_type.inner {
            wasmparser::CompositeInnerType::Func(function) => Item::Func {
                params: function.params().to_vec(),
                results: function.results().to_vec(),
            },
            // Validation has made sure that a function's type is one.
            _ => Item::Func {
                params: Vec::new(),
                results: Vec::new(),
            },
        },
        EntityType::Table(_) => Item::Table,
        EntityType::Memory(_) => Item::Memory,
        EntityType::Global(_) => Item::Global,
        EntityType::Tag(_) => Item::Tag,
    }
}

/// What the engine does not take, in words, and how to build a plugin without; see there for why.
const REFUSED: [(WasmFeatures, &str, &str); 5] = [
    (WasmFeatures::THREADS, "threads", "build it without threads"),
    (
        WasmFeatures::GC,
        "garbage-collected types",
        "build it with a toolchain that manages memory itself",
    ),
    (WasmFeatures::EXCEPTIONS, "exceptions", "build it without exceptions"),
    (
        WasmFeatures::MEMORY64,
        "a 64-bit memory or table",
        "build it for wasm32",
    ),
    (
        WasmFeatures::CM_ASYNC,
        "asynchronous component functions",
        "build it against WASI 0.2",
    ),
];

/// What the engine takes.
fn features() -> WasmFeatures {
    let refused = REFUSED.iter().map(|(feature, _, _)| *feature);
    WasmFeatures::default().difference(refused.collect())
}

/// A file needs of the engine what its kind of plugin does not get.
pub(super) fn unsupported(file: &str, extras: Extras) -> Option<LoadError> {
    let (_, feature, remedy) = REFUSED
        .iter()
        .find(|(feature, ..)| extras.contains(Extras::GC) && *feature == WasmFeatures::GC)?;
    Some(LoadError::Unsupported {
        file: file.into(),
        feature,
        remedy,
    })
}

/// Whether a file would be valid if the engine took one thing more.
fn refused_feature(file: &str, bytes: &[u8]) -> Option<LoadError> {
    let is_all_it_needs = |more: &WasmFeatures| {
        let mut validator = Validator::new_with_features(features().union(*more));
        validator.validate_all(bytes).is_ok()
    };
    let (_, feature, remedy) = REFUSED.iter().find(|(more, _, _)| is_all_it_needs(more))?;
    Some(LoadError::Unsupported {
        file: file.into(),
        feature,
        remedy,
    })
}

fn malformed(file: &str, error: &BinaryReaderError) -> LoadError {
    let reason = error.to_string();
    // The second is what is said of a file that ends between its sections of functions and of code.
    let breaks_off = ["unexpected end", "code section is absent"];
    if breaks_off.iter().any(|text| error.message().contains(text)) {
        LoadError::Truncated {
            file: file.into(),
            reason,
        }
    } else {
        LoadError::Invalid {
            file: file.into(),
            reason,
        }
    }
}
