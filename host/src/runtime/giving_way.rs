//! How a busy guest gives way to what else its thread has to do.
//!
//! A thread serves many connections. A guest that gave way once at each tick would leave them one turn each in every tick, so a
//! step of a request would wait for ten milliseconds. So it gives way for as long as there is something to do, up to half a tick,
//! and then runs until the next one: others have half of the thread, and the guest has all that they leave. What other guests
//! compute meanwhile counts as theirs.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use super::engine::TICK;

/// For how long at most. Not for a whole tick: it would end just before the next one, and the guest would have next to nothing.
const MOST: Duration = Duration::from_millis(TICK.as_millis() as u64 / 2);

/// A turn of the thread that took no longer had nothing in it but a look for events: a system call, and the way there and back.
const NOTHING: Duration = Duration::from_micros(20);

/// A guest that gives way, from its first turn on.
struct GivingWay {
    began: Instant,
    turn: Instant,
}

impl GivingWay {
    fn new(now: Instant) -> Self {
        GivingWay { began: now, turn: now }
    }

    /// Whether it gives way once more, now that a turn is over: others had something to do, and had less than [`MOST`].
    fn goes_on(&mut self, now: Instant) -> bool {
        let turn = now.saturating_duration_since(self.turn);
        self.turn = now;
        turn > NOTHING && now.saturating_duration_since(self.began) < MOST
    }
}

/// Lets other tasks of this thread have their turns.
pub(super) async fn give_way() {
    let mut giving = GivingWay::new(Instant::now());
    loop {
        yield_now().await;
        if !giving.goes_on(Instant::now()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many turns it gives way for, if each takes others this long.
    fn turns(each: Duration) -> u32 {
        let mut now = Instant::now();
        let mut giving = GivingWay::new(now);
        (1..)
            .find(|_| {
                now += each;
                !giving.goes_on(now)
            })
            .unwrap()
    }

    #[test]
    fn it_gives_way_while_others_have_something_to_do_up_to_half_a_tick() {
        for (each, expected) in [
            (Duration::ZERO, 1),
            (NOTHING, 1),
            (Duration::from_micros(500), 10),
            (MOST / 4, 4),
            (MOST, 1),
            (MOST * 3, 1),
        ] {
            assert_eq!(turns(each), expected, "{each:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_else_its_thread_has_to_do_is_done_meanwhile() {
        let busy = tokio::spawn(async {
            for _ in 0..3 {
                tokio::time::advance(NOTHING * 5).await;
            }
        });
        give_way().await;
        assert!(busy.is_finished());
    }
}
