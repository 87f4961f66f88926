//! When the steps of a call have to be over.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::upstream::Fault;

/// When a call has to be over.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    pub(super) end: Instant,
    pub(super) total: Duration,
}

impl Timing {
    pub(super) fn start(total: Duration) -> Timing {
        Timing {
            end: Instant::now() + total,
            total,
        }
    }

    /// Waits as long as this step and the whole call may take.
    pub(super) async fn within<T>(
        &self,
        step: Duration,
        fault: fn(Duration) -> Fault,
        wait: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        let step_end = Instant::now() + step;
        let late = if step_end < self.end {
            fault(step)
        } else {
            Fault::TotalTimeout(self.total)
        };
        timeout_at(step_end.min(self.end), wait).await.map_err(|_| late)
    }
}
