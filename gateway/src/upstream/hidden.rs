//! What an upstream was told in confidence, taken out of what it answers.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::Event;
use super::secret::Secret;

/// The secrets that one call carried.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden(Vec<Arc<Secret>>);

impl Hidden {
    pub(super) fn add(&mut self, secret: Arc<Secret>) {
        self.0.push(secret);
    }

    /// The headers without those that hold a secret.
    pub(super) fn out_of_headers(&self, headers: &HeaderMap) -> HeaderMap {
        let mut shown = headers.clone();
        for (name, value) in headers {
            if self.0.iter().any(|secret| secret.is_in(value.as_bytes())) {
                shown.remove(name);
            }
        }
        shown
    }

    pub(super) fn out_of_bytes(&self, bytes: Bytes) -> Bytes {
        self.0.iter().fold(bytes, |bytes, secret| secret.removed_from(bytes))
    }

    pub(super) fn out_of_event(&self, event: Event) -> Event {
        Event {
            name: event.name.map(|name| self.out_of_text(name)),
            data: self.out_of_text(event.data),
        }
    }

    fn out_of_text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| secret.removed_from_text(text))
    }
}
