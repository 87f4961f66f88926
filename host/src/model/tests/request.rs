use super::super::CallKind::{self, Chat, Embedding, Responses, TextCompletion};
use super::super::EditError;
use super::{json, request};
use crate::json::{Document, Duplicates};
use crate::model::LlmRequest;

const DOCUMENTS: [(CallKind, &str, u32); 10] = [
    (Chat, fixture!("chat-completions--default.request.json"), 2),
    (Chat, fixture!("chat-completions--functions.request.json"), 1),
    (Chat, fixture!("chat-completions--image-input.request.json"), 1),
    (Chat, fixture!("chat-completions--streaming.request.json"), 2),
    (TextCompletion, fixture!("completions--no-streaming.request.json"), 1),
    (Embedding, fixture!("embeddings--default.request.json"), 1),
    (Responses, fixture!("responses--functions.request.json"), 1),
    (Responses, fixture!("responses--image-input.request.json"), 1),
    (Responses, fixture!("responses--streaming.request.json"), 2),
    (Responses, fixture!("responses--web-search.request.json"), 1),
];

#[test]
fn reading_and_setting_everything_of_a_real_request_changes_no_byte() {
    for (kind, text, messages) in DOCUMENTS {
        let mut request = request(kind, text);
        let model = request
            .document()
            .pointer("/model")
            .unwrap()
            .as_str()
            .unwrap()
            .into_owned();
        request.set_model(&model).unwrap();
        assert_eq!(request.message_count(), messages);
        for index in 0..messages {
            assert!(request.message_text(index).is_some());
            let message = request.message_at(index).unwrap();
            request.set_message(index, &message).unwrap();
        }
        let names: Vec<String> = request
            .document()
            .root()
            .members()
            .map(|(name, _)| name.into_owned())
            .collect();
        for name in names {
            if let Some(value) = request.param(&name).filter(|_| name != "stream") {
                request.set_param(&name, Some(&value)).unwrap();
            }
        }
        let whole = request.get("").unwrap();
        request.set("", Some(&whole)).unwrap();
        assert_eq!(request.document().as_str(), text);
        assert_eq!(request.outgoing().as_str(), text);
        assert_eq!(request.size() as usize, text.len());
    }
}

#[test]
fn only_the_message_that_is_set_differs_in_a_real_request() {
    let text = fixture!("chat-completions--image-input.request.json");
    let mut request = request(Chat, text);
    let edited = text.replace("What is in this image?", "What is it?");
    let mut message = request.message_at(0).unwrap();
    if let super::super::Content::Parts(parts) = &mut message.content {
        parts[0].content = super::super::PartContent::Text("What is it?".into());
    }
    request.set_message(0, &message).unwrap();
    assert_eq!(request.document().as_str(), edited);
}

#[test]
fn the_model_is_rewritten_only_in_what_goes_out() {
    let mut request = request(Chat, r#"{ "model" : "echo/large", "seed": 9007199254740993 }"#);
    assert_eq!(
        request.outgoing().as_str(),
        r#"{ "model" : "large", "seed": 9007199254740993 }"#
    );
    assert_eq!(
        request.document().as_str(),
        r#"{ "model" : "echo/large", "seed": 9007199254740993 }"#
    );
    request.set("/model", Some(&json("\"sm\\u0061ll\""))).unwrap();
    assert_eq!(request.model(), "small");
    assert_eq!(request.get("/model").unwrap().as_str(), "\"small\"");
    assert_eq!(
        request.get("").unwrap().as_str(),
        r#"{ "model" : "small", "seed": 9007199254740993 }"#
    );
    assert_eq!(
        request.document().as_str(),
        r#"{ "model" : "echo/large", "seed": 9007199254740993 }"#
    );
}

#[test]
fn the_bytes_that_go_out_are_those_of_the_document_that_goes_out() {
    let texts = [
        r#"{ "model" : "echo/large", "seed": 9007199254740993 }"#,
        r#"{"model":"l\u0061rge\n"}"#,
        r#"{"m\u006fdel":"echo/large","n":[{"model":"x"}]}"#,
        r#"{"model":7,"n":1}"#,
        r#"{"n":1}"#,
        r#"{}"#,
        r#"["model"]"#,
    ];
    for model in ["large\n", "large", "\"la\\rge"] {
        for text in texts {
            let request = LlmRequest::new(Chat, "echo", model, false, 0, json(text));
            assert_eq!(request.outgoing_bytes(), request.outgoing().bytes(), "{model} {text}");
        }
        let twice = Document::parse_with(r#"{"model":"a","model":"large","n":1}"#, Duplicates::LastWins).unwrap();
        let request = LlmRequest::new(Chat, "echo", model, false, 0, twice);
        assert_eq!(request.outgoing_bytes(), request.outgoing().bytes(), "{model}");
    }
}

#[test]
fn the_whole_document_can_be_set_with_another_model() {
    let mut request = request(Chat, r#"{"model":"large","stream":true}"#);
    request
        .set("", Some(&json(r#"{"stream":true,"model":"small","n":2}"#)))
        .unwrap();
    assert_eq!(request.model(), "small");
    assert_eq!(request.outgoing().as_str(), r#"{"stream":true,"model":"small","n":2}"#);
}

#[test]
fn what_is_not_the_plugins_to_set_is_refused() {
    let text = r#"{"model":"large","stream":true,"messages":[]}"#;
    let mut request = request(Chat, text);
    let refused = [
        request.set("/stream", Some(&json("false"))),
        request.set("/stream", None),
        request.set("", Some(&json(r#"{"model":"large"}"#))),
        request.set("", Some(&json(r#"{"stream":true}"#))),
        request.set("", None),
        request.set("/model", None),
        request.set("/model", Some(&json("5"))),
        request.set("/model", Some(&json("\"\""))),
        request.set_model(""),
        request.set_provider(""),
        request.set_param("stream", Some(&json("false"))),
        request.set_param("model", Some(&json("\"x\""))),
        request.set_param("messages", None),
    ];
    for result in refused {
        assert!(matches!(result, Err(EditError::Other(_))), "{result:?}");
    }
    assert_eq!(request.document().as_str(), text);
    assert_eq!(request.model(), "large");
}

#[test]
fn parameters_are_the_members_beside_model_and_messages() {
    let cases = [
        (Chat, r#"{"model":"m","messages":[],"n":2}"#),
        (Responses, r#"{"model":"m","instructions":"a","input":[],"n":2}"#),
        (TextCompletion, r#"{"model":"m","prompt":"a","n":2}"#),
        (Embedding, r#"{"model":"m","input":"a","n":2}"#),
    ];
    for (kind, text) in cases {
        let mut request = request(kind, text);
        for name in ["model", "messages", "instructions", "input", "prompt", "none"] {
            assert!(request.param(name).is_none(), "{name} of {text}");
        }
        assert_eq!(request.param("n").unwrap().as_str(), "2");
        request.set_param("a/b~c", Some(&json("[1]"))).unwrap();
        assert_eq!(request.param("a/b~c").unwrap().as_str(), "[1]");
        request.set_param("a/b~c", None).unwrap();
        assert_eq!(request.document().as_str(), text);
    }
}

#[test]
fn pointers_reach_and_edit_everything_else() {
    let mut request = request(Chat, r#"{"tools":[{"x": 1e2}],"model":"large"}"#);
    assert_eq!(request.get("/tools/0/x").unwrap().as_str(), "1e2");
    assert!(request.get("/tools/1").is_none());
    request.set("/tools/-", Some(&json("{}"))).unwrap();
    request.set("/tools/0/x", None).unwrap();
    assert_eq!(request.document().as_str(), r#"{"tools":[{},{}],"model":"large"}"#);
    assert!(matches!(
        request.set("/none/x", Some(&json("1"))),
        Err(EditError::NoSuchPlace(_))
    ));
    assert!(matches!(
        request.set("tools", Some(&json("1"))),
        Err(EditError::NoSuchPlace(_))
    ));
}

#[test]
fn a_draft_leaves_the_request_alone() {
    let original = request(Chat, r#"{"model":"large","messages":[]}"#);
    let mut draft = original.clone();
    draft.set_provider("other").unwrap();
    draft.set_model("small").unwrap();
    draft.set_param("n", Some(&json("2"))).unwrap();
    assert_eq!((original.provider(), original.model()), ("echo", "large"));
    assert_eq!(original.document().as_str(), r#"{"model":"large","messages":[]}"#);
    assert_eq!((draft.provider(), draft.model()), ("other", "small"));
}

#[test]
fn a_document_that_is_no_object_has_neither_messages_nor_parameters() {
    for kind in [Chat, Responses, TextCompletion, Embedding] {
        for text in ["null", "[]", "\"x\"", "5"] {
            let mut request = request(kind, text);
            assert_eq!(request.message_count(), 0);
            assert!(request.param("n").is_none());
            assert!(request.set_param("n", Some(&json("1"))).is_err());
            assert_eq!(request.outgoing().as_str(), text);
        }
    }
}
