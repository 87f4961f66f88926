//! Every fault that the host survives, one test for each at least, against the real host with real modules, of both kinds
//! where it exists in both.
//!
//! What holds always is in [`world`]: each test runs between healthy plugins. The faults are in [`table`], from which
//! `docs/faults.md` is generated.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails by a panic says what is wrong"
)]

mod abi;
mod cpu;
mod data;
#[path = "../../host/tests/component/guest.rs"]
#[expect(dead_code, reason = "the host's own tests build guests of more kinds")]
mod guest;
mod guests;
mod healthy;
mod lifecycle;
#[path = "../tests/host/lines.rs"]
mod lines;
mod memory;
#[path = "../abi/faults/table.rs"]
#[expect(
    dead_code,
    reason = "the tests of these plugins see that those that it names are there"
)]
mod other_hosts;
mod page;
mod process;
#[path = "../tests/gateway/support.rs"]
#[expect(dead_code, reason = "the gateway's own tests use all of it")]
mod requests;
mod served;
#[path = "../tests/gateway/site.rs"]
#[expect(dead_code, reason = "the gateway's own tests use all of it")]
mod site;
#[path = "../tests/host/support.rs"]
#[expect(dead_code, reason = "the host's own tests use all of it")]
mod support;
mod table;
mod ticks;
#[path = "../tests/host/typed.rs"]
#[expect(dead_code, reason = "the host's own tests build hooks of more kinds")]
mod typed;
mod world;
