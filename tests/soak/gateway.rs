//! The gateway in its own process, and what can be seen of it from outside.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heimdall_tests::process::Gateway;
use reqwest::Client;
use serde_json::Value;

use super::plugins;

/// How long something is waited for that happens on the gateway's time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stands before the plugins in every version of the configuration. The ports are free ones, found at each start.
const HEAD: &str = "\
models_cache_ms = 0
[reload]
watch = false
[admin]
listen = \"127.0.0.1:0\"
";

/// Which versions serve. A request may end on each that served between its begin and its end.
#[derive(Default)]
pub struct Versions {
    newest: AtomicU64,
    serving: AtomicU64,
}

impl Versions {
    /// The next one, which may serve from now on.
    pub fn next(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// From now on none before this one serves what begins.
    pub fn serves(&self, version: u64) {
        self.serving.store(version, Ordering::SeqCst);
    }

    /// The oldest that can serve what begins now.
    pub fn oldest(&self) -> u64 {
        self.serving.load(Ordering::SeqCst)
    }

    /// The newest that can have served what ended just now.
    pub fn newest(&self) -> u64 {
        self.newest.load(Ordering::SeqCst)
    }
}

/// The gateway that is soaked.
pub struct Soaked {
    gateway: Gateway,
    admin: String,
    client: Client,
    head: String,
    pub versions: Versions,
}

impl Soaked {
    pub async fn start(binary: &Path) -> Soaked {
        let directory = tempfile::tempdir().unwrap();
        let head = format!("listen = \"127.0.0.1:0\"\n{HEAD}");
        let versions = Versions::default();
        plugins::write_faulty(directory.path());
        plugins::write_version(directory.path(), &head, versions.oldest());
        let gateway = Gateway::start_binary(binary, directory, &["serve", "--log", "warn"]);
        let gateway = gateway.unwrap_or_else(|(status, output)| panic!("the gateway ended with {status}:\n{output}"));
        let admin = gateway.admin_url();
        Soaked {
            admin,
            client: client().build().unwrap(),
            gateway,
            head,
            versions,
        }
    }

    pub fn url(&self) -> &str {
        &self.gateway.url
    }

    pub fn folder(&self) -> &Path {
        self.gateway.folder()
    }

    pub fn head(&self) -> &str {
        &self.head
    }

    /// Reloads: the status, and the words.
    pub async fn reload(&self) -> (u16, String) {
        let answer = self.client.post(format!("{}/reload", self.admin)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Instances that live, of whatever version, beyond those of the plugins that serve.
    pub async fn stray_instances(&self) -> u64 {
        let answer = self.client.get(format!("{}/plugins", self.admin)).send().await.unwrap();
        let told: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let serving = told["plugins"].as_array().unwrap();
        let serving: u64 = serving
            .iter()
            .filter_map(|plugin| plugin["instances"]["live"].as_u64())
            .sum();
        told["live_stores"].as_u64().unwrap().saturating_sub(serving)
    }

    /// A line of the process's status, in its unit.
    pub fn status(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.pid())).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Open files and sockets.
    pub fn descriptors(&self) -> u64 {
        std::fs::read_dir(format!("/proc/{}/fd", self.gateway.pid()))
            .unwrap()
            .count() as u64
    }

    /// Asks again and again, until this holds or patience is over.
    pub async fn eventually<T>(&self, what: impl AsyncFn() -> Option<T>) -> Option<T> {
        let started = Instant::now();
        loop {
            let seen = what().await;
            if seen.is_some() || started.elapsed() > PATIENCE {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub fn client() -> reqwest::ClientBuilder {
    static PROVIDER: std::sync::Once = std::sync::Once::new();
    PROVIDER.call_once(|| {
        let _already = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().no_proxy().tls_certs_only([])
}
