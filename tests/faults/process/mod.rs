//! What a guest does to the process, by way of WASI and the log.
