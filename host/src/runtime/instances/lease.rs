//! An instance in use: by one call, or by a request between two of its hooks.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Factory, Held, Shared};
use crate::counters::Counters;
use crate::plugin::Seat;

/// A request's own instance between two of its hooks. It is retired when the request is over.
pub(super) struct Seated<F: Factory> {
    held: Option<Held<F::Instance>>,
    shared: Arc<Shared<F>>,
}

impl<F: Factory> Seated<F> {
    pub(super) fn leave(mut self) -> Option<Held<F::Instance>> {
        self.held.take()
    }
}

impl<F: Factory> Drop for Seated<F> {
    fn drop(&mut self) {
        if let Some(Held { kept, permit }) = self.held.take() {
            self.shared.retire(kept, Some(permit));
        }
    }
}

pub(super) enum Home<'a, F: Factory> {
    Pool(&'a Arc<Shared<F>>),
    Seat(&'a mut Seat, &'a Arc<Shared<F>>),
}

/// An instance for one call. Dropping it throws the instance away, also when the call was cancelled: only a guest that
/// returned is known to be in order.
pub struct Lease<'a, F: Factory> {
    held: Held<F::Instance>,
    home: Home<'a, F>,
    discards: Discards<'a>,
}

/// Counts an instance that is thrown away.
struct Discards<'a>(Option<&'a Counters>);

impl Drop for Discards<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            counters.instance_discarded();
        }
    }
}

impl<'a, F: Factory> Lease<'a, F> {
    pub(super) fn new(mut held: Held<F::Instance>, home: Home<'a, F>) -> Self {
        held.kept.calls += 1;
        let (Home::Pool(shared) | Home::Seat(_, shared)) = &home;
        let discards = Discards(Some(&shared.settings.counters));
        Lease { held, home, discards }
    }

    /// The guest has ended, as guests of its kind do after a call: its instance goes, and is not counted as thrown away.
    pub fn end(mut self) {
        self.discards.0 = None;
        let (Home::Pool(shared) | Home::Seat(_, shared)) = &self.home;
        shared.note_memory(&self.held.kept.instance);
    }

    /// The guest returned: the instance may serve further calls.
    pub fn keep(mut self) {
        self.discards.0 = None;
        let (Home::Pool(shared) | Home::Seat(_, shared)) = &self.home;
        shared.note_memory(&self.held.kept.instance);
        match self.home {
            Home::Pool(shared) => shared.take_back(self.held),
            Home::Seat(seat, shared) => {
                seat.held = Some(Box::new(Seated::<F> {
                    held: Some(self.held),
                    shared: shared.clone(),
                }));
            }
        }
    }
}

impl<F: Factory> Deref for Lease<'_, F> {
    type Target = F::Instance;

    fn deref(&self) -> &Self::Target {
        &self.held.kept.instance
    }
}

impl<F: Factory> DerefMut for Lease<'_, F> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.held.kept.instance
    }
}
