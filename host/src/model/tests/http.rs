use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::super::{EditError, HttpRequest, HttpResponse, Reply};

fn request() -> HttpRequest {
    let mut headers = HeaderMap::new();
    headers.append("x-one", HeaderValue::from_static("1"));
    headers.append("x-two", HeaderValue::from_static("a"));
    headers.append("x-two", HeaderValue::from_static("b"));
    headers.append("x-odd", HeaderValue::from_bytes(b"\xff!").unwrap());
    HttpRequest::new(
        Method::POST,
        "/v1/\u{e4}",
        Some("a=b"),
        headers,
        Bytes::from_static(b"body"),
    )
}

#[test]
fn headers_are_read_and_edited_without_regard_to_case() {
    let mut request = request();
    assert_eq!(request.header("X-Two").as_deref(), Some("a"));
    request.set_header("X-TWO", "c").unwrap();
    request.add_header("X-Two", "d").unwrap();
    let values: Vec<_> = request.headers().get_all("x-two").iter().collect();
    assert_eq!(values, ["c", "d"]);
    request.remove_header("X-Two");
    assert_eq!(request.header("x-two"), None);
    assert_eq!(request.header("bad name"), None);
}

#[test]
fn a_value_that_is_not_utf8_is_shown_lossily_and_stays() {
    let mut request = request();
    let shown = request.header("x-odd").unwrap().into_owned();
    assert_eq!(shown, "\u{fffd}!");
    request.set_header("x-odd", &shown).unwrap();
    assert_eq!(request.headers().get("x-odd").unwrap().as_bytes(), b"\xff!");
}

#[test]
fn headers_that_cannot_be_sent_or_are_the_hosts_are_refused() {
    let bad = [
        ("x-a", "a\r\nb"),
        ("x-a", "a\0"),
        ("x a", "a"),
        ("", "a"),
        ("Content-Length", "1"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
        ("keep-alive", "1"),
        ("TE", "trailers"),
        ("trailer", "x"),
        ("upgrade", "h2c"),
        ("Proxy-Authorization", "x"),
    ];
    for (name, value) in bad {
        let mut request = request();
        assert!(
            matches!(request.set_header(name, value), Err(EditError::InvalidHeader(_))),
            "{name}: {value:?}"
        );
        assert!(
            matches!(request.add_header(name, value), Err(EditError::InvalidHeader(_))),
            "{name}: {value:?}"
        );
        assert_eq!(request.headers().len(), 4);
    }
}

#[test]
fn the_number_and_the_length_of_headers_are_capped() {
    let mut request = request();
    for _ in 4..1000 {
        request.add_header("x-many", "1").unwrap();
    }
    assert!(matches!(
        request.add_header("x-many", "1"),
        Err(EditError::InvalidHeader(_))
    ));
    assert!(matches!(
        request.set_header("x-new", "1"),
        Err(EditError::InvalidHeader(_))
    ));
    request.set_header("x-many", "2").unwrap();
    assert_eq!(request.headers().len(), 5);
    assert!(matches!(
        request.set_header("x-long", &"a".repeat(100_000)),
        Err(EditError::TooLarge(65536))
    ));
}

#[test]
fn method_path_and_query_are_checked() {
    let mut request = request();
    for path in ["", "v1", "/a?b", "/a#b", "/a b", "/a\n", "/\u{fc}"] {
        assert!(matches!(request.set_path(path), Err(EditError::Other(_))), "{path:?}");
    }
    for query in ["a#b", "a b", "\u{fc}", "a\r"] {
        assert!(
            matches!(request.set_query(Some(query)), Err(EditError::Other(_))),
            "{query:?}"
        );
    }
    assert!(matches!(request.set_method("GE T"), Err(EditError::Other(_))));
    request.set_path("/v1/\u{e4}").unwrap();
    assert_eq!(
        (request.method(), request.path(), request.query()),
        (&Method::POST, "/v1/\u{e4}", Some("a=b"))
    );
    request.set_method("PUT").unwrap();
    request.set_path("/v1/%20").unwrap();
    request.set_query(Some("a=b?c&d")).unwrap();
    assert_eq!(
        (request.method(), request.path(), request.query()),
        (&Method::PUT, "/v1/%20", Some("a=b?c&d"))
    );
    request.set_query(None).unwrap();
    assert_eq!(request.query(), None);
}

#[test]
fn a_draft_leaves_the_request_alone() {
    let original = request();
    let mut draft = original.clone();
    draft.set_header("x-one", "2").unwrap();
    draft.set_body(Bytes::from_static(b"new"));
    draft.set_path("/").unwrap();
    assert_eq!(
        (original.header("x-one").as_deref(), &original.body()[..]),
        (Some("1"), &b"body"[..])
    );
    assert_eq!(
        (draft.header("x-one").as_deref(), &draft.body()[..]),
        (Some("2"), &b"new"[..])
    );
}

#[test]
fn a_responses_status_is_one_that_a_client_can_get() {
    let mut response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::new());
    for status in [0, 100, 199, 600, 1000] {
        assert!(matches!(response.set_status(status), Err(EditError::Other(_))));
    }
    response.set_status(599).unwrap();
    assert_eq!(response.status(), 599);
}

#[test]
fn a_reply_becomes_a_response_without_framing_headers() {
    let reply = |status, name: &str| Reply {
        status,
        headers: vec![
            (name.into(), "1".into()),
            ("x-a".into(), "1".into()),
            ("x-a".into(), "2".into()),
        ],
        body: Bytes::from_static(b"x"),
    };
    let response = reply(403, "Content-Length").into_response().unwrap();
    assert_eq!(
        (response.status(), response.headers().len(), &response.body()[..]),
        (403, 2, &b"x"[..])
    );
    assert!(matches!(reply(100, "x").into_response(), Err(EditError::Other(_))));
    assert!(matches!(
        reply(200, "x y").into_response(),
        Err(EditError::InvalidHeader(_))
    ));
}
