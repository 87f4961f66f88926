//! Memory that the host and the plugin give each other: texts end in a NUL, bytes begin with their length.
//!
//! The host may free a text with its length, with or without the NUL, so the true size stands before each block.

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::CStr;

const HEADER: usize = 8;

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEADER)?, HEADER).ok()
}

/// 0: there is no memory left.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(size: usize) -> *mut u8 {
    let Some(layout) = layout(size) else {
        return std::ptr::null_mut();
    };
    // SAFETY: the layout isn't empty.
    let block = unsafe { alloc(layout) };
    if block.is_null() {
        return block;
    }
    // SAFETY: there is room for the size, and the rest begins behind it.
    unsafe {
        block.cast::<usize>().write(size);
        block.add(HEADER)
    }
}

/// # Safety
/// `address` came from `allocate` and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deallocate(address: *mut u8, _size: usize) {
    if address.is_null() {
        return;
    }
    // SAFETY: as the caller promises, the header is before it, with what the layout was made of.
    unsafe {
        let block = address.sub(HEADER);
        if let Some(layout) = layout(block.cast::<usize>().read()) {
            dealloc(block, layout);
        }
    }
}

/// # Safety
/// A text that ends in a NUL is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn get_string_size(address: *const u8) -> usize {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(address.cast()) }.count_bytes()
}

/// What the host wrote as a text.
///
/// # Safety
/// A text that ends in a NUL is there, and stays for the call.
pub unsafe fn text<'a>(address: *const u8) -> &'a [u8] {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(address.cast()) }.to_bytes()
}

/// For the host, which frees it.
pub fn give_text(text: &[u8]) -> *mut u8 {
    let address = filled(text.len() + 1, 0, text);
    // SAFETY: there is one byte more than the text's.
    unsafe { address.add(text.len()).write(0) };
    address
}

/// The room, with the bytes at an offset.
pub fn filled(size: usize, offset: usize, bytes: &[u8]) -> *mut u8 {
    let address = allocate(size);
    assert!(!address.is_null(), "out of memory");
    // SAFETY: the bytes have room in what was just allocated.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address.add(offset), bytes.len()) };
    address
}
