//! Wasp.

mod callbacks;
mod engine;
mod errors;
mod freeing;
mod gateway;
mod hostile;
mod kits;
mod loading;
mod support;
mod values;
mod world;
