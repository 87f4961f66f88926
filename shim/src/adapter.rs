//! The host's port for a plugin of any ABI and any envelope.

use std::borrow::Cow;

use async_trait::async_trait;
use heimdall_host::failure::{Cause, Failure};
use heimdall_host::functions::{Functions, ValueType};
use heimdall_host::json::Document;
use heimdall_host::model::{Context, EditError, HttpRequest, HttpResponse, LlmChunk, LlmRequest, Upstream};
use heimdall_host::plugin::{
    Call, ChunkOutcome, HookSet, HttpOutcome, Logged, Manifest, Plugin, PostOutcome, PreOutcome, Usage,
};
use heimdall_host::runtime::{Account, Deadline, Factory, Instances, Lease, Stage, escape_line};

use crate::abi::{Argument, Instance};
use crate::envelope::{ChunkAnswer, ChunkForm, EnvelopeError, Inputs, refusal};
use crate::functions::Callables;
use crate::hooks::{ChunkForms, HookSpec, Hooks};

/// A legacy plugin behind the host's port.
pub(crate) struct Adapter<F: Factory> {
    pub(crate) manifest: Manifest,
    pub(crate) account: Account,
    pub(crate) hooks: Hooks,
    /// The same, as the pipeline asks for them.
    pub(crate) hook_set: HookSet,
    pub(crate) instances: Instances<F>,
    /// What can be called beside hooks; none: nothing.
    pub(crate) callables: Option<Callables>,
    pub(crate) chunk_forms: ChunkForms,
}

/// The guest has returned: its instance serves on, if it can.
pub(crate) fn give_back<F>(lease: Lease<'_, F>)
where
    F: Factory,
    F::Instance: Instance,
{
    if lease.serves_once() {
        lease.end();
    } else if !lease.is_spent() {
        lease.keep();
    }
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
        let (one, two, three);
        let arguments: &[Argument<'_>] = match inputs.as_slice() {
            [] => &[],
            [a] => {
                one = [Argument::Text(a)];
                &one
            }
            [a, b] => {
                two = [Argument::Text(a), Argument::Text(b)];
                &two
            }
            [a, b, c, ..] => {
                three = [Argument::Text(a), Argument::Text(b), Argument::Text(c)];
                &three
            }
        };
        self.check_size(arguments)?;
        let deadline = Deadline::within(self.account.limits().hook_timeout, call.time);
        let mut lease = self.instances.lease(&mut *call.seat, &deadline).await?;
        let export = Cow::Borrowed(hook.export);
        let called = lease.call(export, arguments, ValueType::Text, &call.context, &deadline, logged);
        let called = match called.await {
            Ok(value) => value.into_bytes().unwrap_or_default(),
            Err(cause) => {
                if cause.keeps_instance() {
                    give_back(lease);
                }
                return Err(cause);
            }
        };
        let answer = match called {
            bytes if bytes.is_empty() => Document::null(),
            // What came back as it went says as little: it is not read.
            bytes if matches!(inputs.as_slice(), [input] if input.is(&bytes)) => Document::null(),
            bytes => Document::parse(bytes).map_err(|error| Cause::InvalidOutput(error.to_string()))?,
        };
        let outcome = read(&answer, &mut call.context);
        let usable = !matches!(outcome, Err(EnvelopeError::Unusable(_)));
        match usable {
            true => give_back(lease),
            false => drop(lease),
        }
        outcome.map_err(|error| match error {
            EnvelopeError::Returned(message) => Cause::Returned(EditError::Other(message)),
            EnvelopeError::Unusable(what) => Cause::InvalidOutput(what),
        })
    }

    /// What a call brings into the guest is capped, whatever the guest would make of it.
    pub(crate) fn check_size(&self, arguments: &[Argument<'_>]) -> Result<(), Cause> {
        let limit = self.account.limits().input;
        match arguments.iter().map(Argument::size).sum() {
            size if size > limit => Err(Cause::InputTooLarge { size, limit }),
            _ => Ok(()),
        }
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

    fn functions(&self) -> Option<&dyn Functions> {
        self.callables.as_ref().map(|_| self as &dyn Functions)
    }

    fn usage(&self) -> Usage {
        self.instances.usage()
    }

    async fn cleanup(&self) {
        self.instances.retire_all().await;
    }
}
