//! `heimdall serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::front::Front;
use super::signals::{self, Signals};
use super::{Exit, Failed, output};
use crate::admin::Bound;
use crate::banner::Banner;
use crate::config::{self, Config, FileFormat, Origin};
use crate::logging::{self, LogFormat};
use crate::observe::Telemetry;
use crate::plugins;
use crate::reload::{self, Reloader, Source};

const EXAMPLES: &str = "Examples:
  heimdall serve                          ./heimdall.toml, .yaml or .json if it is there; else the built-in echo and two example plugins
  heimdall serve --config gateway.toml    another configuration
  heimdall serve --listen 127.0.0.1:9000  another address than the configuration has
  heimdall serve --log-format json --log info,heimdall::plugin=debug

SIGHUP, or `POST /reload` of the admin interface, reads the configuration again: requests that are under way end as they began.
SIGTERM or SIGINT ends it when requests that are under way are answered; a second one ends it at once.";

/// Serve OpenAI's API, every call through the plugins
#[derive(Args, Clone)]
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
    let log = logging::start(arguments.log_format, arguments.log.as_deref())
        .map_err(|error| Failed::new(Exit::Usage, error))?;
    let (config, origin) = configuration(&arguments)?;
    let front = Front::new(config)?;
    let _first = front.observation().lost_lines.set(log.lost());
    let runtime = super::runtime()?;
    let exit = runtime.block_on(async {
        let signals = signals::listen()?;
        tokio::select! {
            done = serve(&arguments, front, &origin, &signals) => done,
            () = signals.now.cancelled() => Ok(Exit::Interrupted),
        }
    });
    // What still runs has had its time.
    runtime.shutdown_background();
    exit
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

/// Reads the configuration again, as it was read at the start.
fn source(arguments: Arguments, origin: Origin) -> Source {
    Arc::new(move || {
        if let Origin::File(file) = &origin {
            reload::check_readable_again(file)?;
        }
        configuration(&arguments).map_err(Failed::into_error)
    })
}

/// The address of `--listen`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("it has to be {}", config::ADDRESS_FORM))
}

async fn serve(arguments: &Arguments, front: Front, origin: &Origin, signals: &Signals) -> Result<Exit, Failed> {
    // Taken before the plugins are compiled, so that an address which is in use is known at once.
    let socket = front.bind()?;
    let admin = front.config().admin.as_ref().map(Bound::new).transpose()?;
    let host = plugins::host(front.config())?;
    // One that comes while plugins are loaded is carried out after that.
    let hangups = signals::hangups()?;
    // Before plugins are read, so that no change is missed.
    let watch = reload::watch(front.config(), origin, &host).await;
    let plugins = tokio::select! {
        biased;
        () = signals.stop.cancelled() => return Ok(Exit::Ok),
        plugins = plugins::load(&host, front.config(), origin, None) => plugins?,
    };
    let open = front.open(socket, plugins)?;
    let telemetry = Telemetry::start(&open.config.telemetry, &open.live)?;
    let source = source(arguments.clone(), origin.clone());
    let (reloads, reloader) = Reloader::new(
        source,
        host.clone(),
        open.live.clone(),
        open.config.clone(),
        hangups,
        watch,
    );
    let admin = admin
        .map(|admin| admin.open(&open.config, host, open.live.clone(), reloads))
        .transpose()?;
    let banner = Banner {
        admin: admin.as_ref().map(|admin| admin.address),
        ..open.banner(origin)
    };
    match arguments.log_format {
        LogFormat::Text => output::note(&output::printable_lines(&banner.text())),
        LogFormat::Json => banner.log(),
    }
    // It holds what serves now, which a reload is to retire.
    drop(banner);
    let admin = async {
        if let Some(admin) = admin {
            admin.serve(&signals.stop).await;
        }
    };
    tokio::join!(open.serve(signals, reloader.run(signals.stop.clone())), admin);
    if let Some(telemetry) = telemetry {
        telemetry.finish().await;
    }
    tracing::info!("stopped");
    Ok(Exit::Ok)
}
