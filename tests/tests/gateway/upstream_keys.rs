//! What a call carries in confidence: keys that are rotated out, further headers, the client's own key.

use std::time::Instant;

use heimdall_tests::guests::TYPED_GUARD;
use heimdall_tests::process::Gateway;

use crate::servers::{CHAT, Server, json, scripted};
use crate::support::*;

const GOOD: &str = "good-key-1234567890";
const BAD: &str = "bad-key-1234567890";
/// So long that no key is used again before a test is over.
const COOLDOWN: &str = "key_cooldown_ms = 3600000";
const CALL: &str = "/v1/chat/completions";

/// Takes the good key, and answers any other with this status and its own words.
async fn picky(status: u16, headers: &'static str) -> Server {
    scripted(move |request| {
        if request.contains(GOOD) {
            return json(200, CHAT);
        }
        let key = request.lines().find_map(|line| line.strip_prefix("authorization: "));
        let body = format!(r#"{{"error":{{"message":"not with {}"}}}}"#, key.unwrap_or("nothing"));
        crate::servers::http(status, &format!("content-type: application/json\r\n{headers}"), body)
    })
    .await
}

fn start(config: &str, environment: &[(&str, &str)]) -> Gateway {
    Gateway::start_with(config, environment, &["--log", "trace"]).unwrap_or_else(|(_, output)| panic!("{output}"))
}

async fn output(gateway: Gateway) -> String {
    gateway.terminate();
    tokio::task::spawn_blocking(move || gateway.wait().1).await.unwrap()
}

#[tokio::test]
async fn a_key_that_is_refused_is_rotated_out_and_the_call_goes_on_with_another() {
    for status in [401, 429] {
        let server = picky(status, "").await;
        let keys = r#"keys = [{ env = "KEY_ONE", weight = 1000 }, { env = "KEY_TWO" }]"#;
        let gateway = start(
            &upstream("mill", &server.url(), &format!("{keys}\n{COOLDOWN}")),
            &[("KEY_ONE", BAD), ("KEY_TWO", GOOD)],
        );
        for _ in 0..3 {
            let answer = post(&gateway, CALL, chat("m", "hi")).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, CHAT));
        }
        let sent: Vec<bool> = server.seen().iter().map(|request| request.contains(BAD)).collect();
        assert_eq!(sent, [true, false, false, false]);
        let output = output(gateway).await;
        let rests = output.lines().find(|line| line.contains("which is not used for 3600s"));
        let rests = rests.unwrap_or_else(|| panic!("{output}"));
        assert!(
            rests.contains("the environment variable `KEY_ONE`") && rests.contains("status"),
            "{rests}"
        );
        assert!(!output.contains("1234567890"), "{output}");
    }
}

#[tokio::test]
async fn the_upstream_says_how_long_a_key_rests() {
    let server = picky(429, "retry-after-ms: 1\r\n").await;
    let keys = r#"keys = [{ env = "KEY_ONE", weight = 1000 }, { env = "KEY_TWO" }]"#;
    let environment = [("KEY_ONE", BAD), ("KEY_TWO", GOOD)];
    let gateway = start(&upstream("mill", &server.url(), keys), &environment);
    let started = Instant::now();
    while server.seen().iter().filter(|request| request.contains(BAD)).count() < 2 {
        assert_eq!(post(&gateway, CALL, chat("m", "hi")).await.status, 200);
        assert!(started.elapsed() < PATIENCE, "the key is not used again");
    }
}

#[tokio::test]
async fn when_every_key_is_refused_the_client_sees_the_upstreams_own_answer_without_the_key() {
    let server = picky(401, "x-request: 7\r\n").await;
    let keys = r#"keys = [{ env = "KEY_ONE" }, { env = "KEY_TWO" }]"#;
    let environment = [("KEY_ONE", BAD), ("KEY_TWO", "worse-key-1234567890")];
    let gateway = start(
        &upstream("mill", &server.url(), &format!("{keys}\n{COOLDOWN}")),
        &environment,
    );
    for calls in [2, 3] {
        let answer = post(&gateway, CALL, chat("m", "hi")).await;
        assert_eq!((answer.status, answer.header("x-request")), (401, Some("7")));
        assert_eq!(answer.error(), "not with Bearer [key]");
        assert_eq!(
            server.seen().len(),
            calls,
            "each key once, then the one that comes back first"
        );
    }
    assert!(!output(gateway).await.contains("1234567890"));
}

#[tokio::test]
async fn a_key_in_a_file_is_read_again_when_it_is_refused() {
    let server = picky(401, "").await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, format!("{BAD}\n")).unwrap();
    let gateway = start(
        &upstream("mill", &server.url(), &format!("keys = [{{ file = {file:?} }}]")),
        &[],
    );
    assert_eq!(post(&gateway, CALL, chat("m", "hi")).await.status, 401);
    std::fs::write(&file, format!("{GOOD}\n")).unwrap();
    assert_eq!(post(&gateway, CALL, chat("m", "hi")).await.status, 200);
    // A machine that is slow between the two calls looks at the file before it is refused once more.
    let seen = server.seen();
    assert!(seen[0].contains(BAD) && seen.last().unwrap().contains(GOOD), "{seen:?}");
    let output = output(gateway).await;
    assert!(output.contains("changed and was read again"), "{output}");
    assert!(!output.contains("1234567890"), "{output}");
}

#[tokio::test]
async fn a_key_that_is_missing_is_told_at_the_start_by_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let cases = [
        (
            "keys = [{ env = \"NOT_SET_AT_ALL\" }]".to_owned(),
            "`NOT_SET_AT_ALL` is not set",
        ),
        (
            "keys = [{ file = \"no/such\" }]".to_owned(),
            "no/such` can't be read: No such file",
        ),
        (format!("keys = [{{ file = {empty:?} }}]"), "empty` is empty"),
        (
            "headers.x-a = { env = \"NOT_SET_AT_ALL\" }".to_owned(),
            "the header `x-a`: the environment variable",
        ),
    ];
    for (settings, words) in cases {
        let (status, output) = Gateway::try_start(&upstream("mill", "http://127.0.0.1:1/v1", &settings))
            .err()
            .unwrap();
        assert_eq!(status, 2, "{output}");
        assert!(
            output.contains("the upstream `mill` can't be used") && output.contains(words),
            "{output}"
        );
    }
}

#[tokio::test]
async fn further_headers_are_sent_in_place_of_the_clients_and_secret_ones_come_back_nowhere() {
    let server = scripted(|request| {
        let line = |name: &str| {
            request
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default()
                .to_owned()
        };
        let (team, token) = (line("x-team: "), line("api-key: "));
        let headers = format!("content-type: application/json\r\nx-told: {token}\r\nx-team: {team}\r\n");
        crate::servers::http(400, &headers, format!(r#"{{"error":{{"message":"{team} {token}"}}}}"#))
    })
    .await;
    let settings = "headers.x-team = { value = \"red team\" }\nheaders.api-key = { env = \"TOKEN\" }";
    let gateway = start(&upstream("mill", &server.url(), settings), &[("TOKEN", GOOD)]);
    let request = client()
        .post(format!("{}{CALL}", gateway.url))
        .header("x-team", "the client's")
        .header("api-key", "the client's")
        .body(chat("m", "hi").to_string());
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.error(), "red team [key]");
    assert_eq!(
        (answer.header("x-told"), answer.header("x-team")),
        (None, Some("red team"))
    );
    let seen = server.seen().remove(0);
    assert!(
        seen.contains(&format!("api-key: {GOOD}\r\n")) && !seen.contains("the client's"),
        "{seen}"
    );
    assert!(!output(gateway).await.contains("1234567890"));
}

#[tokio::test]
async fn a_clients_key_is_sent_only_by_setting_and_as_it_came() {
    // (setting, header, whether it is sent)
    let cases = [
        ("", "authorization", false),
        ("", "api-key", false),
        ("forward_client_key = true", "authorization", true),
        ("forward_client_key = true", "api-key", true),
        ("forward_client_key = true", "x-api-key", true),
        ("forward_client_key = true", "cookie", false),
    ];
    let key = "Bearer client-key-1234567890";
    for (setting, header, is_sent) in cases {
        let server = scripted(|request| {
            let told = request.replace(['\r', '\n', '"', '{', '}'], " ");
            json(401, format!(r#"{{"error":{{"message":"{told}"}}}}"#))
        })
        .await;
        let gateway = start(
            &(upstream("mill", &server.url(), setting) + &plugin(TYPED_GUARD, "")),
            &[],
        );
        let request = client().post(format!("{}{CALL}", gateway.url)).header(header, key);
        let answer = Answer::of(request.body(chat("m", "hi").to_string()).send().await.unwrap()).await;
        let sent = server.seen().remove(0).contains(&format!("{header}: {key}\r\n"));
        assert_eq!(sent, is_sent, "{header} with {setting:?}");
        assert_eq!(answer.status, 401);
        assert!(!answer.body.contains("1234567890"), "{}", answer.body);
        assert!(
            !output(gateway).await.contains("1234567890"),
            "{header} with {setting:?}"
        );
    }
}

#[tokio::test]
async fn a_key_in_a_header_of_the_operators_is_taken_out_without_its_scheme() {
    let server = scripted(|_| json(401, r#"{"error":{"message":"no: good-key-1234567890"}}"#)).await;
    let headers = r#"headers = { authorization = { env = "HEADER" } }"#;
    let header = format!("Bearer {GOOD}");
    let gateway = start(&upstream("mill", &server.url(), headers), &[("HEADER", &header)]);
    let answer = post(&gateway, CALL, chat("m", "hi")).await;
    assert_eq!(answer.error(), "no: [key]");
    assert!(server.seen()[0].contains(&format!("authorization: {header}\r\n")));
    assert!(!output(gateway).await.contains("1234567890"));
}
