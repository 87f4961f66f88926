//! One table, hook × behaviour × guest: every guard gives the same observable result for the same request, wherever its
//! kind or generation can express it; alone, and between plugins of the other kind.
//!
//! A guest is a line in [`table`]; the macro [`conformance`] gives it every row.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod answers;
mod cases;
mod complete;
mod endurance;
mod requests;
mod streams;
#[path = "../tests/host/support.rs"]
#[expect(dead_code, reason = "the host's own tests use all of it")]
mod support;
mod table;
mod together;

use table::{Guard, Place};

/// One test for each guard, place and behaviour.
macro_rules! conformance {
    ($($guard:ident = $constant:ident),+ $(,)?) => {
        $(mod $guard {
            mod alone {
                conformance!(@rows $constant, Alone);
                conformance!(@each $constant, Alone, requests,
                    it_refuses_a_configuration_that_is_none,
                );
                conformance!(@each $constant, Alone, endurance,
                    it_serves_ten_thousand_calls_within_its_memory,
                );
                conformance!(@each $constant, Alone, cases,
                    it_passes_its_cases,
                );
            }
            mod between_plugins_of_the_other_kind {
                conformance!(@rows $constant, Between);
            }
        })+

        /// The guards that have all rows.
        const ROWS: &[&Guard] = &[$(&table::$constant),+];
    };
    (@rows $constant:ident, $place:ident) => {
        conformance!(@each $constant, $place, requests,
            its_request_hook_edits_the_http_request,
            its_request_hook_answers_for_a_closed_path,
            its_pre_hook_inserts_a_message_and_leaves_the_rest,
            its_pre_hook_refuses_a_banned_word,
            its_pre_hook_asks_another_model,
            its_pre_hook_answers_itself,
            its_hooks_change_nothing_where_they_have_nothing_to_do,
        );
        conformance!(@each $constant, $place, answers,
            its_post_hook_redacts_every_choice,
            its_post_hook_leaves_an_upstreams_error,
            its_post_hook_leaves_the_arguments_of_tool_calls,
            its_post_hook_counts_the_tokens_of_every_attempt,
            its_post_hook_changes_nothing_where_it_has_nothing_to_do,
            its_response_hook_adds_headers_and_reads_what_others_left,
        );
        conformance!(@each $constant, $place, streams,
            its_stream_hook_redacts_a_chunk,
            its_stream_hook_redacts_what_is_spread_over_chunks_of_two_choices,
            its_stream_hook_leaves_the_arguments_of_tool_calls,
            its_stream_hook_changes_nothing_where_it_has_nothing_to_do,
            its_stream_hook_redacts_a_responses_stream_and_its_repeats,
        );
    };
    (@each $constant:ident, $place:ident, $module:ident, $($behaviour:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $behaviour() {
            crate::$module::$behaviour(&crate::table::$constant, crate::Place::$place).await;
        })+
    };
}

conformance! {
    typed_rust = TYPED_RUST,
    typed_c = TYPED_C,
    typed_go = TYPED_GO,
    typed_javascript = TYPED_JAVASCRIPT,
    typed_python = TYPED_PYTHON,
    packed_rust_1 = RUST_1,
    packed_rust_2 = RUST_2,
    packed_rust_3 = RUST_3,
    stdio_rust = STDIO,
    packed_tinygo_bump = TINYGO_BUMP,
    packed_tinygo_heap = TINYGO_HEAP,
    packed_tinygo_command = TINYGO_COMMAND,
    packed_go = GO,
    packed_assemblyscript = ASSEMBLYSCRIPT,
    packed_assemblyscript_stub = ASSEMBLYSCRIPT_STUB,
    packed_c = C,
    extism_rust = EXTISM,
    wasp_rust = WASP,
}
