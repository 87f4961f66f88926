//! How the host reaches the plugin: it writes its input into memory from `plugin_malloc`, and finds the output at a
//! pointer (upper 32 bits of what a function returns) with a length (lower 32 bits).

use std::alloc::{Layout, alloc, dealloc};
use std::ptr;

use crate::{guard, hooks};

/// `plugin_free` gets no size: it stands in front of what was allocated.
const HEADER: usize = 8;

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEADER)?, HEADER).ok()
}

#[unsafe(no_mangle)]
pub extern "C" fn plugin_malloc(size: u32) -> *mut u8 {
    let Some(layout) = layout(size as usize) else {
        return ptr::null_mut();
    };
    // SAFETY: the layout is never empty, and the header lies within it, aligned.
    unsafe {
        let start = alloc(layout);
        if start.is_null() {
            return start;
        }
        start.cast::<u32>().write(size);
        start.add(HEADER)
    }
}

/// # Safety
/// `address` is null or came from `plugin_malloc` and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plugin_free(address: *mut u8) {
    if address.is_null() {
        return;
    }
    // SAFETY: as the caller promises, there is a header in front.
    unsafe {
        let start = address.sub(HEADER);
        if let Some(layout) = layout(start.cast::<u32>().read() as usize) {
            dealloc(start, layout);
        }
    }
}

/// The host's input. It passes (0, 0) for an empty one.
fn input<'a>(address: *const u8, length: u32) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the host wrote `length` bytes there, and keeps them until the hook has returned.
    unsafe { std::slice::from_raw_parts(address, length as usize) }
}

fn output(bytes: &[u8]) -> u64 {
    let address = plugin_malloc(bytes.len() as u32);
    if address.is_null() {
        return 0;
    }
    // SAFETY: both have room for that many bytes, and the new one overlaps nothing.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address, bytes.len()) };
    (address as u64) << 32 | bytes.len() as u64
}

#[unsafe(no_mangle)]
pub extern "C" fn get_name() -> u64 {
    output(env!("CARGO_PKG_NAME").as_bytes())
}

#[unsafe(no_mangle)]
pub extern "C" fn init(address: *const u8, length: u32) -> i32 {
    guard::configure(input(address, length)).is_err() as i32
}

#[unsafe(no_mangle)]
pub extern "C" fn cleanup() -> i32 {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn http_intercept(address: *const u8, length: u32) -> u64 {
    output(&hooks::http_intercept(input(address, length)))
}

#[unsafe(no_mangle)]
pub extern "C" fn pre_hook(address: *const u8, length: u32) -> u64 {
    output(&hooks::pre_hook(input(address, length)))
}

#[unsafe(no_mangle)]
pub extern "C" fn post_hook(address: *const u8, length: u32) -> u64 {
    output(&hooks::post_hook(input(address, length)))
}
