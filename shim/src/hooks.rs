//! Which names are hooks, and what their bytes say: the same for every ABI.

use std::sync::atomic::{AtomicU8, Ordering};

use heimdall_host::plugin::HookSet;

use crate::envelope::bifrost::{Generation1, Generations2And3};
use crate::envelope::{ChunkForm, Envelope};

/// Which hook of the port an export is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    HttpRequest,
    HttpResponse,
    Pre,
    Post,
    Chunk,
}

/// An export that is a hook, in one generation's form.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) inputs: usize,
    pub(crate) envelope: &'static dyn Envelope,
    /// The generations that have it in this form.
    pub(crate) generations: &'static [u8],
}

const fn known(
    name: &'static str,
    role: Role,
    inputs: usize,
    envelope: &'static dyn Envelope,
    generations: &'static [u8],
) -> Known {
    Known {
        name,
        role,
        inputs,
        envelope,
        generations,
    }
}

/// Of two forms for one role the later one is taken.
pub(crate) static KNOWN: [Known; 9] = [
    known("http_transport_intercept", Role::HttpRequest, 2, &Generation1, &[1]),
    known("http_intercept", Role::HttpRequest, 1, &Generations2And3, &[2]),
    known("http_pre_hook", Role::HttpRequest, 1, &Generations2And3, &[3]),
    known("http_post_hook", Role::HttpResponse, 1, &Generations2And3, &[3]),
    known("http_stream_chunk_hook", Role::Chunk, 1, &Generations2And3, &[3]),
    known("pre_hook", Role::Pre, 2, &Generation1, &[1]),
    known("pre_hook", Role::Pre, 1, &Generations2And3, &[2, 3]),
    known("post_hook", Role::Post, 3, &Generation1, &[1]),
    known("post_hook", Role::Post, 1, &Generations2And3, &[2, 3]),
];

/// One hook: the export that is called, and what its bytes say.
#[derive(Clone, Copy)]
pub(crate) struct HookSpec {
    pub(crate) export: &'static str,
    pub(crate) envelope: &'static dyn Envelope,
}

/// The hooks that a guest has. Each may be of another generation.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hooks {
    pub(crate) http_request: Option<HookSpec>,
    pub(crate) http_response: Option<HookSpec>,
    pub(crate) pre: Option<HookSpec>,
    pub(crate) post: Option<HookSpec>,
    pub(crate) chunk: Option<HookSpec>,
}

impl Hooks {
    /// Those among functions that take one text and give one: what generations 2 and 3 have. Of two names for one hook the later
    /// one counts.
    pub(crate) fn named<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Hooks {
        let mut hooks = Hooks::default();
        for known in Hooks::of_one().filter(|known| names.clone().any(|name| name == known.name)) {
            hooks.put(known);
        }
        hooks
    }

    /// The names that [`Hooks::named`] knows.
    pub(crate) fn names_of_one() -> impl Iterator<Item = &'static str> {
        Hooks::of_one().map(|known| known.name)
    }

    fn of_one() -> impl Iterator<Item = &'static Known> {
        KNOWN
            .iter()
            .filter(|known| known.inputs == 1 && known.generations != [1])
    }

    /// Puts a hook into its place, and gives back what was there.
    pub(crate) fn put(&mut self, known: &Known) -> Option<HookSpec> {
        let place = match known.role {
            Role::HttpRequest => &mut self.http_request,
            Role::HttpResponse => &mut self.http_response,
            Role::Pre => &mut self.pre,
            Role::Post => &mut self.post,
            Role::Chunk => &mut self.chunk,
        };
        place.replace(HookSpec {
            export: known.name,
            envelope: known.envelope,
        })
    }

    pub(crate) fn set(&self) -> HookSet {
        let all = [
            (self.http_request.is_some(), HookSet::HTTP_REQUEST),
            (self.http_response.is_some(), HookSet::HTTP_RESPONSE),
            (self.pre.is_some(), HookSet::PRE_LLM),
            (self.post.is_some(), HookSet::POST_LLM | HookSet::POST_LLM_CHUNK),
            (self.chunk.is_some(), HookSet::CHUNK),
        ];
        all.iter()
            .filter(|(there, _)| *there)
            .fold(HookSet::empty(), |set, (_, hook)| set | *hook)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let all = [self.http_request, self.pre, self.post, self.http_response, self.chunk];
        all.into_iter().flatten().map(|hook| hook.export.to_owned()).collect()
    }
}

/// In which form the guest takes chunks.
pub(crate) struct ChunkForms(AtomicU8);

impl ChunkForms {
    const OPEN: u8 = 0;
    const JSON: u8 = 1;
    const BASE64: u8 = 2;

    /// From the setting `chunk_form`; none for a value that it doesn't have.
    pub(crate) fn from_setting(setting: Option<&str>) -> Option<Self> {
        let form = match setting {
            None | Some("auto") => Self::OPEN,
            Some("json") => Self::JSON,
            Some("base64") => Self::BASE64,
            Some(_) => return None,
        };
        Some(ChunkForms(AtomicU8::new(form)))
    }

    pub(crate) fn current(&self) -> (ChunkForm, bool) {
        match self.0.load(Ordering::Relaxed) {
            Self::BASE64 => (ChunkForm::Base64, true),
            Self::JSON => (ChunkForm::Json, true),
            _ => (ChunkForm::Json, false),
        }
    }

    pub(crate) fn decide(&self, form: ChunkForm) {
        let form = if form == ChunkForm::Json {
            Self::JSON
        } else {
            Self::BASE64
        };
        self.0.store(form, Ordering::Relaxed);
    }
}
