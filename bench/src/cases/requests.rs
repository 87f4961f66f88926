//! Whole requests: all hooks of one, with an instance that is warm and with one of its own.

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::loader::Isolation;
use heimdall_host::model::LlmRequest;
use heimdall_host::pipeline::Pipeline;

use super::Load;
use super::changing::guest;
use super::guards::{CHANGES_NOTHING, RUST_GENERATION_3};
use crate::Error;
use crate::case::{Case, Ready, ensure};
use crate::guests::{Does, Generation, Hook, example, typed};
use crate::hooks::{document_of, http_request, http_response, llm_answer, proceeded, requests};
use crate::world::{World, pipeline};

/// Its table.
pub const REQUESTS: &str = "a request: begin, before-call, end";

const SIZE: usize = 1024;

const GUESTS: [(&str, Load); 6] = [
    ("typed", || typed(Hook::BeforeCall, Does::Read)),
    ("typed, Rust", || example("typed/rust/guard.wasm")),
    ("typed, TinyGo", || example("typed/go/guard.wasm")),
    ("packed", || guest(Generation::Three, Does::Echo)),
    ("packed, Rust", || example(RUST_GENERATION_3)),
    ("packed, TinyGo", || example("legacy/tinygo/bump/gen3.wasm")),
];

pub(super) fn cases() -> Vec<Case> {
    let none = Case::new(REQUESTS, "no plugin", SIZE, |world| {
        request(world, pipeline(Vec::new())?)
    });
    let ways = [
        ("a warm instance", Isolation::Warm),
        ("an instance of its own", Isolation::Request),
    ];
    let guests = GUESTS.into_iter().flat_map(|(who, load)| {
        ways.map(|(way, isolation)| {
            Case::new(REQUESTS, format!("{who}: {way}"), SIZE, move |world| {
                request(world, isolated(world, load()?, isolation)?)
            })
        })
    });
    [none].into_iter().chain(guests).chain(all_hooks()).collect()
}

/// A pipeline of one plugin whose instances are kept in this way.
pub(super) fn isolated(world: &World, bytes: Bytes, isolation: Isolation) -> Result<Arc<Pipeline>, Error> {
    let config = heimdall_host::json::Document::parse(CHANGES_NOTHING)?;
    let plugin = world.load("bench", bytes, |settings| {
        settings.isolation = Some(isolation);
        settings.config = Some(config.clone());
    })?;
    pipeline(vec![plugin])
}

fn request(world: &World, pipeline: Arc<Pipeline>) -> Result<Ready, Error> {
    let http = http_request(SIZE);
    let call = async move |request: LlmRequest| {
        let mut exchange = pipeline.begin("bench-request", http.clone());
        let sent = proceeded(exchange.before_call(request).await)?;
        drop(exchange);
        // Instances are retired in tasks of their own.
        tokio::task::yield_now().await;
        Ok(sent.document().len())
    };
    Ok(Ready::with_inputs(world, requests(SIZE)?, call, |size| {
        ensure(size == SIZE, || format!("{size} bytes are sent"))
    }))
}

/// The guards have all of them.
fn all_hooks() -> Vec<Case> {
    let guards = GUESTS.into_iter().filter(|(who, _)| who.contains(", "));
    let mut cases = vec![Case::new(ALL_HOOKS, "no plugin", SIZE, |world| {
        journey(world, pipeline(Vec::new())?)
    })];
    cases.extend(guards.map(|(who, load)| {
        Case::new(ALL_HOOKS, who, SIZE, move |world| {
            journey(world, isolated(world, load()?, Isolation::Warm)?)
        })
    }));
    cases
}

/// The table of whole journeys.
pub const ALL_HOOKS: &str = "a request: all hooks of a guard";

fn journey(world: &World, pipeline: Arc<Pipeline>) -> Result<Ready, Error> {
    let (http, answer) = (http_request(SIZE), llm_answer(SIZE)?);
    let response = http_response(SIZE);
    let call = async move |request: LlmRequest| {
        let mut exchange = pipeline.begin("bench-request", http.clone());
        exchange.on_request().await;
        proceeded(exchange.before_call(request).await)?;
        document_of(exchange.after_call(answer.clone()).await)?;
        Ok(exchange.on_response(response.clone()).await.status())
    };
    Ok(Ready::with_inputs(world, requests(SIZE)?, call, |status| {
        ensure(status == 200, || format!("the response is {status}"))
    }))
}
