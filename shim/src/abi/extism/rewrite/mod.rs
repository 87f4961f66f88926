//! Puts the part of the kernel that moves bytes into the guest's own module.
//!
//! Development kits move their data 8 bytes at a time, each by a call of the kernel. As an import such a call costs 6 to 9 ns; as a
//! function of the same module over a second memory it is a direct call, of which most are checks of the stack and of the clock; in
//! its caller's body it is a load or a store and a comparison. So the module is rewritten when it is loaded: calls of these
//! functions are replaced by what they do, for what else the guest does with them they become functions of its own, and
//! the kernel's memory, with what the host says of the input, is appended and exported for the host. A guest can't name
//! what it did not import or define, so it can't tell.

mod inline;
mod movers;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, EntityType, ExportKind, ExportSection, FunctionSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, NameSection, StartSection, TableSection, TagSection,
    TypeSection, ValType,
};
use wasmparser::{KnownCustom, Parser, Payload, TypeRef};

use inline::Calls;
use movers::{Kernel, Mover};

/// What the module exports for the host, or imports from the module beside it.
pub(super) const MEMORY: &str = "heimdall:kernel/memory";
pub(super) const INPUT_OFFSET: &str = "heimdall:kernel/input-offset";
pub(super) const INPUT_LENGTH: &str = "heimdall:kernel/input-length";
/// Where modules that are linked with each other import it from.
pub(super) const KERNEL_MODULE: &str = "heimdall:kernel";

/// How many of each kind a module imports and defines.
#[derive(Debug, Default)]
struct Counts {
    types: u32,
    functions: u32,
    imported_memories: u32,
    memories: u32,
    imported_globals: u32,
    globals: u32,
}

/// Where everything of the guest is in the rewritten module.
struct Renumber {
    /// By the number of each imported function: its new number, and what it is if it moves bytes.
    imported: Vec<(u32, Option<Mover>)>,
    /// How many of them are imports no more.
    moved: u32,
    counts: Counts,
    /// Whether the kernel is imported, and stands before what the guest defines.
    is_linked: bool,
    calls: Calls,
}

impl Reencode for Renumber {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Self::Error>> {
        let imported = usize::try_from(function)
            .ok()
            .and_then(|place| self.imported.get(place));
        Ok(imported.map_or(function.wrapping_sub(self.moved), |(number, _)| *number))
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error<Self::Error>> {
        let is_behind = self.is_linked && memory >= self.counts.imported_memories;
        Ok(memory + u32::from(is_behind))
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error<Self::Error>> {
        let is_behind = self.is_linked && global >= self.counts.imported_globals;
        Ok(global + if is_behind { 2 } else { 0 })
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: wasmparser::FunctionBody<'_>) -> Result<()> {
        code.function(&inline::rewritten(self, &body)?);
        Ok(())
    }
}

type Result<T, E = reencode::Error<std::convert::Infallible>> = std::result::Result<T, E>;

/// The kernel alone, for modules that are linked with each other and share it.
pub(super) fn kernel_module() -> Vec<u8> {
    let mut module = Module::new();
    let (mut memories, mut globals, mut exports) = (MemorySection::new(), GlobalSection::new(), ExportSection::new());
    memories.memory(kernel_memory());
    exports.export(MEMORY, ExportKind::Memory, 0);
    for (number, name) in [(0, INPUT_OFFSET), (1, INPUT_LENGTH)] {
        globals.global(input_global(), &ConstExpr::i64_const(0));
        exports.export(name, ExportKind::Global, number);
    }
    module.section(&memories).section(&globals).section(&exports);
    module.finish()
}

fn kernel_memory() -> MemoryType {
    MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

fn input_global() -> GlobalType {
    GlobalType {
        val_type: ValType::I64,
        mutable: true,
        shared: false,
    }
}

/// The module with the kernel in it. `is_linked`: it shares the kernel with others, and imports it.
pub(super) fn with_kernel(bytes: &[u8], is_linked: bool) -> Result<Vec<u8>> {
    let mut renumber = Renumber::read(bytes, is_linked)?;
    let sections = Sections::rewritten(bytes, &mut renumber)?;
    Ok(sections.finish())
}

impl Renumber {
    fn read(bytes: &[u8], is_linked: bool) -> Result<Renumber> {
        let mut counts = Counts::default();
        let mut signatures = Vec::new();
        let mut imported: Vec<Option<Mover>> = Vec::new();
        let mut defined: Vec<u32> = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for sub in group?.into_types() {
                            signatures.push(match sub.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(function) => Some(function),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(number) | TypeRef::FuncExact(number) => {
                                let signature = usize::try_from(number).ok().and_then(|number| signatures.get(number));
                                let fits = |mover: &Mover| match signature {
                                    Some(Some(function)) => mover.fits(function.params(), function.results()),
                                    _ => false,
                                };
                                imported.push(Mover::of(import.module, import.name).filter(fits));
                            }
                            TypeRef::Memory(_) => counts.imported_memories += 1,
                            TypeRef::Global(_) => counts.imported_globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    defined = section.into_iter().collect::<std::result::Result<_, _>>()?;
                }
                Payload::MemorySection(section) => counts.memories = section.count(),
                Payload::GlobalSection(section) => counts.globals = section.count(),
                _ => {}
            }
        }
        counts.types = u32::try_from(signatures.len()).unwrap_or(u32::MAX);
        let moved = u32::try_from(imported.iter().flatten().count()).unwrap_or(u32::MAX);
        let all = u32::try_from(imported.len()).unwrap_or(u32::MAX);
        counts.functions = all.saturating_add(u32::try_from(defined.len()).unwrap_or(u32::MAX));
        let parameters = defined.iter().map(|number| {
            let signature = usize::try_from(*number).ok().and_then(|number| signatures.get(number));
            let function = signature.and_then(Option::as_ref)?;
            u32::try_from(function.params().len()).ok()
        });
        // Behind everything that the guest defines.
        let mut next_moved = counts.functions.saturating_sub(moved);
        let mut next_kept = 0;
        let imported = imported.into_iter().map(|mover| {
            let next = if mover.is_some() {
                &mut next_moved
            } else {
                &mut next_kept
            };
            let number = *next;
            *next += 1;
            (number, mover)
        });
        Ok(Renumber {
            imported: imported.collect(),
            moved,
            counts,
            is_linked,
            calls: Calls::of(parameters.collect()),
        })
    }

    fn kernel(&self) -> Kernel {
        let counts = &self.counts;
        let (memory, global) = match self.is_linked {
            true => (counts.imported_memories, counts.imported_globals),
            false => (
                counts.imported_memories + counts.memories,
                counts.imported_globals + counts.globals,
            ),
        };
        Kernel {
            memory,
            input_offset: global,
            input_length: global + 1,
        }
    }
}

/// The sections of the rewritten module.
#[derive(Default)]
struct Sections {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    tags: TagSection,
    globals: GlobalSection,
    exports: ExportSection,
    start: Option<StartSection>,
    elements: ElementSection,
    data_count: Option<u32>,
    code: CodeSection,
    /// As it was: nothing in it but an offset has a number of what moves.
    data: wasm_encoder::DataSection,
    names: Option<NameSection>,
}

impl Sections {
    fn rewritten(bytes: &[u8], renumber: &mut Renumber) -> Result<Sections> {
        let mut sections = Sections::default();
        for payload in Parser::new(0).parse_all(bytes) {
            sections.take(payload?, bytes, renumber)?;
        }
        sections.add_kernel(renumber);
        Ok(sections)
    }

    fn take(&mut self, payload: Payload<'_>, bytes: &[u8], renumber: &mut Renumber) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => renumber.parse_type_section(&mut self.types, section)?,
            Payload::ImportSection(section) => self.take_imports(section, renumber)?,
            Payload::FunctionSection(section) => renumber.parse_function_section(&mut self.functions, section)?,
            Payload::TableSection(section) => renumber.parse_table_section(&mut self.tables, section)?,
            Payload::MemorySection(section) => renumber.parse_memory_section(&mut self.memories, section)?,
            Payload::TagSection(section) => renumber.parse_tag_section(&mut self.tags, section)?,
            Payload::GlobalSection(section) => renumber.parse_global_section(&mut self.globals, section)?,
            Payload::ExportSection(section) => renumber.parse_export_section(&mut self.exports, section)?,
            Payload::StartSection { func, .. } => {
                let function_index = renumber.start_section(func)?;
                self.start = Some(StartSection { function_index });
            }
            Payload::ElementSection(section) => renumber.parse_element_section(&mut self.elements, section)?,
            Payload::DataCountSection { count, .. } => self.data_count = Some(renumber.data_count(count)?),
            Payload::CodeSectionStart { range, .. } => {
                let section = bytes.get(range.clone()).unwrap_or_default();
                let reader = wasmparser::BinaryReader::new(section, range.start);
                renumber.parse_code_section(&mut self.code, wasmparser::CodeSectionReader::new(reader)?)?;
            }
            Payload::DataSection(section) => renumber.parse_data_section(&mut self.data, section)?,
            Payload::CustomSection(section) => {
                // What else there is says nothing to the compiler, and names that can't be read are no reason to refuse.
                if let KnownCustom::Name(names) = section.as_known() {
                    self.names = renumber.custom_name_section(names).ok();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_imports(&mut self, section: wasmparser::ImportSectionReader<'_>, renumber: &mut Renumber) -> Result<()> {
        let mut function = 0;
        for import in section.into_imports() {
            let import = import?;
            if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                let moves = matches!(renumber.imported.get(function), Some((_, Some(_))));
                function += 1;
                if moves {
                    continue;
                }
            }
            let ty = renumber.entity_type(import.ty)?;
            self.imports.import(import.module, import.name, ty);
        }
        Ok(())
    }

    fn add_kernel(&mut self, renumber: &Renumber) {
        let kernel = renumber.kernel();
        if renumber.is_linked {
            let memory = EntityType::Memory(kernel_memory());
            self.imports.import(KERNEL_MODULE, MEMORY, memory);
            for name in [INPUT_OFFSET, INPUT_LENGTH] {
                self.imports
                    .import(KERNEL_MODULE, name, EntityType::Global(input_global()));
            }
        } else {
            self.memories.memory(kernel_memory());
            self.exports.export(MEMORY, ExportKind::Memory, kernel.memory);
            for (name, number) in [(INPUT_OFFSET, kernel.input_offset), (INPUT_LENGTH, kernel.input_length)] {
                self.globals.global(input_global(), &ConstExpr::i64_const(0));
                self.exports.export(name, ExportKind::Global, number);
            }
        }
        let movers = renumber.imported.iter().filter_map(|(_, mover)| *mover);
        for (number, mover) in movers.enumerate() {
            let (params, results) = mover.signature();
            self.types
                .ty()
                .function(params.iter().copied(), results.iter().copied());
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            self.functions.function(renumber.counts.types.saturating_add(number));
            self.code.function(&mover.function(kernel));
        }
    }

    fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        module
            .section(&self.types)
            .section(&self.imports)
            .section(&self.functions);
        if !self.tables.is_empty() {
            module.section(&self.tables);
        }
        if !self.memories.is_empty() {
            module.section(&self.memories);
        }
        if !self.tags.is_empty() {
            module.section(&self.tags);
        }
        module.section(&self.globals).section(&self.exports);
        if let Some(start) = &self.start {
            module.section(start);
        }
        if !self.elements.is_empty() {
            module.section(&self.elements);
        }
        if let Some(count) = self.data_count {
            module.section(&wasm_encoder::DataCountSection { count });
        }
        module.section(&self.code);
        if !self.data.is_empty() {
            module.section(&self.data);
        }
        if let Some(names) = &self.names {
            module.section(names);
        }
        module.finish()
    }
}

#[cfg(test)]
mod tests;
