//! The host's port for a plugin of any ABI and any envelope.

use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use heimdall_host::failure::{Cause, Failure};
use heimdall_host::json::Document;
use heimdall_host::model::{Context, EditError, HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use heimdall_host::plugin::{
    Call, ChunkOutcome, HookSet, HttpOutcome, Logged, Manifest, Plugin, PostOutcome, PreOutcome, Usage,
};
use heimdall_host::runtime::{Account, Deadline, Factory, Instances, Stage, escape_line};

use crate::Input;
use crate::abi::Instance;
use crate::envelope::{ChunkAnswer, ChunkForm, Envelope, EnvelopeError, Inputs, refusal};

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

    fn current(&self) -> (ChunkForm, bool) {
        match self.0.load(Ordering::Relaxed) {
            Self::BASE64 => (ChunkForm::Base64, true),
            Self::JSON => (ChunkForm::Json, true),
            _ => (ChunkForm::Json, false),
        }
    }

    fn decide(&self, form: ChunkForm) {
        let form = if form == ChunkForm::Json {
            Self::JSON
        } else {
            Self::BASE64
        };
        self.0.store(form, Ordering::Relaxed);
    }
}

/// A legacy plugin behind the host's port.
pub(crate) struct Adapter<F: Factory> {
    pub(crate) manifest: Manifest,
    pub(crate) account: Account,
    pub(crate) hooks: Hooks,
    /// The same, as the pipeline asks for them.
    pub(crate) hook_set: HookSet,
    pub(crate) instances: Instances<F>,
    pub(crate) chunk_forms: ChunkForms,
}

impl<F> Adapter<F>
where
    F: Factory,
    F::Instance: Instance,
{
    /// Calls a hook, reads its answer, and keeps the instance if the guest returned what can be used.
    async fn exchange<T: Send>(
        &self,
        hook: HookSpec,
        call: &mut Call<'_>,
        inputs: Inputs,
        read: impl FnOnce(&Document, &mut Context) -> Result<T, EnvelopeError> + Send,
    ) -> Result<T, Failure> {
        let mut logged = call.seat.logged;
        let outcome = self.call_and_read(hook, call, inputs, &mut logged, read).await;
        call.seat.logged = logged;
        outcome.map_err(|cause| self.failure(hook, cause))
    }

    async fn call_and_read<T: Send>(
        &self,
        hook: HookSpec,
        call: &mut Call<'_>,
        inputs: Inputs,
        logged: &mut Logged,
        read: impl FnOnce(&Document, &mut Context) -> Result<T, EnvelopeError> + Send,
    ) -> Result<T, Cause> {
        let limits = self.account.limits();
        let size = inputs.iter().map(Input::len).sum();
        if size > limits.input {
            let limit = limits.input;
            return Err(Cause::InputTooLarge { size, limit });
        }
        let deadline = Deadline::within(limits.hook_timeout, call.time);
        let mut lease = self.instances.lease(&mut *call.seat, &deadline).await?;
        let called = lease.call(hook.export, &inputs, &call.context, &deadline, logged);
        let answer = match called.await? {
            None => Document::null(),
            // What came back as it went says as little: it is not read.
            Some(bytes) if matches!(inputs.as_slice(), [input] if input.is(&bytes)) => Document::null(),
            Some(bytes) => Document::parse(bytes).map_err(|error| Cause::InvalidOutput(error.to_string()))?,
        };
        let outcome = read(&answer, &mut call.context);
        let usable = !matches!(outcome, Err(EnvelopeError::Unusable(_)));
        if usable && !lease.is_spent() {
            lease.keep();
        } else {
            drop(lease);
        }
        outcome.map_err(|error| match error {
            EnvelopeError::Returned(message) => Cause::Returned(EditError::Other(message)),
            EnvelopeError::Unusable(what) => Cause::InvalidOutput(what),
        })
    }

    fn failure(&self, hook: HookSpec, cause: Cause) -> Failure {
        self.account.ran_over(&cause, Stage::Hook);
        Failure {
            plugin: self.manifest.name.clone(),
            file: self.manifest.file.clone(),
            hook: hook.export,
            cause,
        }
    }

    async fn chunk_as(
        &self,
        hook: HookSpec,
        call: &mut Call<'_>,
        chunk: &mut LlmChunk,
        form: ChunkForm,
    ) -> Result<ChunkAnswer, Failure> {
        let inputs = hook.envelope.chunk(&call.context, call.http, chunk, form);
        self.exchange(hook, call, inputs, |answer, context| {
            hook.envelope.read_chunk(answer, context, chunk)
        })
        .await
    }
}

#[async_trait]
impl<F> Plugin for Adapter<F>
where
    F: Factory,
    F::Instance: Instance,
{
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn hooks(&self) -> HookSet {
        self.hook_set
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        let Some(hook) = self.hooks.http_request else {
            return Ok(HttpOutcome::Proceed);
        };
        let inputs = hook.envelope.http_request(&call.context, request);
        let read = |answer: &Document, context: &mut Context| hook.envelope.read_http_request(answer, context, request);
        self.exchange(hook, call, inputs, read).await
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        let Some(hook) = self.hooks.http_response else {
            return Ok(());
        };
        let inputs = hook.envelope.http_response(&call.context, call.http, response);
        let read =
            |answer: &Document, context: &mut Context| hook.envelope.read_http_response(answer, context, response);
        self.exchange(hook, call, inputs, read).await
    }

    async fn before_call(&self, call: &mut Call<'_>, request: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        let Some(hook) = self.hooks.pre else {
            return Ok(PreOutcome::Proceed);
        };
        let inputs = hook.envelope.pre(&call.context, request);
        let read = |answer: &Document, context: &mut Context| hook.envelope.read_pre(answer, context, request);
        self.exchange(hook, call, inputs, read).await
    }

    async fn after_call(&self, call: &mut Call<'_>, upstream: &mut Upstream) -> Result<PostOutcome, Failure> {
        let Some(hook) = self.hooks.post else {
            return Ok(PostOutcome::Proceed);
        };
        let path = call.http.path();
        let inputs = hook.envelope.post(&call.context, upstream);
        let read = |answer: &Document, context: &mut Context| hook.envelope.read_post(answer, context, upstream, path);
        self.exchange(hook, call, inputs, read).await
    }

    async fn after_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        let Some(hook) = self.hooks.post else {
            return Ok(ChunkOutcome::Proceed);
        };
        let inputs = hook.envelope.post_chunk(&call.context, chunk);
        let read = |answer: &Document, context: &mut Context| hook.envelope.read_post_chunk(answer, context, chunk);
        self.exchange(hook, call, inputs, read).await
    }

    async fn on_chunk(&self, call: &mut Call<'_>, chunk: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        let Some(hook) = self.hooks.chunk else {
            return Ok(ChunkOutcome::Proceed);
        };
        let (form, decided) = self.chunk_forms.current();
        let mut answer = self.chunk_as(hook, call, chunk, form).await?;
        if !decided {
            let mut settled = ChunkForm::Json;
            if matches!(answer, ChunkAnswer::Error(_)) {
                let second = self.chunk_as(hook, call, chunk, ChunkForm::Base64).await;
                if let Ok(second @ (ChunkAnswer::Outcome(_) | ChunkAnswer::Remark(_))) = second {
                    (answer, settled) = (second, ChunkForm::Base64);
                }
            }
            // An error in either form tells nothing about the form.
            if !matches!(answer, ChunkAnswer::Error(_)) {
                self.chunk_forms.decide(settled);
            }
        }
        Ok(match answer {
            ChunkAnswer::Outcome(outcome) => outcome,
            ChunkAnswer::Error(message) => ChunkOutcome::Abort(refusal(message)),
            ChunkAnswer::Remark(message) => {
                let message = escape_line(&message, self.account.limits().log_line);
                tracing::warn!(
                    plugin = &*self.manifest.name,
                    hook = hook.export,
                    request_id = call.context.request_id(),
                    "the chunk goes on, with an error that the plugin gave beside it: {message}"
                );
                ChunkOutcome::Proceed
            }
        })
    }

    fn usage(&self) -> Usage {
        self.instances.usage()
    }

    async fn cleanup(&self) {
        self.instances.retire_all().await;
    }
}
