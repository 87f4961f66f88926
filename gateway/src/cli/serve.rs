//! `heimdall serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use super::signals::{self, Signals};
use super::{Exit, Failed, output};
use crate::banner::Banner;
use crate::config::{self, Config, FileFormat, Origin};
use crate::logging::{self, LogFormat};
use crate::plugins::{self, Plugins};
use crate::server::{self, App, Clients, Cors, HeadLimits, Terms, Tls};
use crate::upstream::Upstreams;

/// How long hooks may go on when every connection is over, before plugins are retired.
const LAST_HOOKS: Duration = Duration::from_secs(5);

/// Connections that may wait to be taken.
const BACKLOG: u32 = 1024;

const EXAMPLES: &str = "Examples:
  heimdall serve                          ./heimdall.toml, .yaml or .json if it is there; else the built-in echo and two example plugins
  heimdall serve --config gateway.toml    another configuration
  heimdall serve --listen 127.0.0.1:9000  another address than the configuration has
  heimdall serve --log-format json --log info,heimdall::plugin=debug

SIGTERM or SIGINT ends it when requests that are under way are answered; a second one ends it at once.";

/// Serve OpenAI's API, every call through the plugins
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration [default: ./heimdall.toml, .yaml or .json if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// What the configuration is, where its name does not tell, or where it is Bifrost's
    #[arg(long, value_name = "FORMAT", value_enum, requires = "config")]
    format: Option<FileFormat>,

    /// The address to listen on, instead of the configuration's
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,

    /// How log lines are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,

    /// Which log lines are written: a level, or `target=level` and more of it with commas [default: $RUST_LOG, or info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failed> {
    let _log = logging::start(arguments.log_format, arguments.log.as_deref())
        .map_err(|error| Failed::new(Exit::Usage, error))?;
    let (config, origin) = configuration(&arguments)?;
    // TLS needs one implementation of cryptography, chosen once. It is only refused where one is chosen already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let upstreams = Upstreams::new(&config).map_err(|error| Failed::new(Exit::Usage, error))?;
    let access = Access::read(&config).map_err(|error| Failed::new(Exit::Usage, error))?;
    let runtime = super::runtime()?;
    let exit = runtime.block_on(async {
        let signals = signals::listen()?;
        tokio::select! {
            done = serve(&arguments, &config, &origin, upstreams, access, &signals) => done,
            () = signals.now.cancelled() => Ok(Exit::Interrupted),
        }
    });
    // What still runs has had its time.
    runtime.shutdown_background();
    exit
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

/// The configuration with what the command line says otherwise. Its warnings are logged.
fn configuration(arguments: &Arguments) -> Result<(Config, Origin), Failed> {
    let loaded =
        config::load(arguments.config.as_deref(), arguments.format).map_err(|error| Failed::new(Exit::Usage, error))?;
    let mut config = loaded.config;
    if let Some(listen) = arguments.listen {
        config::check_listen(listen, &config)
            .map_err(|problem| Failed::new(Exit::Usage, anyhow::anyhow!("the address of `--listen` {problem}")))?;
        config.listen = listen;
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok((config, loaded.origin))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("it has to be {}", config::ADDRESS_FORM))
}

async fn serve(
    arguments: &Arguments,
    config: &Config,
    origin: &Origin,
    upstreams: Upstreams,
    access: Access,
    signals: &Signals,
) -> Result<Exit, Failed> {
    // Taken before the plugins are compiled, so that an address which is in use is known at once.
    let socket = bind(config.listen)?;
    let plugins = tokio::select! {
        plugins = plugins::load(config, origin) => plugins?,
        () = signals.stop.cancelled() => return Ok(Exit::Ok),
    };
    let Plugins { pipeline, failed } = plugins;
    let head_limits = HeadLimits {
        headers: config.max_headers,
        bytes: config.max_header_kib.saturating_mul(1 << 10),
    };
    let app = Arc::new(App {
        pipeline: pipeline.clone(),
        upstreams,
        failed,
        max_body: config.max_body_mib.saturating_mul(1 << 20),
        bodies: server::Budget::new(config.max_bodies_mib.max(config.max_body_mib).saturating_mul(1 << 20)),
        body_timeout: Duration::from_millis(config.body_timeout_ms),
        head_limits,
        local_only: config.auth.is_none() && !access.clients.are_asked(),
        clients: access.clients.clone(),
        cors: Cors::new(&config.cors),
        cut_off: CancellationToken::new(),
    });
    let listener = listen(socket, config.listen)?;
    let address = listener.local_addr().context("the address can't be told")?;
    let banner = Banner {
        address,
        origin,
        scheme: if access.tls.is_some() { "https" } else { "http" },
        app: &app,
    };
    match arguments.log_format {
        LogFormat::Text => output::note(&banner.text()),
        LogFormat::Json => banner.log(),
    }
    let terms = Terms {
        max_connections: config.max_connections,
        head_limits,
        head_timeout: Duration::from_millis(config.head_timeout_ms),
        write_timeout: Duration::from_millis(config.write_timeout_ms),
        tls: access.tls.clone(),
        grace: Duration::from_millis(config.shutdown_timeout_ms),
        cut_off: app.cut_off.clone(),
    };
    tokio::spawn(server::refresh(access.clients, access.tls, signals.stop.clone()));
    server::serve(listener, server::router(app.clone()), &signals.stop, terms).await;
    // What plugins still do with an answer that was streamed is bounded by their own deadlines.
    let _late = tokio::time::timeout(LAST_HOOKS, pipeline.idle()).await;
    pipeline.cleanup().await;
    tracing::info!("stopped");
    Ok(Exit::Ok)
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
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

fn listen(socket: TcpSocket, address: SocketAddr) -> anyhow::Result<TcpListener> {
    socket
        .listen(BACKLOG)
        .with_context(|| format!("the address {address} can't be listened on"))
}
