//! The guards, what each shows of itself, and where it stands in a pipeline.

use std::sync::Arc;

use heimdall_host::pipeline::{Exchange, Pipeline};
use heimdall_tests::guests::{self, Guest};

use crate::support::{http_request, pipeline};

pub const CHAT: &str = "/v1/chat/completions";

/// Which hooks a guard has, and what they can express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Typed,
    /// Generation 1: its context goes one way, and there is no response hook.
    Packed1,
    /// Generation 2: a context that goes both ways.
    Packed2,
    /// Generation 3: hooks of responses and of chunks.
    Packed3,
}

/// A guard, and what tells its edits from those of the others.
pub struct Guard {
    pub guest: Guest,
    pub kind: Kind,
    /// What its headers say and, of legacy ones, its context keys and texts.
    pub mark: &'static str,
    /// Whose guard its system message says it is.
    owner: &'static str,
    /// What its context keys begin with.
    prefix: &'static str,
    /// The most MiB that an instance may have after 10,000 calls.
    pub memory: usize,
    /// The most instances that one request takes; 0: all requests share one.
    pub instances: usize,
    /// What it is told to be, where that is not its generation: it has another ABI.
    pub version: Option<&'static str>,
}

const fn typed(guest: Guest, mark: &'static str, owner: &'static str, prefix: &'static str, memory: usize) -> Guard {
    Guard {
        guest,
        kind: Kind::Typed,
        mark,
        owner,
        prefix,
        memory,
        instances: 0,
        version: None,
    }
}

const fn packed(kind: Kind, guest: Guest, mark: &'static str, memory: usize) -> Guard {
    Guard {
        guest,
        kind,
        mark,
        owner: mark,
        prefix: mark,
        memory,
        instances: 0,
        version: None,
    }
}

pub const TYPED_RUST: Guard = typed(guests::TYPED_GUARD, "rust", "the typed Rust guard", "guard", 2);
pub const TYPED_C: Guard = typed(guests::TYPED_C, "c", "the typed C guard", "guard-c", 1);
pub const TYPED_GO: Guard = typed(guests::TYPED_GO, "go", "the typed Go guard", "guard-go", 2);
pub const TYPED_JAVASCRIPT: Guard = typed(guests::TYPED_JAVASCRIPT, "js", "the typed js guard", "guard-js", 192);
pub const TYPED_PYTHON: Guard = typed(guests::TYPED_PYTHON, "py", "the typed py guard", "guard-py", 24);
pub const RUST_1: Guard = packed(Kind::Packed1, guests::GEN1, "gen1", 4);
pub const RUST_2: Guard = packed(Kind::Packed2, guests::GEN2, "gen2", 4);
pub const RUST_3: Guard = packed(Kind::Packed3, guests::GEN3, "gen3", 4);
pub const STDIO: Guard = Guard {
    // One a call: two for a request, two for each chunk of a stream.
    instances: 10,
    version: Some("JSON-RPC 2.0"),
    ..packed(Kind::Packed3, guests::STDIO, "stdio", 4)
};
pub const TINYGO_BUMP: Guard = packed(Kind::Packed3, guests::TINYGO, "tinygo", 16);
pub const TINYGO_HEAP: Guard = packed(Kind::Packed2, guests::TINYGO_HEAP, "tinygo-heap", 16);
pub const TINYGO_COMMAND: Guard = packed(Kind::Packed1, guests::TINYGO_COMMAND, "tinygo-command", 16);
pub const GO: Guard = packed(Kind::Packed3, guests::GO, "go", 32);
pub const ASSEMBLYSCRIPT: Guard = packed(Kind::Packed2, guests::ASSEMBLYSCRIPT, "as", 16);
pub const ASSEMBLYSCRIPT_STUB: Guard = Guard {
    // Because of its allocator.
    instances: 1,
    ..packed(Kind::Packed1, guests::ASSEMBLYSCRIPT_STUB, "as-stub", 24)
};
pub const C: Guard = packed(Kind::Packed3, guests::C, "c", 4);
pub const EXTISM: Guard = Guard {
    version: Some("extism:host/env"),
    ..packed(Kind::Packed3, guests::EXTISM, "extism", 8)
};
pub const WASP: Guard = Guard {
    version: Some("without WASI"),
    ..packed(Kind::Packed3, guests::WASP, "wasp", 4)
};

/// What stands around a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Alone,
    /// A plugin of the other kind before it and one after it, which edit nothing that the rows look at.
    Between,
}

/// A neighbour's configuration: it adds its headers and writes its context, and has nothing to refuse or redact.
const NEIGHBOUR: &str = r#"{"system":null,"banned":[],"secrets":[],"header":"neighbour"}"#;

impl Guard {
    /// `x-guard` or `x-legacy`, and what follows it.
    pub fn header(&self, rest: &str) -> String {
        let first = if self.kind == Kind::Typed {
            "x-guard"
        } else {
            "x-legacy"
        };
        format!("{first}{rest}")
    }

    pub fn key(&self, rest: &str) -> String {
        format!("{}/{rest}", self.prefix)
    }

    pub fn system(&self) -> String {
        format!("Rule of {}: be kind.", self.owner)
    }

    pub fn refusal(&self) -> String {
        let name = if self.kind == Kind::Typed {
            self.guest.name
        } else {
            self.mark
        };
        format!("{name}: the request holds a banned word")
    }

    /// What stands in a secret's place in whole answers.
    pub fn redacted(&self) -> String {
        match self.kind {
            Kind::Typed => "[redacted]".to_owned(),
            _ => format!("[{} redacted]", self.mark),
        }
    }

    /// What stands in a secret's place in streams.
    pub fn redacted_chunk(&self) -> String {
        match self.kind {
            Kind::Packed3 => format!("[{} chunk redacted]", self.mark),
            _ => self.redacted(),
        }
    }

    /// Whether what it knows of a request reaches the request's context.
    pub fn writes_context(&self) -> bool {
        self.kind != Kind::Packed1
    }

    pub fn has_response_hook(&self) -> bool {
        matches!(self.kind, Kind::Typed | Kind::Packed3)
    }

    /// A pipeline with it in this place.
    pub async fn pipeline(&self, place: Place, config: Option<&str>) -> Arc<Pipeline> {
        let own = (self.guest, config);
        let [before, after] = match self.kind {
            Kind::Typed => [guests::GEN3, guests::GEN2],
            _ => [guests::TYPED_GUARD, guests::TYPED_C],
        };
        match place {
            Place::Alone => pipeline(&[own]).await,
            Place::Between => pipeline(&[(before, Some(NEIGHBOUR)), own, (after, Some(NEIGHBOUR))]).await,
        }
    }

    /// A request to [`CHAT`] that has passed the request hooks.
    pub async fn begun(&self, place: Place, config: Option<&str>) -> Exchange {
        let mut exchange = self.pipeline(place, config).await.begin("r", http_request(CHAT));
        exchange.on_request().await;
        exchange
    }
}
