use super::*;

#[tokio::test]
async fn each_chunk_passes_all_post_hooks_before_the_chunk_hooks_in_reverse_order() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    assert_eq!(texts(&stream.chunk(chunk("x")).await), ["x+b+a+b+a"]);
    assert_eq!(called(&log), "b.after-chunk a.after-chunk b.on-chunk a.on-chunk");
    assert!(
        stream.chunk(finish()).await.send.is_empty(),
        "it may be the last and waits for what follows"
    );
    let step = stream.end(None).await;
    assert_eq!(step.send.len(), 1);
    assert!(!step.aborted);
    assert_eq!(
        called(&log),
        "b.after-last-chunk a.after-last-chunk b.on-chunk a.on-chunk b.on-end a.on-end"
    );
    stream.finish().await;
    assert_eq!(called(&log), "b.after-call a.after-call");
}

#[tokio::test]
async fn a_stream_that_ends_without_a_finish_still_tells_the_post_hooks() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    stream.chunk(chunk("x")).await;
    called(&log);
    assert!(stream.end(None).await.send.is_empty());
    stream.finish().await;
    assert_eq!(called(&log), "a.after-last-chunk a.on-end a.after-call");
}

#[tokio::test]
async fn what_was_held_back_passes_the_plugins_before_and_goes_out_before_the_last_chunk() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED), ("b", &[("on-end", Act::HoldBack)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    stream.chunk(finish()).await;
    let sent = texts(&stream.end(None).await);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], "held+a");
}

#[tokio::test]
async fn a_dropped_chunk_reaches_neither_the_plugins_before_nor_the_client() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[("on-chunk", Act::Drop)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    assert!(stream.chunk(chunk("x")).await.send.is_empty());
    assert_eq!(called(&log), "b.after-chunk a.after-chunk b.on-chunk");
}

#[tokio::test]
async fn a_plugin_that_fails_in_mid_stream_takes_no_further_part_in_it() {
    let (pipeline, log) = pipeline(&[("a", &[("on-chunk", Act::MarkAndFail)], OPEN)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    assert_eq!(
        texts(&stream.chunk(chunk("x")).await),
        ["x+a"],
        "the edit of the post hook only"
    );
    assert_eq!(texts(&stream.chunk(chunk("y")).await), ["y"]);
    stream.end(None).await;
    assert_eq!(called(&log), "a.after-chunk a.on-chunk");
}

#[tokio::test]
async fn a_failure_under_closed_and_an_abort_end_the_stream_with_an_error_event() {
    for act in [Act::MarkAndFail, Act::Abort] {
        let (pipeline, _) = pipeline(&[("a", &[("on-chunk", act)], CLOSED)]);
        let mut stream = stream_of(&pipeline).await;
        let step = stream.chunk(chunk("x")).await;
        assert!(step.aborted);
        assert!(step.send[0].pointer("/error/message").is_some());
        assert_eq!(step.send.len(), 1);
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_off_ends_the_stream_with_its_error_after_what_was_held_back() {
    let (pipeline, log) = pipeline(&[("a", &[("on-end", Act::HoldBack)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    let step = stream
        .end(Some(LlmError {
            message: "broke off".to_owned(),
            ..LlmError::default()
        }))
        .await;
    assert!(step.aborted);
    assert_eq!(texts(&step)[0], "held");
    assert_eq!(
        step.send[1].pointer("/error/message").unwrap().as_str().unwrap(),
        "broke off"
    );
    stream.finish().await;
    assert_eq!(called(&log), "a.after-last-chunk a.on-chunk a.on-end a.after-call");
}

#[tokio::test]
async fn a_plugins_streamed_answer_passes_the_chunk_hooks_of_the_plugins_before_it() {
    let (pipeline, log) = pipeline(&[
        ("a", &[], CLOSED),
        ("b", &[("before-call", Act::Answer("mine"))], CLOSED),
        ("c", &[], CLOSED),
    ]);
    let mut exchange = pipeline.begin("r", request());
    let LlmStep::Answer(_) = exchange.before_call(chat()).await else {
        panic!()
    };
    called(&log);
    let mut stream = exchange.into_stream(CallKind::Chat);
    assert_eq!(texts(&stream.chunk(chunk("x")).await), ["x+b+a+a"]);
    assert_eq!(called(&log), "b.after-chunk a.after-chunk a.on-chunk");
}

#[tokio::test]
async fn a_plugin_that_drops_the_error_of_a_broken_stream_does_not_hide_it() {
    let (pipeline, _) = pipeline(&[("a", &[("on-chunk", Act::Drop)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    let step = stream
        .end(Some(LlmError {
            message: "broke off".to_owned(),
            ..LlmError::default()
        }))
        .await;
    assert!(step.aborted);
    assert_eq!(
        step.send[0].pointer("/error/message").unwrap().as_str().unwrap(),
        "broke off"
    );
}

#[tokio::test]
async fn a_plugin_that_drops_the_upstreams_error_event_does_not_make_the_stream_look_complete() {
    let error = || Document::parse(r#"{"error":{"message":"overloaded"}}"#).unwrap();
    for (plugins, more) in [
        (&[("a", &[("on-chunk", Act::Drop)][..], CLOSED)][..], None),
        (&[("a", &[("on-chunk", Act::Drop)], CLOSED)], Some(finish())),
        (
            &[
                ("a", &[], CLOSED),
                ("b", &[("on-chunk", Act::Drop), ("on-end", Act::HoldBack)], CLOSED),
            ],
            None,
        ),
    ] {
        let (pipeline, _) = pipeline(plugins);
        let mut stream = stream_of(&pipeline).await;
        stream.chunk(chunk("x")).await;
        let mut sent = stream.chunk(error()).await.send;
        if let Some(more) = more {
            sent.extend(stream.chunk(more).await.send);
        }
        let step = stream.end(None).await;
        assert!(step.aborted);
        sent.extend(step.send);
        let told: Vec<_> = sent.iter().filter(|event| event.pointer("/error").is_some()).collect();
        assert_eq!(told.len(), 1, "{sent:?}");
        let last = sent.last().unwrap();
        assert_eq!(last.pointer("/error/message").unwrap().as_str().unwrap(), "overloaded");
    }
}

#[tokio::test]
async fn an_error_event_that_passes_is_told_once() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    let error = Document::parse(r#"{"error":{"message":"overloaded"}}"#).unwrap();
    let mut sent = stream.chunk(error).await.send;
    sent.extend(stream.end(None).await.send);
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[tokio::test]
async fn an_error_that_the_upstream_sends_as_an_event_reaches_after_call_as_an_error() {
    let (pipeline, log) = pipeline(&[("a", &[("after-call", Act::TellError)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    stream.chunk(chunk("x")).await;
    stream
        .chunk(Document::parse(r#"{"error":{"message":"overloaded"}}"#).unwrap())
        .await;
    stream.end(None).await;
    stream.finish().await;
    assert!(called(&log).ends_with("a.after-call overloaded"));
}

#[tokio::test]
async fn an_abort_tells_the_post_hooks_that_there_is_no_more_and_names_the_plugin() {
    let (pipeline, log) = pipeline(&[("a", &[], CLOSED), ("b", &[("on-chunk", Act::Abort)], CLOSED)]);
    let mut stream = stream_of(&pipeline).await;
    called(&log);
    let step = stream.chunk(chunk("x")).await;
    assert_eq!(step.send[0].pointer("/error/plugin").unwrap().raw(), r#""b""#);
    let expected = "b.after-chunk a.after-chunk b.on-chunk b.after-last-chunk a.after-last-chunk";
    assert_eq!(called(&log), expected);
}

#[tokio::test]
async fn a_pipeline_is_idle_when_its_last_request_and_stream_are_over() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED)]);
    pipeline.idle().await;
    let exchange = pipeline.begin("r", request());
    let stream = stream_of(&pipeline).await;
    let mut idle = tokio::spawn({
        let pipeline = pipeline.clone();
        async move { pipeline.idle().await }
    });
    drop(exchange);
    tokio::task::yield_now().await;
    assert!(!idle.is_finished());
    stream.finish().await;
    (&mut idle).await.unwrap();
}
