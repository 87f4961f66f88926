//! A plugin whose hooks are shown as they are called: what each decided, how long it took, what it changed.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use heimdall_host::failure::Failure;
use heimdall_host::json::Document;
use heimdall_host::model::{Answer, HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use heimdall_host::plugin::{
    Call, ChunkOutcome, HookSet, HttpOutcome, Manifest, Plugin, PostOutcome, PreOutcome, Usage,
};

use crate::cli::called::{Called, Outcome, view};
use crate::cli::output::{self, FAINT};
use crate::cli::recorded::model_request;
use crate::text::shortened;

/// Characters of a request's id that tell it from those beside it.
const ID: usize = 12;

/// The plugin, and everything that it does told on standard error.
pub(super) struct Shown(pub(super) Arc<dyn Plugin>);

/// A hook before its call.
struct Before {
    hook: &'static str,
    /// The request's, short. A hook that fails leaves no context.
    id: String,
    about: Option<String>,
    what: String,
    context: String,
    started: Instant,
}

impl Before {
    fn new(hook: &'static str, call: &Call<'_>, what: String) -> Before {
        Before {
            hook,
            id: short(call.context.request_id()),
            about: None,
            what,
            context: view::context(&call.context),
            started: Instant::now(),
        }
    }

    fn about(self, about: String) -> Before {
        Before {
            about: Some(about),
            ..self
        }
    }

    /// Tells what it came to. As in the pipeline, the draft counts if the hook goes on, its context if it did not fail.
    fn end(self, call: &Call<'_>, outcome: Outcome, draft: impl FnOnce() -> String) {
        let time = self.started.elapsed();
        let after = match &outcome {
            Outcome::Proceed => draft() + &view::context(&call.context),
            Outcome::Failed(_) => self.what.clone() + &self.context,
            _ => self.what.clone() + &view::context(&call.context),
        };
        let called = Called {
            about: self.about,
            outcome,
            before: self.what + &self.context,
            after,
            time,
        };
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = called.write(&mut text, &format!("{FAINT}{}{FAINT:#} {}", self.id, self.hook));
        // In one piece: requests that are under way together don't mix.
        output::note(&text);
    }
}

/// The start of an id; a client may have given it.
fn short(id: &str) -> String {
    output::printable(&shortened(id).chars().take(ID).collect::<String>())
}

/// The answer in the provider's shape, as far as the request tells it.
fn document(answer: &Answer, request: Option<&LlmRequest>, call: &Call<'_>) -> Document {
    match (answer, request) {
        (Answer::Raw(document), _) => document.clone(),
        (Answer::Completion(completion), None) => Document::string(&completion.text),
        (answer, Some(request)) => {
            let answer = answer.clone().into_response(request, call.context.request_id(), 0);
            answer.document().clone()
        }
    }
}

fn of_chunk(result: &Result<ChunkOutcome, Failure>) -> Outcome {
    match result {
        Ok(ChunkOutcome::Proceed) => Outcome::Proceed,
        Ok(ChunkOutcome::Drop) => Outcome::Dropped,
        Ok(ChunkOutcome::Replace(chunks)) => Outcome::Replaced(chunks.clone()),
        Ok(ChunkOutcome::Abort(error)) => Outcome::Refused(error.clone()),
        Err(failure) => Outcome::Failed(failure.clone()),
    }
}

#[async_trait]
impl Plugin for Shown {
    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    fn hooks(&self) -> HookSet {
        self.0.hooks()
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        let before = Before::new("on-request", call, view::request(request));
        let result = self.0.on_request(call, request).await;
        let outcome = match &result {
            Ok(HttpOutcome::Proceed) => Outcome::Proceed,
            Ok(HttpOutcome::Respond(reply)) => Outcome::responded(reply),
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        before.end(call, outcome, || view::request(request));
        result
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        let before = Before::new("on-response", call, view::response(response));
        let result = self.0.on_response(call, response).await;
        let outcome = match &result {
            Ok(()) => Outcome::Proceed,
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        before.end(call, outcome, || view::response(response));
        result
    }

    async fn before_call(&self, call: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        let asked = request.clone();
        let before = Before::new("before-call", call, view::call(&asked));
        let result = self.0.before_call(call, request).await;
        let outcome = match &result {
            Ok(PreOutcome::Proceed) => Outcome::Proceed,
            Ok(PreOutcome::Answer(answer)) => Outcome::Answered(document(answer, Some(&asked), call)),
            Ok(PreOutcome::Refuse(error)) => Outcome::Refused(error.clone()),
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        before.end(call, outcome, || view::call(request));
        result
    }

    async fn after_call(&self, call: &mut Call<'_>, upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        let before = Before::new("after-call", call, view::upstream(upstream));
        let result = self.0.after_call(call, upstream).await;
        let outcome = match &result {
            Ok(PostOutcome::Proceed) => Outcome::Proceed,
            Ok(PostOutcome::Replace(answer)) => {
                let request = model_request(call.http, false, |model| Some((String::new(), model.to_owned())));
                Outcome::Replaced(vec![document(answer, request.ok().as_ref(), call)])
            }
            Ok(PostOutcome::Refuse(error)) => Outcome::Refused(error.clone()),
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        before.end(call, outcome, || view::upstream(upstream));
        result
    }

    async fn after_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        let before = Before::new("after-call", call, view::chunk(chunk)).about(format!("chunk {}", chunk.index()));
        let result = self.0.after_chunk(call, chunk).await;
        before.end(call, of_chunk(&result), || view::chunk(chunk));
        result
    }

    async fn on_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        let before = Before::new("on-chunk", call, view::chunk(chunk)).about(format!("chunk {}", chunk.index()));
        let result = self.0.on_chunk(call, chunk).await;
        before.end(call, of_chunk(&result), || view::chunk(chunk));
        result
    }

    async fn on_end(&self, call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        let before = Before::new("on-end", call, String::new());
        let result = self.0.on_end(call).await;
        let outcome = match &result {
            Ok(held_back) => Outcome::HeldBack(held_back.clone()),
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        before.end(call, outcome, String::new);
        result
    }

    fn usage(&self) -> Usage {
        self.0.usage()
    }

    async fn cleanup(&self) {
        self.0.cleanup().await;
    }
}
