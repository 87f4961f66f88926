use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;

use super::*;
use crate::counters::Limit;

/// Instances are numbers, in the order of their making.
#[derive(Default)]
struct Numbers {
    made: AtomicUsize,
    retired: Mutex<Vec<usize>>,
    /// An instance of this number has nearly used up what it has.
    worn: Option<usize>,
    /// The making waits for this.
    gate: Option<Notify>,
    broken: bool,
}

#[async_trait]
impl Factory for Numbers {
    type Instance = usize;

    async fn create(&self) -> Result<usize, Cause> {
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        if self.broken {
            return Err(Cause::Trap("broken".into()));
        }
        Ok(self.made.fetch_add(1, Ordering::SeqCst))
    }

    async fn retire(&self, instance: usize) {
        self.retired.lock().unwrap().push(instance);
    }

    fn memory_used(&self, instance: &usize) -> usize {
        *instance
    }

    fn fresh_memory(&self, _instance: &usize) -> usize {
        0
    }

    fn is_exhausted(&self, instance: &usize) -> bool {
        self.worn == Some(*instance)
    }
}

/// So many may wait.
const WAITING: usize = 8;

fn pool(factory: Numbers, isolation: Isolation, cap: usize) -> Instances<Numbers> {
    recycled(factory, isolation, cap, RecycleSettings::default())
}

fn recycled(factory: Numbers, isolation: Isolation, cap: usize, recycle: RecycleSettings) -> Instances<Numbers> {
    Instances::new(factory, settings(isolation, cap, recycle))
}

fn settings(isolation: Isolation, cap: usize, recycle: RecycleSettings) -> InstanceSettings {
    InstanceSettings {
        plugin: "numbers".into(),
        isolation,
        cap,
        waiting: WAITING,
        recycle,
        memory: 1_000_000,
        counters: Arc::default(),
    }
}

/// For which any number of calls may wait.
fn roomy(cap: usize) -> Instances<Numbers> {
    let mut settings = settings(Isolation::Warm, cap, RecycleSettings::default());
    settings.waiting = usize::MAX;
    Instances::new(Numbers::default(), settings)
}

fn warm(cap: usize) -> Instances<Numbers> {
    pool(Numbers::default(), Isolation::Warm, cap)
}

/// One, whose making waits to be let go on.
fn gated() -> Instances<Numbers> {
    let factory = Numbers {
        gate: Some(Notify::new()),
        ..Numbers::default()
    };
    pool(factory, Isolation::Warm, 1)
}

/// For what comes at once.
fn long() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// For what never comes.
fn short() -> Deadline {
    Deadline::after(Duration::from_millis(5))
}

/// Leases, notes the number, and keeps.
async fn use_once(pool: &Instances<Numbers>, seat: &mut Seat) -> usize {
    let lease = pool.lease(seat, &long()).await.unwrap();
    let number = *lease;
    lease.keep();
    number
}

#[tokio::test]
async fn what_instances_came_to_is_counted() {
    let pool = warm(3);
    let unused = Usage {
        most: 3,
        ..Usage::default()
    };
    assert_eq!(pool.usage(), unused);
    let mut seats = [Seat::default(), Seat::default()];
    let [first, second] = &mut seats;
    let leases = [
        pool.lease(first, &long()).await.unwrap(),
        pool.lease(second, &long()).await.unwrap(),
    ];
    leases.into_iter().for_each(Lease::keep);
    // The numbers stand for bytes, and the largest counts.
    assert_eq!(
        pool.usage(),
        Usage {
            made: 2,
            live: 2,
            memory: 1,
            ..unused
        }
    );
    let (mut first, mut second) = (Seat::default(), Seat::default());
    let _busy = pool.lease(&mut first, &long()).await.unwrap();
    drop(pool.lease(&mut second, &long()).await.unwrap());
    let usage = pool.usage();
    assert_eq!((usage.live, usage.busy, usage.discarded), (1, 1, 1));
}

#[tokio::test]
async fn an_instance_that_was_kept_serves_again() {
    let pool = warm(3);
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
}

#[tokio::test]
async fn an_instance_that_was_not_kept_is_gone_and_its_place_is_free() {
    let pool = warm(1);
    drop(pool.lease(&mut Seat::default(), &long()).await.unwrap());
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 1);
}

#[tokio::test]
async fn a_call_that_was_cancelled_throws_its_instance_away() {
    let pool = warm(1);
    pool.put(77);
    let call = async {
        let mut seat = Seat::default();
        let _lease = pool.lease(&mut seat, &long()).await.unwrap();
        std::future::pending::<()>().await;
    };
    assert!(call.now_or_never().is_none());
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
}

#[tokio::test]
async fn the_instance_made_at_load_is_used_first() {
    let pool = warm(1);
    pool.put(77);
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 77);
}

#[tokio::test]
async fn there_are_never_more_than_the_cap() {
    let pool = warm(2);
    let (mut first, mut second, mut third) = (Seat::default(), Seat::default(), Seat::default());
    let first = pool.lease(&mut first, &long()).await.unwrap();
    let _second = pool.lease(&mut second, &long()).await.unwrap();
    assert!(matches!(pool.lease(&mut third, &short()).await, Err(Cause::Stuck(2))));
    first.keep();
    assert_eq!(use_once(&pool, &mut third).await, 0);
}

#[tokio::test(start_paused = true)]
async fn who_waited_in_vain_is_told_whether_any_came_back_meanwhile() {
    let pool = warm(1);
    let mut seats: [Seat; 3] = Default::default();
    let [first, second, third] = &mut seats;
    let held = pool.lease(first, &long()).await.unwrap();
    let (early, late) = (short(), long());
    let mut second = pin!(pool.lease(second, &early));
    let mut third = pin!(pool.lease(third, &late));
    assert!(third.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    held.keep();
    let _held = third.await.unwrap();
    assert!(matches!(second.await, Err(Cause::Busy(1))));
}

#[tokio::test]
async fn an_instance_that_is_being_made_is_not_stuck() {
    let pool = gated();
    let (first, second) = (&mut Seat::default(), &mut Seat::default());
    let deadline = long();
    let mut making = pin!(pool.lease(first, &deadline));
    assert!(making.as_mut().now_or_never().is_none());
    assert!(matches!(pool.lease(second, &short()).await, Err(Cause::Busy(1))));
    pool.factory().gate.as_ref().unwrap().notify_one();
    assert!(making.await.is_ok());
}

#[tokio::test]
async fn who_waits_gets_the_instance_that_comes_back() {
    let pool = warm(1);
    let (mut first, mut second) = (Seat::default(), Seat::default());
    let lease = pool.lease(&mut first, &long()).await.unwrap();
    let give_back = async {
        tokio::task::yield_now().await;
        lease.keep();
    };
    let (number, ()) = tokio::join!(use_once(&pool, &mut second), give_back);
    assert_eq!(number, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_in_vain_and_no_place_gets_lost_whatever_calls_do() {
    const CAP: usize = 3;
    let pool = Arc::new(roomy(CAP));
    let tasks = (0..64).map(|task| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut seat = Seat::default();
            for round in 0..100 {
                if (task + round) % 7 == 0 {
                    // It gives up after its first look.
                    drop(pool.lease(&mut seat, &long()).now_or_never());
                    continue;
                }
                let lease = pool.lease(&mut seat, &long()).await.unwrap();
                assert!(pool.usage().live <= CAP);
                tokio::task::yield_now().await;
                // Else it is thrown away.
                if (task + round) % 11 > 0 {
                    lease.keep();
                }
            }
        })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
    let usage = pool.usage();
    assert_eq!((usage.busy, usage.waiting), (0, 0), "{usage:?}");
}

#[tokio::test]
async fn only_so_many_may_wait() {
    let pool = warm(1);
    pool.shared.waiting.store(WAITING, Ordering::Relaxed);
    let (mut first, mut second) = (Seat::default(), Seat::default());
    let _lease = pool.lease(&mut first, &long()).await.unwrap();
    let refused = pool.lease(&mut second, &long()).now_or_never();
    assert!(matches!(refused, Some(Err(Cause::Busy(1)))));
    assert_eq!(pool.shared.waiting.load(Ordering::Relaxed), WAITING);
    assert_eq!(pool.shared.settings.counters.overruns(Limit::Waiting), 1);
}

#[tokio::test]
async fn an_instance_that_starts_too_slowly_for_one_call_serves_the_next() {
    let pool = gated();
    let mut seat = Seat::default();
    assert!(matches!(pool.lease(&mut seat, &short()).await, Err(Cause::Deadline(_))));
    pool.factory().gate.as_ref().unwrap().notify_one();
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
}

#[tokio::test]
async fn a_start_that_fails_frees_its_place() {
    let pool = pool(
        Numbers {
            broken: true,
            ..Numbers::default()
        },
        Isolation::Warm,
        1,
    );
    for _ in 0..2 {
        assert!(matches!(
            pool.lease(&mut Seat::default(), &long()).await,
            Err(Cause::Trap(_))
        ));
    }
}

/// Lets tasks of their own come to their ends.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_worn_instance_serves_until_a_fresh_one_is_there() {
    let gate = Some(Notify::new());
    let numbers = Numbers {
        worn: Some(0),
        gate,
        ..Numbers::default()
    };
    let pool = pool(numbers, Isolation::Warm, 1);
    let open = || pool.factory().gate.as_ref().unwrap().notify_one();
    open();
    for _ in 0..3 {
        assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
        settle().await;
    }
    assert_eq!((pool.usage().live, pool.usage().recycled), (1, 0));
    open();
    settle().await;
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 1);
    assert_eq!(*pool.factory().retired.lock().unwrap(), [0]);
    assert_eq!((pool.usage().live, pool.usage().recycled), (1, 1));
}

#[tokio::test]
async fn one_that_is_busy_when_the_fresh_one_is_there_makes_way_when_it_comes_back() {
    let numbers = Numbers {
        worn: Some(0),
        ..Numbers::default()
    };
    let pool = pool(numbers, Isolation::Warm, 1);
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
    let mut seat = Seat::default();
    let lease = pool.lease(&mut seat, &long()).await.unwrap();
    settle().await;
    assert_eq!(*lease, 0);
    lease.keep();
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn instances_are_worn_by_calls_age_and_memory() {
    let unworn = RecycleSettings::default();
    let calls = RecycleSettings {
        calls: Some(3),
        ..unworn.clone()
    };
    let age = RecycleSettings {
        age: Some(Duration::from_secs(3)),
        ..unworn.clone()
    };
    let full = RecycleSettings {
        memory_percent: 0,
        ..unworn.clone()
    };
    // In each of the first four calls another second has passed; the numbers stand for bytes, and 0 has none.
    for (recycle, expected) in [
        (unworn, [0, 0, 0, 0]),
        (calls, [0, 0, 0, 1]),
        (age, [0, 0, 0, 1]),
        (full, [0, 0, 0, 0]),
    ] {
        let pool = recycled(Numbers::default(), Isolation::Warm, 1, recycle.clone());
        let mut served = Vec::new();
        for _ in expected {
            served.push(use_once(&pool, &mut Seat::default()).await);
            tokio::time::advance(Duration::from_secs(1)).await;
            settle().await;
            // An instance is looked at when it comes back.
            if recycle.age.is_some() && served.len() == 3 {
                use_once(&pool, &mut Seat::default()).await;
                settle().await;
            }
        }
        assert_eq!(served, expected, "{recycle:?}");
    }
}

#[tokio::test]
async fn a_fresh_instance_that_comes_after_retirement_is_retired_too() {
    let numbers = Numbers {
        worn: Some(0),
        gate: Some(Notify::new()),
        ..Numbers::default()
    };
    let pool = pool(numbers, Isolation::Warm, 1);
    let open = || pool.factory().gate.as_ref().unwrap().notify_one();
    open();
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 0);
    settle().await;
    pool.retire_all().await;
    open();
    settle().await;
    assert_eq!(*pool.factory().retired.lock().unwrap(), [0, 1]);
    assert_eq!(pool.usage().live, 0);
}

#[tokio::test]
async fn a_request_keeps_its_own_instance() {
    let pool = pool(Numbers::default(), Isolation::Request, 2);
    let (mut first, mut second) = (Seat::default(), Seat::default());
    assert_eq!(use_once(&pool, &mut first).await, 0);
    assert_eq!(use_once(&pool, &mut second).await, 1);
    assert_eq!(use_once(&pool, &mut first).await, 0);
}

#[tokio::test]
async fn the_end_of_a_request_frees_its_place() {
    let pool = pool(Numbers::default(), Isolation::Request, 1);
    let mut first = Seat::default();
    use_once(&pool, &mut first).await;
    assert!(matches!(
        pool.lease(&mut Seat::default(), &short()).await,
        Err(Cause::Busy(1))
    ));
    drop(first);
    assert_eq!(use_once(&pool, &mut Seat::default()).await, 1);
}

#[tokio::test]
async fn a_request_whose_instance_was_thrown_away_gets_a_new_one() {
    let pool = pool(Numbers::default(), Isolation::Request, 1);
    let mut seat = Seat::default();
    use_once(&pool, &mut seat).await;
    drop(pool.lease(&mut seat, &long()).await.unwrap());
    assert_eq!(use_once(&pool, &mut seat).await, 1);
}

#[tokio::test]
async fn nothing_is_leased_after_retirement() {
    for isolation in [Isolation::Warm, Isolation::Request] {
        let pool = pool(Numbers::default(), isolation, 1);
        let mut seat = Seat::default();
        use_once(&pool, &mut seat).await;
        pool.retire_all().await;
        assert!(matches!(pool.lease(&mut seat, &long()).await, Err(Cause::Retired)));
    }
}

#[tokio::test]
async fn idle_instances_are_retired_at_once_and_those_in_use_when_they_come_back() {
    let pool = warm(2);
    let (mut first, mut second) = (Seat::default(), Seat::default());
    let first = pool.lease(&mut first, &long()).await.unwrap();
    use_once(&pool, &mut second).await;
    pool.retire_all().await;
    assert_eq!(*pool.factory().retired.lock().unwrap(), [1]);
    first.keep();
    tokio::task::yield_now().await;
    assert_eq!(*pool.factory().retired.lock().unwrap(), [1, 0]);
}
