//! Paths that Heimdall does not know: nobody gets there, unless the configuration says so, and then nobody gets past the
//! plugins to a path that it does know.

use heimdall_tests::guests::{GEN3, TYPED_GUARD};
use heimdall_tests::process::Gateway;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::servers::scripted;
use crate::support::*;

const EVERYTHING: &str = "[[passthrough]]\npath = \"/v1/*\"\n";

async fn send(gateway: &Gateway, method: Method, path: &str, body: &'static str) -> Answer {
    let request = client()
        .request(method, format!("{}{path}", gateway.url))
        .header("content-type", "text/x");
    Answer::of(request.body(body).send().await.unwrap()).await
}

/// The status of an answer to a path that no client would send as it stands.
async fn status_of(gateway: &Gateway, path: &str) -> u16 {
    let mut stream = TcpStream::connect(gateway.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let body = chat("mill/m", "hi").to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer
        .split(' ')
        .nth(1)
        .unwrap_or_else(|| panic!("{path}: {answer}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn only_listed_paths_are_passed_on() {
    let gateway = Gateway::start("[[passthrough]]\npath = \"/v1/files*\"\n");
    for (path, status) in [
        ("/v1/files", 200),
        ("/v1/files/f-1/content", 200),
        ("/v1/batches", 404),
        ("/v2/files", 404),
    ] {
        let answer = send(&gateway, Method::PUT, path, "as it is").await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        if status == 200 {
            assert_eq!(
                (answer.body.as_str(), answer.header("content-type")),
                ("as it is", Some("text/x"))
            );
            assert_eq!(answer.header("x-heimdall-upstream"), Some("echo"));
        }
    }
}

#[tokio::test]
async fn the_request_goes_upstream_as_it_is_and_with_the_upstreams_key() {
    let replay = replay();
    let url = replay.upstream("whole", "streams/chat-secret.json");
    let config = EVERYTHING.to_owned() + &upstream("mill", &url, "api_key_env = \"MILL_KEY\"");
    let gateway = Gateway::start_with(&config, &[("MILL_KEY", "sk-upstream-1")], &[]).unwrap();
    let request = client().post(format!("{}/v1/files/a%3Ab?purpose=x%20y", gateway.url));
    let request = request
        .header("content-type", "multipart/form-data; boundary=x")
        .header("authorization", "Bearer client");
    let answer = Answer::of(request.body("--x--\0").send().await.unwrap()).await;
    assert_eq!(answer.body, fixture("streams/chat-secret.json"));
    let seen = told(&replay, "/seen").await;
    assert!(seen.contains("/v1/files/a:b?purpose=x%20y HTTP/1.1"), "{seen}");
    assert!(
        seen.contains("content-type: multipart/form-data; boundary=x\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("authorization: Bearer sk-upstream-1\r\n") && !seen.contains("client"),
        "{seen}"
    );
    assert!(seen.ends_with("\r\n\r\n--x--\0"), "{seen}");
}

#[tokio::test]
async fn no_spelling_of_a_known_path_gets_past_the_llm_hooks() {
    let replay = replay();
    let base = upstream("mill", &replay.upstream("whole", "streams/chat-secret.json"), "");
    let gateway = Gateway::start(&(EVERYTHING.to_owned() + &base + &plugin(TYPED_GUARD, "")));
    let paths = [
        "/v1/chat/completions/",
        "/v1//chat/completions",
        "/v1/chat//completions",
        "//v1/chat/completions",
        "/v1/Chat/Completions",
        "/V1/chat/completions",
        "/v1/chat%2fcompletions",
        "/v1/chat%5ccompletions",
        "/v1/chat\\completions",
        "/v1/x/../chat/completions",
        "/v1/x/%2e%2e/chat/completions",
        "/v1/x/.%2e/chat/completions",
        "/v1/./chat/completions",
        "/v1/%252e%252e/chat/completions",
        "/v1/chat/completions%20",
        "/v1/chat/completions%00",
        "/v1/chat/completions%3fx",
        "/v1/chat/completions;x",
        "/v1/chat/%EF%BD%83ompletions",
        "/v1/EMBEDDINGS",
        "/v1/responses%2f",
        "/v1/Models",
    ];
    for path in paths {
        assert_eq!(status_of(&gateway, path).await, 404, "{path}");
    }
    assert_eq!(told(&replay, "/seen").await, "");
    assert_eq!(status_of(&gateway, "/v1/chat/completionsx").await, 200);
}

#[tokio::test]
async fn an_escape_that_nobody_needs_leads_past_no_plugin() {
    let guard = plugin(
        TYPED_GUARD,
        "config = { closed_paths = [\"/v1/files/f:1\"], banned = [\"hi\"] }",
    );
    let gateway = Gateway::start(&(EVERYTHING.to_owned() + &guard));
    for path in ["/v1/files/f:1", "/v1/%66iles/f%3A1", "/v1/files/f%3a1"] {
        let answer = send(&gateway, Method::GET, path, "").await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (403, &"closed_path".into()),
            "{path}"
        );
    }
    // A call is one however its path is spelled, and passes the LLM hooks.
    for path in [
        "/v1/chat/completions",
        "/v1/chat/completion%73",
        "/v1/%63hat/completions",
    ] {
        assert_eq!(status_of(&gateway, path).await, 403, "{path}");
    }
}

#[tokio::test]
async fn http_hooks_see_what_is_passed_on_and_the_operator_is_told_who_does_not() {
    let gateway = Gateway::start(&(EVERYTHING.to_owned() + &plugin(TYPED_GUARD, "") + &plugin(GEN3, "")));
    let answer = send(&gateway, Method::POST, "/v1/files", "TOP-SECRET").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "TOP-SECRET"), "{answer:?}");
    assert!(
        answer.header("x-guard").is_some() && answer.header("x-legacy").is_some(),
        "{answer:?}"
    );
    printed(&gateway, "`passthrough` lists /v1/*: what clients send there").await;
}

#[tokio::test]
async fn large_answers_and_streams_are_passed_on_as_they_are() {
    let replay = replay();
    // (behaviour, recorded bytes, the size of what comes)
    let size = 3_000_000;
    let raw = format!("raw-{size}");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let bytes = upstream("bytes", &replay.upstream(&raw, "streams/chat.sse"), "");
        let events = upstream("events", &replay.upstream("every-100", "streams/chat.sse"), "");
        let routes = "[[passthrough]]\npath = \"/v1/events\"\nupstream = \"events\"\n\
                      [[passthrough]]\npath = \"/v1/bytes\"\nupstream = \"bytes\"\n";
        let gateway = Gateway::start(&(routes.to_owned() + &bytes + &events + &plugins));
        let answer = client().get(format!("{}/v1/bytes", gateway.url)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.bytes().await.unwrap().len(), size);
        let answer = send(&gateway, Method::GET, "/v1/events", "").await;
        assert_eq!((answer.body, answer.status), (fixture("streams/chat.sse"), 200));
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_the_upstream_and_one_that_leaves_ends_it() {
    let replay = replay();
    let base = upstream("mill", &replay.upstream("endless", "streams/chat.sse"), "");
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&(EVERYTHING.to_owned() + &base + &plugins));
        let request = client().get(format!("{}/v1/endless", gateway.url));
        let mut answer = request.send().await.unwrap();
        answer.chunk().await.unwrap().unwrap();
        eventually(&replay, "/open", "1").await;
        comes_to_rest(&replay, &gateway).await;
        drop(answer);
        eventually(&replay, "/open", "0").await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_taken_for_a_whole_one() {
    let replay = replay();
    let json = "streams/chat-secret.json";
    let config = |name: &str, behaviour: &str, recorded: &str, more: &str| {
        let entry = format!("[[passthrough]]\npath = \"/v1/{name}\"\nupstream = \"{name}\"\n");
        (entry, upstream(name, &replay.upstream(behaviour, recorded), more))
    };
    let all = [
        config("bytes", "break-20", json, ""),
        config("events", "break-700", "streams/chat.sse", ""),
        config("slow", "hang-20", json, "idle_timeout_ms = 200"),
    ];
    let all = all.map(|(entry, upstream)| entry + &upstream);
    let gateway = Gateway::start(&all.concat());
    for name in ["bytes", "slow"] {
        let answer = client().get(format!("{}/v1/{name}", gateway.url)).send().await.unwrap();
        assert!(answer.bytes().await.is_err(), "{name}");
    }
    let answer = send(&gateway, Method::GET, "/v1/events", "").await;
    assert!(
        answer.events().last().unwrap().contains("upstream_broke_off"),
        "{answer:?}"
    );
    for (name, words) in [
        ("bytes", "broke off in the middle of its answer"),
        ("slow", "sent nothing for 200ms"),
        ("events", "broke off in the middle of its answer"),
    ] {
        let line = logged(&gateway, &format!("path=\"/v1/{name}\"")).await;
        assert!(
            line.contains(&format!("error=\"The upstream `{name}` {words}")),
            "{line}"
        );
    }
    let whole = Gateway::start(&(all.concat() + &plugin(TYPED_GUARD, "")));
    for (name, status) in [("bytes", 502), ("slow", 504)] {
        let answer = send(&whole, Method::GET, &format!("/v1/{name}"), "").await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_a_head_alone_is_logged_as_one_that_was_sent() {
    let server = scripted(|request| {
        let head = match request.split(' ').next() {
            Some("HEAD") => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n",
            Some("DELETE") => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
            // Its client has the answer already.
            _ => "HTTP/1.1 304 Not Modified\r\netag: \"one\"\r\nconnection: close\r\n\r\n",
        };
        head.into()
    })
    .await;
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&(EVERYTHING.to_owned() + &upstream("mill", &server.url(), "") + &plugins));
        for (method, status) in [(Method::HEAD, 200), (Method::DELETE, 204), (Method::GET, 304)] {
            let answer = send(&gateway, method.clone(), "/v1/files", "").await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (status, ""),
                "{method}: {answer:?}"
            );
            assert_ne!(answer.header("content-length"), Some("0"), "{method}: {answer:?}");
            let line = logged(&gateway, &format!("method={method}")).await;
            assert!(
                line.contains("answered request_id=") && line.contains(&format!("status={status}")),
                "{line}"
            );
            assert!(!line.contains("error="), "{line}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_body_has_none_however_it_is_said_to_be_packed() {
    let answers = [
        (Method::HEAD, 200, "content-length: 120\r\n"),
        (Method::GET, 200, "content-length: 0\r\n"),
        (Method::GET, 404, "content-length: 0\r\n"),
    ];
    for (method, status, length) in answers {
        let head =
            format!("HTTP/1.1 {status} x\r\ncontent-encoding: gzip\r\nx-told: 7\r\nconnection: close\r\n{length}\r\n");
        let server = scripted(move |_| head.clone().into_bytes()).await;
        for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
            let gateway = Gateway::start(&(EVERYTHING.to_owned() + &upstream("mill", &server.url(), "") + &plugins));
            let answer = send(&gateway, method.clone(), "/v1/files", "").await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (status, ""),
                "{method}: {answer:?}"
            );
            assert_eq!(answer.header("x-told"), Some("7"), "{method}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_has_the_newest_version_is_told_so() {
    let server = scripted(|request| {
        let status = if request.contains("if-none-match: \"v1\"\r\n") {
            304
        } else {
            302
        };
        format!("HTTP/1.1 {status} x\r\netag: \"v1\"\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n").into()
    })
    .await;
    for plugins in [String::new(), plugin(TYPED_GUARD, "")] {
        let gateway = Gateway::start(&(EVERYTHING.to_owned() + &upstream("mill", &server.url(), "") + &plugins));
        for (tag, status, told) in [("\"v1\"", 304, Some("\"v1\"")), ("\"v0\"", 502, None)] {
            let request = client()
                .get(format!("{}/v1/files", gateway.url))
                .header("if-none-match", tag);
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!((answer.status, answer.header("etag")), (status, told), "{answer:?}");
            assert_eq!(answer.body.is_empty(), status == 304, "{answer:?}");
        }
    }
}

/// The line of the log that has these words, when there is one.
async fn logged(gateway: &Gateway, words: &str) -> String {
    printed(gateway, words).await;
    let output = gateway.output();
    output.lines().find(|line| line.contains(words)).unwrap().to_owned()
}
