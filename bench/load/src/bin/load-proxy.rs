//! The bare proxy, or the one that reads, in a process of its own.

use clap::Parser;
use heimdall_load::place::{Place, until_terminated};
use heimdall_load::{proxy::Proxy, reader::Reader, server};
use tokio::net::TcpListener;

/// Passes on what it gets
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    place: Place,

    /// Reads what it passes on, as JSON
    #[arg(long)]
    read: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    until_terminated(serve(Arguments::parse())).await
}

async fn serve(Arguments { place, read }: Arguments) -> anyhow::Result<()> {
    let listener = TcpListener::bind(place.listen).await?;
    if read {
        let reader = Reader::new(place.upstream);
        server::serve(listener, move |request| {
            let reader = reader.clone();
            async move { reader.forward(request).await }
        })
        .await?;
        return Ok(());
    }
    let proxy = Proxy::new(place.upstream);
    server::serve(listener, move |request| {
        let proxy = proxy.clone();
        async move { proxy.forward(request).await }
    })
    .await?;
    Ok(())
}
