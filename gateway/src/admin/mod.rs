//! The admin interface: what serves, told and changed while it serves, on an address of its own.
//!
//! Where others than this machine can reach the address, requests show a token; else they are answered only if they are
//! this machine's own, as far as their headers tell.

mod answers;
mod plugins;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use heimdall_host::loader::Host;
use http::Method;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use crate::config::{AdminConfig, Config, CorsConfig};
use crate::observe;
use crate::reload::Reloads;
use crate::server::{self, Cors, Door, HeadLimits, Live, Peer, Terms};
use crate::text::shortened;
use crate::workers::Workers;
use token::Token;

/// Connections at once: operators and what they have look are few.
const MAX_CONNECTIONS: usize = 64;

/// How long requests that are under way at the stop may go on.
const GRACE: Duration = Duration::from_secs(1);

const HEALTH: &str = "/healthz";

/// An admin interface whose address is taken.
pub(crate) struct Bound {
    socket: TcpSocket,
    address: SocketAddr,
    token: Option<Arc<Token>>,
}

impl Bound {
    /// # Errors
    /// When its token can't be read, or its address is not free.
    pub(crate) fn new(config: &AdminConfig) -> anyhow::Result<Bound> {
        let token = config.token.as_ref().map(Token::read).transpose()?;
        let address = config.listen;
        let socket = server::bind(address)
            .with_context(|| format!("the address {address} can't be listened on (`admin.listen`)"))?;
        Ok(Bound {
            socket,
            address,
            token: token.map(Arc::new),
        })
    }

    /// Listens; connections wait until [`Open::serve`].
    pub(crate) fn open(self, config: &Config, host: Host, live: Live, reloads: Reloads) -> anyhow::Result<Open> {
        let Bound { socket, address, token } = self;
        let (listener, address) = server::listen(socket)
            .with_context(|| format!("the address {address} can't be listened on (`admin.listen`)"))?;
        let terms = Terms {
            max_connections: MAX_CONNECTIONS,
            head_timeout: Duration::from_millis(config.head_timeout_ms),
            write_timeout: Duration::from_millis(config.write_timeout_ms),
            tls: None,
            grace: GRACE,
            cut_off: Arc::default(),
            drain: Arc::default(),
            tells_peer: true,
            workers: Workers::default(),
        };
        let admin = Arc::new(Admin {
            host,
            live,
            reloads,
            token: token.clone(),
            cors: Cors::new(&CorsConfig::default()),
        });
        Ok(Open {
            listener,
            address,
            terms,
            token,
            door: Door::new(router(admin), HeadLimits::new(&Config::default())),
        })
    }
}

/// An admin interface that is listened on.
pub(crate) struct Open {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    terms: Terms,
    token: Option<Arc<Token>>,
    door: Door,
}

impl Open {
    /// Serves until `stop`.
    pub(crate) async fn serve(self, stop: &CancellationToken) {
        if let Some(token) = self.token {
            let files = token.files();
            let refresh = move || token.refresh().map_err(|error| format!("{error:#}"));
            tokio::spawn(server::refresh(
                "the admin interface's token",
                files,
                refresh,
                stop.clone(),
            ));
        }
        server::serve(self.listener, &self.door, stop, self.terms).await;
    }
}

/// What its requests need.
struct Admin {
    host: Host,
    live: Live,
    reloads: Reloads,
    /// None: requests of this machine are answered.
    token: Option<Arc<Token>>,
    /// No page of any other origin may call.
    cors: Cors,
}

fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route(HEALTH, get(async || answers::document(&json!({"status": "ok"}))))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/plugins", get(plugins::list))
        .route("/plugins/{name}", get(plugins::one))
        .route("/plugins/{name}/disable", post(plugins::disable))
        .route("/plugins/{name}/enable", post(plugins::enable))
        .route("/reload", post(reload))
        .route("/drain", post(drain))
        .route("/resume", post(resume))
        .method_not_allowed_fallback(async |method: Method| answers::wrong_method(&method))
        .fallback(async |request: Request| answers::no_such_path(request.uri().path()))
        .layer(middleware::from_fn_with_state(admin.clone(), admit))
        .with_state(admin)
}

/// Lets a request in that may be, and logs what came of it.
async fn admit(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), shortened(request.uri().path()).into_owned());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.to_string());
    let response = match admin.refusal(&request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let status = response.status().as_u16();
    // What only looks is asked for again and again.
    if method == Method::GET && status < 400 {
        tracing::debug!(target: "heimdall::admin", peer, %method, ?path, status, "admin request");
    } else {
        tracing::info!(target: "heimdall::admin", peer, %method, ?path, status, "admin request");
    }
    response
}

impl Admin {
    /// Why a request is not answered.
    fn refusal(&self, request: &Request) -> Option<Response> {
        if request.uri().path() == HEALTH {
            return None;
        }
        match &self.token {
            Some(token) => (!token.is_shown(request.headers())).then(answers::no_token),
            None => server::foreign(request, &self.cors).map(answers::foreign),
        }
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Response {
    let app = admin.live.app();
    let reloads = &app.observation.reloads;
    answers::document(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "draining": app.drain.is_raised(),
        "reloads": {
            "done": reloads.done.load(Ordering::Relaxed),
            "refused": reloads.refused.load(Ordering::Relaxed),
        },
        "retiring": admin.live.retiring(),
    }))
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    observe::metrics(admin.live.app()).await
}

/// Answers when what serves is replaced, or when it is known why not.
async fn reload(State(admin): State<Arc<Admin>>) -> Response {
    match admin.reloads.reload().await {
        Ok(outcome) => answers::document(&*outcome),
        Err(error) => answers::not_reloaded(&error),
    }
}

async fn drain(State(admin): State<Arc<Admin>>) -> Response {
    if admin.live.app().drain.raise() {
        tracing::info!("draining: /readyz answers 503, and connections end after their next answer");
    }
    answers::document(&json!({"draining": true}))
}

async fn resume(State(admin): State<Arc<Admin>>) -> Response {
    if admin.live.app().drain.lower() {
        tracing::info!("no longer draining");
    }
    answers::document(&json!({"draining": false}))
}
