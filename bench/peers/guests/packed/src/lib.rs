//! The packed ABI: bytes at an address from `malloc`, and as the result an address (upper 32 bits) with a length (lower).
//!
//! `echo` and `edit_chat` are for those who call a core module by hand. `pre_hook` is what Heimdall calls; its `init` says
//! which of the two it does.

use std::sync::atomic::{AtomicBool, Ordering};

use peer_edit::edit;

static EDITS: AtomicBool = AtomicBool::new(false);

#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: u32) -> *mut u8 {
    Box::into_raw(vec![0_u8; size as usize].into_boxed_slice()).cast()
}

/// # Safety
/// `address` came from `malloc` with this size, or from a function that returned it with this length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(address: *mut u8, size: u32) {
    // SAFETY: as the caller promises, this is the box.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(address, size as usize)) });
}

fn input<'a>(address: *const u8, length: u32) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the host wrote `length` bytes there, and keeps them until the function has returned.
    unsafe { std::slice::from_raw_parts(address, length as usize) }
}

fn output(bytes: Vec<u8>) -> u64 {
    let length = bytes.len() as u64;
    let address = Box::into_raw(bytes.into_boxed_slice()).cast::<u8>();
    (address as u64) << 32 | length
}

#[unsafe(no_mangle)]
pub extern "C" fn init(address: *const u8, length: u32) -> i32 {
    let config = input(address, length);
    EDITS.store(config.windows(4).any(|part| part == b"edit"), Ordering::Relaxed);
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn pre_hook(address: *const u8, length: u32) -> u64 {
    let given = input(address, length);
    output(match EDITS.load(Ordering::Relaxed) {
        true => edited(given, "/request/input"),
        false => given.to_vec(),
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn echo(address: *const u8, length: u32) -> u64 {
    output(input(address, length).to_vec())
}

#[unsafe(no_mangle)]
pub extern "C" fn edit_chat(address: *const u8, length: u32) -> u64 {
    output(edited(input(address, length), "/messages"))
}

/// What is no JSON is told in the member in which a host looks for it.
fn edited(given: &[u8], messages: &str) -> Vec<u8> {
    edit(given, messages).unwrap_or_else(|_| br#"{"error":"no JSON"}"#.to_vec())
}
