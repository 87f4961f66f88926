//! Whether a file is small enough to be compiled: what the compiler would take time and memory for, told before it begins.

use wasmparser::{FunctionBody, Parser, Payload};

use super::error::LoadError;
use crate::counters::Limit;
use crate::limits::Limits;

/// What of a file a compiler works on, over all of its core modules, and what an instance would begin with.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    functions: u64,
    /// Bytes of the largest function.
    function: u64,
    /// Locals of the function that has most.
    locals: u64,
    segments: u64,
    /// Bytes of memory that the largest of the modules begins with.
    memory: u64,
    /// Elements of tables, likewise.
    elements: u64,
}

/// Refuses what is over a limit. What is no valid file is left to those who say what is wrong with it.
pub(super) fn check(file: &str, bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let within = |limit, what, size, allowed, setting| {
        if size <= allowed {
            return Ok(());
        }
        Err(LoadError::TooLarge {
            file: file.to_owned(),
            what,
            size,
            allowed,
            setting,
            limit,
        })
    };
    let bytes_allowed = limits.module as u64;
    within(Limit::Module, "bytes", bytes.len() as u64, bytes_allowed, "module_mib")?;
    let sizes = Sizes::of(bytes);
    let [functions, locals, segments] = [limits.functions, limits.locals, limits.segments].map(u64::from);
    let [function, memory, elements] = [limits.function, limits.memory, limits.table_elements].map(|it| it as u64);
    for (limit, what, size, allowed, setting) in [
        (Limit::Functions, "functions", sizes.functions, functions, "functions"),
        (
            Limit::Function,
            "bytes in one function",
            sizes.function,
            function,
            "function_kib",
        ),
        (Limit::Locals, "locals in one function", sizes.locals, locals, "locals"),
        (
            Limit::Segments,
            "segments of data and elements",
            sizes.segments,
            segments,
            "segments",
        ),
        (
            Limit::Memory,
            "bytes of memory from the start",
            sizes.memory,
            memory,
            "memory_mib",
        ),
        (
            Limit::TableElements,
            "elements of tables from the start",
            sizes.elements,
            elements,
            "table_elements",
        ),
    ] {
        within(limit, what, size, allowed, setting)?;
    }
    Ok(())
}

impl Sizes {
    fn of(bytes: &[u8]) -> Sizes {
        let mut sizes = Sizes::default();
        let (mut memory, mut elements) = (0_u64, 0_u64);
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            match payload {
                Payload::Version { .. } => (memory, elements) = (0, 0),
                Payload::CodeSectionEntry(body) => {
                    sizes.functions += 1;
                    sizes.function = sizes.function.max(body.range().len() as u64);
                    sizes.locals = sizes.locals.max(locals(&body));
                }
                Payload::DataSection(section) => sizes.segments += u64::from(section.count()),
                Payload::ElementSection(section) => sizes.segments += u64::from(section.count()),
                Payload::MemorySection(section) => {
                    for it in section.into_iter().map_while(Result::ok) {
                        let page = 1_u64.checked_shl(it.page_size_log2.unwrap_or(16)).unwrap_or(u64::MAX);
                        memory = memory.saturating_add(it.initial.saturating_mul(page));
                    }
                    sizes.memory = sizes.memory.max(memory);
                }
                Payload::TableSection(section) => {
                    let tables = section.into_iter().map_while(Result::ok);
                    elements = tables.fold(elements, |sum, it| sum.saturating_add(it.ty.initial));
                    sizes.elements = sizes.elements.max(elements);
                }
                _ => {}
            }
        }
        sizes
    }
}

fn locals(body: &FunctionBody<'_>) -> u64 {
    let Ok(groups) = body.get_locals_reader() else { return 0 };
    let counts = groups
        .into_iter()
        .map_while(Result::ok)
        .map(|(count, _)| u64::from(count));
    counts.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(wat: &str, limits: Limits) -> Option<String> {
        let bytes = wat::parse_str(wat).unwrap();
        check("a.wasm", &bytes, &limits).err().map(|error| error.to_string())
    }

    #[test]
    fn a_file_over_a_limit_is_refused_with_the_setting_that_raises_it() {
        let held = "(module (memory 3) (table 5 funcref) (table 6 funcref) (data \"a\") (data \"b\") (elem func))";
        let two = "(module (func (local i32 i64 i64)) (func nop nop nop))";
        let inside = "(component (core module (func)) (core module (func (local f32)) (func)))";
        let limits = Limits::default();
        for (wat, limits, words) in [
            (
                two,
                Limits {
                    module: 10,
                    ..limits.clone()
                },
                "bytes, 10 are allowed (raise `limits.module_mib`",
            ),
            (
                two,
                Limits {
                    functions: 1,
                    ..limits.clone()
                },
                "2 functions, 1 are allowed (raise `limits.functions`",
            ),
            (
                two,
                Limits {
                    function: 3,
                    ..limits.clone()
                },
                "bytes in one function, 3 are allowed (raise `limits.function_kib`",
            ),
            (
                two,
                Limits {
                    locals: 2,
                    ..limits.clone()
                },
                "3 locals in one function, 2 are allowed (raise `limits.locals`",
            ),
            (
                inside,
                Limits {
                    functions: 2,
                    ..limits.clone()
                },
                "3 functions",
            ),
            (
                held,
                Limits {
                    segments: 2,
                    ..limits.clone()
                },
                "3 segments of data and elements, 2 are allowed (raise `limits.segments`",
            ),
            (
                held,
                Limits {
                    memory: 2 << 16,
                    ..limits.clone()
                },
                "196608 bytes of memory from the start, 131072 are allowed (raise `limits.memory_mib`",
            ),
            (
                held,
                Limits {
                    table_elements: 10,
                    ..limits.clone()
                },
                "11 elements of tables from the start, 10 are allowed (raise `limits.table_elements`",
            ),
        ] {
            let refusal = refused(wat, limits).unwrap();
            assert!(refusal.contains(words), "{words:?} is not in {refusal}");
        }
        assert_eq!(refused(two, limits.clone()), None);
        assert_eq!(refused(held, limits.clone()), None);
        assert_eq!(refused(inside, limits), None);
    }

    #[test]
    fn what_is_no_valid_file_is_left_to_others() {
        for bytes in [&b""[..], b"<html>", b"\0asm\x01\0\0\0\x0a\xff"] {
            check("a.wasm", bytes, &Limits::default()).unwrap();
        }
    }
}
