//! What stands before and behind the plugins while requests are served: the address, who may call, where calls go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use super::{Exit, Failed};
use crate::banner::Banner;
use crate::config::{Config, Origin};
use crate::plugins::Plugins;
use crate::server::{self, App, Clients, Cors, Current, HeadLimits, Terms, Tls};
use crate::upstream::Upstreams;

/// How long hooks may go on when every connection is over, before plugins are retired.
const LAST_HOOKS: Duration = Duration::from_secs(5);

/// Connections that may wait to be taken.
const BACKLOG: u32 = 1024;

/// A configuration but for its plugins, checked.
pub(super) struct Front {
    config: Config,
    upstreams: Upstreams,
    access: Access,
}

/// What tells who may call.
pub(super) struct Access {
    clients: Arc<Clients>,
    tls: Option<Arc<Tls>>,
}

impl Access {
    pub(super) fn read(config: &Config) -> anyhow::Result<Access> {
        let tls = config.tls.as_ref().map(Tls::read).transpose()?;
        Ok(Access {
            clients: Arc::new(Clients::read(config)?),
            tls: tls.map(Arc::new),
        })
    }
}

impl Front {
    /// # Errors
    /// When the configuration can't be served with.
    pub(super) fn new(config: Config) -> Result<Front, Failed> {
        // TLS needs one implementation of cryptography, chosen once. It is only refused where one is chosen already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let usage = |error| Failed::new(Exit::Usage, error);
        Ok(Front {
            upstreams: Upstreams::new(&config).map_err(usage)?,
            access: Access::read(&config).map_err(usage)?,
            config,
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Takes the address; connections are refused until [`Front::open`].
    pub(super) fn bind(&self) -> anyhow::Result<TcpSocket> {
        let address = self.config.listen;
        let bind = || {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok::<_, std::io::Error>(socket)
        };
        bind().with_context(|| format!("the address {address} can't be listened on (`listen`, or `--listen`)"))
    }

    /// Listens; connections wait until [`Open::serve`].
    pub(super) fn open(self, socket: TcpSocket, plugins: Plugins) -> anyhow::Result<Open> {
        let Front {
            config,
            upstreams,
            access,
        } = self;
        let head_limits = HeadLimits {
            headers: config.max_headers,
            bytes: config.max_header_kib.saturating_mul(1 << 10),
        };
        let app = Arc::new(App {
            pipeline: Current::new(plugins.pipeline),
            upstreams,
            failed: plugins.failed,
            max_body: config.max_body_mib.saturating_mul(1 << 20),
            bodies: server::Budget::new(config.max_bodies_mib.max(config.max_body_mib).saturating_mul(1 << 20)),
            body_timeout: Duration::from_millis(config.body_timeout_ms),
            head_limits,
            local_only: config.auth.is_none() && !access.clients.are_asked(),
            clients: access.clients.clone(),
            cors: Cors::new(&config.cors),
            cut_off: CancellationToken::new(),
        });
        let terms = Terms {
            max_connections: config.max_connections,
            head_limits,
            head_timeout: Duration::from_millis(config.head_timeout_ms),
            write_timeout: Duration::from_millis(config.write_timeout_ms),
            tls: access.tls.clone(),
            grace: Duration::from_millis(config.shutdown_timeout_ms),
            cut_off: app.cut_off.clone(),
        };
        let listener = socket
            .listen(BACKLOG)
            .with_context(|| format!("the address {} can't be listened on", config.listen))?;
        let address = listener.local_addr().context("the address can't be told")?;
        Ok(Open {
            app,
            access,
            terms,
            listener,
            address,
        })
    }
}

/// An address that is listened on, with everything that requests need.
pub(super) struct Open {
    pub(super) app: Arc<App>,
    access: Access,
    terms: Terms,
    listener: TcpListener,
    address: SocketAddr,
}

impl Open {
    pub(super) fn banner<'a>(&'a self, origin: &'a Origin) -> Banner<'a> {
        Banner {
            address: self.address,
            origin,
            scheme: if self.access.tls.is_some() { "https" } else { "http" },
            app: &self.app,
        }
    }

    /// Serves until a signal asks it to stop, lets requests that are under way end, and retires the plugins.
    pub(super) async fn serve(self, signals: &Signals) {
        let Open {
            app,
            access,
            terms,
            listener,
            ..
        } = self;
        tokio::spawn(server::refresh(access.clients, access.tls, signals.stop.clone()));
        server::serve(listener, server::router(app.clone()), &signals.stop, terms).await;
        let pipeline = app.pipeline.get();
        // What plugins still do with an answer that was streamed is bounded by their own deadlines.
        let _late = tokio::time::timeout(LAST_HOOKS, pipeline.idle()).await;
        pipeline.cleanup().await;
    }
}
