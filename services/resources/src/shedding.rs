//! Load shedding: refusing at once, or after a wait, what would come too late anyway. A limit on the
//! wait in a queue holds the work that is done to what callers still wait for (B. Maurer, "Fail at Scale",
//! ACM Queue 13(8), 2015).

use std::sync::Arc;

use ragdoll_model::mitigation::Shedding;
use ragdoll_runtime::random::ms_to_us;

use crate::error::ResourceError;
use crate::gate::{Gate, Pass};
use crate::instance::Instance;

/// Refuses where as many as may are there already.
pub(crate) fn check_arrival(shedding: &Shedding, in_flight: usize) -> Result<(), ResourceError> {
    let limit = shedding.max_in_flight as usize;
    match limit > 0 && in_flight >= limit {
        true => Err(ResourceError::TooManyInFlight { in_flight, limit }),
        false => Ok(()),
    }
}

/// How long a request may wait before it is refused.
pub(crate) fn patience_us(shedding: &Shedding) -> Option<u64> {
    (shedding.shed_after_ms > 0.0).then(|| ms_to_us(shedding.shed_after_ms))
}

/// Refuses a request whose time came after its deadline, where such are dropped.
pub(crate) fn check_deadline(
    shedding: &Shedding,
    deadline_us: Option<u64>,
    now_us: u64,
) -> Result<(), ResourceError> {
    match shedding.drop_expired && deadline_us.is_some_and(|at_us| now_us >= at_us) {
        true => Err(ResourceError::Expired),
        false => Ok(()),
    }
}

/// Those who are in an instance at the same time, as many as may be.
#[derive(Debug)]
pub struct InFlight {
    limit: u32,
    gate: Gate,
}

/// The right to be among them; dropping it makes room.
#[derive(Debug)]
pub struct Admission {
    _pass: Option<Pass>,
}

impl InFlight {
    /// At most `limit` at the same time; 0 for no limit.
    pub fn new(instance: &Arc<Instance>, limit: u32) -> Self {
        let clock = instance.clock.clone();
        let now_us = clock.now_us();
        InFlight {
            limit,
            gate: Gate::new(clock, limit, now_us),
        }
    }

    /// Admits one more, or errors with [`ResourceError::TooManyInFlight`].
    pub async fn enter(&self) -> Result<Admission, ResourceError> {
        if self.limit == 0 {
            return Ok(Admission { _pass: None });
        }
        match self.gate.enter(Some(0)).await {
            Ok(pass) => Ok(Admission { _pass: Some(pass) }),
            Err(_) => Err(ResourceError::TooManyInFlight {
                in_flight: self.gate.inside() as usize,
                limit: self.limit as usize,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switched_off_it_refuses_nothing() {
        let off = Shedding::default();
        assert_eq!(check_arrival(&off, usize::MAX), Ok(()));
        assert_eq!(patience_us(&off), None);
        assert_eq!(check_deadline(&off, Some(0), 1), Ok(()));
    }

    #[test]
    fn limits_hold_from_the_moment_that_they_are_reached() {
        let on = Shedding {
            max_in_flight: 3,
            shed_after_ms: 1.5,
            drop_expired: true,
        };
        assert_eq!(check_arrival(&on, 2), Ok(()));
        let full = ResourceError::TooManyInFlight {
            in_flight: 3,
            limit: 3,
        };
        assert_eq!(check_arrival(&on, 3), Err(full));
        assert_eq!(patience_us(&on), Some(1_500));
        assert_eq!(check_deadline(&on, None, 9), Ok(()));
        assert_eq!(check_deadline(&on, Some(10), 9), Ok(()));
        assert_eq!(check_deadline(&on, Some(9), 9), Err(ResourceError::Expired));
    }
}
