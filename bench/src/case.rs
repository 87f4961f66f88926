//! What is measured, as data, and what it becomes when it is made ready.
//!
//! ```
//! use heimdall_bench::case::Ready;
//!
//! let mut sum = 0_u64;
//! let mut ready = Ready::new(move || Ok(std::mem::replace(&mut sum, 1)), |_| Ok(()));
//! ready.run(10)?;
//! ready.check()?;
//! # Ok::<(), heimdall_bench::Error>(())
//! ```

use std::hint::black_box;
use std::time::Duration;

use crate::Error;
use crate::clock::{Clock, Timed};
use crate::world::World;

/// One thing that is measured.
pub struct Case {
    /// The table that it is a row of: its cases are measured side by side.
    pub table: &'static str,
    /// By whom, or how.
    pub who: String,
    /// Bytes of the document, or whatever else the table runs over.
    pub size: u64,
    prepare: Prepare,
}

type Prepare = Box<dyn Fn(&World) -> Result<Ready, Error>>;

impl Case {
    /// A row of that table, made ready by `prepare`.
    pub fn new(
        table: &'static str,
        who: impl Into<String>,
        size: usize,
        prepare: impl Fn(&World) -> Result<Ready, Error> + 'static,
    ) -> Case {
        Case {
            table,
            who: who.into(),
            size: size as u64,
            prepare: Box::new(prepare),
        }
    }

    /// Its name, of all that tells it apart.
    pub fn name(&self) -> String {
        format!("{} / {} / {}", self.table, self.who, self.size)
    }

    /// Loads what it needs.
    ///
    /// # Errors
    /// Where that fails.
    pub fn prepare(&self, world: &World) -> Result<Ready, Error> {
        (self.prepare)(world)
    }
}

/// What is asked of a case.
enum Asked<'a> {
    /// To do its thing so many times, under this meter.
    Times(u64, &'a mut dyn Meter),
    /// To do it once, and see that it did what it says.
    Check,
}

/// Measures something of what is done.
pub trait Meter {
    /// Has it done once, and measures that.
    fn measure(&mut self, act: &mut dyn FnMut());
}

/// A case that can run.
pub struct Ready {
    act: Act,
    clock: Clock,
}

type Act = Box<dyn FnMut(Asked<'_>) -> Result<(), Error>>;

/// So many inputs are made at a time.
const BATCH: u64 = 32;

impl Ready {
    /// Something that is done, and whether what came of it is what the case says.
    pub fn new<T>(
        mut act: impl FnMut() -> Result<T, Error> + 'static,
        looks_right: impl Fn(T) -> Result<(), Error> + 'static,
    ) -> Ready {
        Ready::of(move |asked| match asked {
            Asked::Times(times, meter) => measured(meter, || {
                (0..times).try_for_each(|_| act().map(|done| drop(black_box(done))))
            }),
            Asked::Check => looks_right(act()?),
        })
    }

    /// The same for what is asynchronous: the runtime is entered once, whatever the number of times.
    pub fn asynchronous<T>(
        world: &World,
        mut act: impl AsyncFnMut() -> Result<T, Error> + 'static,
        looks_right: impl Fn(T) -> Result<(), Error> + 'static,
    ) -> Ready {
        let runtime = world.runtime();
        Ready::of(move |asked| match asked {
            Asked::Times(times, meter) => measured(meter, || {
                runtime.block_on(async {
                    for _ in 0..times {
                        drop(black_box(act().await?));
                    }
                    Ok(())
                })
            }),
            Asked::Check => looks_right(runtime.block_on(act())?),
        })
    }

    /// The same for what gets an input that nobody has seen before: what is kept with a document from one time to the next
    /// would be no part of a request's cost. Inputs are made before the meter runs, and go after it.
    pub fn with_inputs<I: Clone + 'static, T>(
        world: &World,
        make: impl Fn() -> Result<I, Error> + 'static,
        mut act: impl AsyncFnMut(I) -> Result<T, Error> + 'static,
        looks_right: impl Fn(T) -> Result<(), Error> + 'static,
    ) -> Ready {
        let runtime = world.runtime();
        // What holds the last input lets it go under the next meter, which is not to measure its end.
        let mut before: Vec<I> = Vec::new();
        Ready::of(move |asked| match asked {
            Asked::Times(times, meter) => {
                let mut left = times;
                while left > 0 {
                    let count = left.min(BATCH);
                    let inputs: Vec<I> = (0..count).map(|_| make()).collect::<Result<_, _>>()?;
                    measured(meter, || {
                        runtime.block_on(async {
                            for input in &inputs {
                                drop(black_box(act(input.clone()).await?));
                            }
                            Ok(())
                        })
                    })?;
                    drop(std::mem::replace(&mut before, inputs));
                    left -= count;
                }
                Ok(())
            }
            Asked::Check => looks_right(runtime.block_on(act(make()?))?),
        })
    }

    fn of(act: impl FnMut(Asked<'_>) -> Result<(), Error> + 'static) -> Ready {
        Ready {
            act: Box::new(act),
            clock: Clock::Thread,
        }
    }

    /// One that has other threads do things, and waits for them.
    #[must_use]
    pub fn waiting(self) -> Ready {
        Ready {
            clock: Clock::Wall,
            ..self
        }
    }

    /// Does it so many times, and tells how long that took.
    ///
    /// # Errors
    /// Where it can't be done.
    pub fn run(&mut self, times: u64) -> Result<Duration, Error> {
        let mut timed = Timed {
            clock: self.clock,
            took: Duration::ZERO,
        };
        self.run_under(times, &mut timed)?;
        Ok(timed.took)
    }

    /// Does it so many times under this meter.
    ///
    /// # Errors
    /// Where it can't be done.
    pub fn run_under(&mut self, times: u64, meter: &mut dyn Meter) -> Result<(), Error> {
        (self.act)(Asked::Times(times, meter))
    }

    /// Does it once, and looks whether it did what the case says.
    ///
    /// # Errors
    /// Where it did not.
    pub fn check(&mut self) -> Result<(), Error> {
        (self.act)(Asked::Check)
    }
}

/// Has a thing done under a meter, which knows nothing of errors.
fn measured(meter: &mut dyn Meter, act: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let (mut act, mut done) = (Some(act), Ok(()));
    meter.measure(&mut || {
        if let Some(act) = act.take() {
            done = act();
        }
    });
    done
}

/// Holds if `it` does.
///
/// # Errors
/// [`Error::Did`] with these words, if not.
pub fn ensure(it: bool, otherwise: impl FnOnce() -> String) -> Result<(), Error> {
    if it { Ok(()) } else { Err(Error::did(otherwise())) }
}
