//! Guests that take more time than they have.

mod hooks;
mod loading;
