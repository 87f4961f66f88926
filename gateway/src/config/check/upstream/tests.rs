use crate::config::load;

/// What is said of these settings of the upstream `a`, whose first line is the second of the file; none: all is well.
fn problem(settings: &str) -> Option<String> {
    let text = format!("[upstreams.a]\n{settings}\n");
    load::parse("h.toml", &text).err().map(|error| error.to_string())
}

#[test]
fn settings_that_fit_each_other_are_taken() {
    let all = [
        "api_key_env = \"KEY\"\nheaders.x-team = { value = \"red\" }",
        "keys = [{ env = \"A\" }, { env = \"B\", weight = 3 }, { file = \"key\" }]",
        "forward_client_key = true",
        "headers.authorization = { file = \"token\" }",
        "proxy = \"http://proxy:3128\"\nproxy_credentials = { env = \"PROXY\" }\nprotocol = \"http2\"",
        "max_idle_connections = 0\nca_file = \"ca.pem\"",
    ];
    for settings in all {
        let settings = format!("base_url = \"https://x/v1\"\n{settings}");
        assert_eq!(problem(&settings), None, "{settings}");
    }
}

#[test]
fn settings_that_do_not_fit_are_refused_where_they_stand() {
    let cases = [
        ("api_key_env = \"\"", "3:1: `upstreams.a.api_key_env` is empty"),
        (
            "api_key_env = \"A\"\nkeys = [{ env = \"B\" }]",
            "3:1: `upstreams.a.api_key_env` stands beside `keys`",
        ),
        (
            "keys = [{ env = \"B\" }]\nforward_client_key = true",
            "4:1: `upstreams.a.forward_client_key` stands beside a key",
        ),
        ("keys = [{ weight = 2 }]", "3:9: `upstreams.a.keys[0].env` is missing"),
        (
            "keys = [{ env = \"A\", file = \"a\" }]",
            "3:22: `upstreams.a.keys[0].file` stands beside `env`",
        ),
        ("keys = [{ env = \"\" }]", "3:11: `upstreams.a.keys[0].env` is empty"),
        ("keys = [{ file = \"\" }]", "3:11: `upstreams.a.keys[0].file` is empty"),
        (
            "keys = [{ env = \"A\", weight = 0 }]",
            "3:22: `upstreams.a.keys[0].weight` has to be above 0",
        ),
        (
            "keys = [{ file = \"a\" }, { file = \"a\", weight = 2 }]",
            "3:27: `upstreams.a.keys[1].file` names a key that stands above already",
        ),
        (
            "headers.\"a b\" = { value = \"x\" }",
            "3:9: `upstreams.a.headers.a b` is no name that a header can have",
        ),
        (
            "headers.content-length = { value = \"1\" }",
            "3:9: `upstreams.a.headers.content-length` is a header that the gateway writes itself",
        ),
        (
            "api_key_env = \"A\"\nheaders.Authorization = { env = \"B\" }",
            "4:9: `upstreams.a.headers.Authorization` stands beside a key",
        ),
        (
            "headers.x-a = { env = \"A\" }\nheaders.X-A = { env = \"A\" }",
            "is written twice",
        ),
        ("headers.x-a = {}", "3:9: `upstreams.a.headers.x-a.value` is missing"),
        (
            "headers.x-a = { value = \"a\", file = \"b\" }",
            "`upstreams.a.headers.x-a.file` stands beside `value`",
        ),
        (
            "headers.x-a = { value = \"a\\nb\" }",
            "`upstreams.a.headers.x-a.value` holds a character",
        ),
        ("ca_file = \"\"", "`upstreams.a.ca_file` is empty"),
        (
            "proxy_credentials = { env = \"A\" }",
            "`upstreams.a.proxy_credentials` has no meaning without `proxy`",
        ),
        (
            "proxy = \"http://p\"\nproxy_credentials = { value = \"a:b\" }",
            "there is no setting `upstreams.a.proxy_credentials.value`; here can stand: env, file",
        ),
        (
            "proxy = \"proxy:3128\"",
            "`upstreams.a.proxy` has to start with `http://`",
        ),
        (
            "proxy = \"socks5://p\"",
            "`upstreams.a.proxy` has to start with `http://`",
        ),
        (
            "proxy = \"http://u:p@p\"",
            "`upstreams.a.proxy` holds a user name or password",
        ),
        (
            "proxy = \"http://p/x\"",
            "`upstreams.a.proxy` has more than a host and a port",
        ),
        ("key_cooldown_ms = 0", "`upstreams.a.key_cooldown_ms` has to be above 0"),
        (
            "calls_per_connection = 0",
            "`upstreams.a.calls_per_connection` has to be above 0",
        ),
        (
            "idle_connection_timeout_ms = 0",
            "`upstreams.a.idle_connection_timeout_ms` has to be above 0",
        ),
        ("protocol = \"http3\"", "unknown variant `http3`"),
    ];
    for (settings, expected) in cases {
        let told = problem(&format!("base_url = \"https://x/v1\"\n{settings}"));
        let told = told.unwrap_or_else(|| panic!("taken: {settings}"));
        assert!(told.contains(expected), "{settings}\n{told}\nnot {expected}");
    }
}

#[test]
fn settings_of_a_server_are_refused_for_the_echo() {
    let all = [
        "keys = [{ env = \"A\" }]",
        "forward_client_key = true",
        "headers.x-a = { value = \"a\" }",
        "ca_file = \"ca.pem\"",
        "proxy = \"http://p\"",
        "protocol = \"http2\"",
    ];
    for settings in all {
        let told = problem(&format!("kind = \"echo\"\n{settings}")).unwrap();
        assert!(
            told.contains("has no meaning for the built-in echo"),
            "{settings}: {told}"
        );
    }
}

#[test]
fn what_needs_tls_is_refused_without() {
    let cases = [
        ("ca_file = \"ca.pem\"", "3:1: `upstreams.a.ca_file` has no meaning"),
        (
            "protocol = \"http2\"\nproxy = \"http://p\"",
            "4:1: `upstreams.a.proxy` stands beside `protocol = \"http2\"` and a `base_url` that starts with `http://`",
        ),
    ];
    for (settings, expected) in cases {
        let told = problem(&format!("base_url = \"http://x/v1\"\n{settings}")).unwrap();
        assert!(told.contains(expected), "{told}");
    }
    let fits = "base_url = \"http://x/v1\"\nproxy = \"http://p\"\nprotocol = \"http1\"";
    assert_eq!(problem(fits), None);
}

#[test]
fn a_header_that_is_written_out_is_not_printed_with_the_configuration() {
    let source = crate::config::Source {
        value: Some("secret-1234567890".to_owned()),
        ..crate::config::Source::default()
    };
    assert!(!format!("{source:?}").contains("1234567890"));
}
