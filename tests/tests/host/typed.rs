//! Hooks of typed guests in WAT. Each does something with what it is lent, drops it, and then gives the place of its
//! result.

use crate::guest::Guest;

/// `on-request`; the request is `$request`.
pub fn on_request(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "http-types",
            "[resource-drop]http-request",
            "drop-http-request",
            "(param i32)",
        )
        .hook(
            "http-request-hook",
            "on-request",
            "(param $request i32) (result i32)",
            &format!("{first} (call $drop-http-request (local.get $request)) {then}"),
        )
}

/// `on-response` of a guest without `on-request`; the response is `$response`.
pub fn on_response(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "http-types",
            "[resource-drop]http-request",
            "drop-http-request",
            "(param i32)",
        )
        .calls(
            "http-types",
            "[resource-drop]http-response",
            "drop-http-response",
            "(param i32)",
        )
        .hook(
            "http-response-hook",
            "on-response",
            "(param $request i32) (param $response i32) (result i32)",
            &format!(
                "{first} (call $drop-http-request (local.get $request))
                 (call $drop-http-response (local.get $response)) {then}"
            ),
        )
}

/// `before-call`; the request is `$request`.
pub fn before_call(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "llm-types",
            "[resource-drop]llm-request",
            "drop-llm-request",
            "(param i32)",
        )
        .hook(
            "pre-llm-hook",
            "before-call",
            "(param $request i32) (result i32)",
            &format!("{first} (call $drop-llm-request (local.get $request)) {then}"),
        )
}

/// `after-call`; what came back is at `$upstream`: a zero and the response, or a one and an error.
pub fn after_call(guest: Guest, first: &str, then: &str) -> Guest {
    guest
        .calls(
            "llm-types",
            "[resource-drop]llm-response",
            "drop-llm-response",
            "(param i32)",
        )
        .hook(
            "post-llm-hook",
            "after-call",
            "(param $upstream i32) (result i32)",
            &format!(
                "{first}
                 (if (i32.eqz (i32.load8_u (local.get $upstream)))
                    (then (call $drop-llm-response (i32.load offset=4 (local.get $upstream)))))
                 {then}"
            ),
        )
}
