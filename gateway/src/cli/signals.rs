//! The signals that end the process (the first asks it to finish, the second ends it), and the one that reloads.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the signals have asked for so far.
#[derive(Clone, Default)]
pub(super) struct Signals {
    /// Finish what is under way.
    pub(super) stop: CancellationToken,
    /// End at once.
    pub(super) now: CancellationToken,
}

/// Listens to SIGTERM and SIGINT from here on.
pub(super) fn listen() -> anyhow::Result<Signals> {
    let mut terminate = signal(SignalKind::terminate()).context("no signals can be listened to")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals can be listened to")?;
    let signals = Signals::default();
    let told = signals.clone();
    tokio::spawn(async move {
        for token in [told.stop, told.now] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(signals)
}

/// Listens to SIGHUP, which ends the process no longer from here on.
pub(super) fn hangups() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("no signals can be listened to")
}
