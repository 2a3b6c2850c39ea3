//! A second copy of a call that is slow (J. Dean and L. A. Barroso, "The Tail at Scale", Communications of
//! the ACM 56(2), 2013).

use std::future::Future;

use ragdoll_model::topology::CallPlan;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::RequestContext;
use tonic::Status;

use super::budget::Budget;
use super::{Attempt, Callee, Failure};

impl Callee {
    /// One attempt, with a second copy of it where the plan hedges, the first is slow and the budget
    /// allows it. The first success wins; where both fail, the first failure is the answer.
    pub(super) async fn hedged<T, F>(
        &self,
        context: &RequestContext,
        plan: &CallPlan,
        previous: u32,
        attempt: &impl Fn(Attempt) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Status>>,
    {
        // Boxed, since three places for an attempt would otherwise be part of every caller's state.
        let make = |hedge| Box::pin(self.guarded(context, plan, (previous, hedge), attempt));
        if plan.hedge_after_ms <= 0.0 {
            return make(false).await;
        }
        let mut first = make(false);
        let patience_us = ms_to_us(plan.hedge_after_ms);
        let clock = &self.instance.clock;
        if let Ok(outcome) = clock.timeout_us(patience_us, &mut first).await {
            return outcome;
        }
        if !self.hedges.as_ref().is_none_or(Budget::withdraw) {
            return first.await;
        }
        let mut second = make(true);
        tokio::select! {
            biased;
            outcome = &mut first => match outcome {
                Ok(answer) => Ok(answer),
                Err(failure) => second.await.map_err(|_| failure),
            },
            outcome = &mut second => match outcome {
                Ok(answer) => Ok(answer),
                Err(_) => first.await,
            },
        }
    }
}
