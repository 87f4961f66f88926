//! The ABI of legacy modules, and what typed components have of it, broken in every way.

mod allocators;
mod loading;
mod results;
