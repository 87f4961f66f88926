//! The packed ABI before a hostile guest: the first byte chooses the module, the rest is what it answers (see
//! `heimdall_fuzz::guest`). Every hook is called in order, through the adapter as in service.
//!
//! Whatever it answers: what a hook left behind is well formed and within its caps, the host's own of the context stays, and
//! no instance is left over.

#![no_main]

use bytes::Bytes;
use heimdall_fuzz::{assert_whole, block_on, guest, host};
use heimdall_host::failure::Failure;
use heimdall_host::json::{Document, Duplicates};
use heimdall_host::limits::Limits;
use heimdall_host::loader::PluginSettings;
use heimdall_host::model::{
    CallKind, Context, HttpRequest, HttpResponse, LlmChunk, LlmError, LlmRequest, LlmResponse, Upstream,
};
use heimdall_host::plugin::{Call, Plugin, Seat};
use http::{HeaderMap, Method, StatusCode};
use libfuzzer_sys::fuzz_target;

const REQUEST: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"hello"}],"seed":9007199254740993,"x":1.10}"#;
const RESPONSE: &str =
    r#"{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}"#;
const CHUNK: &str = r#"{"id":"1","choices":[{"index":0,"delta":{"content":"hi"}}]}"#;

/// Bytes that an answer may have; and so by how much anything may grow, escaped.
const OUTPUT: usize = 8 << 10;
const CONTEXT: usize = 4 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some((module, script)) = bytes.split_first() else {
        return;
    };
    let modules = guest::modules();
    let mut settings = PluginSettings::new("fuzz.wasm");
    settings.config = Some(guest::script(script));
    settings.limits = Limits {
        memory: 4 << 20,
        output: OUTPUT,
        ..Limits::default()
    };
    block_on(async {
        if let Ok(loaded) = modules[usize::from(*module) % modules.len()].load(settings).await {
            let _failed = call_all(&*loaded.plugin).await;
            loaded.plugin.cleanup().await;
        }
        no_instance_is_left().await;
    });
});

/// A request's way through all hooks, to the first failure.
async fn call_all(plugin: &dyn Plugin) -> Result<(), Failure> {
    let document = |text: &str| text.parse::<Document>().expect("it is JSON");
    let mut http = HttpRequest::new(
        Method::POST,
        "/v1/chat/completions",
        Some("a=b"),
        HeaderMap::new(),
        REQUEST.into(),
    );
    let before = http.clone();
    let mut seat = Seat::default();
    let mut called = Called {
        http: &before,
        seat: &mut seat,
        context: Context::new("r1", CONTEXT),
    };

    let outcome = plugin.on_request(&mut called.call(), &mut http).await;
    assert!(http.body().len() <= REQUEST.len().max(OUTPUT));
    outcome?;

    let mut request = LlmRequest::new(CallKind::Chat, "echo", "m", false, 0, document(REQUEST));
    let outcome = plugin.before_call(&mut called.call(), &mut request).await;
    assert_grown(request.document(), REQUEST);
    assert_whole(&request.outgoing(), Duplicates::Refuse);
    outcome?;

    let response = LlmResponse::new(CallKind::Chat, Some("echo".into()), 1, false, document(RESPONSE));
    for upstream in [Upstream::Response(response), Upstream::Error(LlmError::default())] {
        let mut upstream = upstream;
        let outcome = plugin.after_call(&mut called.call(), &mut upstream).await;
        match &upstream {
            Upstream::Response(response) => assert_grown(response.document(), RESPONSE),
            Upstream::Error(error) => assert_grown(&error.to_json(), RESPONSE),
        }
        outcome?;
    }
    for both in [true, false] {
        let mut chunk = LlmChunk::new(CallKind::Chat, 0, document(CHUNK));
        let outcome = match both {
            true => plugin.after_chunk(&mut called.call(), &mut chunk).await,
            false => plugin.on_chunk(&mut called.call(), &mut chunk).await,
        };
        assert_grown(chunk.document(), CHUNK);
        outcome?;
    }
    let mut response = HttpResponse::new(
        StatusCode::OK,
        HeaderMap::new(),
        Bytes::from_static(RESPONSE.as_bytes()),
    );
    plugin.on_response(&mut called.call(), &mut response).await
}

/// What a hook's call is about, the same for all.
struct Called<'a> {
    http: &'a HttpRequest,
    seat: &'a mut Seat,
    context: Context,
}

impl Called<'_> {
    fn call(&mut self) -> Call<'_> {
        Call {
            context: self.context.clone(),
            http: self.http,
            seat: self.seat,
            time: None,
        }
    }
}

fn assert_grown(document: &Document, from: &str) {
    assert_whole(document, Duplicates::Refuse);
    assert!(
        document.len() <= from.len() + 6 * OUTPUT,
        "{} bytes of {}",
        document.len(),
        from.len()
    );
}

/// Instances are retired by tasks of their own; each has its turn.
async fn no_instance_is_left() {
    let metrics = host().runtime().engine().pooling_allocator_metrics().expect("it pools");
    for _ in 0..100_000 {
        if metrics.core_instances() == 0 && metrics.memories() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} instances are left", metrics.core_instances());
}
