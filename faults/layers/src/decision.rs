//! What a fault is, to the code that carries it out.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_runtime::{Overrides, Refusal, Rng, WireChange};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::action::Action;
use crate::direction::Direction;
use crate::facts::Facts;
use crate::pulse::Pulse;
use crate::spoil::Spoil;

/// What happens to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Time for which it is held up.
    pub delay_us: u64,
    /// Resource parameters that hold for it alone.
    pub overrides: Option<Overrides>,
    /// How the wire treats it, both ways. For faults that are met by callers.
    pub wire: Option<WireChange>,
    /// What it gets, after the delay, without coming to the service.
    pub refusal: Option<Refusal>,
    /// For how long the process is down that it kills, after the delay. For faults that are met by a
    /// service.
    pub kill_for_us: Option<u64>,
    /// Whether it is sent twice; nobody waits for the answer to the copy.
    pub duplicate: bool,
    /// What becomes of its answer.
    pub spoil: Option<Spoil>,
    /// Time for which its whole answer is held up.
    pub answer_delay_us: u64,
}

impl Decision {
    /// A request that is held up and then served.
    pub fn delay(delay_us: u64) -> Self {
        Decision {
            delay_us,
            ..Decision::default()
        }
    }

    /// A request for which resources have other parameters.
    pub fn overrides(overrides: Overrides) -> Self {
        Decision {
            overrides: Some(overrides),
            ..Decision::default()
        }
    }

    /// A request that is refused at once.
    pub fn refuse(refusal: Refusal) -> Self {
        Decision {
            refusal: Some(refusal),
            ..Decision::default()
        }
    }

    /// Whether nothing happens to the request.
    pub fn is_nothing(&self) -> bool {
        *self == Decision::default()
    }
}

/// How the load differs from what the workload says, while a fault lasts. Factors are above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadChange {
    /// Factor on the rate of arrivals; of a closed loop, on the number of users.
    pub rate_factor: f64,
    /// Seconds over which the rate changes, each time that the fault comes into force.
    pub ramp_s: f64,
    /// Factor on the tokens of a prompt.
    pub prompt_tokens_factor: f64,
    /// Factor on the tokens of an answer.
    pub output_tokens_factor: f64,
}

impl Default for LoadChange {
    fn default() -> Self {
        LoadChange {
            rate_factor: 1.0,
            ramp_s: 0.0,
            prompt_tokens_factor: 1.0,
            output_tokens_factor: 1.0,
        }
    }
}

/// A fault with its parameters. What a kind does not define it does not do.
pub trait Fault: Send + Sync {
    /// What happens to a request that the fault acts on. Pure: all chance comes from `random`. A
    /// request to which nothing happens counts as a firing only where the fault changes its target as
    /// a whole.
    fn decide(&self, facts: &Facts<'_>, random: &mut Rng) -> Decision {
        let _ = (facts, random);
        Decision::default()
    }

    /// What changes on the target for as long as the fault lasts, whatever the requests. The
    /// `probability` is that of the fault, above 0: where a request is met or not, what holds for
    /// all of them must not do the same.
    fn standing(&self, probability: f64) -> Option<Overrides> {
        let _ = probability;
        None
    }

    /// Whether requests to the target meet the fault. False for what befalls the target's process or
    /// network as a whole, and for what only [`Fault::standing`] does; those are in no request's way.
    fn meets_requests(&self) -> bool {
        true
    }

    /// When the fault comes and goes by itself, within its times.
    fn pulse(&self) -> Option<Pulse> {
        None
    }

    /// What is done to each target instance as a whole.
    fn action(&self) -> Option<Action> {
        None
    }

    /// Which messages of the target do not pass while the fault lasts.
    fn cut(&self) -> Option<Direction> {
        None
    }

    /// How the load changes while the fault lasts. For faults of the load generator.
    fn load(&self) -> Option<LoadChange> {
        None
    }
}

/// A kind of fault: its description, and its parameters as the experiment file has them.
pub trait Kind: Fault + Serialize + DeserializeOwned + JsonSchema + 'static {
    /// What the kind is.
    const INFO: KindInfo;

    /// Parameters that are worth a first try on the default topology.
    fn example() -> Self;

    /// What is wrong with the parameters, beyond their types.
    ///
    /// # Errors
    /// The first parameter that is out of range.
    fn check(&self) -> Result<(), ParamError>;
}
