//! What a call gives a plugin, and what comes of its answer.

use bytes::Bytes;
use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, Json, Value, ValueType};
use serde_json::json;

use super::command::{ANSWER, READ, command};
use super::{cause, kit, returned};
use crate::support::load;

#[tokio::test]
async fn a_result_is_json_as_the_plugin_wrote_it() {
    let plugin = kit(|_| {}).await;
    let Json(text): Json<String> = plugin.call("ping", ()).await.unwrap();
    assert_eq!(text, "pong");
    assert_eq!(plugin.call::<String>("ping", ()).await.unwrap(), r#""pong""#);
    assert_eq!(
        plugin.call::<Bytes>("echo", r#"{"a":1.50}"#).await.unwrap(),
        r#"{"a":1.5}"#
    );
    plugin.call::<()>("ping", ()).await.unwrap();
    let value: Value = plugin.call("ping", ()).await.unwrap();
    assert_eq!(value, Value::Bytes(Bytes::from_static(br#""pong""#)));
}

#[tokio::test]
async fn a_number_is_one_if_it_is_asked_for() {
    let plugin = kit(|_| {}).await;
    assert_eq!(plugin.call::<i32>("add", (1, 2)).await.unwrap(), 3);
    assert_eq!(
        plugin.call::<i64>("add", (1_i64 << 40, 1)).await.unwrap(),
        (1 << 40) + 1
    );
    assert_eq!(plugin.call::<f64>("echo", 1.5).await.unwrap(), 1.5);
    let error = plugin.call::<i32>("ping", ()).await.unwrap_err();
    assert!(matches!(cause(error), Cause::InvalidOutput(_)));
}

#[tokio::test]
async fn params_are_the_argument_a_list_of_several_or_null() {
    let plugin = kit(|_| {}).await;
    let echoed = async |arguments: Vec<Value>| {
        let value = plugin.call_values("echo", &arguments, ValueType::Bytes).await.unwrap();
        String::from_utf8(value.into_bytes().unwrap().into()).unwrap()
    };
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(echoed(vec![]).await, "null");
    assert_eq!(echoed(vec![Value::Nothing]).await, "null");
    assert_eq!(echoed(vec![text(r#"["a"]"#)]).await, r#"["a"]"#);
    assert_eq!(
        echoed(vec![text("{}"), Value::I32(-1), Value::F64(0.5), Value::Nothing]).await,
        "[{},-1,0.5,null]"
    );
}

#[tokio::test]
async fn params_go_as_they_are_on_one_line() {
    let start = format!(
        r#"(local $length i32)
        (local.set $length (call $read_line))
        (call $write (i32.const 2) (i32.const {READ}) (local.get $length))
        (call $answer)"#
    );
    let (lines, _collected) = crate::lines::Lines::collect();
    let plugin = load(command(&[ANSWER], &start), |_| {}).await.unwrap();
    let params = "{\"b\": 1.0,\r\n \"a\":12345678901234567890,\"\\u00e9\":\"\\n\"}";
    plugin.call::<()>("some \"method\"", params).await.unwrap();
    let sent = r#"{"jsonrpc":"2.0","id":0,"method":"some \"method\"","params":{"b": 1.0,\r  "a":12345678901234567890,"\u00e9":"\n"}}"#;
    assert!(lines.text().contains(sent), "{}", lines.text());
}

#[tokio::test]
async fn what_is_no_json_is_refused_before_anything_runs() {
    let plugin = kit(|_| {}).await;
    for wrong in ["text", "{", "1 2", "1,\"id\":7", "\"\n\""] {
        let error = plugin.call::<()>("echo", wrong).await.unwrap_err();
        assert!(matches!(error.cause, CallCause::Arguments(_)), "{wrong}: {error}");
    }
    assert_eq!(plugin.usage().made, 1);
}

#[tokio::test]
async fn an_error_says_what_its_code_means() {
    let plugin = kit(|_| {}).await;
    let failed = async |method: &str, params: serde_json::Value| {
        returned(plugin.call::<()>(method, Json(params)).await.unwrap_err())
    };
    assert_eq!(failed("fail", json!("no such luck")).await, "no such luck");
    assert_eq!(failed("nothing", json!(null)).await, "Method not found (-32601)");
    assert_eq!(failed("add", json!("1")).await, "Invalid params (-32602)");
    for (code, text) in [
        (-32700, "Parse error (-32700)"),
        (-32600, "Invalid request (-32600)"),
        (-32601, "Method not found (-32601)"),
        (-32602, "Invalid params (-32602)"),
        (-32603, "Internal error (-32603)"),
        (-32000, "-32000"),
    ] {
        assert_eq!(failed("fail_as", json!(code)).await, text);
    }
}

#[tokio::test]
async fn an_error_in_the_later_spelling_is_one_too() {
    for (error, text) in [
        (r#""MethodNotFound""#, "Method not found (-32601)"),
        (r#"{"Custom":"no"}"#, "no"),
        (r#"{"code":5,"message":"no","data":[]}"#, "no (5)"),
    ] {
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{error}}}\n");
        let plugin = load(command(&[("fail", 1, &answer)], "(call $fail)"), |_| {})
            .await
            .unwrap();
        assert_eq!(returned(plugin.call::<()>("any", ()).await.unwrap_err()), text);
    }
}

#[tokio::test]
async fn every_call_has_an_instance_of_its_own() {
    let plugin = kit(|_| {}).await;
    let before = plugin.usage().made;
    for number in 0..5 {
        assert_eq!(plugin.call::<i32>("add", (number, 1)).await.unwrap(), number + 1);
    }
    let usage = plugin.usage();
    assert_eq!((usage.made - before, usage.discarded), (5, 0));
    assert!(usage.memory > 0);
    assert!(plugin.functions().is_empty());
}

#[tokio::test]
async fn calls_run_side_by_side() {
    let plugin = kit(|_| {}).await;
    let calls = (0..20).map(|number| plugin.call::<i32>("add", (number, 1)));
    let sums = futures_util::future::try_join_all(calls).await.unwrap();
    assert_eq!(sums, (1..21).collect::<Vec<_>>());
}
