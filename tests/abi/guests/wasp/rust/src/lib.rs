//! One function for each thing that a Wasp plugin asks of its host.

use std::cell::{Cell, RefCell};

mod memory;

use memory::*;

mod env {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        /// Makes the call fail with this text.
        pub fn raise_error(text: *const u8);
        pub safe fn add(a: i32, b: i32) -> i32;
    }
}

mod plugin {
    #[link(wasm_import_module = "plugin")]
    unsafe extern "C" {
        /// The text that it gives back is the plugin's.
        pub fn upper(text: *const u8) -> *mut u8;
    }
}

thread_local! {
    static COUNT: Cell<i32> = const { Cell::new(0) };
    /// What `grow` allocated: it stays.
    static GROWN: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// # Safety
/// As the host keeps it: a text is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn greet(name: *const u8) -> *mut u8 {
    // SAFETY: as the host keeps it.
    let name = unsafe { text(name) };
    give_text(&[b"Hello, ", name, b"!"].concat())
}

/// # Safety
/// As the host keeps it: a length is there, and as many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn echo_bytes(bytes: *const u8) -> *mut u8 {
    // SAFETY: as the host keeps it.
    let bytes = unsafe {
        let length = bytes.cast::<u32>().read_unaligned();
        std::slice::from_raw_parts(bytes, 4 + length as usize)
    };
    filled(bytes.len(), 0, bytes)
}

#[unsafe(no_mangle)]
pub extern "C" fn add(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

/// # Safety
/// As the host keeps it: a text is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fail(message: *const u8) -> *mut u8 {
    // SAFETY: as the host keeps it; the copy is the host's.
    unsafe { env::raise_error(give_text(text(message))) };
    give_text(b"of no use")
}

/// In upper case, and behind it how long it is with a NUL: both said by the host.
///
/// # Safety
/// As the host keeps it: a text is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn callback(message: *const u8) -> *mut u8 {
    // SAFETY: as the host keeps it; the copy is the host's, its result the plugin's.
    unsafe {
        let message = text(message);
        let upper = plugin::upper(give_text(message));
        let length = env::add(message.len() as i32, 1);
        let result = give_text(&[text(upper), b" ", length.to_string().as_bytes()].concat());
        deallocate(upper, 0);
        result
    }
}

/// How often it was called.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> i32 {
    COUNT.set(COUNT.get() + 1);
    COUNT.get()
}

#[unsafe(no_mangle)]
pub extern "C" fn panics() {
    panic!("panicked")
}

#[unsafe(no_mangle)]
pub extern "C" fn spin() {
    loop {
        std::hint::black_box(());
    }
}

/// Gives back how many MiB there are by now, none of which is ever freed; -1: there are no more.
#[unsafe(no_mangle)]
pub extern "C" fn grow(wanted: i32) -> i32 {
    for _ in 0..wanted {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(1 << 20).is_err() {
            return -1;
        }
        piece.resize(1 << 20, 1);
        GROWN.with_borrow_mut(|grown| grown.push(piece));
    }
    GROWN.with_borrow(Vec::len) as i32
}
