//! Generation 1, the seed document: each input is a buffer of its own, and the context goes in only.

use bytes::Bytes;
use heimdall_host::json::{Document, Value};
use heimdall_host::model::{Context, HttpRequest, LlmChunk, LlmRequest, Upstream};
use heimdall_host::plugin::{ChunkOutcome, HttpOutcome, PostOutcome, PreOutcome};

use super::super::read::{error_text, member};
use super::super::write::ObjectWriter;
use super::super::{Envelope, EnvelopeError, Inputs};
use super::post::Verdict;
use super::{context, error, http, pre, request, response};
use crate::Input;

/// Generation 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Generation1;

const NULL: Bytes = Bytes::from_static(b"null");

impl Envelope for Generation1 {
    fn http_request(&self, context: &Context, request: &HttpRequest) -> Inputs {
        let mut out = ObjectWriter::with_capacity(1024 + request.body().len() * 4 / 3);
        http::write_request(&mut out, request, false);
        vec![context::id_only(context), out.finish()]
    }

    fn read_http_request(
        &self,
        answer: &Document,
        _context: &mut Context,
        request: &mut HttpRequest,
    ) -> Result<HttpOutcome, EnvelopeError> {
        pre::object(answer)?.map_or(Ok(HttpOutcome::Proceed), |answer| pre::settle_http(answer, request))
    }

    fn pre(&self, context: &Context, request: &LlmRequest) -> Inputs {
        let mut out = ObjectWriter::new();
        request::write(&mut out, request);
        vec![context::id_only(context), out.finish()]
    }

    fn read_pre(
        &self,
        answer: &Document,
        _context: &mut Context,
        request: &mut LlmRequest,
    ) -> Result<PreOutcome, EnvelopeError> {
        pre::object(answer)?.map_or(Ok(PreOutcome::Proceed), |answer| pre::settle(answer, request))
    }

    fn post(&self, context: &Context, upstream: &Upstream) -> Inputs {
        let mut out = ObjectWriter::new();
        match upstream {
            Upstream::Response(sent) => {
                response::write(&mut out, sent.kind(), sent.document(), false);
                vec![context::id_only(context), out.finish(), NULL.into()]
            }
            Upstream::Error(sent) => {
                error::write(&mut out, sent);
                vec![context::id_only(context), NULL.into(), out.finish()]
            }
        }
    }

    fn read_post(
        &self,
        answer: &Document,
        _context: &mut Context,
        upstream: &mut Upstream,
        path: &str,
    ) -> Result<PostOutcome, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(PostOutcome::Proceed);
        };
        verdict(answer)?.settle(upstream, path)
    }

    fn post_chunk(&self, context: &Context, chunk: &LlmChunk) -> Inputs {
        let mut out = ObjectWriter::new();
        match chunk.error() {
            None => {
                response::write(&mut out, chunk.kind(), chunk.document(), true);
                vec![context_of(context, chunk.last()), out.finish(), NULL.into()]
            }
            Some(sent) => {
                error::write(&mut out, &sent);
                vec![context_of(context, chunk.last()), NULL.into(), out.finish()]
            }
        }
    }

    fn read_post_chunk(
        &self,
        answer: &Document,
        _context: &mut Context,
        chunk: &mut LlmChunk,
    ) -> Result<ChunkOutcome, EnvelopeError> {
        let Some(answer) = pre::object(answer)? else {
            return Ok(ChunkOutcome::Proceed);
        };
        verdict(answer)?.settle_chunk(chunk)
    }
}

/// The context of a chunk: the id, and on a stream's last chunk the mark that every generation's plugins rely on.
fn context_of(context: &Context, last: bool) -> Input {
    if last {
        context::id_and_end(context)
    } else {
        context::id_only(context)
    }
}

fn verdict(answer: Value<'_>) -> Result<Verdict<'_>, EnvelopeError> {
    if let Some(message) = error_text(answer, "error") {
        return Err(EnvelopeError::Returned(message));
    }
    Ok(Verdict {
        response: member(answer, "response"),
        error: member(answer, "bifrost_error"),
        has_error: None,
    })
}
