//! Documents that pass through.

use heimdall_host::model::{CallKind, LlmRequest, LlmResponse, Upstream};
use heimdall_tests::guests::{GEN3, TYPED_GUARD};

use crate::support::*;
use crate::world::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_numbers_beyond_2_53_and_decimals_keep_their_digits() {
    const NUMBERS: &str = r#""seed":9007199254740993,"n":-18446744073709551617,"a":[0.10,1.50E+2,1E+30,-0,0.1000000000000000055511151231257827]"#;
    surrounded(async |world| {
        for guest in [TYPED_GUARD, GEN3] {
            let loaded = world.host.load(guest.bytes().into(), settings(guest, None)).await;
            let pipeline = world.pipeline(loaded.unwrap_or_else(|error| panic!("{error}")));
            let mut exchange = pipeline.begin("r", http_request("/v1/chat/completions"));
            let body = format!(r#"{{{NUMBERS},"model":"up/m","messages":[{{"role":"user","content":"TOP-SECRET"}}]}}"#);
            let request = LlmRequest::new(CallKind::Chat, "up", "m", false, 0, json(&body));
            let request = proceed(&mut exchange, request).await;
            assert_ne!(request.document().as_str(), body, "{} edits it", guest.name);
            assert!(request.document().as_str().contains(NUMBERS), "{}: {request:?}", guest.name);
            let body = format!(
                r#"{{{NUMBERS},"choices":[{{"index":0,"message":{{"role":"assistant","content":"TOP-SECRET"}},"finish_reason":"stop"}}]}}"#
            );
            let answer = LlmResponse::new(CallKind::Chat, None, 0, false, json(&body));
            let Upstream::Response(response) = exchange.after_call(Upstream::Response(answer)).await else {
                panic!("it failed")
            };
            assert_ne!(response.document().as_str(), body, "{} edits it", guest.name);
            assert!(response.document().as_str().contains(NUMBERS), "{}: {response:?}", guest.name);
        }
    })
    .await;
}
