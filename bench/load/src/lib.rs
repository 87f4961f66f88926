//! The gateway over loopback under a load generator, beside a bare proxy and other gateways: the instrument `load`.
//!
//! Here is what stands around the gateways: the [`upstream`] that answers, the bare [`proxy`] and one that reads ([`reader`]),
//! each in a process of its own ([`place`]), the load generator ([`oha`]), the requests that it sends ([`document`]), and what a process
//! uses meanwhile ([`usage`]).
//!
//! ```
//! use heimdall_load::document::{Document, Size};
//!
//! let document = Document { size: Size::Small, stream: true };
//! assert_eq!(document.text().len(), 1024);
//! ```
#![deny(missing_docs)]

pub mod document;
pub mod oha;
pub mod place;
pub mod proxy;
pub mod reader;
pub mod server;
pub mod upstream;
pub mod usage;
