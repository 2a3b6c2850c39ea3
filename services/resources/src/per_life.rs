//! State that dies with its process.

use std::sync::{Mutex, PoisonError};

use crate::instance::Instance;

/// A value that a process which is started again begins anew with.
#[derive(Debug)]
pub(crate) struct PerLife<T> {
    /// The process's deaths so far, and what it knows in its present life.
    state: Mutex<(u64, T)>,
}

impl<T> PerLife<T> {
    /// The value of the first life.
    pub(crate) fn new(value: T) -> Self {
        PerLife {
            state: Mutex::new((0, value)),
        }
    }

    /// Lets `act` read and change the value of the present life, which `fresh` makes where it is new.
    pub(crate) fn with<R>(
        &self,
        instance: &Instance,
        fresh: impl FnOnce() -> T,
        act: impl FnOnce(&mut T) -> R,
    ) -> R {
        let deaths = instance.process.deaths();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 != deaths {
            *state = (deaths, fresh());
        }
        act(&mut state.1)
    }
}
