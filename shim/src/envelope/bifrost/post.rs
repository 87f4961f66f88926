//! What a post hook made of what the upstream answered, whichever generation it is of.

use heimdall_host::json::{Document, Value};
use heimdall_host::model::{Answer, CallKind, LlmChunk, LlmError, Upstream};
use heimdall_host::plugin::{ChunkOutcome, PostOutcome};

use super::super::EnvelopeError;
use super::super::read::is_blank;
use super::response::{Change, Returned};
use super::{error, response};

/// The members of a post hook's answer that decide.
pub(super) struct Verdict<'a> {
    pub(super) response: Option<Value<'a>>,
    pub(super) error: Option<Value<'a>>,
    pub(super) has_error: Option<bool>,
}

/// What was made of a response.
enum OfResponse {
    Unchanged,
    Edited(Document),
    Other(Answer),
    Error(LlmError),
}

/// What was made of an error.
enum OfError {
    Unchanged,
    Changed(LlmError),
    Cleared(Answer),
}

impl<'a> Verdict<'a> {
    fn response(&self, sent: Option<&Document>) -> Option<Returned<'a>> {
        let told = self.response.filter(|response| !is_blank(*response))?;
        response::returned(told, sent)
    }

    fn error(&self) -> Option<Value<'a>> {
        self.error.filter(|value| error::is_error(*value))
    }

    fn of_response(&self, kind: CallKind, sent: &Document) -> Result<OfResponse, EnvelopeError> {
        if let Some(value) = self.error().filter(|_| self.has_error != Some(false)) {
            let mut refused = error::read(value)?;
            refused.allow_fallbacks = super::super::read::flag(value, "allow_fallbacks");
            return Ok(OfResponse::Error(refused));
        }
        let Some(returned) = self.response(Some(sent)) else {
            return Ok(OfResponse::Unchanged);
        };
        Ok(match response::change(sent, kind, returned)? {
            Change::None => OfResponse::Unchanged,
            Change::Edited(document) => OfResponse::Edited(document),
            Change::Other(answer) => OfResponse::Other(answer),
        })
    }

    fn of_error(&self, sent: &LlmError, kind: Option<CallKind>) -> Result<OfError, EnvelopeError> {
        if let Some(value) = self.error().filter(|_| self.has_error != Some(false)) {
            let changed = error::changed(sent, value)?;
            return Ok(if changed == *sent {
                OfError::Unchanged
            } else {
                OfError::Changed(changed)
            });
        }
        match self.response(None).filter(|_| self.has_error != Some(true)) {
            Some(returned) => Ok(OfError::Cleared(response::answer(returned, kind)?)),
            None => Ok(OfError::Unchanged),
        }
    }

    /// For an answer that is not streamed.
    pub(super) fn settle(&self, upstream: &mut Upstream, path: &str) -> Result<PostOutcome, EnvelopeError> {
        match upstream {
            Upstream::Response(sent) => match self.of_response(sent.kind(), sent.document())? {
                OfResponse::Unchanged => {}
                OfResponse::Edited(document) => sent.set_edited(document)?,
                OfResponse::Other(answer) => return Ok(PostOutcome::Replace(answer)),
                OfResponse::Error(error) => return Ok(PostOutcome::Refuse(error)),
            },
            Upstream::Error(sent) => match self.of_error(sent, response::kind_of_path(path))? {
                OfError::Unchanged => {}
                OfError::Changed(changed) => *sent = changed,
                OfError::Cleared(answer) => return Ok(PostOutcome::Replace(answer)),
            },
        }
        Ok(PostOutcome::Proceed)
    }

    /// For a chunk of a stream.
    pub(super) fn settle_chunk(&self, chunk: &mut LlmChunk) -> Result<ChunkOutcome, EnvelopeError> {
        if let Some(sent) = chunk.error() {
            match self.of_error(&sent, None)? {
                OfError::Unchanged => {}
                OfError::Changed(changed) => chunk.set_document(changed.to_event(chunk.kind())),
                OfError::Cleared(answer) => return replaced(answer),
            }
            return Ok(ChunkOutcome::Proceed);
        }
        match self.of_response(chunk.kind(), chunk.document())? {
            OfResponse::Unchanged => {}
            OfResponse::Edited(document) => chunk.set_edited(document)?,
            OfResponse::Other(answer) => return replaced(answer),
            OfResponse::Error(error) => return Ok(ChunkOutcome::Abort(error)),
        }
        Ok(ChunkOutcome::Proceed)
    }
}

fn replaced(answer: Answer) -> Result<ChunkOutcome, EnvelopeError> {
    match answer {
        Answer::Raw(document) => Ok(ChunkOutcome::Replace(vec![document])),
        Answer::Completion(_) => Err(EnvelopeError::Unusable(
            "the response is of another kind than the stream's chunks".into(),
        )),
    }
}
