//! Clients' keys while the gateway serves, what goes with them, and the client's name, which is not for plugins to choose.

use std::time::Instant;

use heimdall_tests::process::Gateway;

use crate::guest::{DATA, Guest};
use crate::hidden_headers::legacy_finder;
use crate::servers::{CHAT, http, scripted};
use crate::support::*;
use crate::wat::{GuestFile, packed_saying};

const CALL: &str = "/v1/chat/completions";
const KEYS: &str = "[client_keys.team-a]\nenv = \"KEY_A\"\n";

/// One client, `team-a`, whose key is `sk-first-key`.
fn with_key(more: &str) -> Gateway {
    Gateway::start_with(&format!("{KEYS}{more}"), &[("KEY_A", "sk-first-key")], &[]).unwrap()
}

async fn call(gateway: &Gateway, key: &str, model: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client().post(format!("{}{CALL}", gateway.url)).bearer_auth(key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(chat(model, "hi").to_string()).send().await.unwrap()).await
}

/// Calls with this key until the answer has this status.
async fn becomes(gateway: &Gateway, key: &str, status: u16) {
    let started = Instant::now();
    while call(gateway, key, "echo", &[]).await.status != status {
        assert!(started.elapsed() < PATIENCE, "{key}: {}", gateway.output());
    }
}

#[tokio::test]
async fn a_key_whose_file_is_gone_ends_alone_until_there_is_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
    std::fs::write(&first, "sk-first-key").unwrap();
    std::fs::write(&second, "sk-second-key").unwrap();
    let keys = format!("[client_keys.a]\nfile = {first:?}\n[client_keys.b]\nfile = {second:?}\n");
    let gateway = Gateway::start(&keys);
    let mut key = "sk-first-key".to_owned();
    for is_removed in [true, false] {
        becomes(&gateway, &key, 200).await;
        if is_removed {
            std::fs::remove_file(&first).unwrap();
        } else {
            std::fs::write(&first, "\n").unwrap();
        }
        becomes(&gateway, &key, 401).await;
        printed(&gateway, "nobody can call as this client until it has a key again").await;
        assert_eq!(call(&gateway, "sk-second-key", "echo", &[]).await.status, 200);
        let old = std::mem::replace(&mut key, format!("sk-new-key-{is_removed}"));
        std::fs::write(&first, &key).unwrap();
        becomes(&gateway, &key, 200).await;
        assert_eq!(call(&gateway, &old, "echo", &[]).await.status, 401);
        assert_eq!(call(&gateway, "sk-second-key", "echo", &[]).await.status, 200);
    }
    assert!(!gateway.output().contains("sk-"), "{}", gateway.output());
}

#[tokio::test]
async fn whose_account_a_call_is_on_goes_with_the_key_and_comes_back_to_nobody() {
    let account = [("openai-organization", "org-client"), ("openai-project", "proj-client")];
    for (more, is_sent) in [("", false), ("forward_client_key = true", true)] {
        let told = "content-type: application/json\r\nopenai-organization: org-upstream\r\nopenai-version: 1\r\n";
        let server = scripted(|_| http(200, told, CHAT)).await;
        let gateway = with_key(&upstream("mill", &server.url(), more));
        let answer = call(&gateway, "sk-first-key", "mill/m", &account).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("openai-organization"), None, "{more}");
        assert_eq!(answer.header("openai-version"), Some("1"), "{more}");
        let seen = server.seen().remove(0);
        for (name, value) in account {
            assert_eq!(
                seen.contains(&format!("{name}: {value}\r\n")),
                is_sent,
                "{more}: {seen}"
            );
        }
    }
}

/// A typed guest that sets a key of the context to this, and fails with the error that it gets.
fn setting(key: &str, value: &str) -> GuestFile {
    let (value_at, result) = (DATA + 64, DATA + 128);
    let guest = Guest::new()
        .data(DATA, key.as_bytes())
        .data(value_at, value.as_bytes())
        .calls("context", "set", "set", "(param i32 i32 i32 i32 i32)");
    // The results of the setter and of the hook look the same.
    let guest = guest.before_call(&format!(
        "(call $set (i32.const {DATA}) (i32.const {}) (i32.const {value_at}) (i32.const {}) (i32.const {result}))
         i32.const {result}",
        key.len(),
        value.len()
    ));
    GuestFile::new("forger.wasm", guest.build())
}

#[tokio::test]
async fn a_typed_plugin_that_sets_the_clients_name_fails_by_its_policy() {
    for (key, policy, status) in [
        ("client", "closed", 500),
        ("client", "open", 200),
        ("forger/client", "closed", 200),
    ] {
        let forger = setting(key, "\"team-b\"");
        // The next plugin fails where it sees the name that is true.
        let finder = legacy_finder("pre_hook", b":\"team-a");
        let forger = forger.entry("forger", &format!("on_failure = {policy:?}"));
        let gateway = with_key(&forger);
        let answer = call(&gateway, "sk-first-key", "echo", &[]).await;
        assert_eq!(answer.status, status, "{key} {policy}: {answer:?}");
        if key == "client" {
            printed(&gateway, "a hook failed plugin=forger").await;
            printed(&gateway, "`client` is the host's and can't be set").await;
        }
        if status == 500 {
            let error = &answer.json()["error"];
            let expected = (&"forger".into(), &"plugin_failed".into());
            assert_eq!((&error["plugin"], &error["code"]), expected);
            continue;
        }
        let gateway = with_key(&(forger + &finder.entry("finder", "")));
        let answer = call(&gateway, "sk-first-key", "echo", &[]).await;
        assert_eq!(answer.json()["error"]["plugin"], "finder", "{key} {policy}: {answer:?}");
    }
}

#[tokio::test]
async fn a_legacy_plugin_that_gives_back_another_clients_name_changes_nothing() {
    for hook in ["http_pre_hook", "pre_hook"] {
        let forger = GuestFile::new("forger.wasm", packed_saying(hook, r#"{"context":{"client":"team-b"}}"#));
        // The next plugin fails where it sees this name.
        for (mark, status) in [(b":\"team-a", 500), (b":\"team-b", 200)] {
            let finder = legacy_finder("pre_hook", mark);
            let gateway = with_key(&(forger.entry("forger", "") + &finder.entry("finder", "")));
            let answer = call(&gateway, "sk-first-key", "echo", &[]).await;
            assert_eq!(answer.status, status, "{hook}: {answer:?}");
            if status == 500 {
                assert_eq!(answer.json()["error"]["plugin"], "finder", "{hook}: {answer:?}");
            }
        }
    }
}
