use heimdall_host::model::LlmRequest;
use serde_json::Value as Json;

use super::*;

fn request(kind: CallKind, streaming: bool, body: &Json) -> UpstreamRequest {
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let body = Document::parse(body.to_string()).unwrap();
    UpstreamRequest {
        call: LlmRequest::new(kind, "echo", &model, streaming, 0, body),
        streaming,
        query: None,
        headers: HeaderMap::new(),
        client_key: HeaderMap::new(),
    }
}

async fn whole_answer(kind: CallKind, body: Json) -> (u16, Json) {
    match Echo::new("echo", &UpstreamConfig::default())
        .call(request(kind, false, &body))
        .await
        .unwrap()
    {
        UpstreamAnswer::Whole { status, body, .. } => (status.as_u16(), serde_json::from_slice(&body).unwrap()),
        UpstreamAnswer::Stream { .. } => panic!("a stream"),
    }
}

async fn events(kind: CallKind, body: Json) -> Vec<Result<Event, String>> {
    match Echo::new("echo", &UpstreamConfig::default())
        .call(request(kind, true, &body))
        .await
        .unwrap()
    {
        UpstreamAnswer::Stream { events, .. } => {
            events
                .map(|event| event.map_err(|error| error.to_string()))
                .collect()
                .await
        }
        UpstreamAnswer::Whole { .. } => panic!("no stream"),
    }
}

/// The events' documents, without the `[DONE]`.
async fn documents(kind: CallKind, body: Json) -> Vec<Json> {
    let events = events(kind, body).await.into_iter().map(Result::unwrap);
    events
        .filter(|event| event.data != DONE)
        .map(|event| serde_json::from_str(&event.data).unwrap())
        .collect()
}

fn chat(model: &str) -> Json {
    json!({"model": model, "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "text", "text": "there"}]},
    ]})
}

#[tokio::test]
async fn a_chat_answers_with_the_last_user_message() {
    let (status, answer) = whole_answer(CallKind::Chat, chat("echo")).await;
    assert_eq!(status, 200);
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hello\nthere");
    assert_eq!(
        answer["usage"],
        json!({"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7})
    );
}

#[tokio::test]
async fn answers_to_the_same_request_are_equal() {
    let first = whole_answer(CallKind::Chat, chat("echo")).await;
    assert_eq!(first, whole_answer(CallKind::Chat, chat("echo")).await);
}

#[tokio::test]
async fn n_choices_are_answered() {
    let mut body = chat("echo");
    body["n"] = 3.into();
    let (_, answer) = whole_answer(CallKind::Chat, body).await;
    let indices: Vec<_> = answer["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["index"].clone())
        .collect();
    assert_eq!(indices, [0, 1, 2]);
}

#[tokio::test]
async fn a_streamed_chat_adds_up_to_the_whole_answer() {
    let mut body = chat("echo");
    body["stream_options"] = json!({"include_usage": true});
    let documents = documents(CallKind::Chat, body).await;
    let text: String = documents
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "echo: hello\nthere");
    assert_eq!(documents[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(documents[documents.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(documents[documents.len() - 1]["usage"]["total_tokens"], 7);
}

#[tokio::test]
async fn a_stream_of_chat_ends_with_done() {
    let last = events(CallKind::Chat, chat("echo")).await.pop().unwrap();
    assert_eq!(last, Ok(done()));
}

#[tokio::test]
async fn every_prompt_gets_its_completions() {
    let body = json!({"model": "echo", "prompt": ["a b", "c"], "n": 2});
    let (_, answer) = whole_answer(CallKind::TextCompletion, body).await;
    let texts: Vec<_> = answer["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["text"].clone())
        .collect();
    assert_eq!(texts, ["echo: a b", "echo: a b", "echo: c", "echo: c"]);
}

#[tokio::test]
async fn a_response_answers_strings_and_lists() {
    let list = json!([{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]);
    for input in [json!("hi"), list] {
        let (_, answer) = whole_answer(CallKind::Responses, json!({"model": "echo", "input": input})).await;
        assert_eq!(answer["output"][0]["content"][0]["text"], "echo: hi");
    }
}

#[tokio::test]
async fn a_streamed_response_has_the_full_sequence_of_events() {
    let documents = documents(CallKind::Responses, json!({"model": "echo", "input": "hi"})).await;
    let types: Vec<_> = documents.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(types, expected);
    assert_eq!(documents[9]["sequence_number"], 9);
}

#[tokio::test]
async fn embeddings_are_of_length_one_and_equal_in_both_encodings() {
    let body = |format: &str| json!({"model": "echo", "input": ["a", "b"], "dimensions": 4, "encoding_format": format});
    let (_, floats) = whole_answer(CallKind::Embedding, body("float")).await;
    let (_, encoded) = whole_answer(CallKind::Embedding, body("base64")).await;
    let vector: Vec<f32> = serde_json::from_value(floats["data"][1]["embedding"].clone()).unwrap();
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        encoded["data"][1]["embedding"].as_str().unwrap(),
    );
    let decoded: Vec<f32> = bytes
        .unwrap()
        .chunks(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    assert_eq!(vector, decoded);
    let length: f32 = vector.iter().map(|number| number * number).sum();
    assert!((length - 1.0).abs() < 1e-5);
}

#[tokio::test]
async fn an_embedding_without_dimensions_is_refused() {
    let (status, answer) = whole_answer(CallKind::Embedding, json!({"input": "a", "dimensions": 0})).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("dimensions")));
}

#[tokio::test]
async fn a_request_for_a_huge_answer_is_refused_with_the_member_that_asks_for_it() {
    let many = vec!["a"; 2049];
    let cases = [
        (CallKind::Embedding, json!({"input": many}), "input"),
        (
            CallKind::Embedding,
            json!({"input": vec!["a"; 2048], "dimensions": 4096}),
            "dimensions",
        ),
        (CallKind::TextCompletion, json!({"prompt": many}), "prompt"),
        (
            CallKind::TextCompletion,
            json!({"prompt": vec!["a"; 2048], "n": 128}),
            "n",
        ),
        (
            CallKind::TextCompletion,
            json!({"model": "echo-request", "prompt": vec!["a"; 2048], "x": "a".repeat(9000)}),
            "prompt",
        ),
        (CallKind::Chat, json!({"n": 129}), "n"),
        (CallKind::Chat, json!({"n": 0}), "n"),
        (
            CallKind::Chat,
            json!({"n": 128, "messages": [{"role": "user", "content": "a".repeat(200_000)}]}),
            "n",
        ),
    ];
    for (kind, body, param) in cases {
        let (status, answer) = whole_answer(kind, body).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)));
    }
}

#[tokio::test]
async fn a_long_list_of_tokens_is_one_input() {
    let (status, answer) = whole_answer(CallKind::Embedding, json!({"input": vec![1; 4000]})).await;
    assert_eq!((status, answer["data"].as_array().unwrap().len()), (200, 1));
}

#[tokio::test]
async fn a_chosen_error_has_its_status_and_openais_shape() {
    let (status, answer) = whole_answer(CallKind::Chat, chat("echo-error-429")).await;
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("echo_429")));
}

#[tokio::test]
async fn a_stream_breaks_off_where_it_was_asked_to() {
    let events = events(CallKind::Chat, chat("echo-break-2")).await;
    assert_eq!(events.len(), 3);
    assert_eq!(
        events[2],
        Err("The upstream `echo` broke off in the middle of its answer.".to_owned())
    );
}

#[tokio::test]
async fn the_request_can_be_the_answer() {
    let (_, answer) = whole_answer(CallKind::Chat, chat("echo-request")).await;
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        chat("echo-request").to_string()
    );
}

#[test]
fn text_is_split_between_characters() {
    assert_eq!(by_characters("aäbc", 2), ["aä", "bc"]);
    assert_eq!(by_characters("", 2), Vec::<&str>::new());
}

#[tokio::test]
async fn no_wish_for_a_delay_outlasts_what_a_call_may_take() {
    let config = UpstreamConfig {
        total_timeout_ms: 1,
        ..UpstreamConfig::default()
    };
    let echo = Echo::new("echo", &config);
    let late = "The upstream `echo` did not finish its answer within 1ms.";
    for (model, streaming) in [
        ("echo-delay-4294967295", false),
        ("echo-delay-4294967295", true),
        ("echo-chunk-delay-4294967295", true),
    ] {
        let last = match echo.call(request(CallKind::Chat, streaming, &chat(model))).await {
            Ok(UpstreamAnswer::Stream { events, .. }) => events.collect::<Vec<_>>().await.pop().unwrap().err(),
            Ok(UpstreamAnswer::Whole { .. }) => None,
            Err(error) => Some(error),
        };
        assert_eq!(last.unwrap().to_string(), late, "{model}");
    }
}
