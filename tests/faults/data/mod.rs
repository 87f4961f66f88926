//! Bytes that can't be used.
