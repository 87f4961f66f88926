//! Guests after many calls.

use heimdall_host::model::{CallKind, Upstream};
use heimdall_host::pipeline::Exchange;
use heimdall_tests::guests::{Guest, TYPED_C_TAG, TYPED_GO_STD, TYPED_GO_TAG, TYPED_TAG};

use crate::support::*;
use crate::table::{CHAT, Guard, Place};

/// At least three hooks of each are called, so that it comes to ten thousand for the guards with the fewest.
const REQUESTS: usize = 3400;
/// Which of them is streamed, and which of those its client leaves in the middle.
const STREAMED: usize = 5;
const LEFT: usize = 2 * STREAMED;

pub async fn it_serves_ten_thousand_calls_within_its_memory(guard: &Guard, place: Place) {
    let pipeline = guard.pipeline(place, None).await;
    let (text, system) = ("hello ".repeat(200), guard.system());
    for number in 0..REQUESTS {
        let mut exchange = pipeline.begin(&format!("r-{number}"), http_request(CHAT));
        exchange.on_request().await;
        let request = proceed(&mut exchange, chat(&text)).await;
        assert_eq!(request.message_text(0).as_deref(), Some(&*system), "request {number}");
        if number.is_multiple_of(STREAMED) {
            stream(guard, exchange, number).await;
            continue;
        }
        let Upstream::Response(response) = exchange.after_call(answer("a TOP-SECRET")).await else {
            panic!("request {number} failed")
        };
        let redacted = format!("a {}", guard.redacted());
        assert_eq!(response.text(0), Some(redacted), "request {number}");
        let response = exchange.on_response(http_response()).await;
        let mark = guard.has_response_hook().then_some(guard.mark);
        assert_eq!(response.header(&guard.header("")).as_deref(), mark, "request {number}");
    }
    let usage = pipeline.plugins().first().unwrap().plugin.usage();
    let told = format!("{} KiB in one of {} instances", usage.memory >> 10, usage.made);
    assert!(
        usage.memory <= guard.memory << 20,
        "{told}, {} MiB are stated",
        guard.memory
    );
    // One is made at load, to see what the file is.
    let most = (REQUESTS * guard.instances) as u64 + 2;
    assert!(usage.made <= most, "{told}, {most} are stated");
}

async fn stream(guard: &Guard, exchange: Exchange, number: usize) {
    let mut stream = exchange.into_stream(CallKind::Chat);
    let mut steps = vec![stream.chunk(chunk("a TOP-")).await];
    if number.is_multiple_of(LEFT) {
        return;
    }
    steps.push(stream.chunk(chunk("SECRET")).await);
    steps.push(stream.chunk(finish()).await);
    steps.push(stream.end(None).await);
    let redacted = format!("a {}", guard.redacted_chunk());
    assert_eq!(streamed_text(&steps), redacted, "request {number}");
}

/// Each tag, and the most MiB that its one instance may have: standard Go collects its garbage some hundred times.
const TAGS: [(Guest, usize); 4] = [(TYPED_TAG, 2), (TYPED_C_TAG, 1), (TYPED_GO_TAG, 2), (TYPED_GO_STD, 16)];

#[tokio::test]
async fn tags_serve_ten_thousand_calls_within_their_memory() {
    let text = "hello ".repeat(1000);
    for (guest, most) in TAGS {
        let pipeline = pipeline(&[(guest, None)]).await;
        for number in 0..10_000 {
            let mut exchange = pipeline.begin("r", http_request(CHAT));
            let request = proceed(&mut exchange, chat(&text)).await;
            let tagged = request.message_text(0).is_some_and(|it| it.ends_with(" [tag:tagged]"));
            assert!(tagged, "call {number} of {}", guest.name);
        }
        let usage = pipeline.plugins()[0].plugin.usage();
        // One is made at load, to see what the file is.
        assert!(usage.made <= 2, "{}: {} instances", guest.name, usage.made);
        assert!(usage.memory <= most << 20, "{}: {} KiB", guest.name, usage.memory >> 10);
    }
}
