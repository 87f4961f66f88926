//! Answers that go as far as an answer can: as large as they may be, or of nothing but zeros.

use super::*;

/// More than a reader could get through if it compared each with each.
const MANY: usize = 50_000;

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

#[test]
fn a_query_of_very_many_names_is_read_once_for_all_of_them() {
    let query = (0..MANY).map(|n| format!("n{n}=1")).collect::<Vec<_>>().join("&");
    let mut request = HttpRequest::new(Method::GET, "/", Some(&query), HeaderMap::new(), Bytes::new());
    let sent = text_of(NEW.http_request(&context(), &request)).remove(0);
    assert!(sent.contains(r#""n49999":"1""#));
    let gone = list(MANY, |n| format!(r#""n{n}":null"#));
    NEW.read_http_request(
        &document(&format!(r#"{{"request":{{"query":{{{gone}}}}}}}"#)),
        &mut context(),
        &mut request,
    )
    .unwrap();
    assert!(request.query().is_none());
}

#[test]
fn a_query_that_is_too_long_is_refused() {
    let long = "x".repeat(65 << 10);
    let answer = format!(r#"{{"request":{{"query":{{"long":"{long}"}}}}}}"#);
    let outcome = NEW.read_http_request(&document(&answer), &mut context(), &mut http_request());
    assert!(matches!(outcome, Err(EnvelopeError::Unusable(_))));
}

#[test]
fn of_a_repeated_name_in_a_query_a_change_leaves_one() {
    let query = |answer: &str| {
        let mut request = HttpRequest::new(Method::GET, "/", Some("a=1&b=2&a=3&&c"), HeaderMap::new(), Bytes::new());
        let answer = format!(r#"{{"request":{{"query":{answer}}}}}"#);
        NEW.read_http_request(&document(&answer), &mut context(), &mut request)
            .unwrap();
        request.query().map(str::to_owned)
    };
    assert_eq!(query(r#"{"a":"3","b":"2","c":""}"#).unwrap(), "a=1&b=2&a=3&&c");
    assert_eq!(query(r#"{"a":"4"}"#).unwrap(), "a=4&b=2&c");
    assert_eq!(query(r#"{"a":null,"d":"5"}"#).unwrap(), "b=2&c&d=5");
}

#[test]
fn very_many_params_are_removed_at_once() {
    let params = list(MANY, |n| format!(r#""p{n}":{n}"#));
    let request = chat(&format!(r#"{{"model":"m","messages":[],{params}}}"#));
    let (request, _, outcome) = answered(&request, r#"{"request":{"model":"large","params":null}}"#);
    assert!(outcome.is_ok());
    assert_eq!(request.document().as_str(), r#"{"model":"m","messages":[]}"#);
}

#[test]
fn a_response_of_very_many_members_is_looked_for_once_in_an_answer() {
    let sent = format!(r#"{{"id":"x",{}}}"#, list(MANY, |n| format!(r#""s{n}":1"#)));
    let mut upstream = Upstream::Response(LlmResponse::new(CallKind::Chat, None, 0, false, document(&sent)));
    let answer = list(MANY, |n| format!(r#""a{n}":1"#));
    NEW.read_post(
        &document(&format!(r#"{{"response":{{{answer}}}}}"#)),
        &mut context(),
        &mut upstream,
        "/",
    )
    .unwrap();
    let Upstream::Response(response) = upstream else {
        panic!()
    };
    assert_eq!(response.document().as_str(), sent);
}

#[test]
fn an_input_that_is_no_list_may_come_back_as_it_was_sent() {
    for input in [r#""x""#, "7", r#"{"a":1}"#] {
        let body = format!(r#"{{"messages":{input}}}"#);
        let answer = |input: &str| format!(r#"{{"request":{{"model":"large","input":{input}}}}}"#);
        let (after, _, outcome) = answered(&chat(&body), &answer(input));
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(after.document().as_str(), body);
        let (.., outcome) = answered(&chat(&body), &answer(r#""other""#));
        assert!(matches!(outcome, Err(EnvelopeError::Unusable(_))));
    }
}

#[test]
fn a_context_of_nothing_but_empty_members_clears_those_that_there_were() {
    let (_, after, outcome) = answered(&chat(CHAT), r#"{"context":{"n":"","new":""}}"#);
    assert!(outcome.is_ok());
    assert_eq!(after.get("n").unwrap().as_str(), "\"\"");
    assert!(after.get("new").is_none());
    let (.., outcome) = answered(&chat(CHAT), r#"{"context":7}"#);
    assert!(matches!(outcome, Err(EnvelopeError::Unusable(_))));
}

#[test]
fn a_request_of_nothing_but_zeros_changes_nothing() {
    let answer =
        r#"{"request":{"method":"","path":"","headers":null,"query":null,"body":""},"response":null,"error":""}"#;
    let mut request = http_request();
    let outcome = NEW.read_http_request(&document(answer), &mut context(), &mut request);
    assert!(matches!(outcome, Ok(HttpOutcome::Proceed)));
    assert_eq!(request.body(), http_request().body());
}

#[test]
fn a_response_of_nothing_but_zeros_neither_clears_an_error_nor_answers() {
    for response in [
        r#"{"chat_response":{"id":"","choices":null,"usage":{"prompt_tokens":0}}}"#,
        r#"{"id":"","choices":[],"created":0}"#,
        r#"{"responses_stream_response":{"type":"","sequence_number":0}}"#,
    ] {
        let mut error = upstream_error();
        let answer = format!(r#"{{"response":{response},"error":null,"has_error":false}}"#);
        let outcome = NEW.read_post(&document(&answer), &mut context(), &mut error, "/v1/chat/completions");
        assert!(matches!(outcome, Ok(PostOutcome::Proceed)), "{response}: {outcome:?}");
        let (.., outcome) = answered(
            &chat(CHAT),
            &format!(r#"{{"has_short_circuit":true,"short_circuit":{{"response":{response}}}}}"#),
        );
        assert!(matches!(outcome, Err(EnvelopeError::Unusable(_))), "{response}");
    }
}

#[test]
fn a_chats_answer_is_none_to_a_call_for_embeddings() {
    let answer = r#"{"short_circuit":{"response":{"chat_response":{"choices":[{"message":{"content":"a"}}]}}}}"#;
    let call = |kind, body| answered(&LlmRequest::new(kind, "p", "m", false, 0, document(body)), answer).2;
    let outcome = call(CallKind::Embedding, r#"{"input":"a"}"#);
    assert!(matches!(outcome, Err(EnvelopeError::Unusable(_))), "{outcome:?}");
    let outcome = call(CallKind::Responses, r#"{"input":"a"}"#);
    assert!(matches!(outcome, Ok(PreOutcome::Answer(Answer::Completion(_)))));
}

#[test]
fn a_reply_that_can_not_be_sent_is_a_failure_of_its_hook() {
    for headers in [r#"{"x a":"b"}"#, r#"{"x-a":"b\r\nc"}"#] {
        let answer = format!(r#"{{"response":{{"status_code":200,"headers":{headers}}}}}"#);
        let outcome = NEW.read_http_request(&document(&answer), &mut context(), &mut http_request());
        assert!(matches!(outcome, Err(EnvelopeError::Unusable(_))), "{headers}");
    }
}

#[test]
fn headers_of_the_host_are_passed_over() {
    for name in ["Proxy-Authorization", "proxy-connection", "Transfer-Encoding", "TE"] {
        let mut request = http_request();
        let answer = format!(r#"{{"request":{{"headers":{{"{name}":"x","x-b":"c"}}}}}}"#);
        NEW.read_http_request(&document(&answer), &mut context(), &mut request)
            .unwrap();
        assert!(
            request.header(name).is_none() && request.header("x-b").is_some(),
            "{name}"
        );
    }
}

#[test]
fn a_large_body_is_known_again_by_its_base64() {
    for size in [0, 1, 2, 3, 3071, 3072, 3073, 100_000] {
        let body: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        let request = || HttpRequest::new(Method::POST, "/", None, HeaderMap::new(), body.clone().into());
        let sent = text_of(NEW.http_request(&context(), &request())).remove(0);
        let mut after = request();
        NEW.read_http_request(&document(&sent), &mut context(), &mut after)
            .unwrap();
        assert_eq!(after.body(), request().body());
        let (start, end) = sent.split_at(sent.len() - 20);
        let other = format!("{start}{}", end.replacen(|c: char| c.is_ascii_digit(), "z", 1));
        if size == 100_000 && other != sent {
            NEW.read_http_request(&document(&other), &mut context(), &mut after)
                .unwrap();
            assert_ne!(after.body(), request().body());
        }
    }
}
