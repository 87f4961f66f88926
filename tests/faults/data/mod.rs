//! Bytes that can't be used.

mod answers;
mod documents;
mod http;
mod passing;
