//! What plugins decide and how they fail, as clients and operators see it.

use std::pin::pin;

use futures_util::future::{Either, select};
use heimdall_tests::guests::{GEN3, TINYGO, TYPED_GUARD};
use heimdall_tests::process::Gateway;

use crate::support::*;
use crate::wat::{GuestFile, packed, packed_answer, typed_answer, typed_endless_for_streams, typed_listener};

#[tokio::test]
async fn a_plugins_answer_passes_the_plugins_before_it_and_no_upstream_is_asked() {
    let text = "gold, silver and TOP-SECRET";
    let replay = replay();
    let base = upstream("mill", &replay.upstream("whole", "streams/chat-secret.json"), "");
    for (kind, bytes) in [("typed", typed_answer(text)), ("packed", packed_answer(text))] {
        let oracle = GuestFile::new("oracle.wasm", bytes);
        let gateway = Gateway::start(&format!(
            "{base}{}{}{}{}",
            plugin(TYPED_GUARD, ""),
            plugin(GEN3, "config = { secrets = [\"silver\"] }"),
            oracle.entry("oracle", ""),
            plugin_named("late", &TYPED_GUARD.path(), "config = { secrets = [\"gold\"] }"),
        ));
        let whole = post(&gateway, "/v1/chat/completions", chat("m", "hi")).await;
        assert_eq!(whole.status, 200, "{kind}: {whole:?}");
        assert_eq!(
            whole.json()["choices"][0]["message"]["content"],
            "gold, [gen3 redacted] and [redacted]",
            "{kind}"
        );
        let answer = post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
        assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{kind}");
        assert_eq!(
            texts(&answer),
            ["gold, [gen3 chunk redacted] and [redacted]"],
            "{kind}: {answer:?}"
        );
        assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"), "{kind}");
        assert_eq!(told(&replay, "/seen").await, "", "{kind}");
        printed(&gateway, "a plugin answered plugin=oracle").await;
    }
}

#[tokio::test]
async fn the_end_of_a_stream_shows_the_plugins_the_answer_that_the_client_got() {
    let ear = GuestFile::new("ear.wasm", typed_listener());
    for plugins in [
        ear.entry("ear", "") + &plugin(TYPED_GUARD, ""),
        plugin(TYPED_GUARD, "") + &ear.entry("ear", ""),
    ] {
        let gateway = Gateway::start(&plugins);
        let body = streamed("echo-split-3", "it is TOP-SECRET, shh");
        let answer = post(&gateway, "/v1/chat/completions", body).await;
        assert_eq!(texts(&answer), ["echo: it is [redacted], shh"]);
        printed(&gateway, "echo: it is [redacted], shh").await;
        assert!(!gateway.output().contains("SECRET"), "{}", gateway.output());
    }
}

#[tokio::test]
async fn the_end_of_a_stream_that_broke_off_shows_the_plugins_an_error() {
    let replay = replay();
    let base = upstream("mill", &replay.upstream("break-700", "streams/chat.sse"), "");
    let gateway = Gateway::start(&format!("{base}{}", plugin(TYPED_GUARD, "")));
    post(&gateway, "/v1/chat/completions", streamed("m", "hi")).await;
    printed(&gateway, "no answer").await;
}

#[tokio::test]
async fn a_refusal_is_told_with_the_name_that_the_operator_gave() {
    // (guest, the message, which has the name that the guest gives itself)
    let cases = [
        (TYPED_GUARD, "heimdall-guard: the request holds a banned word"),
        (TINYGO, "tinygo: the request holds a banned word"),
    ];
    for (guest, message) in cases {
        let gateway = Gateway::start(&plugin_named("wall", &guest.path(), ""));
        for body in [chat("echo", "forbidden-word"), streamed("echo", "forbidden-word")] {
            let answer = post(&gateway, "/v1/chat/completions", body).await;
            assert_eq!((answer.status, answer.error().as_str()), (403, message));
            assert_eq!(answer.json()["error"]["plugin"], "wall");
        }
        printed(&gateway, "a plugin refused plugin=wall").await;
    }
}

#[tokio::test]
async fn a_plugin_that_fails_under_closed_is_an_error_that_names_it_and_not_its_file() {
    let thorn = GuestFile::new("blade.wasm", packed("unreachable", ""));
    let gateway = Gateway::start(&thorn.entry("thorn", "on_failure = \"closed\""));
    for body in [chat("echo", "hi"), streamed("echo", "hi")] {
        let answer = post(&gateway, "/v1/chat/completions", body).await;
        assert_eq!(answer.status, 500, "{answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["plugin"], &error["code"], &error["type"]),
            (&"thorn".into(), &"plugin_failed".into(), &"plugin_error".into())
        );
        let message = answer.error();
        assert!(
            message.starts_with("The plugin `thorn` failed in `pre_hook`: it trapped"),
            "{message}"
        );
        assert!(!answer.body.contains("blade"), "{}", answer.body);
    }
    // The operator learns which file it is.
    for words in ["a hook failed plugin=thorn", "blade.wasm", "hook=\"pre_hook\""] {
        printed(&gateway, words).await;
    }
}

#[tokio::test]
async fn a_plugin_that_fails_under_open_leaves_the_request_as_it_was() {
    let thorn = GuestFile::new("blade.wasm", packed("unreachable", ""));
    let gateway = Gateway::start(&thorn.entry("thorn", "on_failure = \"open\""));
    let body =
        r#"{ "model":"echo-request","messages":[{"role":"user","content":"\u0068i","n":9007199254740993}],"x":1.10 }"#;
    let answer = post(&gateway, "/v1/chat/completions", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["choices"][0]["message"]["content"], body);
    printed(&gateway, "a hook failed plugin=thorn").await;
}

/// Two plugins that never return from a hook, and whether a chat of another one meets another instance.
fn treadmills() -> [(GuestFile, &'static str, bool); 2] {
    let forever = "(loop $again (br $again)) unreachable";
    [
        (typed_endless_for_streams(), "before-call", true),
        (packed(forever, ""), "pre_hook", false),
    ]
    .map(|(bytes, hook, chats)| (GuestFile::new("mill.wasm", bytes), hook, chats))
}

#[tokio::test]
async fn others_are_served_while_a_plugin_does_not_return() {
    for (mill, hook, chats) in treadmills() {
        let gateway = Gateway::start(&mill.entry("treadmill", "limits = { hook_timeout_ms = 60000 }"));
        let mut endless = pin!(post(&gateway, "/v1/chat/completions", streamed("echo", "hi")));
        for _ in 0..3 {
            let other = async {
                if chats {
                    post(&gateway, "/v1/chat/completions", chat("echo", "hi")).await
                } else {
                    get(&gateway, "/v1/models").await
                }
            };
            match select(endless.as_mut(), pin!(other)).await {
                Either::Left((answer, _)) => panic!("{hook}: the others had to wait: {answer:?}"),
                Either::Right((other, _)) => assert_eq!(other.status, 200, "{hook}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_plugin_that_uses_up_its_fuel_fails_by_its_policy_and_those_that_do_not_serve() {
    const FUEL: &str = "limits = { fuel = 10000000, hook_timeout_ms = 60000 }";
    for (mill, hook, _) in treadmills() {
        let start = |policy: &str| {
            let mill = mill.entry("treadmill", &format!("on_failure = {policy:?}\n{FUEL}"));
            Gateway::start(&(mill + &plugin(TYPED_GUARD, FUEL)))
        };
        let closed = start("closed");
        for _ in 0..2 {
            let answer = post(&closed, "/v1/chat/completions", streamed("echo", "hi")).await;
            assert_eq!(answer.status, 500, "{hook}: {answer:?}");
            assert_eq!(answer.json()["error"]["code"], "plugin_failed");
            let expected = format!("The plugin `treadmill` failed in `{hook}`: it took too many steps");
            assert!(answer.error().starts_with(&expected), "{}", answer.error());
        }
        // The operator learns the number, and the setting.
        printed(&closed, "more than the 10000000 steps").await;
        printed(&closed, "raise `limits.fuel`").await;
        let answer = post(&start("open"), "/v1/chat/completions", streamed("echo", "TOP-SECRET")).await;
        assert_eq!(texts(&answer).concat(), "echo: [redacted]", "{hook}: {answer:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_never_returns_is_cut_off() {
    for (mill, hook, _) in treadmills() {
        let gateway = Gateway::start(&mill.entry("treadmill", "limits = { hook_timeout_ms = 300 }"));
        let answer = post(&gateway, "/v1/chat/completions", streamed("echo", "hi")).await;
        assert_eq!(answer.status, 500, "{hook}: {answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["plugin"], &error["code"]),
            (&"treadmill".into(), &"plugin_timeout".into())
        );
        assert!(
            answer.error().contains(&format!("failed in `{hook}`")),
            "{}",
            answer.error()
        );
    }
}
