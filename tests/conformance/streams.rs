//! What guards make of streams.

use heimdall_host::json::Document;
use heimdall_host::model::CallKind;
use heimdall_host::pipeline::{Exchange, StreamStep};

use crate::support::*;
use crate::table::{Guard, Kind, Place};

/// What is sent of these events.
async fn streamed(exchange: Exchange, kind: CallKind, events: impl IntoIterator<Item = Document>) -> Vec<StreamStep> {
    let mut stream = exchange.into_stream(kind);
    let mut steps = Vec::new();
    for event in events {
        steps.push(stream.chunk(event).await);
    }
    steps.push(stream.end(None).await);
    stream.finish().await;
    assert!(steps.iter().all(|step| !step.aborted));
    steps
}

async fn called(guard: &Guard, place: Place, config: Option<&str>) -> Exchange {
    let mut exchange = guard.begun(place, config).await;
    proceed(&mut exchange, chat("hello")).await;
    exchange
}

/// What a client puts together of a choice.
fn text_of(steps: &[StreamStep], choice: u64) -> String {
    let events = steps.iter().flat_map(|step| &step.send);
    let choices = events.flat_map(|event| event.pointer("/choices/0"));
    let of_choice = choices.filter(|it| it.get("index").and_then(|index| index.as_u64()) == Some(choice));
    of_choice
        .filter_map(|it| Some(it.get("delta")?.get("content")?.as_str()?.into_owned()))
        .collect()
}

pub async fn its_stream_hook_redacts_a_chunk(guard: &Guard, place: Place) {
    let events = [chunk("it is "), chunk("TOP-SECRET"), chunk(", shh"), finish()];
    let steps = streamed(called(guard, place, None).await, CallKind::Chat, events).await;
    assert_eq!(streamed_text(&steps), format!("it is {}, shh", guard.redacted_chunk()));
    let last = steps.iter().flat_map(|step| &step.send).last().unwrap();
    assert_eq!(last.pointer("/choices/0/finish_reason").unwrap().raw(), r#""stop""#);
}

pub async fn its_stream_hook_redacts_what_is_spread_over_chunks_of_two_choices(guard: &Guard, place: Place) {
    let config = Some(r#"{"secrets":["schlüssel","schlüsselbund"]}"#);
    let piece = |choice: u8, text: &str, reason: &str| {
        json(&format!(
            r#"{{"id":"c","object":"chat.completion.chunk","choices":[{{"index":{choice},"delta":{{"content":"{text}"}},"finish_reason":{reason}}}]}}"#
        ))
    };
    let events = [
        piece(0, "a schl", "null"),
        piece(1, "schlüssel", "null"),
        piece(0, "üssel", "null"),
        piece(1, "bun", "null"),
        piece(0, "bund b", "null"),
        piece(1, "", r#""stop""#),
        piece(0, " schlüs", "null"),
        piece(0, "", r#""length""#),
    ];
    let steps = streamed(called(guard, place, config).await, CallKind::Chat, events).await;
    let redacted = guard.redacted_chunk();
    assert_eq!(text_of(&steps, 0), format!("a {redacted} b schlüs"));
    assert_eq!(text_of(&steps, 1), format!("{redacted}bun"));
}

pub async fn its_stream_hook_leaves_the_arguments_of_tool_calls(guard: &Guard, place: Place) {
    let piece = |arguments: &str| {
        format!(
            r#"{{"id":"c1","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{arguments}"}}}}]}},"finish_reason":null}}]}}"#
        )
    };
    let pieces = [r#"{\"word\": \"TOP-"#, r#"SECRET\"}"#].map(piece);
    let events = pieces.iter().map(|it| json(it)).chain([finish()]);
    let steps = streamed(called(guard, place, None).await, CallKind::Chat, events).await;
    let sent: Vec<&str> = steps.iter().flat_map(|step| &step.send).map(Document::as_str).collect();
    assert_eq!(sent.get(..2).unwrap(), pieces);
}

pub async fn its_stream_hook_changes_nothing_where_it_has_nothing_to_do(guard: &Guard, place: Place) {
    let odd = |text: &str, reason: &str| {
        format!(
            r#"{{ "id":"c","object":"chat.completion.chunk","created":9007199254740993, "choices":[ {{"delta":{{"content":"{text}","x":1.10}},"index":0,"finish_reason":{reason},"logprobs":null}} ],"y":{{"b":[],"a":null}} }}"#
        )
    };
    let events = [odd(r"a\u0062\/<c>", "null"), odd("", r#""stop""#)];
    let steps = streamed(
        called(guard, place, None).await,
        CallKind::Chat,
        events.iter().map(|event| json(event)),
    )
    .await;
    let sent: Vec<&str> = steps.iter().flat_map(|step| &step.send).map(Document::as_str).collect();
    assert_eq!(sent, events);
}

/// Generations 1 and 2 have hooks of chats only. Generation 3 has no end hook, and no later event of a Responses stream
/// has a place for what it would hold back: so it looks at one event at a time.
pub async fn its_stream_hook_redacts_a_responses_stream_and_its_repeats(guard: &Guard, place: Place) {
    let pieces: &[&str] = match guard.kind {
        Kind::Packed3 => &["it is ", "TOP-SECRET", ", shh"],
        _ => &["it is ", "TOP-SEC", "RET, shh"],
    };
    let whole: String = pieces.concat();
    let delta = |(number, text): (usize, &&str)| {
        format!(
            r#"{{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"{text}","sequence_number":{number}}}"#
        )
    };
    let done = format!(
        r#"{{"type":"response.output_text.done","item_id":"m","output_index":0,"content_index":0,"text":"{whole}","sequence_number":8}}"#
    );
    let completed = format!(
        r#"{{"type":"response.completed","response":{{"id":"r","status":"completed","output":[{{"type":"message","id":"m","role":"assistant","content":[{{"type":"output_text","text":"{whole}","annotations":[]}}]}}]}},"sequence_number":9}}"#
    );
    let events = pieces.iter().enumerate().map(delta).chain([done, completed]);
    let steps = streamed(
        called(guard, place, None).await,
        CallKind::Responses,
        events.map(|event| json(&event)),
    )
    .await;
    let sent = || steps.iter().flat_map(|step| &step.send);
    let text: String = sent()
        .filter_map(|event| Some(event.pointer("/delta")?.as_str()?.into_owned()))
        .collect();
    let expected = match guard.kind {
        Kind::Packed1 | Kind::Packed2 => whole,
        _ => format!("it is {}, shh", guard.redacted_chunk()),
    };
    assert_eq!(text, expected);
    for (kind, pointer) in [("done", "/text"), ("completed", "/response/output/0/content/0/text")] {
        let repeated: Vec<_> = sent().filter_map(|event| event.pointer(pointer)?.as_str()).collect();
        assert_eq!(repeated, [expected.as_str()], "{kind}");
    }
}
