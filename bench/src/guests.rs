//! Guests whose own part in a call is next to nothing, assembled of the fragments in `bench/guests`, and the examples.
//!
//! ```
//! use heimdall_bench::guests::{Does, Hook, typed};
//!
//! assert!(typed(Hook::BeforeCall, Does::Read)?.starts_with(b"\0asm"));
//! # Ok::<(), heimdall_bench::Error>(())
//! ```

use std::path::Path;

use bytes::Bytes;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::Error;

const CONTRACT: &str = concat!(
    include_str!("../../wit/v0.1/types.wit"),
    include_str!("../../wit/v0.1/http.wit"),
    include_str!("../../wit/v0.1/llm.wit"),
    include_str!("../../wit/v0.1/hooks.wit"),
    include_str!("../../wit/v0.1/worlds.wit"),
);

const TYPED: &str = include_str!("../guests/typed/common.wat");
const PACKED: &str = include_str!("../guests/packed/common.wat");
const GENERATION_1: &str = include_str!("../guests/packed/generation-1.wat");
const GENERATION_3: &str = include_str!("../guests/packed/generation-3.wat");

/// A hook of a plugin, of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// The HTTP request.
    OnRequest,
    /// The call to the model.
    BeforeCall,
    /// Its answer.
    AfterCall,
    /// The HTTP response.
    OnResponse,
    /// A chunk of a stream.
    OnChunk,
    /// The same, by the packed ABI's hook for answers.
    AfterChunk,
}

/// What a guest does in its hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// It gives nothing back.
    Nothing,
    /// It reads one member.
    Read,
    /// It reads one member by its name, of those that the contract has no getter for.
    ReadByName,
    /// It gives back what it was given, as the packed ABI has it.
    Echo,
    /// It changes what it was given: a message before the others, a header, a text.
    Edit,
}

/// A generation of the packed ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// An argument for each text.
    One,
    /// One object.
    Two,
    /// One object, and hooks for responses and chunks.
    Three,
}

impl Hook {
    /// As the contract calls it.
    pub fn name(self) -> &'static str {
        match self {
            Hook::OnRequest => "on-request",
            Hook::BeforeCall => "before-call",
            Hook::AfterCall => "after-call",
            Hook::OnResponse => "on-response",
            Hook::OnChunk => "on-chunk",
            Hook::AfterChunk => "after-chunk",
        }
    }

    fn interface(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Hook::OnRequest => ("http-request-hook", include_str!("../guests/typed/on-request.wat")),
            Hook::BeforeCall => ("pre-llm-hook", include_str!("../guests/typed/before-call.wat")),
            Hook::AfterCall => ("post-llm-hook", include_str!("../guests/typed/after-call.wat")),
            Hook::OnResponse => ("http-response-hook", include_str!("../guests/typed/on-response.wat")),
            Hook::OnChunk => ("stream-hook", include_str!("../guests/typed/on-chunk.wat")),
            Hook::AfterChunk => return None,
        })
    }
}

impl Generation {
    /// All of them.
    pub const ALL: [Generation; 3] = [Generation::One, Generation::Two, Generation::Three];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Generation::One => "packed, generation 1",
            Generation::Two => "packed, generation 2",
            Generation::Three => "packed, generation 3",
        }
    }

    /// The export of a hook, if this generation has it.
    pub fn export(self, hook: Hook) -> Option<&'static str> {
        match (hook, self) {
            (Hook::BeforeCall, _) => Some("pre_hook"),
            (Hook::AfterCall | Hook::AfterChunk, _) => Some("post_hook"),
            (Hook::OnRequest, Generation::One) => Some("http_transport_intercept"),
            (Hook::OnRequest, Generation::Two) => Some("http_intercept"),
            (Hook::OnRequest, Generation::Three) => Some("http_pre_hook"),
            (Hook::OnResponse, Generation::Three) => Some("http_post_hook"),
            (Hook::OnChunk, Generation::Three) => Some("http_stream_chunk_hook"),
            _ => None,
        }
    }

    /// Whether it has that hook, and can do that in it.
    pub fn can(self, hook: Hook, does: Does) -> bool {
        self.export(hook).and(self.function(hook, does)).is_some()
    }

    /// The function that does it, if the hook of this generation can.
    fn function(self, hook: Hook, does: Does) -> Option<&'static str> {
        let answers = matches!(hook, Hook::AfterCall | Hook::AfterChunk);
        Some(match (self, hook, does) {
            (_, _, Does::ReadByName) => return None,
            (Generation::One, _, Does::Nothing) if answers => "nothing-after",
            (Generation::One, _, Does::Read) if answers => "read-after",
            (Generation::One, _, Does::Echo) if answers => "echo-answer",
            (_, _, Does::Nothing) => "nothing",
            (Generation::One, Hook::OnRequest, _) => return None,
            (Generation::One, _, Does::Echo) => "echo-request",
            (_, _, Does::Echo) => "echo",
            (_, Hook::OnRequest | Hook::OnResponse, Does::Read) => "read-http",
            (_, _, Does::Read) => "read",
            (Generation::One, Hook::BeforeCall, Does::Edit) => "edit-request",
            (_, Hook::BeforeCall, Does::Edit) => "edit-call",
            (_, Hook::OnRequest, Does::Edit) => "edit-request",
            (_, Hook::OnResponse, Does::Edit) => "edit-response",
            (_, Hook::OnChunk, Does::Edit) => "edit-chunk",
            (_, Hook::AfterCall | Hook::AfterChunk, Does::Edit) => "edit-answer",
        })
    }
}

/// A typed guest with one hook.
///
/// # Errors
/// Where the contract has no such hook, or can't do that in it.
pub fn typed(hook: Hook, does: Does) -> Result<Bytes, Error> {
    let none = || Error::did(format!("there is no typed guest that does {does:?} in {}", hook.name()));
    let (interface, items) = hook.interface().ok_or_else(none)?;
    let function = match does {
        Does::Nothing => "nothing",
        Does::Read => "read",
        Does::ReadByName if hook == Hook::BeforeCall => "read-by-name",
        Does::Edit => "edit",
        Does::ReadByName | Does::Echo => return Err(none()),
    };
    let name = format!("heimdall:plugin/{interface}@0.1.0#{}", hook.name());
    let mut module = wat::parse_str(format!(
        "(module {items} {TYPED} (export \"{name}\" (func ${function})))"
    ))?;
    describe(&mut module, interface).map_err(|error| Error::did(format!("{interface}: {error:#}")))?;
    Ok(module.into())
}

/// Puts the section into a module that says which component it is.
fn describe(module: &mut Vec<u8>, interface: &str) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    resolve.push_source("contract.wit", CONTRACT)?;
    let world = format!(
        "package bench:guest; world guest {{ include heimdall:plugin/base@0.1.0; export heimdall:plugin/{interface}@0.1.0; }}"
    );
    let package = resolve.push_source("guest.wit", &world)?;
    let world = resolve.select_world(&[package], Some("guest"))?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
}

/// A packed guest with one hook; none where the generation has no such hook, or can't do that in it.
///
/// # Errors
/// Where it can't be assembled.
pub fn packed(generation: Generation, hook: Hook, does: Does) -> Result<Option<Bytes>, Error> {
    let Some((export, function)) = generation.export(hook).zip(generation.function(hook, does)) else {
        return Ok(None);
    };
    let items = match generation {
        Generation::One => GENERATION_1,
        Generation::Two | Generation::Three => GENERATION_3,
    };
    let module = format!("(module {PACKED} {items} (export \"{export}\" (func ${function})))");
    Ok(Some(wat::parse_str(module)?.into()))
}

/// A guest of `guest-examples`.
///
/// # Errors
/// Where it can't be read.
pub fn example(file: &str) -> Result<Bytes, Error> {
    read("guest-examples", file)
}

/// A guest of a kit, of those that are tested with.
///
/// # Errors
/// Where it can't be read.
pub fn of_kit(file: &str) -> Result<Bytes, Error> {
    read("tests/abi/guests", file)
}

fn read(folder: &str, file: &str) -> Result<Bytes, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(file);
    let bytes = std::fs::read(&path).map_err(Error::io(file))?;
    Ok(bytes.into())
}
