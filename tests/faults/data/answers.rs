//! What a guest may say instead of what it should: as the answer of a legacy hook, or as an answer in the provider's shape
//! that a typed one gives.

use bytes::Bytes;
use heimdall_host::counters::CauseKind;

use crate::guest::DATA;
use crate::guests::*;
use crate::world::*;

/// Where a guest's answer lies: beyond what the guest itself needs.
const PLACE: usize = DATA + 1024;

fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

/// Gives these bytes at its second call.
fn giving(kind: Kind, bytes: &[u8]) -> Bytes {
    match kind {
        Kind::Typed => {
            let text = PLACE + 64;
            // Ok, an answer, in the provider's shape.
            typed(&format!("(return (i32.const {PLACE}))"))
                .words(PLACE, &[0, 1, 1, word(text), word(bytes.len())])
                .data(text, bytes)
                .build()
        }
        Kind::Legacy => {
            let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            let packed = (PLACE as u64) << 32 | bytes.len() as u64;
            let data = format!("(data (i32.const {PLACE}) \"{escaped}\")");
            faulty(kind, &data, &format!("(return (i64.const {packed}))"))
        }
    }
}

/// Each of these, given by a guest of either kind, fails its call.
async fn fail(world: &World, answers: &[&[u8]]) {
    for kind in KINDS {
        for bytes in answers {
            world.fails(&giving(kind, bytes), CauseKind::InvalidOutput).await;
        }
    }
}

/// Its second call goes on, and leaves this count.
async fn goes_on(world: &World, guest: &Bytes, count: Option<u32>) {
    let pipeline = world.load(guest, |_| {}).await;
    assert_eq!(world.count(&pipeline).await, Some(1));
    assert_eq!(world.count(&pipeline).await, count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_53_text_that_is_no_utf_8() {
    let answer = b"{\"a\":\"\xff\xfe\"}";
    surrounded(async |world| {
        world
            .fails(&giving(Kind::Legacy, answer), CauseKind::InvalidOutput)
            .await;
        // The component model knows of no such text.
        world.fails(&giving(Kind::Typed, answer), CauseKind::Trap).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_54_json_that_is_none_or_cut_off_or_has_more_behind_it() {
    surrounded(async |world| {
        fail(
            world,
            &[b"no", b"{\"a\":", b"{}x", b"{} {}", b"{\"a\":'b'}", b"[1]", b"7"],
        )
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_55_nan_and_infinity() {
    surrounded(async |world| {
        fail(world, &[b"{\"a\":NaN}", b"{\"a\":Infinity}", b"{\"a\":-Infinity}"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_56_json_nested_deeper_than_128() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    // Whether or not it is closed.
    let (deep, open) = (nested(128), b"[".repeat(100_000));
    surrounded(async |world| {
        fail(world, &[&deep]).await;
        // The object itself is one level. It says nothing that the host knows.
        goes_on(world, &giving(Kind::Legacy, &nested(127)), None).await;
        for kind in KINDS {
            world.fails(&giving(kind, &open), CauseKind::InvalidOutput).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_57_members_twice_in_what_a_guest_gives() {
    surrounded(async |world| {
        fail(world, &[b"{\"a\":1,\"a\":2}", b"{\"a\":{\"b\":1,\"\\u0062\":2}}"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_59_wrong_types_and_unknown_members() {
    surrounded(async |world| {
        for wrong in [
            r#"{"request":5}"#,
            r#"{"context":5}"#,
            r#"{"context":{"edited":1},"request":{"model":"edited","input":5}}"#,
            r#"{"short_circuit":"yes"}"#,
        ] {
            world
                .fails(&giving(Kind::Legacy, wrong.as_bytes()), CauseKind::InvalidOutput)
                .await;
        }
        // What no generation of the envelope has is left out.
        let unknown = giving(Kind::Legacy, br#"{"context":{"n":2},"unknown":{"a":[1]}}"#);
        goes_on(world, &unknown, Some(2)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_66_a_plugin_that_contradicts_itself() {
    let answer =
        r#""response":{"chat_response":{"choices":[{"index":0,"message":{"role":"assistant","content":"a"}}]}}"#;
    let error = r#""error":{"error":{"message":"no"}}"#;
    surrounded(async |world| {
        for contradiction in [
            format!(r#"{{"short_circuit":{{{answer},{error}}}}}"#),
            r#"{"has_short_circuit":true,"request":{"model":"edited"}}"#.to_owned(),
            r#"{"has_short_circuit":true,"short_circuit":{}}"#.to_owned(),
        ] {
            world
                .fails(
                    &giving(Kind::Legacy, contradiction.as_bytes()),
                    CauseKind::InvalidOutput,
                )
                .await;
        }
        // By its type a typed outcome is one thing. There is no fourth case.
        let neither = typed(&format!("(return (i32.const {PLACE}))")).words(PLACE, &[0, 3]);
        world.fails(&neither.build(), CauseKind::Trap).await;
    })
    .await;
}
