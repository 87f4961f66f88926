//! Guests of all languages in one pipeline, and the tags, which have one hook.

use heimdall_host::loader::PluginSettings;
use heimdall_host::model::{CallKind, Upstream};
use heimdall_tests::guests::{ALL, GEN3, Guest, TYPED_C, TYPED_GO, TYPED_GUARD, TYPED_JAVASCRIPT, TYPED_PYTHON};

use crate::complete::TAGS;
use crate::support::*;
use crate::table::CHAT;

const LANGUAGES: [Guest; 5] = [TYPED_GUARD, TYPED_C, TYPED_GO, TYPED_JAVASCRIPT, TYPED_PYTHON];

#[tokio::test]
async fn a_tag_is_the_same_in_every_language() {
    for guest in TAGS {
        let config = Some(r#"{"tag":"é\"x"}"#);
        let mut exchange = pipeline(&[(guest, config)]).await.begin("r", http_request(CHAT));
        let request = proceed(&mut exchange, chat("hello")).await;
        assert_eq!(
            request.message_text(0).as_deref(),
            Some("hello [tag:é\"x]"),
            "{}",
            guest.name
        );
        let left = exchange.context().get("tag").unwrap();
        assert_eq!(left.root().as_str().as_deref(), Some("é\"x"), "{}", guest.name);
    }
}

/// The legacy ABI has no place for a name: there it is the file's.
#[tokio::test]
async fn every_committed_typed_guest_says_its_name() {
    for guest in ALL.into_iter().filter(|guest| guest.name.starts_with("heimdall-")) {
        let loaded = host()
            .load(guest.bytes().into(), PluginSettings::new("a.wasm"))
            .await
            .unwrap();
        assert_eq!(&*loaded.plugin.manifest().name, guest.name);
    }
}

#[tokio::test]
async fn guards_of_all_languages_and_a_legacy_one_redact_one_stream_together() {
    let secrets = ["alpha-one", "bravo-two", "charlie-three", "delta-four", "echo-five"];
    let configs: Vec<String> = secrets
        .iter()
        .map(|secret| format!(r#"{{"secrets":["{secret}"]}}"#))
        .collect();
    let mut plugins: Vec<(Guest, Option<&str>)> = LANGUAGES
        .into_iter()
        .zip(&configs)
        .map(|(guest, config)| (guest, Some(config.as_str())))
        .collect();
    plugins.insert(2, (GEN3, Some(r#"{"secrets":["foxtrot-six"]}"#)));
    let pipeline = pipeline(&plugins).await;
    let text = "alpha-one bravo-two charlie-three delta-four echo-five alpha-on";
    let expected = "[redacted] [redacted] [redacted] [redacted] [redacted] alpha-on";
    for size in 1..12 {
        let mut exchange = pipeline.begin("r", http_request(CHAT));
        exchange.on_request().await;
        proceed(&mut exchange, chat("hello")).await;
        let mut stream = exchange.into_stream(CallKind::Chat);
        let mut steps = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            steps.push(stream.chunk(chunk(std::str::from_utf8(piece).unwrap())).await);
        }
        steps.push(stream.chunk(chunk(" foxtrot-six")).await);
        steps.push(stream.chunk(finish()).await);
        steps.push(stream.end(None).await);
        assert_eq!(
            streamed_text(&steps),
            format!("{expected} [gen3 chunk redacted]"),
            "pieces of {size}"
        );
    }
}

#[tokio::test]
async fn a_call_passes_the_guards_of_all_languages_and_each_leaves_its_mark() {
    let plugins: Vec<(Guest, Option<&str>)> = LANGUAGES.into_iter().map(|guest| (guest, None)).collect();
    let mut exchange = pipeline(&plugins).await.begin("r", http_request(CHAT));
    exchange.on_request().await;
    let request = proceed(&mut exchange, chat("hello")).await;
    let texts: Vec<String> = (0..request.message_count())
        .map(|index| request.message_text(index).unwrap())
        .collect();
    // Each puts its own before what is there.
    assert_eq!(
        texts,
        [
            "Rule of the typed py guard: be kind.",
            "Rule of the typed js guard: be kind.",
            "Rule of the typed Go guard: be kind.",
            "Rule of the typed C guard: be kind.",
            "Rule of the typed Rust guard: be kind.",
            "hello"
        ]
    );
    let Upstream::Response(response) = exchange.after_call(answer("it is TOP-SECRET")).await else {
        panic!("an answer went in")
    };
    assert_eq!(response.text(0).as_deref(), Some("it is [redacted]"));
    for key in ["guard", "guard-c", "guard-go", "guard-js", "guard-py"] {
        assert!(exchange.context().get(&format!("{key}/tokens")).is_some(), "{key}");
    }
}
