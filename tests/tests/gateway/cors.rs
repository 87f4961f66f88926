//! Web pages of other origins: what browsers are told, and which pages may call.

use heimdall_tests::process::Gateway;
use reqwest::Method;

use crate::support::*;

const PAGE: &str = "https://app.example";
const CORS: &str = "[cors]\norigins = [\"https://app.example\"]\nexpose_headers = [\"x-request-id\"]\nmax_age_s = 60\n";

async fn preflight(gateway: &Gateway, origin: &str) -> Answer {
    let request = client()
        .request(Method::OPTIONS, format!("{}/v1/chat/completions", gateway.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    Answer::of(request.send().await.unwrap()).await
}

async fn call(gateway: &Gateway, origin: &str) -> Answer {
    let request = client().post(format!("{}/v1/chat/completions", gateway.url));
    let request = request.header("origin", origin).body(chat("echo", "hi").to_string());
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_page_that_is_named_may_call_and_another_may_not() {
    let gateway = Gateway::start(CORS);
    let told = preflight(&gateway, PAGE).await;
    assert_eq!(told.status, 200, "{told:?}");
    for (name, value) in [
        ("access-control-allow-origin", PAGE),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization,content-type"),
        ("access-control-max-age", "60"),
    ] {
        assert_eq!(told.header(name), Some(value));
    }
    let answer = call(&gateway, PAGE).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(answer.header("access-control-expose-headers"), Some("x-request-id"));
    for stranger in [
        "https://app.example.evil",
        "http://app.example",
        "https://evil.example",
        "null",
    ] {
        assert_eq!(
            preflight(&gateway, stranger)
                .await
                .header("access-control-allow-origin"),
            None
        );
        let answer = call(&gateway, stranger).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (403, None),
            "{stranger}"
        );
    }
}

#[tokio::test]
async fn a_browsers_question_needs_no_key_and_the_call_after_it_does() {
    let keys = "[client_keys.web]\nenv = \"KEY\"\n";
    let gateway = Gateway::start_with(&format!("{CORS}{keys}"), &[("KEY", "sk-web")], &[]).unwrap();
    assert_eq!(preflight(&gateway, PAGE).await.status, 200);
    let answer = call(&gateway, PAGE).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (401, Some(PAGE)),
        "the page can read why"
    );
}

#[tokio::test]
async fn without_the_setting_browsers_are_told_nothing() {
    let gateway = Gateway::start("");
    let told = preflight(&gateway, PAGE).await;
    assert_eq!((told.status, told.header("access-control-allow-origin")), (403, None));
    assert_eq!(call(&gateway, "http://localhost:3000").await.status, 200);
}

#[tokio::test]
async fn every_page_may_call_only_where_the_operator_says_who_may() {
    let gateway = Gateway::start("auth = \"none\"\n[cors]\norigins = [\"*\"]\n");
    let answer = call(&gateway, PAGE).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, Some("*"))
    );
    printed(&gateway, "every web page").await;
    let (status, output) = Gateway::try_start("[cors]\norigins = [\"*\"]\n").map(drop).unwrap_err();
    assert!(status == 2 && output.contains("every web page"), "{output}");
}

#[test]
fn what_is_no_origin_is_refused() {
    let origins = [
        "https://app.example/",
        "https://app.example/path",
        "https://App.example",
        "https://user@app.example",
        "app.example",
        "https://",
        "null",
        "https://app.example:443",
    ];
    for origin in origins {
        let config = format!("[cors]\norigins = [{origin:?}]\n");
        let (status, output) = Gateway::try_start(&config).map(drop).expect_err(origin);
        assert!(status == 2 && output.contains("is no origin"), "{origin}: {output}");
    }
    let (status, output) = Gateway::try_start("[cors]\norigins = [\"*\", \"https://a.example\"]\n")
        .map(drop)
        .unwrap_err();
    assert!(status == 2 && output.contains("others beside it"), "{output}");
    let (status, output) = Gateway::try_start("[cors]\nexpose_headers = [\"a b\"]\n")
        .map(drop)
        .unwrap_err();
    assert!(status == 2 && output.contains("no name of a header"), "{output}");
}
