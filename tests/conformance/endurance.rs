//! Guests after many calls.

use heimdall_host::model::Upstream;
use heimdall_tests::guests::{Guest, TYPED_C_TAG, TYPED_GO_STD, TYPED_GO_TAG, TYPED_TAG};

use crate::support::*;
use crate::table::{CHAT, Guard, Place};

/// Three hooks of each request are called.
const REQUESTS: usize = 10_000_usize.div_ceil(3);
/// Calls of neighbours are not what is looked at here.
const REQUESTS_BETWEEN: usize = 100;

pub async fn it_serves_ten_thousand_calls_within_its_memory(guard: &Guard, place: Place) {
    let pipeline = guard.pipeline(place, None).await;
    let (text, system) = ("hello ".repeat(200), guard.system());
    let requests = match place {
        Place::Alone => REQUESTS,
        Place::Between => REQUESTS_BETWEEN,
    };
    for number in 0..requests {
        let mut exchange = pipeline.begin(&format!("r-{number}"), http_request(CHAT));
        exchange.on_request().await;
        let request = proceed(&mut exchange, chat(&text)).await;
        assert_eq!(request.message_text(0).as_deref(), Some(&*system), "request {number}");
        let Upstream::Response(response) = exchange.after_call(answer("a TOP-SECRET")).await else {
            panic!("request {number} failed")
        };
        assert_eq!(
            response.text(0),
            Some(format!("a {}", guard.redacted())),
            "request {number}"
        );
    }
    let own = pipeline
        .plugins()
        .iter()
        .find(|loaded| &*loaded.plugin.manifest().name == guard.guest.name);
    let usage = own.unwrap().plugin.usage();
    assert!(
        usage.memory <= guard.memory << 20,
        "{} KiB in one of {} instances are over the {} MiB that are stated",
        usage.memory >> 10,
        usage.instances,
        guard.memory
    );
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
        assert!(usage.instances <= 2, "{}: {} instances", guest.name, usage.instances);
        assert!(usage.memory <= most << 20, "{}: {} KiB", guest.name, usage.memory >> 10);
    }
}
