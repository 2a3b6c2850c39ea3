//! How a downstream service is called: attempts, back-off, hedging, what limits them, and several calls
//! at once.

mod budget;
mod bulkhead;
mod circuit_breaker;
mod fan_out;
mod hedge;

use std::future::Future;
use std::sync::Arc;

use ragdoll_model::topology::CallPlan;
use ragdoll_runtime::Overrides;
use ragdoll_runtime::random::{ms_to_us, unit};
use ragdoll_telemetry::names::RETRY_BACKOFF;
use ragdoll_telemetry::{KeyValue, RequestContext};
use tonic::{Code, Status};

use self::budget::Budget;
use self::bulkhead::Bulkhead;
use self::circuit_breaker::CircuitBreaker;
pub use self::fan_out::fan_out;
use crate::instance::Instance;
use crate::interval::Interval;

/// One attempt of a call: what its request context must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Tells callers apart, so that their attempts draw differently.
    pub caller: u64,
    /// Attempts made before; a hedge does not count as one.
    pub previous: u32,
    /// Whether this is a second copy of an attempt that is slow.
    pub hedge: bool,
    /// When it ends at the latest, in microseconds of the run.
    pub deadline_us: Option<u64>,
}

impl Attempt {
    /// The caller's context as this attempt sends it.
    pub fn context(&self, caller: &RequestContext) -> RequestContext {
        let mut context = caller.attempt(self.caller, self.previous, self.hedge);
        context.deadline_us = self.deadline_us;
        context
    }
}

/// Whether a further attempt may end differently.
pub fn is_retryable(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted
    )
}

/// Mean wait before attempt number `attempt` (2 for the first retry): it doubles every time.
fn mean_backoff_ms(plan: &CallPlan, attempt: u32) -> f64 {
    plan.backoff_ms * f64::from(1u32 << (attempt - 2).min(16))
}

/// The plan with what differs from it now.
fn in_force(plan: &CallPlan, overrides: &Overrides) -> CallPlan {
    CallPlan {
        attempts: overrides.attempts.unwrap_or(plan.attempts),
        backoff_ms: overrides.backoff_ms.unwrap_or(plan.backoff_ms),
        timeout_ms: overrides.timeout_ms.unwrap_or(plan.timeout_ms),
        ..plan.clone()
    }
}

/// A service, or a partition of one, as one instance calls it: the plan, and what the plan's limits
/// remember of earlier calls.
#[derive(Debug)]
pub struct Callee {
    instance: Arc<Instance>,
    name: &'static str,
    plan: CallPlan,
    retries: Option<Budget>,
    hedges: Option<Budget>,
    breaker: Option<CircuitBreaker>,
    bulkhead: Option<Bulkhead>,
}

/// Why an attempt brought no answer.
#[derive(Debug)]
struct Failure {
    status: Status,
    /// Whether the caller itself refused to make it. Asking again would only be refused again.
    is_own_refusal: bool,
}

impl Failure {
    fn own_refusal(status: Status) -> Self {
        Failure {
            status,
            is_own_refusal: true,
        }
    }
}

impl Callee {
    /// The callee `name`, which nobody has called yet.
    pub fn new(instance: &Arc<Instance>, name: &'static str, plan: &CallPlan) -> Self {
        let retry_share = plan.retry_budget;
        Callee {
            instance: instance.clone(),
            name,
            retries: Budget::new(instance, retry_share, plan.retry_budget_min_per_s),
            hedges: Budget::new(instance, plan.hedge_budget, 0.0),
            breaker: CircuitBreaker::new(instance, name, plan.circuit_breaker),
            bulkhead: Bulkhead::new(instance, name, plan.bulkhead),
            plan: plan.clone(),
        }
    }

    /// Calls by plan. The wait before a retry is uniform from 0 to twice its mean ("full jitter", AWS
    /// Architecture Blog, "Exponential Backoff And Jitter", 2015). A wait that reaches the request's
    /// own deadline ends there, and the last failure is the answer; so it is where the budget has no
    /// retry left.
    pub async fn call<T, F>(
        &self,
        context: &RequestContext,
        attempt: impl Fn(Attempt) -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let plan = &in_force(&self.plan, &self.instance.overrides(context));
        let attempts = plan.attempts.max(1);
        for budget in [&self.retries, &self.hedges].into_iter().flatten() {
            budget.deposit();
        }
        let mut previous = 0;
        loop {
            let outcome = self.hedged(context, plan, previous, &attempt).await;
            let made = previous + 1;
            let failure = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let may_pass = !failure.is_own_refusal && is_retryable(failure.status.code());
            if made >= attempts || !may_pass || self.is_late(context) || !self.may_retry() {
                return Err(failure.status);
            }
            self.back_off(context, plan, made + 1).await;
            if self.is_late(context) {
                return Err(failure.status);
            }
            previous = made;
        }
    }

    fn is_late(&self, context: &RequestContext) -> bool {
        let now_us = self.instance.clock.now_us();
        context.deadline_us.is_some_and(|at_us| now_us >= at_us)
    }

    fn may_retry(&self) -> bool {
        self.retries.as_ref().is_none_or(Budget::withdraw)
    }

    async fn back_off(&self, context: &RequestContext, plan: &CallPlan, attempt: u32) {
        let instance = &self.instance;
        let stream = instance.random.child("backoff").child(self.name);
        let mut rng = stream.at(context.draw_key().0 ^ u64::from(attempt));
        let wait_us = ms_to_us(2.0 * mean_backoff_ms(plan, attempt) * unit(&mut rng));
        let wait_us = match context.deadline_us {
            None => wait_us,
            Some(deadline_us) => wait_us.min(deadline_us.saturating_sub(instance.clock.now_us())),
        };
        let number = KeyValue::new("retry.attempt", i64::from(attempt));
        let _waiting = Interval::begin(instance, context, RETRY_BACKOFF, Some(number));
        instance.clock.sleep_us(wait_us).await;
    }

    /// One copy of one attempt, if the circuit breaker and the bulkhead let it through.
    async fn guarded<T, F>(
        &self,
        context: &RequestContext,
        plan: &CallPlan,
        (previous, hedge): (u32, bool),
        attempt: &impl Fn(Attempt) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let permit = self.breaker.as_ref().map(CircuitBreaker::admit).transpose();
        let permit = permit.map_err(Failure::own_refusal)?;
        let _place = match &self.bulkhead {
            None => None,
            Some(bulkhead) => {
                let entered = bulkhead.enter(context).await;
                Some(entered.map_err(Failure::own_refusal)?)
            }
        };
        let now_us = self.instance.clock.now_us();
        let own = (plan.timeout_ms > 0.0).then(|| now_us + ms_to_us(plan.timeout_ms));
        let outcome = attempt(Attempt {
            caller: self.instance.random.key(),
            previous,
            hedge,
            deadline_us: [own, context.deadline_us].into_iter().flatten().min(),
        })
        .await;
        if let Some(permit) = permit {
            permit.conclude(&outcome);
        }
        outcome.map_err(|status| Failure {
            status,
            is_own_refusal: false,
        })
    }
}
