//! An answer that is what the guest was given, which the adapter takes for none without reading it: read, it comes to the same.

use super::*;

const NESTED: &str = r#"{"model":"x","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u","detail":"low"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"\ud83d\ude00\\"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"temperature":0,"stop":null,"seed":9007199254740993,"stream":true,"x":{"request":{},"short_circuit":{}}}"#;

const REQUESTS: [(CallKind, &str); 12] = [
    (CallKind::Chat, CHAT),
    (CallKind::Chat, NESTED),
    (CallKind::Chat, "{}"),
    (CallKind::Chat, r#"{"messages":[]}"#),
    (CallKind::Chat, r#"{"messages":"no list"}"#),
    (CallKind::TextCompletion, r#"{"prompt":"a","max_tokens":5}"#),
    (CallKind::TextCompletion, r#"{"prompt":["a","b"]}"#),
    (CallKind::TextCompletion, r#"{"prompt":[1,2]}"#),
    (CallKind::Embedding, r#"{"input":[[1,2],[3]],"dimensions":0}"#),
    (CallKind::Embedding, r#"{"input":""}"#),
    (CallKind::Responses, r#"{"input":"a","instructions":"b"}"#),
    (
        CallKind::Responses,
        r#"{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"reasoning"}]}"#,
    ),
];

const ANSWERS: [(CallKind, &str); 6] = [
    (
        CallKind::Chat,
        r#"{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"a\u0062","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"total_tokens":9007199254740993},"error":null}"#,
    ),
    (CallKind::Chat, "{}"),
    (
        CallKind::TextCompletion,
        r#"{"choices":[{"text":"a","logprobs":null}]}"#,
    ),
    (CallKind::Embedding, r#"{"data":[{"embedding":[0.1,1e-7],"index":0}]}"#),
    (
        CallKind::Responses,
        r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#,
    ),
    (
        CallKind::Chat,
        r#"{"choices":[{"delta":{"content":"a"}}],"has_error":true,"hook_error":"no"}"#,
    ),
];

/// The one text that a guest is given, as its answer.
fn echo(inputs: &Inputs) -> Document {
    let [input] = inputs.as_slice() else {
        panic!("{} inputs", inputs.len())
    };
    Document::parse(input.to_bytes()).unwrap()
}

fn contexts() -> [Context; 2] {
    let mut full = context();
    full.set("list", document(r#"[1.0,{"a":null},"\u0061"]"#)).unwrap();
    full.set("null", Document::null()).unwrap();
    [context(), full]
}

/// Reads both, and compares what comes of it.
fn same<T: Clone + std::fmt::Debug, O: std::fmt::Debug>(
    about: &T,
    inputs: &Inputs,
    before: &Context,
    read: impl Fn(&Document, &mut Context, &mut T) -> O,
) {
    let came_to = |answer: &Document| {
        let (mut about, mut context) = (about.clone(), before.clone());
        let outcome = read(answer, &mut context, &mut about);
        let values: Vec<_> = context.keys().iter().map(|key| context.get(key)).collect();
        format!("{outcome:?} {about:?} {:?} {values:?}", context.keys())
    };
    assert_eq!(came_to(&echo(inputs)), came_to(&Document::null()), "{about:?}");
}

#[test]
fn requests_and_answers_come_to_what_no_answer_comes_to() {
    for context in contexts() {
        for (kind, text) in REQUESTS {
            let request = LlmRequest::new(kind, "echo", "large", true, 1, document(text));
            same(
                &request,
                &NEW.pre(&context, &request),
                &context,
                |answer, context, request| NEW.read_pre(answer, context, request),
            );
        }
        for (kind, text) in ANSWERS {
            let response = LlmResponse::new(kind, Some("echo".into()), 5, false, document(text));
            let upstream = Upstream::Response(response);
            same(
                &upstream,
                &NEW.post(&context, &upstream),
                &context,
                |answer, context, upstream| NEW.read_post(answer, context, upstream, "/v1/chat/completions"),
            );
            for last in [false, true] {
                let mut chunk = LlmChunk::new(kind, 3, document(text));
                chunk.set_last(last);
                same(
                    &chunk,
                    &NEW.post_chunk(&context, &chunk),
                    &context,
                    |answer, context, chunk| NEW.read_post_chunk(answer, context, chunk),
                );
            }
        }
    }
}

#[test]
fn errors_come_to_what_no_answer_comes_to() {
    let bodies = [
        None,
        Some(document(
            r#"{"error":{"message":"a","type":"t","code":5,"param":null}}"#,
        )),
    ];
    for (status, body) in [None, Some(429)].into_iter().zip(bodies) {
        let error = Upstream::Error(LlmError {
            status,
            message: "a\n\"b\"".to_owned(),
            body,
            allow_fallbacks: Some(false),
            ..LlmError::default()
        });
        same(
            &error,
            &NEW.post(&context(), &error),
            &context(),
            |answer, context, error| NEW.read_post(answer, context, error, "/v1/chat/completions"),
        );
    }
}

#[test]
fn http_and_chunks_come_to_what_no_answer_comes_to() {
    let mut headers = HeaderMap::new();
    headers.append("x-a", "1".parse().unwrap());
    headers.append("x-a", "2".parse().unwrap());
    for body in [&b""[..], b"{\"a\":1}", b"text", b"\xff\x00"] {
        let request = HttpRequest::new(
            Method::POST,
            "/v1/a b",
            Some("q=1&q=%41"),
            headers.clone(),
            Bytes::from_static(body),
        );
        let response = HttpResponse::new(StatusCode::CREATED, headers.clone(), Bytes::from_static(body));
        for context in contexts() {
            same(
                &request,
                &NEW.http_request(&context, &request),
                &context,
                |answer, context, request| NEW.read_http_request(answer, context, request),
            );
            let inputs = NEW.http_response(&context, &request, &response);
            same(&response, &inputs, &context, |answer, context, response| {
                NEW.read_http_response(answer, context, response)
            });
            for (kind, text) in ANSWERS {
                for form in [ChunkForm::Json, ChunkForm::Base64] {
                    let chunk = LlmChunk::new(kind, 3, document(text));
                    let inputs = NEW.chunk(&context, &request, &chunk, form);
                    same(&chunk, &inputs, &context, |answer, context, chunk| {
                        NEW.read_chunk(answer, context, chunk)
                    });
                }
            }
        }
    }
}
