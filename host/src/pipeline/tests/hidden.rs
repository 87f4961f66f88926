//! Headers that plugins can't read.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::hidden::{restored, shown};
use super::*;

/// Writes down which headers each hook can read, and sets one in the HTTP hooks.
struct Reader {
    manifest: Manifest,
    sets: Option<(&'static str, &'static str)>,
    seen: Log,
}

impl Reader {
    fn see(&self, hook: &str, headers: &HeaderMap) {
        let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        self.seen.lock().unwrap().push(format!("{hook}:{}", names.join(",")));
    }
}

#[async_trait]
impl Plugin for Reader {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn hooks(&self) -> HookSet {
        HookSet::all()
    }

    async fn on_request(&self, call: &mut Call<'_>, request: &mut HttpRequest) -> Result<HttpOutcome, Failure> {
        self.see("ambient", call.http.headers());
        self.see("on-request", request.headers());
        if let Some((name, value)) = self.sets {
            request.set_header(name, value).unwrap();
        }
        Ok(HttpOutcome::Proceed)
    }

    async fn on_response(&self, call: &mut Call<'_>, response: &mut HttpResponse) -> Result<(), Failure> {
        self.see("on-response", response.headers());
        self.see("ambient", call.http.headers());
        response.add_header("x-mark", "a").unwrap();
        Ok(())
    }

    async fn before_call(&self, call: &mut Call<'_>, _: &mut LlmRequest) -> Result<PreOutcome, Failure> {
        self.see("before-call", call.http.headers());
        Ok(PreOutcome::Proceed)
    }

    async fn after_call(&self, call: &mut Call<'_>, _: &mut Upstream) -> Result<PostOutcome, Failure> {
        self.see("after-call", call.http.headers());
        Ok(PostOutcome::Proceed)
    }

    async fn on_chunk(&self, call: &mut Call<'_>, _: &mut LlmChunk) -> Result<ChunkOutcome, Failure> {
        self.see("on-chunk", call.http.headers());
        Ok(ChunkOutcome::Proceed)
    }

    async fn on_end(&self, call: &mut Call<'_>) -> Result<Vec<Document>, Failure> {
        self.see("on-end", call.http.headers());
        Ok(Vec::new())
    }

    async fn cleanup(&self) {}
}

fn reading(hide: &[&str], sets: Option<(&'static str, &'static str)>) -> (Arc<Pipeline>, Log) {
    let seen = Log::default();
    let mut loaded = native("a", HookSet::all(), &[], CLOSED, &seen);
    let manifest = loaded.plugin.manifest().clone();
    loaded.plugin = Arc::new(Reader {
        manifest,
        sets,
        seen: seen.clone(),
    });
    loaded.hide_headers = hide.iter().map(|name| name.parse().unwrap()).collect();
    (
        Arc::new(Pipeline::new(vec![loaded], PipelineSettings::default()).unwrap()),
        seen,
    )
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn with(pairs: &[(&'static str, &'static str)]) -> HttpRequest {
    HttpRequest::new(Method::POST, "/", None, headers(pairs), Bytes::new())
}

/// All headers, in order.
fn listed(headers: &HeaderMap) -> Vec<String> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}={}", value.to_str().unwrap());
    headers.iter().map(text).collect()
}

#[tokio::test]
async fn a_hidden_header_is_seen_in_no_hook_and_is_still_there_after_it() {
    let (pipeline, seen) = reading(&["authorization", "set-cookie"], Some(("x-set", "1")));
    let mut exchange = pipeline.begin("r", with(&[("authorization", "Bearer k"), ("x-a", "1")]));
    exchange.on_request().await;
    assert_eq!(
        listed(exchange.http().headers()),
        ["authorization=Bearer k", "x-a=1", "x-set=1"]
    );
    whole(&mut exchange, chat()).await;
    let answer = HttpResponse::new(
        StatusCode::OK,
        headers(&[("set-cookie", "c=1"), ("x-b", "1")]),
        Bytes::new(),
    );
    let answer = exchange.on_response(answer).await;
    assert_eq!(listed(answer.headers()), ["set-cookie=c=1", "x-b=1", "x-mark=a"]);
    let expected = "ambient:x-a on-request:x-a before-call:x-a,x-set after-call:x-a,x-set on-response:x-b \
                    ambient:x-a,x-set";
    assert_eq!(called(&seen), expected);
}

#[tokio::test]
async fn a_hidden_header_is_seen_in_no_hook_of_a_stream() {
    let (pipeline, seen) = reading(&["authorization"], None);
    let mut exchange = pipeline.begin("r", with(&[("authorization", "Bearer k"), ("x-a", "1")]));
    exchange.before_call(chat()).await;
    let mut stream = exchange.into_stream(CallKind::Chat);
    stream.chunk(chunk("hi")).await;
    stream.chunk(finish()).await;
    stream.end(None).await;
    stream.finish().await;
    let seen = called(&seen);
    for hook in ["before-call:x-a", "on-chunk:x-a", "on-end:x-a", "after-call:x-a"] {
        assert!(seen.contains(hook), "{hook} is not in {seen}");
    }
    assert!(!seen.contains("authorization"), "{seen}");
}

#[tokio::test]
async fn what_a_plugin_sets_replaces_what_was_hidden_from_it() {
    let (pipeline, seen) = reading(&["authorization"], Some(("authorization", "Bearer mine")));
    let mut exchange = pipeline.begin("r", with(&[("authorization", "one"), ("authorization", "two")]));
    exchange.on_request().await;
    assert_eq!(listed(exchange.http().headers()), ["authorization=Bearer mine"]);
    exchange.before_call(chat()).await;
    assert!(called(&seen).ends_with("before-call:"), "nor can it read its own later");
}

#[test]
fn edits_leave_hidden_headers_in_their_places_with_all_their_values() {
    let whole = with(&[
        ("x-a", "1"),
        ("cookie", "c=1"),
        ("x-b", "2"),
        ("cookie", "d=2"),
        ("x-c", "3"),
        ("x-b", "4"),
    ]);
    let hidden = [HeaderName::from_static("cookie")];
    let seen = shown(&whole, &hidden);
    assert_eq!(listed(seen.headers()), ["x-a=1", "x-b=2", "x-b=4", "x-c=3"]);
    let mut draft = seen.clone();
    draft.remove_header("x-a");
    draft.remove_header("cookie");
    draft.set_header("x-d", "5").unwrap();
    let after = restored(draft, &seen, &whole);
    assert_eq!(
        listed(after.headers()),
        ["cookie=c=1", "cookie=d=2", "x-b=2", "x-b=4", "x-c=3", "x-d=5"]
    );
    let untouched = restored(seen.clone(), &seen, &whole);
    assert_eq!(listed(untouched.headers()), listed(whole.headers()));
}

#[test]
fn a_message_without_hidden_headers_is_shown_as_it_is() {
    let whole = with(&[("x-a", "1")]);
    let seen = shown(&whole, &[HeaderName::from_static("cookie")]);
    assert!(
        std::ptr::eq(seen.headers(), whole.headers()),
        "it is the same one, not a copy"
    );
}

#[tokio::test]
async fn what_the_host_tells_is_in_the_context_of_the_first_hook() {
    let (pipeline, _) = pipeline(&[("a", &[], CLOSED)]);
    let mut exchange = pipeline.begin("r", request());
    exchange.tell("client", Document::string("team-a")).unwrap();
    exchange.on_request().await;
    assert_eq!(exchange.context().get("client").unwrap().as_str(), r#""team-a""#);
}
