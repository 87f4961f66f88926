//! The guard as a Wasp plugin: each hook takes the envelope as a text, and gives the answer as one. Nothing is imported.
//!
//! `init` takes the configuration as JSON; where it isn't called it is the default one.

use std::cell::RefCell;

use guard::Config;

mod memory;

use memory::{give_text, text};

const NAME: &str = "wasp";

thread_local! {
    static CONFIG: RefCell<Option<Config>> = const { RefCell::new(None) };
}

#[unsafe(no_mangle)]
pub extern "C" fn get_name() -> *mut u8 {
    give_text(env!("CARGO_PKG_NAME").as_bytes())
}

/// 0: it is a configuration, which holds from now on.
///
/// # Safety
/// As the host keeps it: a text is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn init(json: *const u8) -> i32 {
    // SAFETY: as the host keeps it.
    let config = Config::from_json(NAME, unsafe { text(json) });
    let is_none = config.is_err();
    CONFIG.set(config.ok());
    is_none.into()
}

/// # Safety
/// A text is there.
unsafe fn call(hook: &str, envelope: *const u8) -> *mut u8 {
    // SAFETY: as the caller promises.
    let envelope = unsafe { text(envelope) };
    CONFIG.with_borrow_mut(|config| {
        let config = match config {
            Some(config) => config,
            None => config.insert(Config::from_json(NAME, b"").expect("the defaults are one")),
        };
        give_text(&guard::call(config, hook, envelope).expect("it is one of the hooks"))
    })
}

macro_rules! hooks {
    ($($hook:ident),+) => {
        $(
            /// # Safety
            /// As the host keeps it: a text is there.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $hook(envelope: *const u8) -> *mut u8 {
                // SAFETY: as the host keeps it.
                unsafe { call(stringify!($hook), envelope) }
            }
        )+
    };
}

hooks!(
    http_pre_hook,
    pre_hook,
    post_hook,
    http_post_hook,
    http_stream_chunk_hook
);
