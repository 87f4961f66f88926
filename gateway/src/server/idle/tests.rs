use axum::Router;
use axum::routing::get;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

use super::*;
use crate::server::HeadLimits;

/// So short that what is not kept ends at once.
const SHORT: Duration = Duration::from_millis(1);
/// So long that what ends by it never does.
const LONG: Duration = Duration::from_secs(3600);

const IDLE: Patience = Patience {
    fresh: SHORT,
    answered: SHORT,
    stalled: LONG,
};
const STALLED: Patience = Patience {
    fresh: LONG,
    answered: LONG,
    stalled: SHORT,
};

fn door(router: Router) -> Door {
    let head_limits = HeadLimits {
        headers: 100,
        bytes: 64 << 10,
    };
    Door::new(router, head_limits)
}

fn answering(body: Vec<u8>) -> Door {
    door(Router::new().route("/", get(|| async move { body })))
}

async fn asked(activity: &Activity, door: Door) -> Response {
    let service = activity.of::<Body>(door);
    service.call(Request::new(Body::empty())).await.unwrap()
}

#[tokio::test]
async fn a_connection_ends_that_has_no_request() {
    let activity = Activity::default();
    activity.ends(IDLE).await;
    let response = asked(&activity, answering(vec![1; 10])).await;
    drop(response);
    activity.ends(IDLE).await;
}

#[tokio::test]
async fn a_connection_stays_while_a_request_waits_for_the_server() {
    let (answer, wait) = oneshot::channel::<String>();
    let wait = Arc::new(tokio::sync::Mutex::new(Some(wait)));
    let router = Router::new().route(
        "/",
        get(|| async move { wait.lock().await.take().unwrap().await.unwrap() }),
    );
    let activity = Activity::default();
    let other = activity.clone();
    let asked = tokio::spawn(async move { asked(&other, door(router)).await });
    while activity.0.waiting.load(Ordering::Acquire) == 0 {
        tokio::task::yield_now().await;
    }
    // Ten looks: whoever ended the connection at a look would be done by then.
    let ended = tokio::time::timeout(
        SHORT * 10,
        activity.ends(Patience {
            fresh: SHORT,
            answered: SHORT,
            stalled: SHORT,
        }),
    )
    .await;
    assert!(ended.is_err(), "it was ended while a request waited");
    answer.send("late".to_owned()).unwrap();
    drop(asked.await.unwrap());
    activity.ends(IDLE).await;
}

#[tokio::test]
async fn a_connection_ends_whose_client_takes_nothing_of_an_answer() {
    let activity = Activity::default();
    let mut response = asked(&activity, answering(vec![1; 100_000])).await;
    let body = response.body_mut();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.len(), PIECE);
    activity.ends(STALLED).await;
}

#[tokio::test]
async fn a_client_that_stalls_is_not_granted_the_patience_with_an_idle_one() {
    let activity = Activity::default();
    let mut ends = Box::pin(activity.ends(STALLED));
    // It begins to wait before there is a request.
    assert!((&mut ends).now_or_never().is_none());
    let response = asked(&activity, answering(vec![1; 100_000])).await;
    let mut body = response.into_body();
    let _first = body.frame().await;
    ends.await;
}

#[tokio::test]
async fn an_answer_is_whole_in_its_pieces_and_its_length_is_known() {
    let all: Vec<u8> = (0..50_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for length in [0, 1, PIECE, PIECE + 1, 50_000] {
        let activity = Activity::default();
        let response = asked(&activity, answering(all[..length].to_vec())).await;
        let mut body = response.into_body();
        let mut taken = Vec::new();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((length - taken.len()) as u64));
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE);
            taken.extend_from_slice(&piece);
        }
        assert_eq!(taken, all[..length]);
    }
}
