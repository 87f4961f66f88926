//! The HTTP request and response.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::EditError;

mod headers;

pub use headers::is_framing;

/// How many bytes a path or a query that a plugin sets may have.
const MAX_TARGET: u32 = 64 << 10;

/// The client's request. A draft is a clone.
#[derive(Debug, Clone)]
pub struct HttpRequest(Arc<RequestParts>);

#[derive(Debug, Clone)]
struct RequestParts {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Bytes,
}

/// What the client gets. A draft is a clone.
#[derive(Debug, Clone)]
pub struct HttpResponse(Arc<ResponseParts>);

#[derive(Debug, Clone)]
struct ResponseParts {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl RequestParts {
    fn with_headers(&self, headers: HeaderMap) -> RequestParts {
        RequestParts {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers,
            body: self.body.clone(),
        }
    }
}

impl ResponseParts {
    fn with_headers(&self, headers: HeaderMap) -> ResponseParts {
        ResponseParts {
            status: self.status,
            headers,
            body: self.body.clone(),
        }
    }
}

/// A reply of a plugin's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl HttpRequest {
    /// A request as it arrived.
    pub fn new(method: Method, path: &str, query: Option<&str>, headers: HeaderMap, body: Bytes) -> HttpRequest {
        HttpRequest(Arc::new(RequestParts {
            method,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers,
            body,
        }))
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// Changes the method.
    ///
    /// # Errors
    /// [`EditError::Other`] for what is no method.
    pub fn set_method(&mut self, method: &str) -> Result<(), EditError> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| EditError::Other(format!("{method:?} is no HTTP method")))?;
        if self.0.method != method {
            Arc::make_mut(&mut self.0).method = method;
        }
        Ok(())
    }

    /// The path, as it was sent.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Changes the path.
    ///
    /// # Errors
    /// [`EditError::Other`] for a path that does not start with `/`, or has what only stands percent-encoded in one;
    /// [`EditError::TooLarge`] for a long one.
    pub fn set_path(&mut self, path: &str) -> Result<(), EditError> {
        if path == self.0.path {
            return Ok(());
        }
        fits(path)?;
        if !path.starts_with('/') || !is_plain(path) || path.contains('?') {
            return Err(EditError::Other(format!(
                "{path:?} is no path: it starts with `/` and has no `?`, `#`, space, control or non-ASCII character"
            )));
        }
        Arc::make_mut(&mut self.0).path = path.to_owned();
        Ok(())
    }

    /// What follows the question mark.
    pub fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    /// Changes the query; `None` removes it with its question mark.
    ///
    /// # Errors
    /// [`EditError::Other`] for a query that has what only stands percent-encoded in one; [`EditError::TooLarge`] for a
    /// long one.
    pub fn set_query(&mut self, query: Option<&str>) -> Result<(), EditError> {
        if query == self.query() {
            return Ok(());
        }
        fits(query.unwrap_or_default())?;
        if let Some(query) = query.filter(|query| !is_plain(query)) {
            return Err(EditError::Other(format!(
                "{query:?} is no query: it has no `#`, space, control or non-ASCII character"
            )));
        }
        Arc::make_mut(&mut self.0).query = query.map(str::to_owned);
        Ok(())
    }
}

fn fits(target: &str) -> Result<(), EditError> {
    if target.len() > MAX_TARGET as usize {
        return Err(EditError::TooLarge(MAX_TARGET));
    }
    Ok(())
}

/// Whether a text has only characters that stand unencoded in a path or a query.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

impl HttpResponse {
    /// A response on its way to the client.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> HttpResponse {
        HttpResponse(Arc::new(ResponseParts { status, headers, body }))
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// Its status, headers and body. Nothing of them is copied where nobody else holds it.
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Bytes) {
        let ResponseParts { status, headers, body } = Arc::unwrap_or_clone(self.0);
        (status, headers, body)
    }

    /// Changes the status.
    ///
    /// # Errors
    /// [`EditError::Other`] for a status outside 200 to 599.
    pub fn set_status(&mut self, status: u16) -> Result<(), EditError> {
        let status = checked_status(status)?;
        if self.0.status != status {
            Arc::make_mut(&mut self.0).status = status;
        }
        Ok(())
    }
}

fn checked_status(status: u16) -> Result<StatusCode, EditError> {
    let checked = StatusCode::from_u16(status)
        .ok()
        .filter(|_| (200..=599).contains(&status));
    checked.ok_or_else(|| EditError::Other(format!("{status} is no status of a response: 200 to 599 are")))
}

impl Reply {
    /// The reply as a response. The headers that frame a message are the host's, and those of the reply are left out.
    ///
    /// # Errors
    /// [`EditError::Other`] for a status outside 200 to 599, [`EditError::InvalidHeader`] for a header that can't be sent.
    pub fn into_response(self) -> Result<HttpResponse, EditError> {
        let status = checked_status(self.status)?;
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            if !headers::is_framing(name) {
                headers::add(&mut map, name, value)?;
            }
        }
        Ok(HttpResponse::new(status, map, self.body))
    }
}

/// The methods about headers and the body, which requests and responses share.
macro_rules! headers_and_body {
    ($type:ty) => {
        impl $type {
            /// All headers.
            pub fn headers(&self) -> &HeaderMap {
                &self.0.headers
            }

            /// The same message with these headers in place of its own.
            pub(crate) fn with_headers(&self, headers: HeaderMap) -> Self {
                Self(Arc::new(self.0.with_headers(headers)))
            }

            /// The first value of a name, compared without case; what is not UTF-8 in it is shown as U+FFFD.
            pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
                self.0
                    .headers
                    .get(name)
                    .map(|value| String::from_utf8_lossy(value.as_bytes()))
            }

            /// Replaces all values of a name. Setting the one value that was read is no edit.
            ///
            /// # Errors
            /// [`EditError::InvalidHeader`] for a name or value that can't be sent and for headers that the host sets;
            /// [`EditError::TooLarge`] for a long value.
            pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), EditError> {
                if headers::is_only(&self.0.headers, name, value) {
                    return Ok(());
                }
                let header = headers::checked(name, value)?;
                headers::room(&self.0.headers, Some(name))?;
                headers::put(&mut Arc::make_mut(&mut self.0).headers, header)
            }

            /// Adds a value to those of a name.
            ///
            /// # Errors
            /// As [`Self::set_header`].
            pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), EditError> {
                headers::checked(name, value)?;
                headers::room(&self.0.headers, None)?;
                headers::add(&mut Arc::make_mut(&mut self.0).headers, name, value)
            }

            /// Removes all values of a name. Headers that the host sets stay.
            pub fn remove_header(&mut self, name: &str) {
                if self.0.headers.contains_key(name) && !headers::is_framing(name) {
                    Arc::make_mut(&mut self.0).headers.remove(name);
                }
            }

            /// The body.
            pub fn body(&self) -> &Bytes {
                &self.0.body
            }

            /// Replaces the body. Its length is the host's to announce.
            pub fn set_body(&mut self, body: Bytes) {
                Arc::make_mut(&mut self.0).body = body;
            }
        }
    };
}

headers_and_body!(HttpRequest);
headers_and_body!(HttpResponse);
