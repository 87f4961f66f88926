//! One request's journey through the plugins, up to an answer that is not streamed.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, StatusCode};

use super::hidden;
use super::observer::Observer;
use super::policy::{answered, refusal, settle};
use super::stream::LlmStream;
use super::turn::{Decided, Turns, take_turn};
use super::{InFlight, MAX_ASSEMBLED_ANSWER, Pipeline};
use crate::counters::{Hook, Outcome};
use crate::failure::{Cause, Failure};
use crate::json::Document;
use crate::loader::Loaded;
use crate::model::{
    Answer, CallKind, Context, EditError, HttpRequest, HttpResponse, LlmError, LlmRequest, LlmResponse, StreamAssembly,
    Upstream,
};
use crate::plugin::{Call, HookSet, HttpOutcome, PostOutcome, PreOutcome, Seat};

/// The status of an error that names none.
const FAILED: u16 = 500;

/// Whether a plugin gets the hook that answers to its pre hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// An earlier plugin ended the way in.
    NotReached,
    /// Its pre hook ran, or it has none and was passed.
    In,
    /// It failed: as if it were not there.
    Out,
}

/// One plugin's part in the exchange.
pub(super) struct Part {
    seat: Seat,
    /// Turned off when the request began: as if it were not there.
    is_off: bool,
    http: Standing,
    pub(super) llm: Standing,
    /// The HTTP request as the plugin sees it, from its first hook after the HTTP request hooks on.
    view: Option<HttpRequest>,
}

impl Part {
    /// How it stands when its pre hook's turn comes.
    fn reached(&self) -> Standing {
        if self.is_off { Standing::Out } else { Standing::In }
    }

    /// What is ambient in a hook that comes after the HTTP request hooks.
    pub(super) fn call<'a>(&'a mut self, loaded: &Loaded, context: &Context, http: &HttpRequest) -> Call<'a> {
        Call {
            context: context.clone(),
            http: self.view.get_or_insert_with(|| loaded.shown_request(http)),
            seat: &mut self.seat,
            time: None,
        }
    }
}

/// Where the HTTP hooks left the request.
#[derive(Debug)]
pub enum HttpStep {
    /// It goes on: see [`Exchange::http`].
    Proceed,
    /// A plugin answered, or failed under the policy `closed`. [`Exchange::on_response`] comes next.
    Respond(HttpResponse),
}

/// Where the LLM pre hooks left the request.
#[derive(Debug)]
pub enum LlmStep {
    /// To be sent to its provider.
    Proceed(LlmRequest),
    /// A plugin answered. [`Exchange::after_call`] comes next, or, where the client asked for a stream,
    /// [`Exchange::into_stream`].
    Answer(LlmResponse),
    /// A plugin refused, or failed under the policy `closed`. [`Exchange::after_call`] comes next.
    Refuse(LlmError),
}

/// One request's journey. Made by [`Pipeline::begin`]; the methods are called in the order in which they stand here,
/// the LLM hooks once per attempt.
pub struct Exchange {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) parts: Vec<Part>,
    pub(super) context: Context,
    pub(super) http: HttpRequest,
    pub(super) turns: Turns,
    started: Instant,
    /// The request as the last `before_call` left it.
    call: Option<LlmRequest>,
    /// The plugin that answered in the model's place.
    pub(super) answered_by: Option<usize>,
    /// Whether the post hooks have run.
    post_hooks_done: bool,
    _in_flight: InFlight,
}

impl Exchange {
    pub(super) fn new(pipeline: Arc<Pipeline>, request_id: &str, http: HttpRequest) -> Exchange {
        // An operator who turns a plugin off, or on, does so for what begins after that.
        let part = |loaded: &Loaded| Part {
            seat: Seat::default(),
            is_off: !loaded.switch.is_on(),
            http: Standing::NotReached,
            llm: Standing::NotReached,
            view: None,
        };
        Exchange {
            parts: pipeline.plugins().iter().map(part).collect(),
            context: Context::new(request_id, pipeline.settings.context),
            http,
            turns: Turns::new(pipeline.settings.time),
            started: Instant::now(),
            call: None,
            answered_by: None,
            post_hooks_done: false,
            _in_flight: InFlight::enter(&pipeline),
            pipeline,
        }
    }

    /// The HTTP request, as the HTTP hooks left it.
    pub fn http(&self) -> &HttpRequest {
        &self.http
    }

    /// The hooks that at least one plugin of its pipeline has.
    pub fn hooks(&self) -> HookSet {
        self.pipeline.hooks()
    }

    /// The request's context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Tells each hook that follows to this one, those of a stream included.
    pub fn observe(&mut self, observer: impl Observer) {
        self.turns.observe(Box::new(observer));
    }

    /// Puts a value into the context that every hook finds there and no plugin can change; for before the first hook.
    ///
    /// # Errors
    /// As [`Context::set`].
    pub fn tell(&mut self, key: &str, value: Document) -> Result<(), EditError> {
        self.context.tell(key, value)
    }

    /// Puts a value into the context as a plugin would have left it; for before the first hook.
    ///
    /// # Errors
    /// As [`Context::set`].
    pub fn leave(&mut self, key: &str, value: Document) -> Result<(), EditError> {
        self.context.set(key, value)
    }

    /// Milliseconds since the request arrived.
    pub fn elapsed_ms(&self) -> u32 {
        elapsed_ms(self.started)
    }

    /// The HTTP request hooks, in order.
    pub async fn on_request(&mut self) -> HttpStep {
        let mut row = self.turns.row();
        for (loaded, part) in self.pipeline.plugins().iter().zip(&mut self.parts) {
            part.http = part.reached();
            if part.http == Standing::Out || !loaded.plugin.hooks().contains(HookSet::HTTP_REQUEST) {
                continue;
            }
            let shown = loaded.shown_request(&self.http);
            let mut draft = shown.clone();
            let mut call = Call {
                context: self.context.clone(),
                http: &shown,
                seat: &mut part.seat,
                time: None,
            };
            let result = take_turn!(row, loaded, Hook::OnRequest, call, async {
                let outcome = loaded.plugin.on_request(&mut call, &mut draft).await?;
                checked(loaded, outcome)
            });
            match commit(&mut self.context, call.context, result) {
                Ok(HttpDecision::Proceed) => self.http = hidden::restored(draft, &shown, &self.http),
                Ok(HttpDecision::Respond(response)) => {
                    answered(loaded, "on-request", self.context.request_id(), response.status());
                    return HttpStep::Respond(response);
                }
                Err(failure) => {
                    part.http = Standing::Out;
                    if let Some(error) = settle(loaded, &failure, self.context.request_id()) {
                        return HttpStep::Respond(error_response(&error));
                    }
                }
            }
        }
        HttpStep::Proceed
    }

    /// The LLM pre hooks, in order: one attempt. The context stays from attempt to attempt.
    pub async fn before_call(&mut self, mut request: LlmRequest) -> LlmStep {
        self.answered_by = None;
        self.post_hooks_done = false;
        for part in &mut self.parts {
            part.llm = Standing::NotReached;
        }
        let mut row = self.turns.row();
        for (place, (loaded, part)) in self.pipeline.plugins().iter().zip(&mut self.parts).enumerate() {
            part.llm = part.reached();
            if part.llm == Standing::Out || !loaded.plugin.hooks().contains(HookSet::PRE_LLM) {
                continue;
            }
            let mut draft = request.clone();
            let mut call = part.call(loaded, &self.context, &self.http);
            let result = take_turn!(
                row,
                loaded,
                Hook::BeforeCall,
                call,
                loaded.plugin.before_call(&mut call, &mut draft)
            );
            match commit(&mut self.context, call.context, result) {
                Ok(PreOutcome::Proceed) => request = draft,
                Ok(PreOutcome::Answer(answer)) => {
                    let response = answer.into_response(&request, self.context.request_id(), elapsed_ms(self.started));
                    answered(loaded, "before-call", self.context.request_id(), 200);
                    self.answered_by = Some(place);
                    self.call = Some(request);
                    return LlmStep::Answer(response);
                }
                Ok(PreOutcome::Refuse(error)) => {
                    self.call = Some(request);
                    return LlmStep::Refuse(refusal(loaded, error, self.context.request_id()));
                }
                Err(failure) => {
                    part.llm = Standing::Out;
                    if let Some(error) = settle(loaded, &failure, self.context.request_id()) {
                        self.call = Some(request);
                        return LlmStep::Refuse(error);
                    }
                }
            }
        }
        self.call = Some(request.clone());
        LlmStep::Proceed(request)
    }

    /// Whether a plugin reads answers that are not streamed. Where none does, an answer needs no
    /// [`Exchange::after_call`] and no parsing.
    pub fn reads_answers(&self) -> bool {
        self.takes_part(HookSet::POST_LLM)
    }

    /// The LLM post hooks, in reverse order, of the plugins whose pre hook ran.
    pub async fn after_call(&mut self, mut upstream: Upstream) -> Upstream {
        self.post_hooks_done = true;
        let mut row = self.turns.row();
        for (place, loaded) in self.pipeline.plugins().iter().enumerate().rev() {
            let Some(part) = self.parts.get_mut(place) else {
                continue;
            };
            if part.llm != Standing::In || !loaded.plugin.hooks().contains(HookSet::POST_LLM) {
                continue;
            }
            let mut draft = upstream.clone();
            let mut call = part.call(loaded, &self.context, &self.http);
            let result = take_turn!(
                row,
                loaded,
                Hook::AfterCall,
                call,
                loaded.plugin.after_call(&mut call, &mut draft)
            );
            match commit(&mut self.context, call.context, result) {
                Ok(PostOutcome::Proceed) => upstream = still_named(draft, &upstream),
                Ok(PostOutcome::Replace(answer)) => {
                    answered(loaded, "after-call", self.context.request_id(), 200);
                    self.answered_by = Some(place);
                    let elapsed = elapsed_ms(self.started);
                    upstream = replaced(answer, self.call.as_ref(), self.context.request_id(), elapsed, upstream);
                }
                Ok(PostOutcome::Refuse(error)) => {
                    upstream = Upstream::Error(refusal(loaded, error, self.context.request_id()));
                }
                Err(failure) => {
                    part.llm = Standing::Out;
                    if let Some(error) = settle(loaded, &failure, self.context.request_id()) {
                        upstream = Upstream::Error(error);
                    }
                }
            }
        }
        upstream
    }

    /// The HTTP response hooks, in reverse order, of the plugins whose request hook ran. Not for streams.
    pub async fn on_response(&mut self, mut response: HttpResponse) -> HttpResponse {
        let mut row = self.turns.row();
        for (loaded, part) in self.pipeline.plugins().iter().zip(&mut self.parts).rev() {
            if part.http != Standing::In || !loaded.plugin.hooks().contains(HookSet::HTTP_RESPONSE) {
                continue;
            }
            let shown = loaded.shown_response(&response);
            let mut draft = shown.clone();
            let mut call = part.call(loaded, &self.context, &self.http);
            let result = take_turn!(
                row,
                loaded,
                Hook::OnResponse,
                call,
                loaded.plugin.on_response(&mut call, &mut draft)
            );
            match commit(&mut self.context, call.context, result) {
                Ok(()) => response = hidden::restored(draft, &shown, &response),
                Err(failure) => {
                    if let Some(error) = settle(loaded, &failure, self.context.request_id()) {
                        response = error_response(&error);
                    }
                }
            }
        }
        response
    }

    /// Whether a plugin reads chunks or the end of a stream. Where none does, a stream needs no
    /// [`Exchange::into_stream`] and no parsing.
    pub fn reads_chunks(&self) -> bool {
        let hooks = HookSet::CHUNK | HookSet::END | HookSet::POST_LLM_CHUNK | HookSet::POST_LLM_STREAMED;
        self.takes_part(hooks)
    }

    /// Goes on with a streamed answer of this kind: the upstream's, or a plugin's, cut into chunks.
    pub fn into_stream(self, kind: CallKind) -> LlmStream {
        let collect = !self.post_hooks_done && self.takes_part(HookSet::POST_LLM_STREAMED);
        let provider = match (self.answered_by, &self.call) {
            (None, Some(call)) => Some(Arc::from(call.provider())),
            _ => None,
        };
        let assembly = StreamAssembly::new(kind, collect, MAX_ASSEMBLED_ANSWER);
        let post_hooks = !self.post_hooks_done;
        LlmStream::new(self, kind, assembly, provider, post_hooks)
    }

    pub(super) fn takes_part(&self, hooks: HookSet) -> bool {
        let plugins = self.pipeline.plugins().iter().zip(&self.parts);
        plugins
            .into_iter()
            .any(|(loaded, part)| part.llm == Standing::In && loaded.plugin.hooks().intersects(hooks))
    }
}

fn elapsed_ms(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}

/// Takes the context's draft over if the hook returned ok, whatever its outcome.
pub(super) fn commit<T>(context: &mut Context, draft: Context, result: Result<T, Failure>) -> Result<T, Failure> {
    if result.is_ok() {
        *context = draft;
    }
    result
}

/// What `on_request` decided, with a reply that can be sent.
enum HttpDecision {
    Proceed,
    Respond(HttpResponse),
}

impl Decided for HttpDecision {
    fn outcome(&self) -> Outcome {
        match self {
            HttpDecision::Proceed => Outcome::Proceeded,
            HttpDecision::Respond(_) => Outcome::Answered,
        }
    }
}

fn checked(loaded: &Loaded, outcome: HttpOutcome) -> Result<HttpDecision, Failure> {
    let HttpOutcome::Respond(reply) = outcome else {
        return Ok(HttpDecision::Proceed);
    };
    let response = reply.into_response().map_err(|error| {
        let manifest = loaded.plugin.manifest();
        Failure {
            plugin: manifest.name.clone(),
            file: manifest.file.clone(),
            hook: "on-request",
            cause: Cause::InvalidOutput(error.to_string()),
        }
    })?;
    Ok(HttpDecision::Respond(response))
}

/// An error of the host's own as a response.
fn error_response(error: &LlmError) -> HttpResponse {
    let reply = error.to_reply(FAILED);
    let body = reply.body.clone();
    reply
        .into_response()
        .unwrap_or_else(|_| HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), body))
}

/// An error that passed a hook is still the error of the plugin that it names, and is over when it was.
fn still_named(mut draft: Upstream, before: &Upstream) -> Upstream {
    if let (Upstream::Error(error), Upstream::Error(before)) = (&mut draft, before)
        && error.plugin.is_none()
    {
        error.plugin.clone_from(&before.plugin);
        error.retry_after = before.retry_after;
    }
    draft
}

fn replaced(answer: Answer, call: Option<&LlmRequest>, request_id: &str, elapsed: u32, before: Upstream) -> Upstream {
    match call {
        Some(call) => Upstream::Response(answer.into_response(call, request_id, elapsed)),
        // Post hooks without a `before_call` of any plugin: there is nothing that says which kind of answer.
        None => before,
    }
}
