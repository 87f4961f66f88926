//! Writing a guest's JSON by putting raw spans together, so that nothing is parsed and printed again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use heimdall_host::json::push_string;

/// An object being written, member by member.
pub(super) struct ObjectWriter {
    out: Vec<u8>,
    empty: bool,
}

impl ObjectWriter {
    pub(super) fn new() -> Self {
        Self::with_capacity(256)
    }

    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        out.push(b'{');
        ObjectWriter { out, empty: true }
    }

    /// A member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    /// A member as it stands in another object: its name with quotes and escapes, and its value.
    pub(super) fn member(&mut self, raw_name: &str, json: &str) -> &mut Self {
        self.comma();
        self.out.extend_from_slice(raw_name.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(json.as_bytes());
        self
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
        let mut inner = ObjectWriter {
            out: std::mem::take(&mut self.out),
            empty: true,
        };
        inner.out.push(b'{');
        write(&mut inner);
        inner.out.push(b'}');
        self.out = inner.out;
        self
    }

    pub(super) fn finish(mut self) -> Bytes {
        self.out.push(b'}');
        self.out.into()
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
