use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use tokio::runtime::Handle;
use tokio::time::advance;

use super::*;

/// Permits, and how many things there are to find.
struct Room {
    permits: Arc<Permits>,
    idle: AtomicUsize,
}

/// A call that waits, or has waited.
struct Call<'a> {
    future: Pin<Box<dyn Future<Output = Result<Got<()>, Closed>> + Send + 'a>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Room {
    /// All permits are taken.
    fn full(count: usize) -> (Room, Vec<Permit>) {
        let permits = Permits::new(count);
        let taken = std::iter::from_fn(|| permits.try_take().unwrap()).collect();
        let idle = AtomicUsize::new(0);
        (Room { permits, idle }, taken)
    }

    fn waits(&self) -> Call<'_> {
        let look = || {
            let less = |idle: usize| idle.checked_sub(1);
            let found = self.idle.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
            found.ok().map(drop)
        };
        let mut call = Call {
            future: Box::pin(async move { self.permits.wait(look).await }),
            woken: Arc::default(),
        };
        assert!(call.poll().is_none(), "there is one");
        call
    }

    /// A call of another thread.
    fn waits_elsewhere(&self) -> Call<'_> {
        let clock = Handle::current();
        thread::scope(|scope| {
            let elsewhere = scope.spawn(|| {
                let _clock = clock.enter();
                self.waits()
            });
            elsewhere.join().unwrap()
        })
    }

    /// One comes back, which is for whoever finds it.
    fn comes_back(&self) {
        self.idle.fetch_add(1, Ordering::SeqCst);
        assert!(!self.permits.tell(false), "it is to be given");
    }

    /// One comes back, and is given.
    fn is_given(&self, permit: Permit, is_long: bool) {
        assert!(self.permits.tell(is_long));
        self.permits.give(permit);
    }
}

impl Call<'_> {
    fn poll(&mut self) -> Option<Got<()>> {
        let waker = self.woken.clone().into();
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(got) => Some(got.unwrap()),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.swap(false, Ordering::SeqCst)
    }

    fn finds(&mut self) -> bool {
        matches!(self.poll(), Some(Got::Found(())))
    }

    fn permit(&mut self) -> Option<Permit> {
        match self.poll()? {
            Got::Permit(permit) => Some(permit),
            Got::Found(()) => None,
        }
    }
}

#[test]
fn there_are_so_many_and_one_that_is_dropped_is_free_again() {
    let (room, taken) = Room::full(2);
    assert_eq!((taken.len(), room.permits.free()), (2, 0));
    drop(taken);
    assert_eq!(room.permits.free(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_of_a_permit_that_is_free() {
    let (room, mut taken) = Room::full(2);
    let (mut first, mut second) = (room.waits(), room.waits());
    drop(taken.pop());
    assert_eq!((first.is_woken(), second.is_woken()), (true, false));
    assert!(first.permit().is_some());
    assert!(second.is_woken(), "what the first one dropped");
    assert!(second.permit().is_some());
}

#[tokio::test(start_paused = true)]
async fn of_a_threads_calls_the_one_that_waited_longest_looks_and_one_at_a_time() {
    let (room, _taken) = Room::full(1);
    let (mut first, mut second) = (room.waits(), room.waits());
    room.comes_back();
    room.comes_back();
    assert_eq!((first.is_woken(), second.is_woken()), (true, false));
    assert!(first.finds());
    assert!(!room.permits.tell(false), "there is another one");
    assert!(second.is_woken());
    assert!(second.finds());
}

#[tokio::test(start_paused = true)]
async fn calls_of_the_same_thread_are_told_first_but_not_for_ever() {
    let (room, _taken) = Room::full(1);
    let elsewhere = room.waits_elsewhere();
    for _ in 0..3 {
        let mut here = room.waits();
        room.comes_back();
        assert_eq!((here.is_woken(), elsewhere.is_woken()), (true, false));
        assert!(here.finds());
    }
    let here = room.waits();
    advance(FAIR).await;
    room.comes_back();
    assert_eq!((here.is_woken(), elsewhere.is_woken()), (false, true));
}

#[tokio::test(start_paused = true)]
async fn where_none_of_the_same_thread_waits_another_thread_is_told() {
    let (room, _taken) = Room::full(1);
    let mut elsewhere = room.waits_elsewhere();
    room.comes_back();
    assert!(elsewhere.is_woken());
    assert!(elsewhere.finds());
}

#[tokio::test(start_paused = true)]
async fn one_that_was_told_of_a_permit_and_finds_an_instance_leaves_the_permit_to_the_next() {
    let (room, mut taken) = Room::full(2);
    let (mut first, mut second) = (room.waits(), room.waits());
    room.comes_back();
    drop(taken.pop());
    assert_eq!((first.is_woken(), second.is_woken()), (true, false));
    assert!(first.finds());
    assert!(second.is_woken());
    assert!(second.permit().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_about_to_look_keeps_no_other_threads_from_being_told() {
    let (room, _taken) = Room::full(3);
    let (busy, other) = (room.waits_elsewhere(), room.waits_elsewhere());
    room.comes_back();
    assert_eq!((busy.is_woken(), other.is_woken()), (true, false));
    room.comes_back();
    assert!(other.is_woken());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_one_keeps_no_other_threads_from_being_told() {
    let (room, mut taken) = Room::full(2);
    let mut late = room.waits_elsewhere();
    room.comes_back();
    room.idle.store(0, Ordering::SeqCst);
    assert!(late.poll().is_none());
    room.is_given(taken.pop().unwrap(), false);
    let other = room.waits_elsewhere();
    room.comes_back();
    assert!(other.is_woken());
}

#[tokio::test(start_paused = true)]
async fn who_came_too_late_is_given_a_permit_that_is_free() {
    let (room, mut taken) = Room::full(1);
    let (mut late, other) = (room.waits(), room.waits());
    room.comes_back();
    room.idle.store(0, Ordering::SeqCst);
    assert!(late.poll().is_none());
    drop(taken.pop());
    assert!(room.permits.try_take().unwrap().is_none(), "it is not for who comes by");
    assert!(!other.is_woken());
    assert!(late.permit().is_some());
}

#[tokio::test(start_paused = true)]
async fn one_that_came_too_late_and_gave_up_is_given_nothing() {
    let (room, _taken) = Room::full(1);
    let mut late = room.waits();
    room.comes_back();
    room.idle.store(0, Ordering::SeqCst);
    assert!(late.poll().is_none());
    drop(late);
    let other = room.waits();
    room.comes_back();
    assert!(other.is_woken());
}

#[tokio::test(start_paused = true)]
async fn who_was_told_and_came_too_late_is_given_the_next() {
    let (room, mut taken) = Room::full(1);
    let (mut late, mut other) = (room.waits(), room.waits());
    room.comes_back();
    assert!(late.is_woken());
    room.idle.store(0, Ordering::SeqCst);
    assert!(late.poll().is_none());
    room.is_given(taken.pop().unwrap(), false);
    assert_eq!((late.is_woken(), other.is_woken()), (true, false));
    assert!(other.poll().is_none());
    assert!(late.permit().is_some());
}

#[tokio::test(start_paused = true)]
async fn where_calls_take_long_one_of_the_same_thread_is_given_it_and_one_at_a_time() {
    let (room, mut taken) = Room::full(2);
    let elsewhere = room.waits_elsewhere();
    let (mut first, mut second) = (room.waits(), room.waits());
    room.is_given(taken.pop().unwrap(), true);
    assert_eq!(
        (first.is_woken(), second.is_woken(), elsewhere.is_woken()),
        (true, false, false)
    );
    assert!(!room.permits.tell(true), "the thread has one");
    let permit = first.permit().unwrap();
    room.is_given(permit, true);
    assert!(second.permit().is_some());
}

#[tokio::test(start_paused = true)]
async fn where_calls_take_long_the_one_that_waited_longest_has_its_turn_too() {
    let (room, mut taken) = Room::full(1);
    let (mut elsewhere, here) = (room.waits_elsewhere(), room.waits());
    advance(FAIR).await;
    assert!(!room.permits.tell(true));
    assert_eq!((here.is_woken(), elsewhere.is_woken()), (false, true));
    assert!(elsewhere.poll().is_none(), "another call was before it");
    room.is_given(taken.pop().unwrap(), true);
    assert!(elsewhere.permit().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_one_that_gave_up_was_told_of_or_given_is_the_next_ones() {
    let (room, mut taken) = Room::full(1);
    let (told, mut second) = (room.waits(), room.waits());
    room.comes_back();
    drop(told);
    assert!(second.is_woken());
    assert!(second.finds());
    let (given, mut last) = (room.waits(), room.waits());
    room.is_given(taken.pop().unwrap(), true);
    assert!(given.is_woken());
    drop(given);
    assert!(last.is_woken());
    assert!(last.permit().is_some());
    drop(last);
    assert_eq!(room.permits.free(), 1);
}

#[tokio::test(start_paused = true)]
async fn once_they_are_closed_nobody_gets_one_and_who_waits_is_told() {
    let (room, taken) = Room::full(1);
    let mut waiting = room.waits();
    room.permits.close();
    assert!(waiting.is_woken() && room.permits.is_closed());
    let waker = waiting.woken.clone().into();
    let told = waiting.future.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(matches!(told, Poll::Ready(Err(Closed))));
    drop(taken);
    assert!(room.permits.try_take().is_err());
}
