//! Whether a file is small enough to be compiled: what the compiler would take time and memory for, told before it begins.

use wasmparser::{FunctionBody, Parser, Payload};

use super::error::LoadError;
use crate::limits::Limits;

/// What of a file a compiler works on, over all of its core modules.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    functions: u64,
    /// Bytes of the largest function.
    function: u64,
    /// Locals of the function that has most.
    locals: u64,
}

/// Refuses what is over a limit. What is no valid file is left to those who say what is wrong with it.
pub(super) fn check(file: &str, bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let size = bytes.len() as u64;
    within(file, "bytes", size, limits.module as u64, "module_mib")?;
    let sizes = Sizes::of(bytes);
    within(file, "functions", sizes.functions, limits.functions.into(), "functions")?;
    within(
        file,
        "bytes in one function",
        sizes.function,
        limits.function as u64,
        "function_kib",
    )?;
    within(
        file,
        "locals in one function",
        sizes.locals,
        limits.locals.into(),
        "locals",
    )
}

fn within(file: &str, what: &'static str, size: u64, limit: u64, setting: &'static str) -> Result<(), LoadError> {
    if size <= limit {
        return Ok(());
    }
    Err(LoadError::TooLarge {
        file: file.to_owned(),
        what,
        size,
        limit,
        setting,
    })
}

impl Sizes {
    fn of(bytes: &[u8]) -> Sizes {
        let mut sizes = Sizes::default();
        for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
            if let Payload::CodeSectionEntry(body) = payload {
                sizes.functions += 1;
                sizes.function = sizes.function.max(body.range().len() as u64);
                sizes.locals = sizes.locals.max(locals(&body));
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
        ] {
            let refusal = refused(wat, limits).unwrap();
            assert!(refusal.contains(words), "{words:?} is not in {refusal}");
        }
        assert_eq!(refused(two, limits.clone()), None);
        assert_eq!(refused(inside, limits), None);
    }

    #[test]
    fn what_is_no_valid_file_is_left_to_others() {
        for bytes in [&b""[..], b"<html>", b"\0asm\x01\0\0\0\x0a\xff"] {
            check("a.wasm", bytes, &Limits::default()).unwrap();
        }
    }
}
