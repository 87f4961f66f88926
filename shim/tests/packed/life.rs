//! The life of an instance: who it is, what it may hold and give, and when another takes its place.

use super::*;

#[tokio::test]
async fn what_a_guest_was_given_it_may_give_back() {
    let echo = r#"(func (export "pre_hook") (param $at i32) (param $length i32) (result i64)
        (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $length))))"#;
    let small = |settings: &mut PluginSettings| settings.limits.output = 10;
    let plugin = load_with(module(&[ONE_PLACE, echo]), small).await.unwrap();
    assert_eq!(call(&*plugin).await.unwrap(), None);
    let plugin = load_with(module(&[ONE_PLACE, COUNT, COUNTING_HOOK]), small)
        .await
        .unwrap();
    assert!(call(&*plugin).await.is_ok());
}

#[tokio::test]
async fn an_instance_whose_memory_is_nearly_full_makes_way_for_a_fresh_one() {
    let grow = r#"(func (export "pre_hook") (param i32 i32) (result i64)
        (drop (memory.grow (i32.const 4))) (call $count))"#;
    let pages = |settings: &mut PluginSettings| settings.limits.memory = 10 << 16;
    let plugin = load_with(module(&[ONE_PLACE, COUNT, grow]), pages).await.unwrap();
    assert_eq!(counts(&*plugin, 5).await, ["1", "2", "1", "2", "1"]);
}

#[tokio::test]
async fn the_free_of_another_allocator_is_not_called() {
    let allocators = r#"
      (func (export "plugin_malloc") (param i32) (result i32) (i32.const 65536))
      (func (export "malloc") (param i32) (result i32) unreachable)
      (func (export "free") (param i32) unreachable)"#;
    let plugin = load(&[allocators, COUNT, COUNTING_HOOK]).await;
    assert_eq!(counts(&*plugin, 2).await, ["1", "2"]);
    let mixed = allocators.replace(r#"(func (export "malloc") (param i32) (result i32) unreachable)"#, "");
    let plugin = load(&[&mixed, COUNT, COUNTING_HOOK]).await;
    assert_eq!(counts(&*plugin, 2).await, ["1", "1"]);
}

#[tokio::test]
async fn the_instance_that_told_its_name_serves_the_first_request() {
    let name = r#"(data (i32.const 3000) "hello")
        (func (export "get_name") (result i64) (drop (call $count)) (i64.const 0x0000_0bb8_0000_0005))"#;
    let plugin = load(&[ONE_PLACE, COUNT, name, COUNTING_HOOK]).await;
    assert_eq!(&*plugin.manifest().name, "hello");
    assert_eq!(counts(&*plugin, 2).await, ["2", "3"]);
}

#[tokio::test]
async fn a_name_that_can_not_stand_in_a_log_line_is_refused() {
    for (name, length) in [("a\\0ab", 3), ("a\\e2\\80\\ae", 4), ("x", 257)] {
        let name = format!(
            r#"(data (i32.const 3000) "{}{name}")
               (func (export "get_name") (result i64) (i64.const {}))"#,
            if length == 257 { "x".repeat(256) } else { String::new() },
            (3000_u64 << 32) | length
        );
        let refused = load_with(module(&[ONE_PLACE, COUNT, &name, COUNTING_HOOK]), |_| {})
            .await
            .err()
            .unwrap();
        assert!(refused.to_string().contains("as its name"), "{refused}");
    }
}

#[tokio::test]
async fn an_init_that_fails_later_is_no_answer_of_the_hook() {
    // Every second instance fails, on average.
    let text = format!(
        r#"(module (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
             (memory (export "memory") 2) {ONE_PLACE} {COUNT} {COUNTING_HOOK}
             (func (export "init") (param i32 i32) (result i32)
               (drop (call $random (i32.const 4096) (i32.const 1)))
               (i32.and (i32.load8_u (i32.const 4096)) (i32.const 1))))"#
    );
    let bytes: Bytes = wat::parse_str(text).unwrap().into();
    let fresh = |settings: &mut PluginSettings| settings.isolation = Some(Isolation::Request);
    let mut plugin = None;
    while plugin.is_none() {
        plugin = load_with(bytes.clone(), fresh).await.ok();
    }
    let plugin = plugin.unwrap();
    let failure = loop {
        if let Err(failure) = call(&*plugin).await {
            break failure;
        }
    };
    assert!(matches!(failure.cause, Cause::Instantiate(_)), "{failure}");
}
