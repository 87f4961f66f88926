//! Bifrost's JSON, in its three generations.

mod context;
mod error;
mod headers;
mod http;
mod objects;
mod post;
mod pre;
mod query;
mod request;
mod response;
mod seed;
pub(super) mod shapes;
mod text_input;

#[cfg(test)]
mod tests;

pub use objects::Generations2And3;
pub use seed::Generation1;
