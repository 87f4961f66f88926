//! What an operator sees at the start: where it listens, what it serves with, and something to try.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use heimdall_host::loader::{FailurePolicy, Loaded};

use crate::config::Origin;
use crate::server::App;

pub(crate) struct Banner {
    pub(crate) address: SocketAddr,
    pub(crate) scheme: &'static str,
    pub(crate) origin: Origin,
    pub(crate) app: Arc<App>,
    /// Where the admin interface listens.
    pub(crate) admin: Option<SocketAddr>,
}

impl Banner {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let url = format!("{}://{}", self.scheme, self.address);
        writeln!(out, "heimdall {} listens on {url}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "  configuration  {}", self.configuration())?;
        if let Some(address) = self.admin {
            writeln!(out, "  admin          http://{address}")?;
        }
        for (name, summary) in self.app.upstreams.summaries() {
            writeln!(out, "  upstream       {name}: {summary}")?;
        }
        let plugins = self.app.pipeline.plugins();
        for loaded in plugins {
            write_plugin(out, loaded)?;
        }
        for failed in &self.app.failed {
            writeln!(
                out,
                "  plugin         {}: NOT LOADED, requests go on without it (on_failure = \"open\")",
                failed.name
            )?;
            writeln!(
                out,
                "                 {}",
                failed.error.replace('\n', "\n                 ")
            )?;
        }
        if plugins.is_empty() && self.app.failed.is_empty() {
            writeln!(out, "  plugin         none")?;
        }
        writeln!(out, "try:")?;
        let key = if self.app.clients.are_asked() {
            " -H \"authorization: Bearer $KEY\""
        } else {
            ""
        };
        writeln!(
            out,
            "  curl {}/v1/chat/completions -H 'content-type: application/json'{key} \\",
            self.reachable_url()
        )?;
        let model = self.app.upstreams.example_model();
        writeln!(
            out,
            "    -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"hello\"}}]}}'"
        )
    }

    /// The address as a client on this machine writes it.
    fn reachable_url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("{}://{address}", self.scheme)
    }

    fn configuration(&self) -> String {
        match &self.origin {
            Origin::File(file) => file.display().to_string(),
            Origin::Environment => "the environment".to_owned(),
            Origin::BuiltIn => "none given: the built-in echo, and an example plugin of each kind".to_owned(),
        }
    }

    /// For machines.
    pub(crate) fn log(&self) {
        for loaded in self.app.pipeline.plugins() {
            let manifest = loaded.plugin.manifest();
            tracing::info!(
                plugin = %manifest.name,
                file = %manifest.file,
                kind = manifest.kind,
                version = manifest.version,
                hooks = manifest.hooks.join(", "),
                imports = manifest.imports.join(", "),
                load_ms = milliseconds(loaded),
                from_cache = loaded.from_cache,
                "plugin loaded"
            );
        }
        for (name, summary) in self.app.upstreams.summaries() {
            tracing::info!(upstream = name, summary, "upstream");
        }
        let (url, configuration) = (format!("{}://{}", self.scheme, self.address), self.configuration());
        let admin = self.admin.map(|address| format!("http://{address}"));
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            url,
            configuration,
            admin,
            "serving"
        );
    }
}

fn write_plugin(out: &mut String, loaded: &Loaded) -> std::fmt::Result {
    let manifest = loaded.plugin.manifest();
    let cached = if loaded.from_cache { ", compiled before" } else { "" };
    let time = format!("loaded in {} ms{cached}", milliseconds(loaded));
    writeln!(
        out,
        "  plugin         {}: {}, {}, {time}",
        manifest.name, manifest.kind, manifest.version
    )?;
    let mut line = |name: &str, value: &str| writeln!(out, "    {name:<12} {value}");
    line("file", &manifest.file)?;
    line("hooks", &listed(&manifest.hooks))?;
    line("imports", &listed(&manifest.imports))?;
    for note in &manifest.notes {
        line("note", note)?;
    }
    if loaded.on_failure == FailurePolicy::Open {
        line("on_failure", "open: if it fails, requests go on without it")?;
    }
    Ok(())
}

fn milliseconds(loaded: &Loaded) -> u64 {
    u64::try_from(loaded.load_time.as_millis()).unwrap_or(u64::MAX)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
