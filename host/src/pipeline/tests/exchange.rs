use super::*;

#[tokio::test]
async fn pre_hooks_run_in_order_and_post_hooks_in_reverse() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[], CLOSED)]);
    let mut exchange = pipeline.begin("r", request());
    assert!(matches!(exchange.on_request().await, HttpStep::Proceed));
    let LlmStep::Proceed(call) = exchange.before_call(chat()).await else {
        panic!()
    };
    assert_eq!(call.model(), "m+a+b");
    assert_eq!(text(&exchange.after_call(answer()).await), "hi+b+a");
    let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::new());
    exchange.on_response(response).await;
    let expected =
        "a.on-request b.on-request a.before-call b.before-call b.after-call a.after-call b.on-response a.on-response";
    assert_eq!(called(&log), expected);
    assert_eq!(
        exchange.context().get("trail").unwrap().as_str(),
        r#""a b a b b a b a ""#
    );
}

#[tokio::test]
async fn after_a_short_circuit_only_the_plugins_that_were_reached_get_their_post_hook() {
    for (act, expected) in [(Act::Refuse, "error Some(403): no"), (Act::Answer("mine"), "mine+b+a")] {
        let (pipeline, log) = pipeline(&[
            ("a", &[], CLOSED),
            ("b", &[("before-call", act)], CLOSED),
            ("c", &[], CLOSED),
        ]);
        let mut exchange = pipeline.begin("r", request());
        assert_eq!(text(&whole(&mut exchange, chat()).await), expected);
        assert_eq!(called(&log), "a.before-call b.before-call b.after-call a.after-call");
    }
}

#[tokio::test]
async fn an_http_short_circuit_passes_the_response_hooks_of_the_plugins_that_were_reached() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("on-request", Act::Respond(418))], CLOSED),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let HttpStep::Respond(response) = exchange.on_request().await else {
        panic!()
    };
    assert_eq!(response.status(), 418);
    exchange.on_response(response).await;
    assert_eq!(called(&log), "a.on-request b.on-request b.on-response a.on-response");
    assert_eq!(
        exchange.http().headers().get_all("x-mark").iter().count(),
        1,
        "b's draft was not taken over"
    );
}

#[tokio::test]
async fn a_reply_with_an_impossible_status_is_a_failure() {
    for (policy, goes_on) in [(CLOSED, false), (OPEN, true)] {
        let (pipeline, _) = pipeline(&[("a", &[("on-request", Act::Respond(99))], policy)]);
        let mut exchange = pipeline.begin("r", request());
        assert_eq!(matches!(exchange.on_request().await, HttpStep::Proceed), goes_on);
    }
}

#[tokio::test]
async fn a_failure_leaves_request_and_context_as_they_were() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("before-call", Act::MarkAndFail)], OPEN),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let LlmStep::Proceed(call) = exchange.before_call(chat()).await else {
        panic!()
    };
    assert_eq!(call.model(), "m+a+c");
    assert_eq!(exchange.context().get("trail").unwrap().as_str(), r#""a c ""#);
    exchange.after_call(answer()).await;
    assert_eq!(
        called(&log),
        "a.before-call b.before-call c.before-call c.after-call a.after-call"
    );
}

#[tokio::test]
async fn a_failure_under_the_policy_closed_ends_the_call_with_an_error_that_names_the_plugin_and_not_its_file() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("before-call", Act::MarkAndFail)], CLOSED),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let Upstream::Error(error) = whole(&mut exchange, chat()).await else {
        panic!()
    };
    assert_eq!(error.status, Some(500));
    assert!(
        error.message.contains("`b`") && !error.message.contains("b.rs") && !error.message.contains("guest"),
        "{}",
        error.message
    );
    assert_eq!(called(&log), "a.before-call b.before-call a.after-call");
}

#[tokio::test]
async fn a_refusal_holds_under_the_policy_open() {
    let (pipeline, _) = pipeline(&[("a", &[("before-call", Act::Refuse)], OPEN)]);
    assert_eq!(
        text(&whole(&mut pipeline.begin("r", request()), chat()).await),
        "error Some(403): no"
    );
}

#[tokio::test]
async fn a_failing_post_hook_leaves_the_answer_or_ends_it_as_its_policy_says() {
    for (policy, expected) in [(OPEN, "hi+c+a"), (CLOSED, "error Some(500)")] {
        let (pipeline, _) = pipeline(&[
            ("a", &[], CLOSED),
            ("b", &[("after-call", Act::MarkAndFail)], policy),
            ("c", &[], CLOSED),
        ]);
        let upstream = whole(&mut pipeline.begin("r", request()), chat()).await;
        assert!(text(&upstream).starts_with(expected), "{}", text(&upstream));
    }
}

#[tokio::test]
async fn a_second_attempt_starts_over_with_the_context_kept() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED)]);
    let mut exchange = pipeline.begin("r", request());
    whole(&mut exchange, chat()).await;
    assert_eq!(text(&whole(&mut exchange, chat()).await), "hi+a");
    assert_eq!(called(&log), "a.before-call a.after-call a.before-call a.after-call");
    assert_eq!(exchange.context().get("trail").unwrap().as_str(), r#""a a a a ""#);
}

#[tokio::test]
async fn a_plugin_without_hooks_costs_nothing_and_asks_for_nothing() {
    let log = Log::default();
    let plugins = vec![native("a", HookSet::PRE_LLM, &[], CLOSED, &log)];
    let pipeline = Arc::new(Pipeline::new(plugins, PipelineSettings::default()).unwrap());
    let mut exchange = pipeline.begin("r", request());
    exchange.on_request().await;
    exchange.before_call(chat()).await;
    assert!(!exchange.reads_answers() && !exchange.reads_chunks());
    assert_eq!(called(&log), "a.before-call");
}

#[tokio::test]
async fn a_refusal_names_its_plugin_also_behind_the_post_hooks() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED), ("b", &[("before-call", Act::Refuse)], CLOSED)]);
    let Upstream::Error(error) = whole(&mut pipeline.begin("r", request()), chat()).await else {
        panic!()
    };
    assert_eq!(error.to_json().pointer("/error/plugin").unwrap().raw(), r#""b""#);
}

#[test]
fn two_plugins_of_one_name_are_refused() {
    let log = Log::default();
    let twice = || native("a", HookSet::all(), &[], CLOSED, &log);
    let message = Pipeline::new(vec![twice(), twice()], PipelineSettings::default())
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "two plugins are called `a`: a.rs and a.rs (give one of them another `name`)"
    );
}
