//! What an upstream does wrong, and how its key is kept.

use heimdall_tests::guests::TYPED_GUARD;
use heimdall_tests::process::Gateway;

use crate::support::*;

async fn asked(behaviour: &str, recorded: &str, more: &str, plugins: &str) -> Answer {
    let replay = replay();
    let base = upstream("mill", &replay.upstream(behaviour, recorded), more);
    let gateway = Gateway::start(&format!("{base}{plugins}"));
    post(&gateway, "/v1/chat/completions", chat("mill/m", "hi")).await
}

#[tokio::test]
async fn a_recorded_answer_passes_and_only_the_secret_differs() {
    let answer = asked("every-7", "streams/chat-secret.json", "", &plugin(TYPED_GUARD, "")).await;
    assert_eq!(
        answer.body,
        fixture("streams/chat-secret.json").replace("TOP-SECRET", "[redacted]")
    );
}

#[tokio::test]
async fn the_upstream_gets_the_model_without_its_name_and_nothing_else_changed() {
    let replay = replay();
    let gateway = Gateway::start(&upstream(
        "mill",
        &replay.upstream("whole", "streams/chat-secret.json"),
        "",
    ));
    post(
        &gateway,
        "/v1/chat/completions",
        r#"{ "model" : "mill/org/m", "messages":[] }"#,
    )
    .await;
    let seen = told(&replay, "/seen").await;
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, r#"{ "model" : "org/m", "messages":[] }"#);
    assert!(
        head.starts_with("POST /whole/streams/chat-secret.json/v1/chat/completions HTTP/1.1"),
        "{head}"
    );
}

const KEY: &str = "sk-abc/1234567890";

#[tokio::test]
async fn an_upstreams_key_is_sent_to_it_and_shown_nowhere() {
    // (behaviour, form, streaming, status)
    let cases = [
        ("repeat-401", "plain", false, 401),
        ("repeat-401", "escaped", false, 401),
        ("repeat-401", "plain", true, 401),
        ("repeat-200", "plain", false, 502),
        ("repeat-200", "escaped", false, 502),
        ("repeat-200", "event", true, 200),
    ];
    let replay = replay();
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        for (behaviour, form, streaming, status) in cases {
            let case = format!("{behaviour} {form}, streaming: {streaming}, plugins: {plugins}");
            let key = "api_key_env = \"HEIMDALL_TEST_KEY\"";
            let config = upstream("mill", &replay.upstream(behaviour, form), key) + &plugins;
            let gateway = Gateway::start_with(&config, &[("HEIMDALL_TEST_KEY", KEY)], &["--log", "trace"]).unwrap();
            let mut body = chat("m", "hi");
            body["stream"] = streaming.into();
            let answer = post(&gateway, "/v1/chat/completions", body).await;
            assert_eq!(answer.status, status, "{case}: {answer:?}");
            assert!(answer.body.contains("Incorrect key"), "{case}: {}", answer.body);
            assert!(!answer.body.contains("1234567890"), "{case}: {}", answer.body);
            let seen = told(&replay, "/seen").await;
            assert!(seen.contains(&format!("authorization: Bearer {KEY}\r\n")), "{seen}");
            gateway.terminate();
            let (_, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
            assert!(!output.contains("1234567890"), "{case}: {output}");
        }
    }
}

#[tokio::test]
async fn each_way_an_upstream_can_fail_is_told_by_its_name() {
    let json = "streams/chat-secret.json";
    // (behaviour, recorded bytes, settings, status, code, words)
    let cases = [
        (
            "hang",
            json,
            "first_byte_timeout_ms = 200",
            504,
            "upstream_timeout",
            "did not start to answer within 200ms",
        ),
        (
            "hang-20",
            json,
            "idle_timeout_ms = 200",
            504,
            "upstream_timeout",
            "sent nothing for 200ms",
        ),
        (
            "hang-20",
            json,
            "total_timeout_ms = 200",
            504,
            "upstream_timeout",
            "did not finish its answer within 200ms",
        ),
        ("break-20", json, "", 502, "upstream_broke_off", "broke off"),
        ("first-20", json, "", 502, "upstream_bad_answer", "no JSON"),
        ("whole", "streams/page.html", "", 502, "upstream_bad_answer", "no JSON"),
    ];
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        for (behaviour, recorded, more, status, code, words) in cases {
            let case = format!("{behaviour} {recorded}, plugins: {plugins}");
            let answer = asked(behaviour, recorded, more, &plugins).await;
            assert_eq!(answer.status, status, "{case}: {answer:?}");
            assert_eq!(answer.json()["error"]["code"], code, "{case}");
            let error = answer.error();
            assert!(
                error.contains("The upstream `mill`") && error.contains(words),
                "{case}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_told_by_its_name() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gateway = Gateway::start(&upstream("mill", &format!("http://{free}/v1"), ""));
    for body in [chat("m", "hi"), streamed("m", "hi")] {
        let answer = post(&gateway, "/v1/chat/completions", body).await;
        assert_eq!(answer.status, 502, "{answer:?}");
        assert!(answer.error().contains("`mill` can't be reached"), "{}", answer.error());
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
        answer.error().contains("there are the upstreams: left, right"),
        "{}",
        answer.error()
    );
}
