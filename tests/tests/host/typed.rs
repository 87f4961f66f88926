//! Hooks of typed guests in WAT. Each drops what it was lent; its body gives the place of the result.

use crate::guest::Guest;

/// `after-call`; what came back is at `$upstream`.
pub fn after_call(guest: Guest, body: &str) -> Guest {
    guest
        .calls(
            "llm-types",
            "[resource-drop]llm-response",
            "drop-response",
            "(param i32)",
        )
        .hook(
            "post-llm-hook",
            "after-call",
            "(param $upstream i32) (result i32)",
            &format!(
                "(if (i32.eqz (i32.load8_u (local.get $upstream)))
                    (then (call $drop-response (i32.load offset=4 (local.get $upstream)))))
                 {body}"
            ),
        )
}
