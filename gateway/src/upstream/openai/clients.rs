//! The HTTP clients of one upstream.
//!
//! A client keeps one connection of HTTP/2 to a server, which bounds how many calls may be under way on it: the next one
//! would wait until one of them is over. So there are several clients, each with a connection of its own. The first one
//! with room takes a call, and the next is made when those before it are full. HTTP/1.1 has a connection per call, and
//! each thread that serves has a client, so that a call stays on its thread.

use std::iter;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;

use super::client::{HttpClient, Recipe};
use super::failure;
use crate::workers;

/// The most connections of HTTP/2 to one upstream. Beyond, calls share those that have the fewest.
const MAX_CONNECTIONS: usize = 64;

/// How often a call that an HTTP/2 server did not begin is sent again.
const MAX_SENT_AGAIN: usize = 2;

pub(super) struct Clients {
    recipe: Recipe,
    /// Of HTTP/1.1, by thread.
    own: Box<[OnceLock<HttpClient>]>,
    first: Seats,
    further: Box<[Seats]>,
    /// How many calls one connection takes.
    each: usize,
    /// The header `host` of a server that speaks HTTP/1 alone; in HTTP/2 a call has none.
    host: Option<HeaderValue>,
    /// The HTTP of the last answer: over HTTP/1 calls share nothing.
    spoken: AtomicU8,
}

/// What the server speaks.
const UNKNOWN: u8 = 0;
const HTTP1: u8 = 1;
const HTTP2: u8 = 2;

/// One client and how many calls it has under way.
#[derive(Default)]
struct Seats {
    client: OnceLock<HttpClient>,
    taken: Arc<AtomicUsize>,
}

/// A call that is under way: until this is dropped.
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl Clients {
    pub(super) fn new(recipe: Recipe, host: HeaderValue, each: usize) -> Clients {
        let host = (!recipe.may_be_http2()).then_some(host);
        let further = if recipe.may_be_http2() { MAX_CONNECTIONS - 1 } else { 0 };
        Clients {
            own: iter::repeat_with(OnceLock::new).take(workers::count()).collect(),
            first: Seats::default(),
            further: iter::repeat_with(Seats::default).take(further).collect(),
            recipe,
            each,
            host,
            spoken: AtomicU8::new(UNKNOWN),
        }
    }

    /// Sends a request, and waits for the head of its answer. Who reads the body keeps the second half as long.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> (Result<Response<Incoming>, legacy::Error>, UnderWay) {
        if let Some(credentials) = self.recipe.proxy_credentials() {
            let place = request.headers_mut().entry(PROXY_AUTHORIZATION);
            place.or_insert_with(|| credentials.clone());
        }
        if let Some(host) = &self.host {
            let place = request.headers_mut().entry(HOST);
            place.or_insert_with(|| host.clone());
        }
        let (seats, under_way) = self.seat();
        let client = match self.is_http1() {
            true => self.own(),
            false => seats.client(&self.recipe, self.spoken.load(Ordering::Relaxed) == HTTP2),
        };
        let response = self.sent(client, request).await;
        if let Ok(response) = &response {
            let spoken = if response.version() < Version::HTTP_2 {
                HTTP1
            } else {
                HTTP2
            };
            if self.spoken.load(Ordering::Relaxed) != spoken {
                self.spoken.store(spoken, Ordering::Relaxed);
            }
        }
        (response, under_way)
    }

    async fn sent(
        &self,
        client: &HttpClient,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        if self.is_http1() {
            return client.request(request).await;
        }
        for _ in 0..MAX_SENT_AGAIN {
            // Its body is shared, not copied.
            let again = request.clone();
            match client.request(request).await {
                Err(error) if failure::was_not_begun(&error) => request = again,
                sent => return sent,
            }
        }
        client.request(request).await
    }

    /// This thread's; threads that serve no connections have the first one together.
    fn own(&self) -> &HttpClient {
        match workers::current().and_then(|number| self.own.get(number)) {
            Some(own) => own.get_or_init(|| self.recipe.thread_client()),
            None => self.first.client(&self.recipe, false),
        }
    }

    /// Whether each call has a connection of its own.
    fn is_http1(&self) -> bool {
        self.further.is_empty() || self.spoken.load(Ordering::Relaxed) == HTTP1
    }

    fn seat(&self) -> (&Seats, UnderWay) {
        if self.is_http1() {
            return (&self.first, self.first.take());
        }
        let all = || iter::once(&self.first).chain(&self.further);
        let free = all().find_map(|seats| Some((seats, seats.take_up_to(self.each)?)));
        free.unwrap_or_else(|| {
            let fewest = all().min_by_key(|seats| seats.taken.load(Ordering::Relaxed));
            let seats = fewest.unwrap_or(&self.first);
            (seats, seats.take())
        })
    }
}

impl Seats {
    fn client(&self, recipe: &Recipe, is_http2: bool) -> &HttpClient {
        self.client.get_or_init(|| match is_http2 {
            true => recipe.http2_client(),
            false => recipe.client(),
        })
    }

    fn take_up_to(&self, most: usize) -> Option<UnderWay> {
        let one_more = |taken| (taken < most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| UnderWay(self.taken.clone()))
    }

    fn take(&self) -> UnderWay {
        self.taken.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.taken.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::config::{Protocol, UpstreamConfig};
    use crate::upstream::openai::Limits;

    fn clients(protocol: Protocol, each: usize) -> Clients {
        let config = UpstreamConfig {
            protocol,
            ..UpstreamConfig::default()
        };
        let url = Url::parse("http://localhost/v1/").unwrap();
        let recipe = Recipe::new(&config, &url, Limits::of(&config)).unwrap();
        Clients::new(recipe, HeaderValue::from_static("localhost"), each)
    }

    /// How many calls each connection has under way, of those that have any.
    fn taken(clients: &Clients) -> Vec<usize> {
        let all = iter::once(&clients.first).chain(&clients.further);
        let taken = all.map(|seats| seats.taken.load(Ordering::Relaxed));
        taken.filter(|taken| *taken > 0).collect()
    }

    fn seats(clients: &Clients, count: usize) -> Vec<UnderWay> {
        iter::repeat_with(|| clients.seat().1).take(count).collect()
    }

    #[test]
    fn a_call_takes_the_first_connection_with_room_and_gives_it_back() {
        let clients = clients(Protocol::Http2, 2);
        let mut calls = seats(&clients, 5);
        assert_eq!(taken(&clients), [2, 2, 1]);
        drop(calls.remove(0));
        assert_eq!(taken(&clients), [1, 2, 1]);
        calls.extend(seats(&clients, 2));
        assert_eq!(taken(&clients), [2, 2, 2]);
        drop(calls);
        assert!(taken(&clients).is_empty());
    }

    #[test]
    fn when_no_connection_has_room_calls_share_those_with_the_fewest() {
        let clients = clients(Protocol::Http2, 2);
        let _calls = seats(&clients, MAX_CONNECTIONS * 3);
        assert_eq!(taken(&clients), [3; MAX_CONNECTIONS]);
    }

    #[test]
    fn http1_has_one_client() {
        for protocol in [Protocol::Auto, Protocol::Http1] {
            let clients = clients(protocol, 2);
            let _calls = seats(&clients, 5);
            assert_eq!(taken(&clients), [5], "{protocol:?}");
        }
        let clients = clients(Protocol::Http2, 2);
        clients.spoken.store(HTTP1, Ordering::Relaxed);
        let _calls = seats(&clients, 5);
        assert_eq!(taken(&clients), [5], "a server that answers in HTTP/1");
    }
}
