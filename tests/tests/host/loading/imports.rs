//! Imports that nobody offers.

use super::*;
use crate::guest::Guest;

#[tokio::test]
async fn imports_that_nobody_offers() {
    let import = |text: &str| legacy(&[text, MEMORY, MALLOC, HOOK]);
    let typed = |names: &[&'static str]| {
        let guest = Guest::new().package(
            "package acme:billing@1.0.0; interface meter { count: func(); } interface ledger { count: func(); }",
        );
        let guest = names.iter().fold(guest, |guest, name| {
            let interface = format!("acme:billing/{name}@1.0.0");
            guest
                .world(&format!("import {interface};"))
                .import(&interface, "count", name, "")
        });
        guest.build()
    };
    let page = page([
        (
            "legacy: one",
            import(r#"(import "env" "http_get" (func (param i32 i32) (result i32)))"#),
        ),
        (
            "legacy: several",
            import(
                r#"(import "env" "http_get" (func (param i32) (result i64)))
                    (import "wasi_snapshot_preview2" "fd_write" (func (param i32)))
                    (import "wasi_snapshot_preview1" "thread_spawn" (func (param i32) (result i32)))
                    (import "env" "abort" (func (param i32 i32 i32 i32)))
                    (import "env" "table" (table 1 funcref))"#,
            ),
        ),
        (
            "legacy: a memory",
            legacy(&[
                r#"(import "env" "memory" (memory 2)) (export "memory" (memory 0))"#,
                MALLOC,
                HOOK,
            ]),
        ),
        (
            "legacy: another type",
            import(r#"(import "env" "abort" (func (param i32)))"#),
        ),
        ("typed: one", typed(&["meter"])),
        ("typed: several", typed(&["meter", "ledger"])),
    ])
    .await;
    insta::assert_snapshot!(page);
}
