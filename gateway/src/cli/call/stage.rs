//! Calls of one plugin's hooks as the pipeline makes them, and what each came to.

use std::time::{Duration, Instant};

use heimdall_host::failure::Failure;
use heimdall_host::limits::Limits;
use heimdall_host::model::{Context, HttpRequest, HttpResponse, LlmChunk, LlmRequest};
use heimdall_host::plugin::{Call, ChunkOutcome, HookSet, HttpOutcome, Plugin, PostOutcome, PreOutcome, Seat};

use super::hook::Hook;
use super::input::Input;
use crate::cli::called::{Called, Outcome, view};

/// The id of the request that hooks are called for.
const REQUEST_ID: &str = "heimdall-call";

/// One request's hooks.
pub(super) struct Stage<'a> {
    plugin: &'a dyn Plugin,
    http: &'a HttpRequest,
    context: Context,
    seat: Seat,
    /// Whether texts of what changed are wanted.
    shown: bool,
    calls: Vec<Called>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(plugin: &'a dyn Plugin, input: &'a Input, shown: bool) -> Stage<'a> {
        Stage {
            plugin,
            http: &input.http,
            context: Context::new(REQUEST_ID, Limits::default().context),
            seat: Seat::default(),
            shown,
            calls: Vec::new(),
        }
    }

    /// Calls this hook; for those of a stream once per chunk.
    ///
    /// # Errors
    /// When the input has nothing that the hook could be called with.
    pub(super) async fn run(mut self, hook: Hook, input: &Input) -> anyhow::Result<Vec<Called>> {
        match hook {
            Hook::OnRequest => self.on_request().await,
            Hook::BeforeCall => self.before_call(input.request()?).await,
            Hook::OnResponse => self.on_response(input.http_response()).await,
            Hook::AfterCall if input.streamed && self.plugin.hooks().contains(HookSet::POST_LLM_CHUNK) => {
                self.chunks(input, HookSet::POST_LLM_CHUNK).await?;
            }
            Hook::AfterCall => self.after_call(input).await?,
            Hook::OnChunk => self.chunks(input, HookSet::CHUNK).await?,
            Hook::OnEnd => {
                if self.plugin.hooks().contains(HookSet::CHUNK) {
                    self.chunks(input, HookSet::CHUNK).await?;
                }
                self.on_end().await;
            }
        }
        Ok(self.calls)
    }

    async fn on_request(&mut self) {
        let (plugin, before) = (self.plugin, self.http.clone());
        let mut draft = before.clone();
        let (mut call, started) = (self.begin(), Instant::now());
        let result = plugin.on_request(&mut call, &mut draft).await;
        let (time, context) = (started.elapsed(), call.context);
        let outcome = result.map(|outcome| match outcome {
            HttpOutcome::Proceed => Outcome::Proceed,
            HttpOutcome::Respond(reply) => Outcome::responded(&reply),
        });
        let texts = (|| view::request(&before), || view::request(&draft));
        self.end(None, time, (outcome, context), texts);
    }

    async fn before_call(&mut self, request: &LlmRequest) {
        let plugin = self.plugin;
        let mut draft = request.clone();
        let (mut call, started) = (self.begin(), Instant::now());
        let result = plugin.before_call(&mut call, &mut draft).await;
        let (time, context) = (started.elapsed(), call.context);
        let outcome = result.map(|outcome| match outcome {
            PreOutcome::Proceed => Outcome::Proceed,
            PreOutcome::Answer(answer) => {
                Outcome::Answered(answer.into_response(request, REQUEST_ID, 0).document().clone())
            }
            PreOutcome::Refuse(error) => Outcome::Refused(error),
        });
        let texts = (|| view::call(request), || view::call(&draft));
        self.end(None, time, (outcome, context), texts);
    }

    async fn after_call(&mut self, input: &Input) -> anyhow::Result<()> {
        let (plugin, upstream) = (self.plugin, input.answer()?);
        let mut draft = upstream.clone();
        let (mut call, started) = (self.begin(), Instant::now());
        let result = plugin.after_call(&mut call, &mut draft).await;
        let (time, context) = (started.elapsed(), call.context);
        let outcome = match result {
            Ok(PostOutcome::Proceed) => Ok(Outcome::Proceed),
            Ok(PostOutcome::Replace(answer)) => {
                let response = answer.into_response(input.request()?, REQUEST_ID, 0);
                Ok(Outcome::Replaced(vec![response.document().clone()]))
            }
            Ok(PostOutcome::Refuse(error)) => Ok(Outcome::Refused(error)),
            Err(failure) => Err(failure),
        };
        let texts = (|| view::upstream(&upstream), || view::upstream(&draft));
        self.end(None, time, (outcome, context), texts);
        Ok(())
    }

    async fn on_response(&mut self, before: HttpResponse) {
        let plugin = self.plugin;
        let mut draft = before.clone();
        let (mut call, started) = (self.begin(), Instant::now());
        let result = plugin.on_response(&mut call, &mut draft).await;
        let (time, context) = (started.elapsed(), call.context);
        let texts = (|| view::response(&before), || view::response(&draft));
        self.end(None, time, (result.map(|()| Outcome::Proceed), context), texts);
    }

    /// Every chunk, through this hook of the two that see chunks.
    async fn chunks(&mut self, input: &Input, hook: HookSet) -> anyhow::Result<()> {
        for chunk in input.chunks()? {
            let is_over = self.chunk(&chunk, hook).await;
            if is_over {
                break;
            }
        }
        Ok(())
    }

    /// Whether the stream ends with it.
    async fn chunk(&mut self, chunk: &LlmChunk, hook: HookSet) -> bool {
        let plugin = self.plugin;
        let mut draft = chunk.clone();
        let (mut call, started) = (self.begin(), Instant::now());
        let result = if hook == HookSet::CHUNK {
            plugin.on_chunk(&mut call, &mut draft).await
        } else {
            plugin.after_chunk(&mut call, &mut draft).await
        };
        let (time, context) = (started.elapsed(), call.context);
        let is_over = matches!(result, Ok(ChunkOutcome::Abort(_)) | Err(_));
        let outcome = result.map(|outcome| match outcome {
            ChunkOutcome::Proceed => Outcome::Proceed,
            ChunkOutcome::Drop => Outcome::Dropped,
            ChunkOutcome::Replace(chunks) => Outcome::Replaced(chunks),
            ChunkOutcome::Abort(error) => Outcome::Refused(error),
        });
        let texts = (|| view::chunk(chunk), || view::chunk(&draft));
        let about = format!("chunk {}", chunk.index());
        self.end(Some(about), time, (outcome, context), texts);
        is_over
    }

    async fn on_end(&mut self) {
        let plugin = self.plugin;
        let (mut call, started) = (self.begin(), Instant::now());
        let result = plugin.on_end(&mut call).await;
        let (time, context) = (started.elapsed(), call.context);
        let outcome = result.map(Outcome::HeldBack);
        let texts = (String::new, String::new);
        self.end(Some("the end".to_owned()), time, (outcome, context), texts);
    }

    fn begin(&mut self) -> Call<'_> {
        Call {
            context: self.context.clone(),
            http: self.http,
            seat: &mut self.seat,
            time: None,
        }
    }

    /// Notes what a call came to, and commits as the pipeline does: the draft if the hook goes on, its context if it
    /// did not fail.
    fn end(
        &mut self,
        about: Option<String>,
        time: Duration,
        (outcome, context): (Result<Outcome, Failure>, Context),
        (before, after): (impl Fn() -> String, impl Fn() -> String),
    ) {
        let goes_on = matches!(outcome, Ok(Outcome::Proceed));
        let kept = if outcome.is_ok() { context } else { self.context.clone() };
        let (mut texts, shown) = ((String::new(), String::new()), self.shown);
        if shown {
            texts.0 = before() + &view::context(&self.context);
            texts.1 = if goes_on { after() } else { before() } + &view::context(&kept);
        }
        self.context = kept;
        self.calls.push(Called {
            about,
            outcome: outcome.unwrap_or_else(Outcome::Failed),
            before: texts.0,
            after: texts.1,
            time,
        });
    }
}
