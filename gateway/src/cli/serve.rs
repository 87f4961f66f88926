//! `heimdall serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use super::signals::{self, Signals};
use super::{Exit, Failed, output};
use crate::banner::Banner;
use crate::config::{self, Config};
use crate::logging::{self, LogFormat};
use crate::plugins::{self, Plugins};
use crate::server::{self, App, Terms};
use crate::upstream::Upstreams;

/// How long hooks may go on when every connection is over, before plugins are retired.
const LAST_HOOKS: Duration = Duration::from_secs(5);

/// Connections that may wait to be taken.
const BACKLOG: u32 = 1024;

const EXAMPLES: &str = "Examples:
  heimdall serve                          ./heimdall.toml if it is there; else the built-in echo and two example plugins
  heimdall serve --config gateway.toml    another configuration
  heimdall serve --listen 127.0.0.1:9000  another address than the configuration has
  heimdall serve --log-format json --log info,heimdall::plugin=debug

SIGTERM or SIGINT ends it when requests that are under way are answered; a second one ends it at once.";

/// Serve OpenAI's API, every call through the plugins
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration [default: ./heimdall.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

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
    logging::start(arguments.log_format, arguments.log.as_deref()).map_err(|error| Failed::new(Exit::Usage, error))?;
    let (config, source) = configuration(&arguments)?;
    // TLS needs one implementation of cryptography, chosen once. It is only refused where one is chosen already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let upstreams = Upstreams::new(&config).map_err(|error| Failed::new(Exit::Usage, error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")?;
    let exit = runtime.block_on(async {
        let signals = signals::listen()?;
        tokio::select! {
            done = serve(&arguments, &config, &source, upstreams, &signals) => done,
            () = signals.now.cancelled() => Ok(Exit::Interrupted),
        }
    });
    // What still runs has had its time.
    runtime.shutdown_background();
    exit
}

/// The configuration that is used without being named, if it is there. What can't be read, such as a link to nowhere,
/// is there: the reader is to say what is wrong.
fn default_file() -> Option<PathBuf> {
    let file = Path::new(config::DEFAULT_FILE);
    match file.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        _ => Some(file.to_owned()),
    }
}

/// The configuration in this file, else in the one that is used without being named, and where it comes from.
pub(super) fn read_configuration(file: Option<PathBuf>) -> Result<(Config, Source), Failed> {
    match file.or_else(default_file) {
        Some(file) => {
            let config = config::load(&file).map_err(|error| Failed::new(Exit::Usage, error))?;
            Ok((config, Source::File(file)))
        }
        None => Ok((Config::default(), Source::BuiltIn)),
    }
}

/// The configuration with what the command line says instead.
fn configuration(arguments: &Arguments) -> Result<(Config, Source), Failed> {
    let (mut config, source) = read_configuration(arguments.config.clone())?;
    if let Some(listen) = arguments.listen {
        config::check_listen(listen, config.auth)
            .map_err(|problem| Failed::new(Exit::Usage, anyhow::anyhow!("the address of `--listen` {problem}")))?;
        config.listen = listen;
    }
    Ok((config, source))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("it has to be {}", config::ADDRESS_FORM))
}

/// Where the configuration comes from.
pub(crate) enum Source {
    File(PathBuf),
    /// None was given: the echo, and one example plugin of each kind.
    BuiltIn,
}

async fn serve(
    arguments: &Arguments,
    config: &Config,
    source: &Source,
    upstreams: Upstreams,
    signals: &Signals,
) -> Result<Exit, Failed> {
    // Taken before the plugins are compiled, so that an address which is in use is known at once.
    let socket = bind(config.listen)?;
    let plugins = tokio::select! {
        plugins = plugins::load(config, source) => plugins?,
        () = signals.stop.cancelled() => return Ok(Exit::Ok),
    };
    let Plugins { pipeline, failed } = plugins;
    let app = Arc::new(App {
        pipeline: pipeline.clone(),
        upstreams,
        failed,
        max_body: config.max_body_mib.saturating_mul(1 << 20),
        body_timeout: Duration::from_millis(config.body_timeout_ms),
        local_only: config.auth.is_none(),
        cut_off: CancellationToken::new(),
    });
    let listener = listen(socket, config.listen)?;
    let address = listener.local_addr().context("the address can't be told")?;
    let banner = Banner {
        address,
        source,
        app: &app,
    };
    match arguments.log_format {
        LogFormat::Text => output::note(&banner.text()),
        LogFormat::Json => banner.log(),
    }
    let terms = Terms {
        max_connections: config.max_connections,
        grace: Duration::from_millis(config.shutdown_timeout_ms),
        cut_off: app.cut_off.clone(),
    };
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
