//! Refusing to call a service that fails: closed, open, half open (M. Nygard, "Release It!", 2007; the
//! parameters are Resilience4j's).

mod state;

use std::sync::Arc;

use ragdoll_model::mitigation;
use ragdoll_telemetry::log_process;
use tonic::{Code, Status};

use self::state::{Breaker, Change, Outcome, Ticket};
use crate::instance::Instance;
use crate::per_life::PerLife;

/// The circuit breaker of one caller for one callee.
#[derive(Debug)]
pub(crate) struct CircuitBreaker {
    instance: Arc<Instance>,
    callee: &'static str,
    spec: mitigation::CircuitBreaker,
    breaker: PerLife<Breaker>,
}

/// The right to make one call. Dropped without a conclusion, the call says nothing.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    ticket: Option<Ticket>,
}

/// Whether a status says that the callee is ill, rather than the call wrong.
fn is_failure(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unknown
            | Code::DataLoss
    )
}

impl CircuitBreaker {
    /// A closed breaker for calls of `callee`; none where it is switched off.
    pub(crate) fn new(
        instance: &Arc<Instance>,
        callee: &'static str,
        spec: mitigation::CircuitBreaker,
    ) -> Option<Self> {
        (spec.failure_rate > 0.0).then(|| CircuitBreaker {
            instance: instance.clone(),
            callee,
            spec,
            breaker: PerLife::new(Breaker::closed()),
        })
    }

    /// A permit, or at once UNAVAILABLE.
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Status> {
        let now_us = self.instance.clock.now_us();
        let (ticket, change) = self
            .breaker
            .with(&self.instance, Breaker::closed, |breaker| {
                breaker.admit(&self.spec, now_us)
            });
        self.tell(change);
        match ticket {
            Some(ticket) => Ok(Permit {
                breaker: self,
                ticket: Some(ticket),
            }),
            None => {
                let refusal = format!("circuit breaker of {} is open", self.callee);
                Err(Status::unavailable(refusal))
            }
        }
    }

    fn conclude(&self, ticket: Ticket, outcome: Outcome) {
        let now_us = self.instance.clock.now_us();
        let change = self
            .breaker
            .with(&self.instance, Breaker::closed, |breaker| {
                breaker.conclude(&self.spec, ticket, outcome, now_us)
            });
        self.tell(change);
    }

    fn tell(&self, change: Option<Change>) {
        let telemetry = &self.instance.telemetry;
        let callee = self.callee;
        match change {
            None => {}
            Some(Change::Opened) => {
                log_process!(warn, telemetry, "circuit breaker opened", callee = callee);
            }
            Some(Change::HalfOpened) => {
                log_process!(
                    info,
                    telemetry,
                    "circuit breaker half open",
                    callee = callee
                );
            }
            Some(Change::Closed) => {
                log_process!(info, telemetry, "circuit breaker closed", callee = callee);
            }
        }
    }
}

impl Permit<'_> {
    /// Counts how the call ended.
    pub(crate) fn conclude<T>(mut self, outcome: &Result<T, Status>) {
        let outcome = match outcome {
            Err(status) if is_failure(status.code()) => Outcome::Failure,
            _ => Outcome::Success,
        };
        if let Some(ticket) = self.ticket.take() {
            self.breaker.conclude(ticket, outcome);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.conclude(ticket, Outcome::Abandoned);
        }
    }
}
