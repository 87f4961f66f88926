//! How the host reaches the plugin: it writes its input into memory from `malloc`, and finds the output at a pointer
//! (upper 32 bits of what a function returns) with a length (lower 32 bits).

use crate::{guard, hooks};

#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: u32) -> *mut u8 {
    Box::into_raw(vec![0_u8; size as usize].into_boxed_slice()).cast()
}

/// # Safety
/// `address` came from `malloc` with this very size, or from a hook that returned it as the length, and has not been
/// freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(address: *mut u8, size: u32) {
    // SAFETY: as the caller promises, this is the box.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(address, size as usize)) });
}

/// The host's input. It passes (0, 0) for an empty one.
fn input<'a>(address: *const u8, length: u32) -> &'a [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: the host wrote `length` bytes there, and keeps them until the hook has returned.
    unsafe { std::slice::from_raw_parts(address, length as usize) }
}

fn output(bytes: Vec<u8>) -> u64 {
    let length = bytes.len() as u64;
    let address = Box::into_raw(bytes.into_boxed_slice()).cast::<u8>();
    (address as u64) << 32 | length
}

#[unsafe(no_mangle)]
pub extern "C" fn get_name() -> u64 {
    output(env!("CARGO_PKG_NAME").into())
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
pub extern "C" fn http_transport_intercept(context: *const u8, c: u32, request: *const u8, r: u32) -> u64 {
    output(hooks::http_transport_intercept(input(context, c), input(request, r)))
}

#[unsafe(no_mangle)]
pub extern "C" fn pre_hook(context: *const u8, c: u32, request: *const u8, r: u32) -> u64 {
    output(hooks::pre_hook(input(context, c), input(request, r)))
}

#[unsafe(no_mangle)]
pub extern "C" fn post_hook(context: *const u8, c: u32, response: *const u8, r: u32, error: *const u8, e: u32) -> u64 {
    output(hooks::post_hook(input(context, c), input(response, r), input(error, e)))
}
