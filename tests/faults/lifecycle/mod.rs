//! Files, reloads, and the end.

mod cache;
mod files;
mod reloads;
mod serving;
