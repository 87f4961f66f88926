use futures_util::StreamExt;
use heimdall_host::model::{CallKind, LlmRequest};

use tempfile::NamedTempFile;

use super::*;
use crate::config::KeyConfig;
use crate::upstream::canned;

const KEY: &str = "sk-u/1234567890";

/// An upstream that answers with these bytes, and the file that its key is in.
async fn openai(answer: impl Into<Vec<u8>>) -> (OpenAi, NamedTempFile) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(&file, KEY).unwrap();
    let key = KeyConfig {
        env: None,
        file: Some(file.path().to_owned()),
        weight: 1,
    };
    let config = UpstreamConfig {
        keys: vec![key],
        ..canned::upstream(answer).await
    };
    (OpenAi::new("up", &config).unwrap(), file)
}

fn request(streaming: bool) -> UpstreamRequest {
    UpstreamRequest {
        call: LlmRequest::new(CallKind::Chat, "up", "m", streaming, 0, Document::parse("{}").unwrap()),
        streaming,
        query: None,
        headers: HeaderMap::new(),
        client_key: HeaderMap::new(),
    }
}

/// What comes back for this answer, as text.
async fn shown(answer: String, streaming: bool) -> String {
    let (openai, _file) = openai(answer).await;
    match openai.call(request(streaming)).await {
        Ok(UpstreamAnswer::Whole { body, .. }) => String::from_utf8(body.to_vec()).unwrap(),
        Ok(UpstreamAnswer::Stream { events, .. }) => {
            let events: Vec<_> = events.map(|event| event.unwrap().data).collect().await;
            events.join("\n")
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_key_that_an_upstream_repeats_comes_back_in_no_answer() {
    let bodies = [
        format!(r#"{{"error":{{"message":"wrong key {KEY}"}}}}"#),
        r#"{"error":{"message":"wrong key sk-u\/1234567890"}}"#.to_owned(),
        r#"{"error":{"message":"wrong key \u0073k-u\u002F1234567890"}}"#.to_owned(),
    ];
    let expected = r#"{"error":{"message":"wrong key [key]"}}"#;
    for body in bodies {
        for status in [200, 401] {
            let answer = canned::http(status, "application/json", &body);
            assert_eq!(shown(answer, false).await, expected, "{status}");
        }
        let stream = canned::http(200, "text/event-stream", &format!("data: {body}\n\n"));
        assert_eq!(shown(stream, true).await, expected);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_what_it_is() {
    let cases = [
        ("", "The upstream `up` closed the connection before it answered."),
        (
            "SSH-2.0-server\r\n\r\n",
            "The upstream `up` answered with something that is no HTTP: invalid HTTP version parsed.",
        ),
    ];
    for (answer, expected) in cases {
        assert_eq!(shown(answer.to_owned(), false).await, expected);
    }
}

#[tokio::test]
async fn a_list_of_models_that_is_refused_is_told_with_status_and_words() {
    let answer = canned::http(401, "application/json", r#"{"error":{"message":"who are you?"}}"#);
    let (openai, _file) = openai(answer).await;
    let error = openai.models().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The upstream `up` answered with status 401: who are you?."
    );
}

#[tokio::test]
async fn a_server_without_tls_is_suspected_where_tls_fails() {
    let mut config = canned::upstream("HTTP/1.1 400 x\r\n\r\n").await;
    config.base_url = config.base_url.map(|url| url.replace("http://", "https://"));
    let error = OpenAi::new("up", &config)
        .unwrap()
        .call(request(false))
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("is `base_url` to start with `http://`?"),
        "{error}"
    );
}
