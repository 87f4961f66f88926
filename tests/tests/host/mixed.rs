//! Pipelines of both kinds in any order: edits add up in order, post hooks undo the order, the context reaches all.

use heimdall_host::model::{CallKind, LlmRequest, Upstream};
use heimdall_host::pipeline::{HttpStep, LlmStep};
use heimdall_tests::guests::{GEN1, GEN2, GEN3, Guest, TINYGO, TYPED_GUARD, TYPED_TAG};

use crate::support::*;

const SYSTEM: [(Guest, &str); 5] = [
    (TYPED_GUARD, "Rule of the typed Rust guard: be kind."),
    (GEN1, "Rule of gen1: be kind."),
    (GEN2, "Rule of gen2: be kind."),
    (GEN3, "Rule of gen3: be kind."),
    (TINYGO, "Rule of tinygo: be kind."),
];

const REDACTED: [(Guest, &str); 5] = [
    (TYPED_GUARD, "[redacted]"),
    (GEN1, "[gen1 redacted]"),
    (GEN2, "[gen2 redacted]"),
    (GEN3, "[gen3 redacted]"),
    (TINYGO, "[tinygo redacted]"),
];

fn system(guest: Guest) -> &'static str {
    SYSTEM.iter().find(|(it, _)| *it == guest).unwrap().1
}

fn redacted(guest: Guest) -> &'static str {
    REDACTED.iter().find(|(it, _)| *it == guest).unwrap().1
}

/// Every pair of two kinds, in both orders.
fn pairs() -> impl Iterator<Item = (Guest, Guest)> {
    let guests = SYSTEM.map(|(guest, _)| guest);
    guests
        .into_iter()
        .flat_map(move |a| guests.into_iter().filter(move |b| *b != a).map(move |b| (a, b)))
}

fn system_messages(request: &LlmRequest) -> Vec<String> {
    let system = request
        .messages()
        .into_iter()
        .enumerate()
        .filter(|(_, it)| it.role == "system");
    system
        .map(|(index, _)| request.message_text(u32::try_from(index).unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn edits_of_pre_hooks_add_up_in_order() {
    for (a, b) in pairs() {
        let pipeline = pipeline(&[(a, None), (b, None)]).await;
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        let request = proceed(&mut exchange, chat("hello")).await;
        // Each puts its message before the first: the last plugin's stands first.
        assert_eq!(
            system_messages(&request),
            [system(b), system(a)],
            "{} then {}",
            a.name,
            b.name
        );
        assert!(
            request
                .document()
                .as_str()
                .ends_with(r#"{"role":"user","content":"hello"}]}"#)
        );
    }
}

#[tokio::test]
async fn post_hooks_run_in_reverse_so_that_the_last_plugin_sees_the_answer_first() {
    for (a, b) in pairs() {
        let pipeline = pipeline(&[(a, None), (b, None)]).await;
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        proceed(&mut exchange, chat("hello")).await;
        let Upstream::Response(response) = exchange.after_call(answer("TOP-SECRET")).await else {
            panic!()
        };
        assert_eq!(
            response.text(0).as_deref(),
            Some(redacted(b)),
            "{} then {}",
            a.name,
            b.name
        );
    }
}

#[tokio::test]
async fn after_a_later_plugins_refusal_the_earlier_ones_see_the_error_and_the_later_ones_nothing() {
    for (a, b) in pairs() {
        let banned = Some(r#"{"banned":["xyzzy"]}"#);
        let pipeline = pipeline(&[(a, None), (b, banned), (TYPED_TAG, None)]).await;
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        let LlmStep::Refuse(error) = exchange.before_call(chat("xyzzy")).await else {
            panic!("{} refuses", b.name)
        };
        assert_eq!(error.status, Some(403));
        assert!(
            exchange.context().get("tag").is_none(),
            "the tag plugin stands behind {}",
            b.name
        );
        let Upstream::Error(after) = exchange.after_call(Upstream::Error(error.clone())).await else {
            panic!()
        };
        assert_eq!(after.message, error.message);
    }
}

#[tokio::test]
async fn the_context_of_a_typed_plugin_reaches_legacy_plugins_and_comes_back() {
    for other in [GEN2, GEN3, TINYGO] {
        let show = Some(r#"{"show_context":true}"#);
        let pipeline = pipeline(&[(TYPED_GUARD, show), (other, None), (TYPED_TAG, None)]).await;
        let mut exchange = pipeline.begin("r-7", http_request("/v1/chat/completions"));
        assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
        proceed(&mut exchange, chat("hello")).await;
        let response = exchange.on_response(http_response()).await;
        let keys = response.header("x-guard-context").unwrap().into_owned();
        let prefix = match other {
            GEN2 => "gen2",
            GEN3 => "gen3",
            _ => "tinygo",
        };
        let mut expected = ["guard/messages", "guard/path", "request_id", "tag"]
            .map(str::to_owned)
            .to_vec();
        expected.extend([format!("{prefix}/messages"), format!("{prefix}/path")]);
        expected.sort();
        assert_eq!(keys, expected.join(","), "{}", other.name);
        assert_eq!(exchange.context().get("request_id").unwrap().as_str(), r#""r-7""#);
    }
}

/// Post hooks see every chunk before any chunk hook does, and both from the last plugin to the first.
#[tokio::test]
async fn a_secret_split_over_chunks_is_redacted_by_the_guard_that_sees_it_first() {
    for (guests, mark) in [
        ([TYPED_GUARD, GEN3], "[gen3 chunk redacted]"),
        ([GEN3, TYPED_GUARD], "[redacted]"),
        ([TYPED_GUARD, GEN1], "[gen1 redacted]"),
        ([GEN2, TYPED_GUARD], "[gen2 redacted]"),
        ([TINYGO, TYPED_GUARD], "[redacted]"),
    ] {
        let pipeline = pipeline(&guests.map(|guest| (guest, None))).await;
        let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
        proceed(&mut exchange, chat("hello")).await;
        let mut stream = exchange.into_stream(CallKind::Chat);
        let mut steps = Vec::new();
        for event in [
            chunk("it is TOP"),
            chunk("-SEC"),
            chunk("RET, shh, TO"),
            chunk("P"),
            finish(),
        ] {
            steps.push(stream.chunk(event).await);
        }
        steps.push(stream.end(None).await);
        assert_eq!(streamed_text(&steps), format!("it is {mark}, shh, TOP"), "{guests:?}");
    }
}

#[tokio::test]
async fn a_chain_of_every_kind_makes_every_edit() {
    let pipeline = pipeline(&[
        (GEN1, None),
        (TYPED_GUARD, None),
        (GEN2, None),
        (TYPED_TAG, Some(r#"{"tag":"t"}"#)),
        (GEN3, None),
        (TINYGO, None),
    ])
    .await;
    let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    assert_eq!(exchange.http().header("x-guard-request").as_deref(), Some("rust"));
    let request = proceed(&mut exchange, chat("hello")).await;
    let expected = [TINYGO, GEN3, GEN2, TYPED_GUARD, GEN1].map(system);
    assert_eq!(system_messages(&request), expected);
    assert_eq!(request.message_text(5).as_deref(), Some("hello [tag:t]"));
    let Upstream::Response(response) = exchange.after_call(answer("TOP-SECRET")).await else {
        panic!()
    };
    assert_eq!(response.text(0).as_deref(), Some("[tinygo redacted]"));
}
