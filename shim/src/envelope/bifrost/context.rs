//! The request's context, which travels both ways.

use heimdall_host::json::{Kind, Numbers, Value, same};
use heimdall_host::model::Context;

use super::super::EnvelopeError;
use super::super::read::{is_blank, member};
use super::super::write::ObjectWriter;
use crate::Input;

/// What a post hook finds in the context of a stream's last chunk. It is told to the guest and never kept.
const STREAM_END: &str = "bifrost-stream-end-indicator";
const REQUEST_ID: &str = "request_id";

/// Of the seed document: the id alone.
pub(super) fn id_only(context: &Context) -> Input {
    let mut out = ObjectWriter::new();
    out.string(REQUEST_ID, context.request_id());
    out.finish()
}

/// The id, and the mark of a stream's last chunk.
pub(super) fn id_and_end(context: &Context) -> Input {
    let mut out = ObjectWriter::new();
    out.string(REQUEST_ID, context.request_id()).raw(STREAM_END, "true");
    out.finish()
}

/// The whole context; `last` with the mark of a stream's last chunk.
pub(super) fn write(out: &mut ObjectWriter, context: &Context, last: bool) {
    out.object("context", |out| {
        out.string(REQUEST_ID, context.request_id());
        for (name, value) in context.iter() {
            out.value(name, value.root());
        }
        if last {
            out.raw(STREAM_END, "true");
        }
    });
}

/// Takes over the members that came back and say something else than before.
pub(super) fn read(context: &mut Context, answer: Value<'_>) -> Result<(), EnvelopeError> {
    let Some(returned) = member(answer, "context") else {
        return Ok(());
    };
    match returned.kind() {
        Kind::Object => {}
        _ if is_blank(returned) => return Ok(()),
        _ => return Err(EnvelopeError::Unusable("`context` is no object".into())),
    }
    for (name, value) in returned.members() {
        if context.is_hosts(&name) || name == STREAM_END || value.is_null() {
            continue;
        }
        let old = context.get(&name);
        let unchanged = match &old {
            Some(old) => same(old.root(), value, Numbers::AsDouble),
            None => is_blank(value),
        };
        if !unchanged {
            context.set(&name, value.to_document())?;
        }
    }
    Ok(())
}
