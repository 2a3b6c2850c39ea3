//! A circuit breaker's decisions, without a clock.

use std::collections::VecDeque;

use ragdoll_model::mitigation;
use ragdoll_runtime::random::ms_to_us;

/// What a breaker knows.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Counts changes of state: what was begun in an earlier one says nothing of this one.
    generation: u64,
}

#[derive(Debug)]
enum State {
    Closed {
        /// Whether each of the last calls failed, oldest first.
        last: VecDeque<bool>,
        failures: u32,
    },
    Open {
        until_us: u64,
    },
    HalfOpen {
        /// Probes that were let through and not abandoned.
        admitted: u32,
        ended: u32,
        failures: u32,
    },
}

/// A call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    generation: u64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The callee is well.
    Success,
    /// The callee is ill.
    Failure,
    /// Nobody waited for the end.
    Abandoned,
}

/// What became of the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It refuses from now on.
    Opened,
    /// It lets probes through.
    HalfOpened,
    /// It lets everything through.
    Closed,
}

impl Breaker {
    /// A breaker that has seen no call.
    pub(super) fn closed() -> Self {
        Breaker {
            state: State::fresh(),
            generation: 0,
        }
    }

    /// Whether a call may be made now.
    pub(super) fn admit(
        &mut self,
        spec: &mitigation::CircuitBreaker,
        now_us: u64,
    ) -> (Option<Ticket>, Option<Change>) {
        let mut change = None;
        if matches!(self.state, State::Open { until_us } if now_us >= until_us) {
            change = self.enter(
                State::HalfOpen {
                    admitted: 0,
                    ended: 0,
                    failures: 0,
                },
                Change::HalfOpened,
            );
        }
        let admits = match &mut self.state {
            State::Closed { .. } => true,
            State::Open { .. } => false,
            State::HalfOpen { admitted, .. } => {
                let has_room = *admitted < spec.probes.max(1);
                *admitted += u32::from(has_room);
                has_room
            }
        };
        let ticket = Ticket {
            generation: self.generation,
        };
        (admits.then_some(ticket), change)
    }

    /// Counts how a call ended.
    pub(super) fn conclude(
        &mut self,
        spec: &mitigation::CircuitBreaker,
        ticket: Ticket,
        outcome: Outcome,
        now_us: u64,
    ) -> Option<Change> {
        if ticket.generation != self.generation {
            return None;
        }
        let failed = outcome == Outcome::Failure;
        match &mut self.state {
            State::Open { .. } => None,
            State::Closed { .. } if outcome == Outcome::Abandoned => None,
            State::Closed { last, failures } => {
                last.push_back(failed);
                *failures += u32::from(failed);
                if last.len() > spec.window.max(1) as usize {
                    *failures -= u32::from(last.pop_front() == Some(true));
                }
                let calls = last.len() as u32;
                let counts = calls >= spec.minimum_calls.clamp(1, spec.window.max(1));
                match counts && is_ill(spec, *failures, calls) {
                    true => self.open(spec, now_us),
                    false => None,
                }
            }
            State::HalfOpen { admitted, .. } if outcome == Outcome::Abandoned => {
                *admitted -= 1;
                None
            }
            State::HalfOpen {
                ended, failures, ..
            } => {
                *ended += 1;
                *failures += u32::from(failed);
                match (
                    *ended >= spec.probes.max(1),
                    is_ill(spec, *failures, *ended),
                ) {
                    (false, _) => None,
                    (true, true) => self.open(spec, now_us),
                    (true, false) => self.enter(State::fresh(), Change::Closed),
                }
            }
        }
    }

    fn open(&mut self, spec: &mitigation::CircuitBreaker, now_us: u64) -> Option<Change> {
        let until_us = now_us.saturating_add(ms_to_us(spec.open_ms));
        self.enter(State::Open { until_us }, Change::Opened)
    }

    fn enter(&mut self, state: State, change: Change) -> Option<Change> {
        self.state = state;
        self.generation += 1;
        Some(change)
    }
}

impl State {
    fn fresh() -> Self {
        State::Closed {
            last: VecDeque::new(),
            failures: 0,
        }
    }
}

fn is_ill(spec: &mitigation::CircuitBreaker, failures: u32, calls: u32) -> bool {
    failures > 0 && f64::from(failures) >= spec.failure_rate * f64::from(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: mitigation::CircuitBreaker = mitigation::CircuitBreaker {
        failure_rate: 0.5,
        window: 10,
        minimum_calls: 4,
        open_ms: 1.0,
        probes: 2,
    };

    fn admitted(breaker: &mut Breaker, now_us: u64) -> Ticket {
        breaker.admit(&SPEC, now_us).0.expect("is let through")
    }

    fn call(breaker: &mut Breaker, outcome: Outcome, now_us: u64) -> Option<Change> {
        let ticket = admitted(breaker, now_us);
        breaker.conclude(&SPEC, ticket, outcome, now_us)
    }

    /// A breaker that opened at 0.
    fn opened() -> Breaker {
        let mut breaker = Breaker::closed();
        for _ in 0..3 {
            assert_eq!(call(&mut breaker, Outcome::Failure, 0), None);
        }
        assert_eq!(
            call(&mut breaker, Outcome::Failure, 0),
            Some(Change::Opened)
        );
        breaker
    }

    #[test]
    fn it_opens_at_the_rate_of_the_last_calls_once_there_are_enough() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(&SPEC, 999), (None, None));

        let mut breaker = Breaker::closed();
        for _ in 0..50 {
            assert_eq!(call(&mut breaker, Outcome::Success, 0), None);
        }
        // Of the last ten: five.
        for _ in 0..4 {
            assert_eq!(call(&mut breaker, Outcome::Failure, 0), None);
        }
        assert_eq!(call(&mut breaker, Outcome::Abandoned, 0), None);
        assert_eq!(
            call(&mut breaker, Outcome::Failure, 0),
            Some(Change::Opened)
        );
    }

    #[test]
    fn after_its_time_probes_decide() {
        for (probes, end) in [
            ([Outcome::Success; 2], Change::Closed),
            ([Outcome::Failure, Outcome::Success], Change::Opened),
            ([Outcome::Failure; 2], Change::Opened),
        ] {
            let mut breaker = opened();
            let (first, change) = breaker.admit(&SPEC, 1_000);
            assert_eq!(change, Some(Change::HalfOpened));
            let second = admitted(&mut breaker, 1_000);
            assert_eq!(breaker.admit(&SPEC, 1_000), (None, None), "a third probe");
            let first = first.expect("is let through");
            assert_eq!(breaker.conclude(&SPEC, first, probes[0], 1_000), None);
            let change = breaker.conclude(&SPEC, second, probes[1], 1_500);
            assert_eq!(change, Some(end));
            let reopens = end == Change::Opened;
            assert_eq!(breaker.admit(&SPEC, 2_499).0.is_none(), reopens);
            assert_eq!(breaker.admit(&SPEC, 2_500).1.is_some(), reopens);
        }
    }

    #[test]
    fn an_abandoned_probe_gives_its_place_to_another() {
        let mut breaker = opened();
        assert_eq!(call(&mut breaker, Outcome::Abandoned, 1_000), None);
        assert_eq!(call(&mut breaker, Outcome::Success, 1_000), None);
        let last = call(&mut breaker, Outcome::Success, 1_000);
        assert_eq!(last, Some(Change::Closed));
    }

    #[test]
    fn what_began_before_a_change_says_nothing_after_it() {
        let mut breaker = Breaker::closed();
        let early = [(); 3].map(|()| admitted(&mut breaker, 0));
        for _ in 0..4 {
            call(&mut breaker, Outcome::Failure, 0);
        }
        for ticket in early {
            assert_eq!(
                breaker.conclude(&SPEC, ticket, Outcome::Failure, 1_000),
                None
            );
        }
        assert_eq!(call(&mut breaker, Outcome::Success, 1_000), None);
        let last = call(&mut breaker, Outcome::Success, 1_000);
        assert_eq!(last, Some(Change::Closed));
    }
}
