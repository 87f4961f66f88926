//! Extism.

mod kernel;
