//! The typed guard is the same in every language, to what the table of every kind has no row for: other models, answers of
//! its own, tokens, what others left; and guards of all languages in one pipeline.

use heimdall_host::loader::PluginSettings;
use heimdall_host::model::{CallKind, Upstream};
use heimdall_host::pipeline::{Exchange, LlmStep, StreamStep};
use heimdall_tests::guests::{
    ALL, GEN3, Guest, TYPED_C, TYPED_C_TAG, TYPED_GO, TYPED_GO_TAG, TYPED_GUARD, TYPED_JAVASCRIPT, TYPED_PYTHON,
    TYPED_TAG,
};

use crate::support::*;

const PATH: &str = "/v1/chat/completions";

const LANGUAGES: [Guest; 5] = [TYPED_GUARD, TYPED_C, TYPED_GO, TYPED_JAVASCRIPT, TYPED_PYTHON];

/// One test per language and behaviour.
macro_rules! languages {
    ($($language:ident = $guest:ident),+ $(,)?) => {
        $(mod $language {
            use super::*;
            languages!(@each $guest,
                it_asks_another_model,
                it_answers_itself,
                it_counts_tokens_and_reads_what_others_left,
                it_redacts_what_is_spread_over_chunks_of_two_choices,
                it_refuses_a_configuration_that_is_none,
            );
        })+
    };
    (@each $guest:ident, $($behaviour:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $behaviour() {
            super::$behaviour($guest).await;
        })+
    };
}

languages! {
    rust = TYPED_GUARD,
    c = TYPED_C,
    go = TYPED_GO,
    javascript = TYPED_JAVASCRIPT,
    python = TYPED_PYTHON,
}

async fn begun(guest: Guest, config: &str) -> Exchange {
    let mut exchange = pipeline(&[(guest, Some(config))]).await.begin("r", http_request(PATH));
    exchange.on_request().await;
    exchange
}

async fn it_asks_another_model(guest: Guest) {
    for (other, provider, model) in [("small", "up", "small"), ("mill/new/er", "mill", "new/er")] {
        let mut exchange = begun(guest, &format!(r#"{{"models":{{"m":"{other}"}}}}"#)).await;
        let request = proceed(&mut exchange, chat("hello")).await;
        assert_eq!((request.provider(), request.model()), (provider, model));
    }
    let mut exchange = begun(guest, r#"{"models":{"constructor":"small"}}"#).await;
    assert_eq!(proceed(&mut exchange, chat("hello")).await.model(), "m");
}

async fn it_answers_itself(guest: Guest) {
    let config = r#"{"answers":{"ping":"pong \"é\""}}"#;
    let LlmStep::Answer(answer) = begun(guest, config).await.before_call(chat(" ping\n")).await else {
        panic!("it has an answer")
    };
    assert_eq!(answer.text(0).as_deref(), Some("pong \"é\""));
    proceed(&mut begun(guest, config).await, chat("ping pong")).await;
}

async fn it_counts_tokens_and_reads_what_others_left(guest: Guest) {
    let mut exchange = begun(guest, r#"{"reads":"other/left"}"#).await;
    exchange.tell("other/left", json(r#"{"a":1}"#)).unwrap();
    // Two attempts, each with an answer of three tokens.
    for _ in 0..2 {
        proceed(&mut exchange, chat("hello")).await;
        exchange.after_call(answer("hi")).await;
    }
    let response = exchange.on_response(http_response()).await;
    assert_eq!(response.header("x-guard-tokens").as_deref(), Some("6"));
    assert_eq!(response.header("x-guard-messages").as_deref(), Some("1"));
    assert_eq!(response.header("x-guard-read").as_deref(), Some(r#"{"a":1}"#));
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

async fn it_redacts_what_is_spread_over_chunks_of_two_choices(guest: Guest) {
    let mut exchange = begun(guest, r#"{"secrets":["schlüssel","schlüsselbund"]}"#).await;
    proceed(&mut exchange, chat("hello")).await;
    let mut stream = exchange.into_stream(CallKind::Chat);
    let piece = |choice: u8, text: &str, reason: &str| {
        json(&format!(
            r#"{{"id":"c","choices":[{{"index":{choice},"delta":{{"content":"{text}"}},"finish_reason":{reason}}}]}}"#
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
    let mut steps = Vec::new();
    for event in events {
        steps.push(stream.chunk(event).await);
    }
    steps.push(stream.end(None).await);
    assert_eq!(text_of(&steps, 0), "a [redacted] b schlüs");
    assert_eq!(text_of(&steps, 1), "[redacted]bun");
}

async fn it_refuses_a_configuration_that_is_none(guest: Guest) {
    for config in [r#"{"bannned":[]}"#, r#"{"banned":[""]}"#, "7"] {
        let refused = host().load(guest.bytes().into(), settings(guest, Some(config))).await;
        let error = refused.err().unwrap_or_else(|| panic!("{config} is taken")).to_string();
        assert!(error.contains("configuration can't be used"), "{error}");
    }
}

#[tokio::test]
async fn a_tag_is_the_same_in_every_language() {
    for guest in [TYPED_TAG, TYPED_C_TAG, TYPED_GO_TAG] {
        let mut exchange = begun(guest, r#"{"tag":"é\"x"}"#).await;
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
    // The legacy guard looks at one chunk at a time.
    let text = "alpha-one bravo-two charlie-three delta-four echo-five alpha-on";
    let expected = "[redacted] [redacted] [redacted] [redacted] [redacted] alpha-on";
    for size in 1..12 {
        let mut exchange = pipeline.begin("r", http_request(PATH));
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
    let mut exchange = pipeline(&plugins).await.begin("r", http_request(PATH));
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
