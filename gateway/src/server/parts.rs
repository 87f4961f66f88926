//! What a configuration comes to, but for its plugins; and with them, what serves.

use std::sync::Arc;
use std::time::Duration;

use super::{App, Budget, Clients, Cors, Flag, HeadLimits, Held};
use crate::config::Config;
use crate::observe::Observation;
use crate::plugins::Plugins;
use crate::upstream::Upstreams;

/// What can be wrong with a configuration that was read, made before any plugin is loaded.
pub(crate) struct Parts {
    pub(crate) upstreams: Arc<Upstreams>,
    clients: Arc<Clients>,
    bodies: Arc<Budget>,
    cut_off: Arc<Flag>,
    drain: Arc<Flag>,
    pub(crate) observation: Arc<Observation>,
}

impl Parts {
    /// What serves at this moment gives what is made of the same settings: its connections, and what it counts.
    ///
    /// # Errors
    /// When an upstream or a client's key can't be used.
    pub(crate) fn new(config: &Config, serving: Option<&App>) -> anyhow::Result<Parts> {
        let clients = match serving {
            Some(app) if app.clients.are_of(&config.client_keys) => app.clients.clone(),
            _ => Arc::new(Clients::read(config, serving.map(|app| &*app.clients))?),
        };
        let upstreams = Arc::new(Upstreams::new(config, serving.map(|app| &*app.upstreams))?);
        Ok(match serving {
            Some(app) => Parts {
                upstreams,
                clients,
                bodies: app.bodies.clone(),
                cut_off: app.cut_off.clone(),
                drain: app.drain.clone(),
                observation: app.observation.clone(),
            },
            None => Parts {
                upstreams,
                clients,
                bodies: Budget::new(max_bodies(config)),
                cut_off: Arc::default(),
                drain: Arc::default(),
                observation: Arc::default(),
            },
        })
    }

    /// With the plugins, what serves.
    pub(crate) fn app(self, config: &Config, plugins: Plugins) -> App {
        self.bodies.set_most(max_bodies(config));
        App {
            pipeline: plugins.pipeline,
            versions: plugins.versions,
            upstreams: self.upstreams,
            failed: plugins.failed,
            max_body: config.max_body_mib.saturating_mul(1 << 20),
            bodies: self.bodies,
            body_timeout: Duration::from_millis(config.body_timeout_ms),
            head_limits: HeadLimits::new(config),
            local_only: config.auth.is_none() && !self.clients.are_asked(),
            clients: self.clients,
            cors: Cors::new(&config.cors),
            cut_off: self.cut_off,
            drain: self.drain,
            observation: self.observation,
            held: Held::default(),
        }
    }
}

fn max_bodies(config: &Config) -> usize {
    config.max_bodies_mib.max(config.max_body_mib).saturating_mul(1 << 20)
}
