//! The HTTP server: connections, and their orderly end.

mod access;
mod admission;
mod api;
mod asked;
mod attempts;
mod begun;
mod body;
mod budget;
mod call;
mod clients;
mod connections;
mod cors;
mod door;
mod errors;
mod flag;
mod head;
mod headers;
mod health;
mod idle;
mod keep_alive;
mod listen;
mod live;
mod local;
mod metrics;
mod models;
mod outgoing;
mod parts;
mod passthrough;
mod pieces;
mod plain_path;
mod rate;
mod refresh;
mod route;
mod router;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use heimdall_host::pipeline::Pipeline;

use crate::observe::Observation;
use crate::plugins::{FailedPlugin, Version};
use crate::upstream::Upstreams;
use crate::workers;

pub(crate) use asked::Asked;
pub(crate) use attempts::told_with_success;
use budget::Budget;
pub(crate) use call::in_shape;
pub(crate) use clients::Clients;
pub(crate) use connections::{Terms, serve};
pub(crate) use cors::Cors;
pub(crate) use door::{Door, Peer};
pub(crate) use errors::{message_of, response as error_response};
pub(crate) use flag::Flag;
pub(crate) use head::HeadLimits;
pub(crate) use headers::{for_client, for_upstream};
pub(crate) use listen::{bind, listen};
pub(crate) use live::{Held, Live};
pub(crate) use local::foreign;
pub(crate) use parts::Parts;
pub(crate) use refresh::{refresh, refresh_certificate, refresh_keys};
pub(crate) use route::{call_kind, is_own_path};
pub(crate) use tls::Tls;

/// What every request needs, as the configuration has it that served when the request began.
pub(crate) struct App {
    pub(crate) pipeline: Arc<Pipeline>,
    /// Which version each of its plugins is, in order.
    pub(crate) versions: Vec<Version>,
    pub(crate) upstreams: Arc<Upstreams>,
    /// Plugins that the configuration has and this process does not.
    pub(crate) failed: Vec<FailedPlugin>,
    /// Bytes that a request's body may have.
    pub(crate) max_body: usize,
    /// Bytes that the bodies of all requests under way may have.
    pub(crate) bodies: Arc<Budget>,
    /// How long a client may take to send it.
    pub(crate) body_timeout: Duration,
    /// How large a request's head may be.
    pub(crate) head_limits: HeadLimits,
    /// Who may call.
    pub(crate) clients: Arc<Clients>,
    /// Whether only this machine's own programs are answered, and pages of these origins.
    pub(crate) local_only: bool,
    /// Web pages of other origins that may call.
    pub(crate) cors: Cors,
    /// Whether requests may go on no longer.
    pub(crate) cut_off: Arc<Flag>,
    /// Whether clients are to go elsewhere.
    pub(crate) drain: Arc<Flag>,
    /// What is counted of the process.
    pub(crate) observation: Arc<Observation>,
    /// By whom it is held.
    pub(crate) held: Held,
}

impl App {
    /// Whether there are several plugins that calls may have to wait for: with no more instances than there are threads.
    ///
    /// A thread with calls of its own for one of them has no hand free for another's, which then waits with it while other threads
    /// have nothing to do: four legacy plugins with one instance each served a sixth less. With one it served more.
    fn has_several_scarce(&self) -> bool {
        let plugins = self.pipeline.plugins().iter();
        let scarce = plugins.filter(|loaded| (1..=workers::count()).contains(&loaded.plugin.usage().most));
        scarce.count() > 1
    }
}
