//! What stands before and behind the plugins while requests are served: the address, who may call, where calls go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use super::signals::Signals;
use super::{Exit, Failed};
use crate::banner::Banner;
use crate::config::{Config, Origin};
use crate::observe::Observation;
use crate::plugins::Plugins;
use crate::server::{self, Live, Parts, Terms, Tls};
use crate::upstream::Upstreams;
use crate::workers::Workers;

/// How long hooks may go on when every connection is over, before plugins are retired.
const LAST_HOOKS: Duration = Duration::from_secs(5);

/// How long all plugins together may take to be retired, whatever each one may.
const LAST_CLEANUPS: Duration = Duration::from_secs(5);

/// A configuration but for its plugins, checked.
pub(super) struct Front {
    config: Config,
    parts: Parts,
    tls: Option<Arc<Tls>>,
}

impl Front {
    /// # Errors
    /// When the configuration can't be served with.
    pub(super) fn new(config: Config) -> Result<Front, Failed> {
        // TLS needs one implementation of cryptography, chosen once. It is only refused where one is chosen already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let usage = |error: anyhow::Error| Failed::new(Exit::Usage, error);
        let tls = config.tls.as_ref().map(Tls::read).transpose();
        Ok(Front {
            parts: Parts::new(&config, None).map_err(usage)?,
            tls: tls.map_err(|error| usage(error.into()))?.map(Arc::new),
            config,
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn observation(&self) -> &Observation {
        &self.parts.observation
    }

    pub(super) fn upstreams(&self) -> &Upstreams {
        &self.parts.upstreams
    }

    /// Takes the address; connections are refused until [`Front::open`].
    pub(super) fn bind(&self) -> anyhow::Result<TcpSocket> {
        server::bind(self.config.listen).with_context(|| {
            let address = self.config.listen;
            format!("the address {address} can't be listened on (`listen`, or `--listen`)")
        })
    }

    /// Listens; connections wait until [`Open::serve`].
    pub(super) fn open(self, socket: TcpSocket, plugins: Plugins) -> anyhow::Result<Open> {
        let Front { config, parts, tls } = self;
        let app = parts.app(&config, plugins);
        let terms = Terms {
            max_connections: config.max_connections,
            head_timeout: Duration::from_millis(config.head_timeout_ms),
            write_timeout: Duration::from_millis(config.write_timeout_ms),
            tls,
            grace: Duration::from_millis(config.shutdown_timeout_ms),
            cut_off: app.cut_off.clone(),
            drain: app.drain.clone(),
            tells_peer: false,
            workers: Workers::start().context("the threads that serve can't be started")?,
        };
        let (listener, address) =
            server::listen(socket).with_context(|| format!("the address {} can't be listened on", config.listen))?;
        Ok(Open {
            live: Live::new(app),
            terms,
            listener,
            address,
            config,
        })
    }
}

/// An address that is listened on, with everything that requests need.
pub(super) struct Open {
    pub(super) live: Live,
    terms: Terms,
    listener: TcpListener,
    address: SocketAddr,
    /// As it was when it was opened.
    pub(super) config: Config,
}

impl Open {
    pub(super) fn banner(&self, origin: &Origin) -> Banner {
        Banner {
            address: self.address,
            origin: origin.clone(),
            scheme: if self.terms.tls.is_some() { "https" } else { "http" },
            app: self.live.app(),
            admin: None,
        }
    }

    /// Serves until a signal asks it to stop, lets requests that are under way end, and retires the plugins. `reloads`
    /// replaces what serves until the signal, and gives back what was replaced and has requests yet.
    pub(super) async fn serve(self, signals: &Signals, reloads: impl Future<Output = JoinSet<()>>) {
        let Open {
            live, terms, listener, ..
        } = self;
        let stop = &signals.stop;
        // They outlive the connections: hooks go on after the answers.
        let _workers = terms.workers.clone();
        tokio::spawn(server::refresh_keys(&live.app().clients, stop.clone()));
        if let Some(tls) = &terms.tls {
            tokio::spawn(server::refresh_certificate(tls.clone(), stop.clone()));
        }
        let serve = server::serve(listener, live.door(), stop, terms);
        let (mut retiring, ()) = tokio::join!(reloads, serve);
        let pipeline = live.app().pipeline.clone();
        // What plugins still do with an answer that was streamed is bounded by their own deadlines.
        let last_hooks = async {
            pipeline.idle().await;
            while retiring.join_next().await.is_some() {}
        };
        let _late = tokio::time::timeout(LAST_HOOKS, last_hooks).await;
        if tokio::time::timeout(LAST_CLEANUPS, pipeline.cleanup()).await.is_err() {
            tracing::warn!("plugins are left as they are: their `cleanup` took longer than {LAST_CLEANUPS:?} together");
        }
    }
}
