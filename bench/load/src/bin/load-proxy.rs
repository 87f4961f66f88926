//! The bare proxy, or the one that reads, in a process of its own.

use std::net::SocketAddr;

use clap::Parser;
use heimdall_load::{proxy::Proxy, reader::Reader, server};
use http::uri::Authority;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Passes on what it gets
#[derive(Parser)]
struct Arguments {
    /// Where it listens
    #[arg(long)]
    listen: SocketAddr,

    /// Where it passes requests on to
    #[arg(long)]
    upstream: Authority,

    /// Reads what it passes on, as JSON
    #[arg(long)]
    read: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut end = signal(SignalKind::terminate())?;
    tokio::select! {
        done = serve(arguments) => done,
        // Returning from here, not by the signal: what counts which functions ran is written then.
        _ = end.recv() => Ok(()),
    }
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let listener = TcpListener::bind(arguments.listen).await?;
    if arguments.read {
        let reader = Reader::new(arguments.upstream);
        server::serve(listener, move |request| {
            let reader = reader.clone();
            async move { reader.forward(request).await }
        })
        .await?;
        return Ok(());
    }
    let proxy = Proxy::new(arguments.upstream);
    server::serve(listener, move |request| {
        let proxy = proxy.clone();
        async move { proxy.forward(request).await }
    })
    .await?;
    Ok(())
}
