//! What every Store of a plugin carries, whatever the plugin's kind: its limits, the context of the request that it
//! serves, WASI without anything outside of it, and its log lines.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::account::Account;
use super::giving_way::give_way;
use super::journal::{Channel, Journal, escape_line};
use super::limiter::Limiter;
use super::live::Presence;
use super::stdio::Printer;
use super::wasi::World;
use crate::failure::Cause;
use crate::limits::Limits;
use crate::model::Context;
use crate::plugin::Logged;

/// What a Store is doing before any hook.
const START: &str = "start";

/// Files that a guest may have open at once: each is one of the process's.
const OPEN_FILES: usize = 256;

/// The most random bytes that a guest gets from one call: more than any key, less than a flood.
pub(super) const RANDOM_BYTES: u64 = 64 << 10;

/// The most bytes that a plugin's name may have.
const NAME_BYTES: usize = 256;

/// The name that a guest gives itself, if it can stand in a log line.
///
/// # Errors
/// [`Cause::InvalidOutput`] for a long one, and for one with control characters.
pub fn own_name(name: &str) -> Result<Arc<str>, Cause> {
    let invalid = |what: String| Err(Cause::InvalidOutput(format!("as its name, {what}")));
    if name.len() > NAME_BYTES {
        return invalid(format!("a text of {} bytes, {NAME_BYTES} are allowed", name.len()));
    }
    if name.contains('\t') || escape_line(name, NAME_BYTES) != name {
        return invalid(format!("the text {name:?}, which has a control character"));
    }
    Ok(name.into())
}

/// A Store's data, of which the tenant is a part.
pub trait HasTenant: Send + 'static {
    /// That part.
    fn tenant(&mut self) -> &mut Tenant;
}

/// The part of a Store's data that doesn't depend on the kind of plugin.
pub struct Tenant {
    account: Account,
    hook: Cow<'static, str>,
    /// The request's; the default outside of one.
    context: Context,
    limiter: Limiter,
    /// What the guest was lent.
    table: ResourceTable,
    journal: Arc<Mutex<Journal>>,
    /// Whether the journal knows of this call. Where the guest has no streams that it could print to, that is put off until
    /// something is logged: it takes a lock, and most calls log nothing.
    is_told: bool,
    /// Whether the guest may have written since the call began: most calls write nothing, and need no lock at their end.
    has_written: Arc<AtomicBool>,
    /// What the plugin had logged for the request before this call.
    logged: Logged,
    environment: Arc<[(String, String)]>,
    /// Made when the guest asks for it, which guests of some kits never do: it takes a tenth of a new instance's time.
    wasi: Option<Box<WasiP1Ctx>>,
    presence: Option<Presence>,
    /// Whether a tick fell into this call.
    has_ticked: bool,
}

impl Tenant {
    /// For one Store of this plugin, whose guest has neither files nor an environment.
    pub fn new(account: &Account) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(account.limits().handles);
        Tenant {
            account: account.clone(),
            hook: Cow::Borrowed(START),
            context: Context::default(),
            limiter: Limiter::new(account.limits(), account.counters()),
            table,
            journal: Arc::new(Mutex::new(Journal::new(account))),
            is_told: false,
            has_written: Arc::new(AtomicBool::new(false)),
            logged: Logged::default(),
            environment: Arc::default(),
            wasi: None,
            presence: None,
            has_ticked: false,
        }
    }

    /// For one Store of this plugin, whose guest sees this of the world.
    ///
    /// # Errors
    /// [`Cause::Instantiate`] where a directory can't be opened.
    pub fn in_world(account: &Account, world: &World) -> Result<Self, Cause> {
        let mut tenant = Tenant::new(account);
        tenant.environment = world.environment.clone();
        if !world.directories.is_empty() {
            let streams = Streams(&tenant.journal, &tenant.has_written);
            let mut wasi = streams.connected(account, world.wasi()?, &world.environment);
            let files = world.directories.len().saturating_add(OPEN_FILES);
            wasi.ctx().table.set_max_capacity(files.min(account.limits().handles));
            tenant.wasi = Some(wasi);
        }
        Ok(tenant)
    }

    /// The plugin's name.
    pub fn plugin(&self) -> &Arc<str> {
        self.account.plugin()
    }

    /// Whose it is.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// From now on the plugin has the name of this account, which its guest has told.
    pub fn rename(&mut self, account: &Account) {
        self.account = account.clone();
        self.journal().rename(account);
    }

    /// It is counted among those that live, to its end.
    pub(super) fn live(&mut self, presence: Presence) {
        self.presence = Some(presence);
    }

    /// The hook that is being called.
    pub fn hook(&self) -> &str {
        &self.hook
    }

    /// What the plugin may use.
    pub fn limits(&self) -> &Limits {
        self.account.limits()
    }

    /// The draft of the request's context. Outside of a request it is empty and takes nothing.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The draft, to be edited.
    pub fn context_mut(&mut self) -> &mut Context {
        &mut self.context
    }

    /// Writes a log line of the plugin.
    pub fn log(&mut self, level: tracing::Level, message: &str, fields: &[(String, String)]) {
        self.has_written.store(true, Ordering::Relaxed);
        self.told_journal().line(level, message, fields);
    }

    /// What the guest prints to its standard error, where its kind has the standard streams in its own hands.
    pub fn print_error(&mut self, bytes: &[u8]) {
        self.has_written.store(true, Ordering::Relaxed);
        self.told_journal().print(Channel::Err, bytes);
    }

    /// The host's resources that the guest holds handles of; WASI has its own.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// WASI 0.2, for an implementation of [`WasiView`].
    pub fn wasi(&mut self) -> WasiCtxView<'_> {
        self.wasi_preview1().ctx()
    }

    /// WASI preview 1.
    pub(super) fn wasi_preview1(&mut self) -> &mut WasiP1Ctx {
        if self.wasi.is_none() {
            // What prints from here on knows no call.
            drop(self.told_journal());
        }
        let streams = Streams(&self.journal, &self.has_written);
        self.wasi
            .get_or_insert_with(|| streams.connected(&self.account, WasiCtx::builder(), &self.environment))
    }

    /// What the guest finds in its environment.
    pub(super) fn environment(&self) -> &Arc<[(String, String)]> {
        &self.environment
    }

    /// Whether the guest was denied memory since the call began.
    pub fn memory_denied(&self) -> bool {
        self.limiter.memory_denied()
    }

    /// Bytes of linear memory, the sum over all memories.
    pub fn memory_used(&self) -> usize {
        self.limiter.memory_used()
    }

    pub(super) fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.limiter
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal, which knows of this call.
    fn told_journal(&mut self) -> MutexGuard<'_, Journal> {
        let is_told = std::mem::replace(&mut self.is_told, true);
        let mut journal = self.journal();
        if !is_told {
            journal.begin(self.hook.clone(), self.context.request_id(), self.logged);
        }
        journal
    }

    fn begin(&mut self, hook: Cow<'static, str>, context: Context, logged: Logged) {
        self.context = context;
        self.logged = logged;
        self.limiter.begin(hook == START);
        self.hook = hook;
        self.has_ticked = false;
        self.is_told = false;
        if self.wasi.is_some() {
            drop(self.told_journal());
        }
    }

    /// What a guest does at a tick. The first one of a call tells nothing of how long it ran: most that see one are short.
    pub(super) fn tick(&mut self) -> UpdateDeadline {
        match std::mem::replace(&mut self.has_ticked, true) {
            false => UpdateDeadline::Yield(1),
            true => UpdateDeadline::YieldCustom(1, Box::pin(give_way())),
        }
    }

    fn end(&mut self) -> (Context, Logged) {
        let logged = match self.has_written.load(Ordering::Relaxed) {
            true => {
                self.has_written.store(false, Ordering::Relaxed);
                self.told_journal().end()
            }
            false => std::mem::take(&mut self.logged),
        };
        (std::mem::take(&mut self.context), logged)
    }
}

/// Where what a guest prints goes.
struct Streams<'a>(&'a Arc<Mutex<Journal>>, &'a Arc<AtomicBool>);

impl Streams<'_> {
    /// WASI with them, and nothing that a plugin must not have.
    fn connected(
        &self,
        account: &Account,
        mut wasi: WasiCtxBuilder,
        environment: &[(String, String)],
    ) -> Box<WasiP1Ctx> {
        let printer = |channel| Printer {
            journal: self.0.clone(),
            has_written: self.1.clone(),
            channel,
        };
        wasi.envs(environment)
            .stdout(printer(Channel::Out))
            .stderr(printer(Channel::Err))
            .allow_tcp(false)
            .allow_udp(false)
            .max_random_size(RANDOM_BYTES);
        let mut wasi = Box::new(wasi.build_p1());
        wasi.ctx().table.set_max_capacity(account.limits().handles);
        wasi
    }
}

impl Drop for Tenant {
    /// What was printed last is what explains a call that never came to its end.
    fn drop(&mut self) {
        let _logged = self.journal().end();
    }
}

/// As many steps as one call may take, where they are counted.
pub(super) fn refuel<T: HasTenant>(store: &mut Store<T>) {
    if let Some(fuel) = store.data_mut().tenant().limits().fuel {
        // It is refused only by an engine that counts none, and one that does is what such a plugin is compiled for.
        let _counted = store.set_fuel(fuel);
    }
}

/// Before a call into a guest: the draft of the context moves in, the budgets of a call start anew. `logged`: what the plugin
/// has logged for this request before.
pub fn begin_call<T: HasTenant>(
    store: &mut Store<T>,
    hook: impl Into<Cow<'static, str>>,
    context: Context,
    logged: Logged,
) {
    // The tick at which an idle Store would have yielded has long passed.
    store.set_epoch_deadline(1);
    refuel(store);
    store.data_mut().tenant().begin(hook.into(), context, logged);
}

/// After a call, however it ended: what was printed is logged, the draft of the context moves out, and what was logged for
/// the request up to now.
pub fn end_call<T: HasTenant>(store: &mut Store<T>) -> (Context, Logged) {
    store.data_mut().tenant().end()
}
