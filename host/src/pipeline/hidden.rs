//! Headers that a plugin can't read: it gets a message without them, and its edits leave them as they were.

use http::header::{HeaderMap, HeaderName};

use crate::loader::Loaded;
use crate::model::{HttpRequest, HttpResponse};

/// What has headers.
pub(super) trait Message: Clone {
    fn headers(&self) -> &HeaderMap;
    fn with_headers(&self, headers: HeaderMap) -> Self;
}

impl Message for HttpRequest {
    fn headers(&self) -> &HeaderMap {
        HttpRequest::headers(self)
    }

    fn with_headers(&self, headers: HeaderMap) -> Self {
        HttpRequest::with_headers(self, headers)
    }
}

impl Message for HttpResponse {
    fn headers(&self) -> &HeaderMap {
        HttpResponse::headers(self)
    }

    fn with_headers(&self, headers: HeaderMap) -> Self {
        HttpResponse::with_headers(self, headers)
    }
}

impl Loaded {
    /// The request as the plugin sees it: without the headers that it can't read.
    pub fn shown_request(&self, request: &HttpRequest) -> HttpRequest {
        shown(request, &self.hide_headers)
    }

    /// The response as the plugin sees it: without the headers that it can't read.
    pub fn shown_response(&self, response: &HttpResponse) -> HttpResponse {
        shown(response, &self.hide_headers)
    }
}

/// The message as a plugin sees it: the same one where it has none of the hidden headers.
pub(super) fn shown<M: Message>(message: &M, hidden: &[HeaderName]) -> M {
    if !hidden.iter().any(|name| message.headers().contains_key(name)) {
        return message.clone();
    }
    let pairs = message.headers().iter().filter(|(name, _)| !hidden.contains(name));
    // Collected anew: removing from a map moves the last header to the gap.
    message.with_headers(pairs.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The draft that a plugin made of what it was `shown`, with what was hidden from it. What it set itself counts.
pub(super) fn restored<M: Message>(draft: M, shown: &M, whole: &M) -> M {
    if shown.headers().len() == whole.headers().len() {
        return draft;
    }
    if draft.headers() == shown.headers() {
        return draft.with_headers(whole.headers().clone());
    }
    let mut headers = HeaderMap::with_capacity(whole.headers().len());
    for name in whole.headers().keys() {
        let is_hidden = !shown.headers().contains_key(name);
        let source = if is_hidden && !draft.headers().contains_key(name) {
            whole.headers()
        } else {
            draft.headers()
        };
        copy(source, name, &mut headers);
    }
    for name in draft.headers().keys() {
        if !whole.headers().contains_key(name) {
            copy(draft.headers(), name, &mut headers);
        }
    }
    draft.with_headers(headers)
}

fn copy(from: &HeaderMap, name: &HeaderName, to: &mut HeaderMap) {
    for value in from.get_all(name) {
        // A map that is full has more headers than a message may have: a draft's are counted when they are set.
        let _full = to.try_append(name.clone(), value.clone());
    }
}
