//! What an upstream does wrong, and how its key is kept.

use heimdall_tests::guests::TYPED_GUARD;
use heimdall_tests::process::Gateway;

use crate::support::*;

async fn asked(behaviour: &str, recorded: &str, more: &str) -> Answer {
    let replay = replay();
    let gateway = Gateway::start(&format!(
        "{}{}",
        upstream("up", &replay.upstream(behaviour, recorded), more),
        plugin(TYPED_GUARD, "")
    ));
    post(&gateway, "/v1/chat/completions", chat("up/m", "hi")).await
}

#[tokio::test]
async fn a_recorded_answer_passes_and_only_the_secret_differs() {
    let answer = asked("every-7", "streams/chat-secret.json", "").await;
    assert_eq!(
        answer.body,
        fixture("streams/chat-secret.json").replace("TOP-SECRET", "[redacted]")
    );
}

#[tokio::test]
async fn the_upstream_gets_the_model_without_its_name_and_nothing_else_changed() {
    let replay = replay();
    let gateway = Gateway::start(&upstream(
        "up",
        &replay.upstream("whole", "streams/chat-secret.json"),
        "",
    ));
    post(
        &gateway,
        "/v1/chat/completions",
        r#"{ "model" : "up/org/m", "messages":[] }"#,
    )
    .await;
    let seen = client()
        .get(format!("{}/seen", replay.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, r#"{ "model" : "org/m", "messages":[] }"#);
    assert!(
        head.starts_with("POST /whole/streams/chat-secret.json/v1/chat/completions HTTP/1.1"),
        "{head}"
    );
}

#[tokio::test]
async fn an_upstreams_key_is_sent_to_it_and_shown_nowhere() {
    let replay = replay();
    let config = format!(
        "{}{}",
        upstream(
            "up",
            &replay.upstream("status-401", "streams/chat-secret.json"),
            "api_key_env = \"HEIMDALL_TEST_KEY\""
        ),
        plugin(TYPED_GUARD, "")
    );
    let gateway = Gateway::start_with(&config, &[("HEIMDALL_TEST_KEY", "sk-very-secret")]).unwrap();
    let answer = post(&gateway, "/v1/chat/completions", chat("m", "hi")).await;
    assert_eq!(answer.status, 401);
    let seen = client()
        .get(format!("{}/seen", replay.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(seen.contains("authorization: Bearer sk-very-secret"), "{seen}");
    assert!(!gateway.output().contains("sk-very-secret") && !answer.body.contains("sk-very-secret"));
}

#[tokio::test]
async fn each_way_an_upstream_can_fail_is_told_by_its_name() {
    // (behaviour, recorded bytes, settings, status, words)
    let cases = [
        (
            "hang",
            "streams/chat-secret.json",
            "first_byte_timeout_ms = 200",
            504,
            "200ms",
        ),
        (
            "hang-20",
            "streams/chat-secret.json",
            "idle_timeout_ms = 200",
            504,
            "200ms",
        ),
        (
            "hang-20",
            "streams/chat-secret.json",
            "total_timeout_ms = 200",
            504,
            "200ms",
        ),
        ("break-20", "streams/chat-secret.json", "", 502, "broke off"),
        ("whole", "streams/page.html", "", 502, "JSON"),
    ];
    for (behaviour, recorded, more, status, words) in cases {
        let answer = asked(behaviour, recorded, more).await;
        assert_eq!(answer.status, status, "{behaviour}: {answer:?}");
        assert!(
            answer.error().contains("up") && answer.error().contains(words),
            "{behaviour}: {}",
            answer.error()
        );
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_told_by_its_name() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gateway = Gateway::start(&upstream("up", &format!("http://{free}/v1"), ""));
    for body in [chat("m", "hi"), streamed("m", "hi")] {
        let answer = post(&gateway, "/v1/chat/completions", body).await;
        assert_eq!(answer.status, 502, "{answer:?}");
        assert!(answer.error().contains("up"), "{}", answer.error());
    }
}

#[tokio::test]
async fn a_model_of_no_upstream_is_told_which_there_are() {
    let replay = replay();
    let one = |name| upstream(name, &replay.upstream("whole", "streams/chat-secret.json"), "");
    let gateway = Gateway::start(&format!("{}{}", one("left"), one("right")));
    let answer = post(&gateway, "/v1/chat/completions", chat("m", "hi")).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(
        answer.error().contains("left") && answer.error().contains("right"),
        "{}",
        answer.error()
    );
}
