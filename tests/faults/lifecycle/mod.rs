//! Files, reloads and ends.
