//! The committed guests of every generation, through the whole of the shim.

#![expect(clippy::unwrap_used, reason = "a test that fails by a panic says what is wrong")]

use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::json::Document;
use heimdall_host::loader::{Host, PluginSettings};
use heimdall_host::model::{CallKind, Context, HttpRequest, LlmChunk, LlmRequest, LlmResponse, Upstream};
use heimdall_host::plugin::{Call, ChunkOutcome, HookSet, HttpOutcome, Plugin, PreOutcome, Seat};
use heimdall_shim::Packed;
use http::{HeaderMap, Method};

/// Each guest: its file, the mark of its edits, and its generation in words.
const GUESTS: [(&str, &str, &str); 4] = [
    ("rust/gen1/gen1.wasm", "gen1", "generation 1"),
    ("rust/gen2/gen2.wasm", "gen2", "generation 2"),
    ("rust/gen3/gen3.wasm", "gen3", "generation 3"),
    ("tinygo/bump/gen3.wasm", "tinygo", "generation 3"),
];

async fn load(file: &str) -> Arc<dyn Plugin> {
    let path = format!("{}/../guest-examples/legacy/{file}", env!("CARGO_MANIFEST_DIR"));
    let host = Host::builder().abi(Packed).build().unwrap();
    let mut settings = PluginSettings::new(file);
    settings.config = Some(r#"{"closed_paths":["/closed"]}"#.parse().unwrap());
    host.load(Bytes::from(std::fs::read(path).unwrap()), settings)
        .await
        .unwrap()
        .plugin
}

fn http(path: &str) -> HttpRequest {
    let body = Bytes::from_static(br#"{ "model":"echo" }"#);
    HttpRequest::new(Method::POST, path, Some("a=1"), HeaderMap::new(), body)
}

const CHAT: &str = r#"{ "model":"echo", "messages":[ {"role":"user","content":"\u0061 <b>","name":"n"} ], "seed":9007199254740993, "x":{"y":[1e2]}}"#;

fn chat(body: &str) -> LlmRequest {
    LlmRequest::new(CallKind::Chat, "echo", "echo", false, 0, body.parse().unwrap())
}

#[tokio::test]
async fn a_request_hook_and_a_pre_hook_edit_and_touch_nothing_else() {
    for (file, mark, version) in GUESTS {
        let plugin = load(file).await;
        assert!(
            plugin.manifest().version.starts_with(version),
            "{file}: {}",
            plugin.manifest().version
        );
        let (mut draft, sent) = (http("/v1/chat/completions"), http("/v1/chat/completions"));
        let mut seat = Seat::default();
        let mut call = Call {
            context: Context::new("r1", 1 << 20),
            http: &sent,
            seat: &mut seat,
            time: None,
        };
        let outcome = plugin.on_request(&mut call, &mut draft).await.unwrap();
        assert!(matches!(outcome, HttpOutcome::Proceed), "{file}");
        assert_eq!(draft.body(), sent.body(), "{file}");
        if mark != "gen1" {
            assert_eq!(draft.header("x-legacy-request").as_deref(), Some(mark), "{file}");
        }
        let mut request = chat(CHAT);
        let outcome = plugin.before_call(&mut call, &mut request).await.unwrap();
        assert!(matches!(outcome, PreOutcome::Proceed), "{file}");
        let system = format!(r#"{{"role":"system","content":"Rule of {mark}: be kind."}},"#);
        let body = request.document().as_str().replace(
            &format!(r#"{{"content":"Rule of {mark}: be kind.","role":"system"}},"#),
            &system,
        );
        assert_eq!(body, CHAT.replace("[ {", &format!("[ {system}{{")), "{file}");
    }
}

#[tokio::test]
async fn closed_paths_and_banned_words_end_the_request() {
    for (file, mark, _) in GUESTS {
        let plugin = load(file).await;
        let (mut draft, sent) = (http("/closed"), http("/closed"));
        let mut seat = Seat::default();
        let mut call = Call {
            context: Context::new("r1", 1 << 20),
            http: &sent,
            seat: &mut seat,
            time: None,
        };
        let outcome = plugin.on_request(&mut call, &mut draft).await.unwrap();
        assert!(
            matches!(outcome, HttpOutcome::Respond(reply) if reply.status == 403),
            "{file}"
        );
        let mut request = chat(r#"{"messages":[{"role":"user","content":"a forbidden-word"}]}"#);
        let outcome = plugin.before_call(&mut call, &mut request).await.unwrap();
        let PreOutcome::Refuse(error) = outcome else {
            panic!("{file}: {outcome:?}")
        };
        assert_eq!(error.message, format!("{mark}: the request holds a banned word"));
        assert_eq!(
            (error.status, error.allow_fallbacks),
            (Some(403), Some(false)),
            "{file}"
        );
    }
}

#[tokio::test]
async fn a_post_hook_redacts_a_response_and_nothing_else() {
    const RESPONSE: &str = r#"{ "id":"x", "choices":[ {"index":0,"message":{"role":"assistant","content":"is TOP-SECRET","annotations":[]},"finish_reason":"stop","logprobs":null} ],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"details":{"n":1.0}} }"#;
    for (file, mark, _) in GUESTS {
        let plugin = load(file).await;
        let sent = http("/v1/chat/completions");
        let mut seat = Seat::default();
        let mut call = Call {
            context: Context::new("r1", 1 << 20),
            http: &sent,
            seat: &mut seat,
            time: None,
        };
        let document: Document = RESPONSE.parse().unwrap();
        let mut upstream = Upstream::Response(LlmResponse::new(CallKind::Chat, None, 0, false, document));
        plugin.after_call(&mut call, &mut upstream).await.unwrap();
        let Upstream::Response(response) = upstream else {
            panic!("{file}")
        };
        assert_eq!(
            response.document().as_str(),
            RESPONSE.replace("TOP-SECRET", &format!("[{mark} redacted]")),
            "{file}"
        );
    }
}

#[tokio::test]
async fn chunks_without_a_secret_pass_every_hook_byte_for_byte() {
    const CHUNK: &str = r#"{ "object":"chat.completion.chunk", "choices":[{"index":0,"delta":{"content":"\u0061"},"logprobs":null,"finish_reason":null}], "n":1e2 }"#;
    for (file, ..) in GUESTS {
        let plugin = load(file).await;
        let sent = http("/v1/chat/completions");
        let mut seat = Seat::default();
        let mut call = Call {
            context: Context::new("r1", 1 << 20),
            http: &sent,
            seat: &mut seat,
            time: None,
        };
        let mut chunk = LlmChunk::new(CallKind::Chat, 0, CHUNK.parse().unwrap());
        let outcome = plugin.after_chunk(&mut call, &mut chunk).await.unwrap();
        assert!(matches!(outcome, ChunkOutcome::Proceed), "{file}");
        if plugin.hooks().contains(HookSet::CHUNK) {
            let outcome = plugin.on_chunk(&mut call, &mut chunk).await.unwrap();
            assert!(matches!(outcome, ChunkOutcome::Proceed), "{file}");
        }
        assert_eq!(chunk.document().as_str(), CHUNK, "{file}");
    }
}

#[tokio::test]
async fn a_bump_heap_of_tinygo_lasts() {
    let plugin = load("tinygo/bump/gen3.wasm").await;
    let sent = http("/v1/chat/completions");
    let body = CHAT.replace("<b>", &"long ".repeat(20_000));
    for _ in 0..100 {
        let mut seat = Seat::default();
        let mut call = Call {
            context: Context::new("r1", 1 << 20),
            http: &sent,
            seat: &mut seat,
            time: None,
        };
        plugin.before_call(&mut call, &mut chat(&body)).await.unwrap();
    }
}
