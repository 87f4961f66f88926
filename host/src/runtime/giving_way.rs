//! How a busy guest gives way to what else its thread has to do.
//!
//! A thread serves many connections. A guest that gave way once and went on would leave them one turn each in every tick, so a
//! few of them would wait for ten milliseconds for each step of a request. So it gives way for as long as there is something to
//! do, up to as long as it ran itself: others have half of the thread, and the guest has all that they leave.

use std::time::{Duration, Instant};

use tokio::task::yield_now;

/// A turn of the thread that took no longer had nothing in it but a look for events: a system call, and the way there and back.
const NOTHING: Duration = Duration::from_micros(10);

/// A guest that gives way, from its first turn on.
struct GivingWay {
    began: Instant,
    turn: Instant,
}

impl GivingWay {
    fn new(now: Instant) -> Self {
        GivingWay { began: now, turn: now }
    }

    /// Whether it gives way once more, now that a turn is over: others had something to do, and had less than `most`.
    fn goes_on(&mut self, now: Instant, most: Duration) -> bool {
        let turn = now.saturating_duration_since(self.turn);
        self.turn = now;
        turn > NOTHING && now.saturating_duration_since(self.began) < most
    }
}

/// Lets other tasks of this thread have their turns, for `most` at most.
pub(super) async fn give_way(most: Duration) {
    let mut giving = GivingWay::new(Instant::now());
    loop {
        yield_now().await;
        if !giving.goes_on(Instant::now(), most) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_millis(10);

    /// How many turns it gives way for, if each takes others this long.
    fn turns(each: Duration) -> u32 {
        let mut now = Instant::now();
        let mut giving = GivingWay::new(now);
        (1..)
            .find(|_| {
                now += each;
                !giving.goes_on(now, MOST)
            })
            .unwrap()
    }

    #[test]
    fn it_gives_way_while_others_have_something_to_do_up_to_as_long_as_it_may_run() {
        for (each, expected) in [
            (Duration::ZERO, 1),
            (NOTHING, 1),
            (Duration::from_micros(500), 20),
            (MOST / 4, 4),
            (MOST, 1),
            (MOST * 3, 1),
        ] {
            assert_eq!(turns(each), expected, "{each:?}");
        }
    }

    #[tokio::test]
    async fn what_else_its_thread_has_to_do_is_done_meanwhile() {
        let busy = tokio::spawn(async {
            for _ in 0..3 {
                let began = Instant::now();
                while began.elapsed() < NOTHING * 10 {
                    std::hint::spin_loop();
                }
                yield_now().await;
            }
        });
        give_way(Duration::from_secs(60)).await;
        assert!(busy.is_finished());
    }
}
