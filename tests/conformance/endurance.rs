//! Guards after many calls.

use heimdall_host::model::Upstream;

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
