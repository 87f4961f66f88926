//! Generations 2 and 3: one input object, and the context travels both ways. They differ in their hooks, not in a hook's
//! JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use heimdall_host::json::{Document, Kind, Value};
use heimdall_host::model::{Context, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, Upstream};
use heimdall_host::plugin::{ChunkOutcome, HttpOutcome, PostOutcome, PreOutcome};

use super::super::merge::merged;
use super::super::read::{error_text, flag, is_blank, member, present};
use super::super::write::ObjectWriter;
use super::super::{ChunkAnswer, ChunkForm, Envelope, EnvelopeError, Inputs};
use super::post::Verdict;
use super::shapes::RESPONSE;
use super::{context, error, http, pre, request, response};

/// Generations 2 and 3.
#[derive(Debug, Clone, Copy, Default)]
pub struct Generations2And3;

impl Envelope for Generations2And3 {
    fn http_request(&self, context: &Context, request: &HttpRequest) -> Inputs {
        let mut out = ObjectWriter::with_capacity(1024 + request.body().len() * 4 / 3);
        context::write(&mut out, context, false);
        out.object("request", |out| http::write_request(out, request, true));
        vec![out.finish()]
    }

    fn read_http_request(
        &self,
        answer: &Document,
        context: &mut Context,
        request: &mut HttpRequest,
    ) -> Result<HttpOutcome, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(HttpOutcome::Proceed);
        };
        context::read(context, answer)?;
        pre::settle_http(answer, request)
    }

    fn http_response(&self, context: &Context, request: &HttpRequest, response: &HttpResponse) -> Inputs {
        let bodies = request.body().len() + response.body().len();
        let mut out = ObjectWriter::with_capacity(2048 + bodies * 4 / 3);
        context::write(&mut out, context, false);
        out.object("request", |out| http::write_request(out, request, true));
        out.object("response", |out| http::write_response(out, response));
        vec![out.finish()]
    }

    fn read_http_response(
        &self,
        answer: &Document,
        context: &mut Context,
        response: &mut HttpResponse,
    ) -> Result<(), EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(());
        };
        context::read(context, answer)?;
        if let Some(message) = error_text(answer, "error") {
            *response = error::of_http_hook(message).into_response()?;
            return Ok(());
        }
        pre::part(answer, "response")?.map_or(Ok(()), |value| http::read_response(response, value))
    }

    fn pre(&self, context: &Context, request: &LlmRequest) -> Inputs {
        let mut out = ObjectWriter::new();
        context::write(&mut out, context, false);
        out.object("request", |out| request::write(out, request));
        vec![out.finish()]
    }

    fn read_pre(
        &self,
        answer: &Document,
        context: &mut Context,
        request: &mut LlmRequest,
    ) -> Result<PreOutcome, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(PreOutcome::Proceed);
        };
        context::read(context, answer)?;
        pre::settle(answer, request)
    }

    fn post(&self, context: &Context, upstream: &Upstream) -> Inputs {
        match upstream {
            Upstream::Response(sent) => of_response(context, false, |out| {
                response::write(out, sent.kind(), sent.document(), false);
            }),
            Upstream::Error(sent) => of_error(context, false, sent),
        }
    }

    fn read_post(
        &self,
        answer: &Document,
        context: &mut Context,
        upstream: &mut Upstream,
        path: &str,
    ) -> Result<PostOutcome, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(PostOutcome::Proceed);
        };
        context::read(context, answer)?;
        verdict(answer)?.settle(upstream, path)
    }

    fn post_chunk(&self, context: &Context, chunk: &LlmChunk) -> Inputs {
        match chunk.error() {
            None => of_response(context, chunk.last(), |out| {
                response::write(out, chunk.kind(), chunk.document(), true);
            }),
            Some(sent) => of_error(context, chunk.last(), &sent),
        }
    }

    fn read_post_chunk(
        &self,
        answer: &Document,
        context: &mut Context,
        chunk: &mut LlmChunk,
    ) -> Result<ChunkOutcome, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(ChunkOutcome::Proceed);
        };
        context::read(context, answer)?;
        verdict(answer)?.settle_chunk(chunk)
    }

    fn chunk(&self, context: &Context, request: &HttpRequest, chunk: &LlmChunk, form: ChunkForm) -> Inputs {
        let document = chunk.document();
        let mut out = ObjectWriter::with_capacity(1024 + request.body().len() * 4 / 3);
        context::write(&mut out, context, false);
        out.object("request", |out| http::write_request(out, request, true));
        match form {
            ChunkForm::Json => out.value("chunk", document.root()),
            ChunkForm::Base64 => out.base64("chunk", document.bytes()),
        };
        vec![out.finish()]
    }

    fn read_chunk(
        &self,
        answer: &Document,
        context: &mut Context,
        chunk: &mut LlmChunk,
    ) -> Result<ChunkAnswer, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(ChunkAnswer::Outcome(ChunkOutcome::Proceed));
        };
        context::read(context, answer)?;
        let has_chunk = flag(answer, "has_chunk") != Some(false);
        let returned = present(answer, "chunk").filter(|chunk| has_chunk && !is_blank(*chunk));
        let error = error_text(answer, "error");
        let message = match (error, returned) {
            (Some(message), None) => return Ok(ChunkAnswer::Error(message)),
            (message, _) => message,
        };
        if flag(answer, "skip") == Some(true) {
            return Ok(ChunkAnswer::Outcome(ChunkOutcome::Drop));
        }
        if let Some(returned) = returned {
            take_over(chunk, returned)?;
        }
        Ok(message.map_or(ChunkAnswer::Outcome(ChunkOutcome::Proceed), ChunkAnswer::Remark))
    }
}

fn of_response(context: &Context, last: bool, write: impl FnOnce(&mut ObjectWriter)) -> Inputs {
    let mut out = ObjectWriter::new();
    context::write(&mut out, context, last);
    out.object("response", write);
    out.raw("error", "{}").raw("has_error", "false");
    vec![out.finish()]
}

fn of_error(context: &Context, last: bool, sent: &LlmError) -> Inputs {
    let mut out = ObjectWriter::new();
    context::write(&mut out, context, last);
    out.raw("response", "null");
    out.object("error", |out| error::write(out, sent));
    out.raw("has_error", "true");
    vec![out.finish()]
}

fn verdict(answer: Value<'_>) -> Result<Verdict<'_>, EnvelopeError> {
    if let Some(message) = error_text(answer, "hook_error") {
        return Err(EnvelopeError::Returned(message));
    }
    Ok(Verdict {
        response: member(answer, "response"),
        error: member(answer, "error"),
        has_error: flag(answer, "has_error"),
    })
}

/// Takes over what a guest changed in a chunk, which came back as an object or as base64 of its text.
fn take_over(chunk: &mut LlmChunk, returned: Value<'_>) -> Result<(), EnvelopeError> {
    let decoded;
    let value = match returned.as_str() {
        None => returned,
        Some(text) => {
            let bytes = STANDARD.decode(text.as_bytes());
            let bytes = bytes.map_err(|error| EnvelopeError::Unusable(format!("`chunk` is no base64: {error}")))?;
            decoded = Document::parse(Bytes::from(bytes))?;
            decoded.root()
        }
    };
    if value.kind() != Kind::Object {
        return Err(EnvelopeError::Unusable("`chunk` is no object".into()));
    }
    if let Some(changed) = merged(chunk.document(), value, &RESPONSE)? {
        chunk.set_edited(changed)?;
    }
    Ok(())
}
