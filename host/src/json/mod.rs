//! The canonical JSON document: the sender's own bytes with an index over them.
//!
//! A [`Document`] keeps the text as it came in and indexes it in one pass into a flat tape. Reading borrows from the text
//! ([`Value`]); editing splices the text and the tape, so that whatever nobody touched stays byte for byte: the order of
//! members, whitespace, escapes, numbers of any size, members that this host has never heard of.
//!
//! ```
//! use heimdall_host::json::Document;
//!
//! let mut body = Document::parse(r#"{ "model": "echo", "seed": 12345678901234567890123 }"#)?;
//! assert_eq!(body.pointer("/model").unwrap().as_str().unwrap(), "echo");
//! body.set("/model", &Document::string("large")).unwrap();
//! assert_eq!(body.as_str(), r#"{ "model": "large", "seed": 12345678901234567890123 }"#);
//! # Ok::<(), heimdall_host::json::JsonError>(())
//! ```

mod changed;
mod document;
mod edit;
mod error;
mod fault;
mod index;
mod lex;
mod names;
mod pointer;
mod same;
mod scan;
mod text;
mod unique;
mod value;

#[cfg(test)]
mod tests;

pub use changed::Change;
pub use document::{Document, Duplicates};
pub use error::{EditError, JsonError};
pub use lex::MAX_DEPTH;
pub use same::{Numbers, same};
pub use text::push_string;
pub use value::{Elements, Kind, Members, RawMembers, Value};
