//! Writing a guest's JSON by putting raw spans together, so that nothing is parsed and printed again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heimdall_host::json::{Value, push_string};

use crate::Input;

/// From how many bytes on a value is a piece of its own: below it, copying costs less than one more piece.
const PIECE: usize = 1 << 10;

/// An object being written, member by member.
pub(super) struct ObjectWriter {
    /// What is complete.
    input: Input,
    /// What comes behind it.
    out: Vec<u8>,
    empty: bool,
}

impl ObjectWriter {
    pub(super) fn new() -> Self {
        Self::with_capacity(512)
    }

    /// `bytes`: of what is not taken over from documents.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        out.push(b'{');
        ObjectWriter {
            input: Input::default(),
            out,
            empty: true,
        }
    }

    /// A member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// A member whose value is one of a document.
    pub(super) fn value(&mut self, name: &str, value: Value<'_>) -> &mut Self {
        self.name(name);
        self.shared(value);
        self
    }

    /// A member as it stands in another object: its name with quotes and escapes, and its value.
    pub(super) fn member(&mut self, raw_name: &str, value: Value<'_>) -> &mut Self {
        self.comma();
        self.out.extend_from_slice(raw_name.as_bytes());
        self.out.push(b':');
        self.shared(value);
        self
    }

    fn shared(&mut self, value: Value<'_>) {
        let raw = value.raw();
        if raw.len() < PIECE {
            self.out.extend_from_slice(raw.as_bytes());
        } else {
            self.input.push(std::mem::take(&mut self.out).into());
            self.input.push(value.bytes());
        }
    }

    pub(super) fn string(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name);
        push_string(&mut self.out, text);
        self
    }

    pub(super) fn optional_string(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.string(name, text);
        }
        self
    }

    /// A member whose value is bytes, as base64.
    pub(super) fn base64(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        self.name(name);
        self.out.push(b'"');
        let start = self.out.len();
        let length = base64::encoded_len(bytes.len(), true).unwrap_or_default();
        self.out.resize(start + length, b'=');
        if let Some(place) = self.out.get_mut(start..) {
            // It has the very length that is needed.
            let _written = STANDARD.encode_slice(bytes, place);
        }
        self.out.push(b'"');
        self
    }

    /// A member whose value is an object that `write` fills.
    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut ObjectWriter)) -> &mut Self {
        self.name(name);
        self.out.push(b'{');
        self.empty = true;
        write(self);
        self.out.push(b'}');
        self.empty = false;
        self
    }

    pub(super) fn finish(mut self) -> Input {
        self.out.push(b'}');
        self.input.push(self.out.into());
        self.input
    }

    fn name(&mut self, name: &str) {
        self.comma();
        push_string(&mut self.out, name);
        self.out.push(b':');
    }

    fn comma(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }
}
