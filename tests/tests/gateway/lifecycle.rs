//! Start, shutdown, and what happens to requests in between.

use futures_util::StreamExt;
use heimdall_tests::guests::{GEN1, GEN2, GEN3, TINYGO, TYPED_GUARD, TYPED_TAG};
use heimdall_tests::process::{Gateway, heimdall};

use crate::support::*;

#[test]
fn the_banner_tells_of_each_plugin_and_gives_a_command_to_try() {
    let plugins: String = [TYPED_GUARD, GEN1, GEN2, GEN3, TINYGO]
        .map(|guest| plugin(guest, ""))
        .concat();
    let gateway = Gateway::start(&plugins);
    let url = gateway.url.clone();
    gateway.terminate();
    let (status, output) = gateway.wait();
    assert_eq!(status, 0, "{output}");
    for word in [
        "heimdall-guard",
        "typed component",
        "generation 1",
        "generation 2",
        "generation 3",
        "curl",
        &url,
    ] {
        assert!(output.contains(word), "{word:?} is not in\n{output}");
    }
}

#[tokio::test]
async fn a_stream_that_is_under_way_finishes_before_the_gateway_ends() {
    let gateway = Gateway::start(&plugin(TYPED_TAG, ""));
    let body = streamed("echo-chunk-delay-20", "one two three four five").to_string();
    let response = client()
        .post(format!("{}/v1/chat/completions", gateway.url))
        .body(body)
        .send()
        .await
        .unwrap();
    let mut pieces = response.bytes_stream();
    let mut read = pieces.next().await.unwrap().unwrap().to_vec();
    gateway.terminate();
    while let Some(piece) = pieces.next().await {
        read.extend_from_slice(&piece.unwrap());
    }
    assert!(String::from_utf8(read).unwrap().ends_with("data: [DONE]\n\n"));
    let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert_eq!(status, 0, "{output}");
}

#[tokio::test]
async fn a_stream_that_takes_longer_than_the_shutdown_may_is_cut_off() {
    let gateway = Gateway::start(&format!("shutdown_timeout_ms = 100\n{}", plugin(TYPED_TAG, "")));
    let body = streamed("echo-chunk-delay-60000", "one two").to_string();
    let response = client()
        .post(format!("{}/v1/chat/completions", gateway.url))
        .body(body)
        .send()
        .await
        .unwrap();
    gateway.terminate();
    let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert_eq!(status, 0, "{output}");
    assert!(output.contains("cut off"), "{output}");
    drop(response);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let gateway = Gateway::start(&plugin(TYPED_TAG, ""));
    let body = streamed("echo-chunk-delay-60000", "one two").to_string();
    let request = client().post(format!("{}/v1/chat/completions", gateway.url)).body(body);
    let response = request.send().await.unwrap();
    gateway.terminate();
    gateway.interrupt();
    let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert_eq!(status, 130, "{output}");
    drop(response);
}

#[test]
fn the_allocator_finds_its_settings() {
    let directory = tempfile::tempdir().unwrap();
    let told = heimdall(directory.path())
        .arg("--version")
        .env("_RJEM_MALLOC_CONF", "confirm_conf:true")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stderr);
    assert!(told.contains("Set conf value: experimental_tcache_gc:false"), "{told}");
}

#[tokio::test]
async fn in_the_format_json_each_line_is_an_object() {
    let plugins = format!("{}{}", plugin(TYPED_GUARD, ""), plugin(GEN3, ""));
    let gateway = Gateway::start_with(&plugins, &[], &["--log-format", "json"]).unwrap();
    post(
        &gateway,
        "/v1/chat/completions",
        chat("echo", "forbidden-word\nTOP-SECRET"),
    )
    .await;
    gateway.terminate();
    let (status, output) = tokio::task::spawn_blocking(move || gateway.wait()).await.unwrap();
    assert_eq!(status, 0, "{output}");
    let lines: Vec<serde_json::Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        assert!(line["level"].is_string() && line["target"].is_string(), "{line}");
    }
    let said = |words: &str| lines.iter().filter(|line| line["message"] == words).count();
    assert_eq!([said("plugin loaded"), said("serving"), said("stopped")], [2, 1, 1]);
    let of = |target: &str| lines.iter().filter(|line| line["target"] == target).collect::<Vec<_>>();
    assert_eq!(of("heimdall::pipeline").len(), 1, "{output}");
    let [request] = of("heimdall::request")[..] else {
        panic!("{output}");
    };
    // As they are, without the quotes that they have in words.
    assert_eq!([&request["model"], &request["path"]], ["echo", "/v1/chat/completions"]);
}

#[tokio::test]
async fn many_clients_at_once_are_each_answered_with_their_own() {
    let gateway = std::sync::Arc::new(Gateway::start(
        // Legacy plugins have one instance each, for which all calls queue.
        &[TYPED_TAG, GEN3, TINYGO]
            .map(|it| plugin(it, "limits = { hook_timeout_ms = 60000 }"))
            .concat(),
    ));
    let calls = (0..64).map(|number| {
        let gateway = gateway.clone();
        tokio::spawn(async move {
            let answer = post(
                &gateway,
                "/v1/chat/completions",
                chat("echo", &format!("call {number}")),
            )
            .await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let expected = format!("echo: call {number} [tag:tagged]");
            assert_eq!(answer.json()["choices"][0]["message"]["content"], expected);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}
