use bytes::Bytes;

use super::super::CallKind::{Chat, Responses};
use super::super::LlmError;
use super::json;

#[test]
fn an_error_is_written_in_the_apis_shape() {
    let error = LlmError {
        message: "a \"b\"".into(),
        kind: Some("t".into()),
        status: Some(418),
        ..LlmError::default()
    };
    let text = r#"{"error":{"message":"a \"b\"","type":"t","param":null,"code":null}}"#;
    assert_eq!(error.to_json().as_str(), text);
    assert_eq!(error.to_event(Chat).as_str(), text);
    assert_eq!(
        error.to_event(Responses).as_str(),
        r#"{"type":"error","code":"t","message":"a \"b\"","param":null}"#
    );
    let reply = error.to_reply(500);
    assert_eq!((reply.status, &reply.body[..]), (418, text.as_bytes()));
}

#[test]
fn a_status_that_is_no_errors_is_none() {
    for (status, expected) in [
        (None, 403),
        (Some(200), 403),
        (Some(399), 403),
        (Some(400), 400),
        (Some(599), 599),
        (Some(600), 403),
    ] {
        assert_eq!(
            LlmError {
                status,
                ..LlmError::default()
            }
            .status_or(403),
            expected
        );
    }
}

#[test]
fn an_upstreams_error_is_read_and_stays_as_it_came() {
    let cases = [
        (
            r#"{ "error" : {"message":"x","type":"t","code":"c","param":"p"} }"#,
            "x",
            Some("t"),
            Some("c"),
        ),
        (r#"{"error":{"message":"x","code":400}}"#, "x", None, Some("400")),
        (r#"{"error":"x"}"#, "x", None, None),
        (r#"{"object":"error","message":"x","type":"t"}"#, "x", Some("t"), None),
        (r#"{"detail":"x"}"#, "x", None, None),
        ("[]", "the upstream answered with status 502", None, None),
        (
            r#"{"error":{"a":1,"a":2}}"#,
            "the upstream answered with status 502",
            None,
            None,
        ),
    ];
    for (body, message, kind, code) in cases {
        let error = LlmError::from_upstream(502, &Bytes::from_static(body.as_bytes()));
        assert_eq!(
            (error.message.as_str(), error.kind.as_deref(), error.code.as_deref()),
            (message, kind, code)
        );
        assert_eq!((error.status, error.allow_fallbacks), (Some(502), None));
        assert_eq!(error.to_json().as_str(), body);
    }
}

#[test]
fn an_upstreams_error_that_is_no_json_becomes_the_message() {
    let error = LlmError::from_upstream(502, &Bytes::from_static(b"<h1>Bad \xff gateway</h1>\n"));
    assert_eq!(
        error.message,
        "the upstream answered with status 502: <h1>Bad \u{fffd} gateway</h1>"
    );
    assert!(error.body.is_none());
    assert_eq!(
        LlmError::from_upstream(503, &Bytes::new()).message,
        "the upstream answered with status 503"
    );
}

#[test]
fn what_a_plugin_changed_in_an_upstreams_error_goes_out() {
    let body = r#"{ "error": {"message":"x","type":"t","more":1.0} }"#;
    let mut error = LlmError::from_upstream(500, &Bytes::from_static(body.as_bytes()));
    error.message = "y".into();
    error.code = Some("c".into());
    assert_eq!(
        error.to_json().as_str(),
        r#"{ "error": {"message":"y","type":"t","more":1.0,"code":"c"} }"#
    );
}

#[test]
fn errors_are_equal_when_their_bodies_say_the_same() {
    let with = |body: &str| LlmError {
        body: Some(json(body)),
        ..LlmError::default()
    };
    assert_eq!(with(r#"{"a":1,"b":2}"#), with(r#"{"b":2, "a":1}"#));
    assert_ne!(with(r#"{"a":1}"#), with(r#"{"a":2}"#));
    assert_ne!(with("{}"), LlmError::default());
}
