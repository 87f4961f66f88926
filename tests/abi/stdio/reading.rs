//! Standard input: when a read comes back with nothing, and when it waits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use heimdall_host::functions::{HostFunctions, Json};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::command::{ANSWER, READ, command};
use super::kit_with;
use crate::support::load;

/// Counts how often a future is polled.
struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicUsize>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        self.future.as_mut().poll(context)
    }
}

/// On one thread, so that the call is polled as often as it asks for it while this test does something else.
#[tokio::test]
async fn a_plugin_that_waits_for_its_host_costs_nothing() {
    let (reached, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (reaches, waits) = (reached.clone(), gate.clone());
    let functions = HostFunctions::new().function("host", "wait", move |_: Json<Value>| {
        let (reaches, waits) = (reaches.clone(), waits.clone());
        async move {
            reaches.notify_one();
            waits.notified().await;
            Ok("done".to_owned())
        }
    });
    let plugin = kit_with(functions).await;
    let polls = Arc::new(AtomicUsize::new(0));
    let future = async move {
        plugin
            .call::<Json<Value>>("call_host", Json(json!([["wait", null]])))
            .await
    };
    let called = tokio::spawn(Counted {
        future: Box::pin(future),
        polls: polls.clone(),
    });
    reached.notified().await;
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    let waited = polls.load(Ordering::SeqCst);
    assert!(waited < 100, "{waited} polls");
    gate.notify_one();
    let Json(result) = called.await.unwrap().unwrap();
    assert_eq!(result, json!(["done"]));
}

/// How many reads in a row found nothing before one waited is told by its answer.
#[tokio::test]
async fn sixteen_reads_in_a_row_find_nothing_and_the_next_one_waits() {
    let request = (
        "request",
        1,
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"wait\",\"params\":null}\n",
    );
    let start = format!(
        r#"(local $empty i32)
        (drop (call $read_line))
        (call $request)
        (loop $next
          (if (i32.eq (call $read_once (i32.const {READ})) (i32.const 6))
            (then (local.set $empty (i32.add (local.get $empty) (i32.const 1))) (br $next))))
        (if (i32.ne (local.get $empty) (i32.const 16)) (then unreachable))
        (call $answer)"#
    );
    let gate = Arc::new(Notify::new());
    let waits = gate.clone();
    let functions = HostFunctions::new().function("host", "wait", move || {
        let waits = waits.clone();
        async move {
            waits.notified().await;
            Ok(())
        }
    });
    let plugin = load(command(&[request, ANSWER], &start), |settings| {
        settings.host_functions = functions
    });
    let plugin = plugin.await.unwrap();
    let called = tokio::spawn(async move { plugin.call::<()>("any", ()).await });
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    called.await.unwrap().unwrap();
}

/// The guest reads 50 bytes of each answer at a time and trips over any read within a line that brings nothing.
#[tokio::test]
async fn within_a_line_no_read_finds_nothing() {
    let request = (
        "request",
        1,
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"long\",\"params\":null}\n",
    );
    let start = format!(
        r#"(local $left i32) (local $error i32) (local $inside i32)
        (drop (call $read_line))
        (local.set $left (i32.const 20))
        (loop $requests
          (call $request)
          (local.set $inside (i32.const 0))
          (loop $bytes
            (local.set $error (call $read_once (i32.const {READ})))
            (if (local.get $error)
              (then
                (if (local.get $inside) (then unreachable))
                (br $bytes)))
            (local.set $inside (i32.const 1))
            (br_if $bytes (i32.ne (i32.load8_u (i32.const {READ})) (i32.const 10))))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $requests (local.get $left)))
        (call $answer)"#
    );
    let functions = HostFunctions::new().function("host", "long", async || {
        tokio::task::yield_now().await;
        Ok("long ".repeat(100))
    });
    let plugin = load(command(&[request, ANSWER], &start), |settings| {
        settings.host_functions = functions
    });
    plugin.await.unwrap().call::<()>("any", ()).await.unwrap();
}

/// What WASI's functions give for what is out of bounds, or no stream.
#[tokio::test]
async fn places_outside_of_the_memory_are_told_and_nothing_else_happens() {
    const FAULT: u32 = 21;
    let past = 16 * 65_536 - 4;
    for (call, error) in [
        (
            "$fd_read (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)".to_owned(),
            8,
        ),
        (
            "$fd_read (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8)".to_owned(),
            8,
        ),
        (
            "$fd_write (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)".to_owned(),
            8,
        ),
        (
            "$fd_write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8)".to_owned(),
            8,
        ),
        (
            "$fd_write (i32.const -1) (i32.const 0) (i32.const 1) (i32.const 8)".to_owned(),
            8,
        ),
        (
            format!("$fd_read (i32.const 0) (i32.const {past}) (i32.const 1) (i32.const 8)"),
            FAULT,
        ),
        (
            format!("$fd_write (i32.const 1) (i32.const {past}) (i32.const 1) (i32.const 8)"),
            FAULT,
        ),
        (
            "$fd_write (i32.const 1) (i32.const -1) (i32.const 1) (i32.const 8)".to_owned(),
            FAULT,
        ),
        (
            "$fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)".to_owned(),
            FAULT,
        ),
        (
            "$fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8)".to_owned(),
            FAULT,
        ),
        (
            "$fd_write (i32.const 1) (i32.const 24) (i32.const 1) (i32.const 8)".to_owned(),
            FAULT,
        ),
        (
            "$fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const -2)".to_owned(),
            FAULT,
        ),
        (
            "$fd_read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -2)".to_owned(),
            FAULT,
        ),
        (
            "$fd_write (i32.const 1) (i32.const 0) (i32.const 1025) (i32.const 8)".to_owned(),
            28,
        ),
        (
            "$fd_read (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)".to_owned(),
            28,
        ),
        (
            "$fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 8)".to_owned(),
            0,
        ),
        (
            "$fd_read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)".to_owned(),
            0,
        ),
    ] {
        // A vector behind the memory's end at 16, and one whose end is at 24.
        let start = format!(
            "(i32.store (i32.const 16) (i32.const -16)) (i32.store (i32.const 20) (i32.const 1))
            (i32.store (i32.const 24) (i32.const 100)) (i32.store (i32.const 28) (i32.const -1))
            (if (i32.ne (call {call}) (i32.const {error})) (then unreachable))
            (drop (call $read_line))
            (call $answer)"
        );
        let plugin = load(command(&[ANSWER], &start), |_| {}).await.unwrap();
        plugin
            .call::<()>("any", ())
            .await
            .unwrap_or_else(|error| panic!("{call}: {error}"));
    }
}
