//! The upstream, in a process of its own.

use std::net::SocketAddr;

use clap::Parser;
use heimdall_load::{server, upstream::Upstream};
use tokio::net::TcpListener;

/// Answers every chat with what it has ready
#[derive(Parser)]
struct Arguments {
    /// Where it listens
    #[arg(long)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen).await?;
    let upstream = Upstream::new();
    server::serve(listener, move |request| {
        let upstream = upstream.clone();
        async move { upstream.answer(request).await }
    })
    .await?;
    Ok(())
}
