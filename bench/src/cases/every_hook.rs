//! Every other hook, of both kinds, doing everything that it can.

use std::sync::Arc;

use heimdall_host::pipeline::Pipeline;

use crate::Error;
use crate::case::{Case, Ready};
use crate::documents::SIZES;
use crate::guests::{Does, Generation, Hook, packed, typed};
use crate::hooks::{Effect, after_call, on_chunk, on_request, on_response};
use crate::world::{World, pipeline};

/// The tables of the hooks with a document of any size.
const WHOLE: [(Hook, &str, Run); 3] = [
    (
        Hook::OnRequest,
        "on-request, and the begin and end of its request",
        on_request,
    ),
    (Hook::AfterCall, "after-call", after_call),
    (Hook::OnResponse, "on-response", on_response),
];

/// The table of chunks.
pub const CHUNKS: &str = "on-chunk, one of fifty";

/// The texts of chunks: a word, as most have it, and more than any provider sends.
const TEXTS: [&str; 2] = [" delivered", include_str!("every_hook/long_chunk.txt")];

type Run = fn(&World, Arc<Pipeline>, usize, Effect) -> Result<Ready, Error>;

pub(super) fn cases() -> Vec<Case> {
    let whole = WHOLE.into_iter().flat_map(|(hook, table, run)| {
        SIZES.into_iter().flat_map(move |size| {
            let of_size = move |world: &World, pipeline, effect| run(world, pipeline, size, effect);
            of_hook(hook, table, size, of_size)
        })
    });
    let chunks = [Hook::OnChunk, Hook::AfterChunk].into_iter().flat_map(|hook| {
        TEXTS.into_iter().flat_map(move |text| {
            let of_text = move |world: &World, pipeline, effect| on_chunk(world, pipeline, text, effect);
            of_hook(hook, CHUNKS, text.len(), of_text)
        })
    });
    whole.chain(chunks).collect()
}

/// Whatever either kind can do in this hook, and the pipeline with no plugin.
fn of_hook<F>(hook: Hook, table: &'static str, size: usize, run: F) -> Vec<Case>
where
    F: Fn(&World, Arc<Pipeline>, Effect) -> Result<Ready, Error> + Copy + 'static,
{
    let mut cases = Vec::new();
    if hook != Hook::AfterChunk {
        cases.push(Case::new(table, "no plugin", size, move |world| {
            run(world, pipeline(Vec::new())?, Effect::Unchanged)
        }));
        cases.extend([Does::Nothing, Does::Read, Does::Edit].map(|does| {
            Case::new(table, format!("typed: {}", name(does)), size, move |world| {
                run(world, world.alone(typed(hook, does)?)?, effect(does))
            })
        }));
    }
    for generation in Generation::ALL {
        for does in [Does::Nothing, Does::Read, Does::Echo, Does::Edit] {
            if !generation.can(hook, does) {
                continue;
            }
            let who = format!(
                "{}, {}: {}",
                generation.name(),
                generation.export(hook).unwrap_or_default(),
                name(does)
            );
            cases.push(Case::new(table, who, size, move |world| {
                let guest = packed(generation, hook, does)?;
                let guest = guest.ok_or_else(|| Error::did("it has no such hook"))?;
                run(world, world.alone(guest)?, effect(does))
            }));
        }
    }
    cases
}

fn name(does: Does) -> &'static str {
    match does {
        Does::Nothing => "nothing",
        Does::Read | Does::ReadByName => "one member is read",
        Does::Echo => "echo",
        Does::Edit => "edit",
    }
}

fn effect(does: Does) -> Effect {
    match does {
        Does::Edit => Effect::Edited,
        _ => Effect::Unchanged,
    }
}
