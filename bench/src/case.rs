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
use std::ops::AsyncFnMut;

use crate::Error;
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
enum Asked {
    /// To do its thing so many times.
    Times(u64),
    /// To do it once, and see that it did what it says.
    Check,
}

/// A case that can run.
pub struct Ready {
    act: Box<dyn FnMut(Asked) -> Result<(), Error>>,
}

impl Ready {
    /// Something that is done, and whether what came of it is what the case says.
    pub fn new<T>(
        mut act: impl FnMut() -> Result<T, Error> + 'static,
        looks_right: impl Fn(T) -> Result<(), Error> + 'static,
    ) -> Ready {
        let act = move |asked| match asked {
            Asked::Times(times) => (0..times).try_for_each(|_| act().map(|done| drop(black_box(done)))),
            Asked::Check => looks_right(act()?),
        };
        Ready { act: Box::new(act) }
    }

    /// The same for what is asynchronous: the runtime is entered once, whatever the number of times.
    pub fn asynchronous<T>(
        world: &World,
        mut act: impl AsyncFnMut() -> Result<T, Error> + 'static,
        looks_right: impl Fn(T) -> Result<(), Error> + 'static,
    ) -> Ready {
        let runtime = world.runtime();
        let act = move |asked| {
            runtime.block_on(async {
                match asked {
                    Asked::Times(times) => {
                        for _ in 0..times {
                            drop(black_box(act().await?));
                        }
                        Ok(())
                    }
                    Asked::Check => looks_right(act().await?),
                }
            })
        };
        Ready { act: Box::new(act) }
    }

    /// Does it so many times.
    ///
    /// # Errors
    /// Where it can't be done.
    pub fn run(&mut self, times: u64) -> Result<(), Error> {
        (self.act)(Asked::Times(times))
    }

    /// Does it once, and looks whether it did what the case says.
    ///
    /// # Errors
    /// Where it did not.
    pub fn check(&mut self) -> Result<(), Error> {
        (self.act)(Asked::Check)
    }
}

/// Holds if `it` does.
///
/// # Errors
/// [`Error::Did`] with these words, if not.
pub fn ensure(it: bool, otherwise: impl FnOnce() -> String) -> Result<(), Error> {
    if it { Ok(()) } else { Err(Error::did(otherwise())) }
}
