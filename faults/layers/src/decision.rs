//! What a fault is, to the code that carries it out.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::action::Action;
use crate::cut::Direction;

/// What a decision may depend on, besides chance.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Request id.
    pub request_id: &'a str,
    /// User id.
    pub user_id: &'a str,
    /// Path of the call, such as `/ragdoll.v1.Shard/Query`.
    pub operation: &'a str,
}

/// What happens to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Time for which it is held up.
    pub delay_us: u64,
    /// Resource parameters that hold for it alone.
    pub overrides: Option<Overrides>,
}

/// A fault with its parameters.
pub trait Fault: Send + Sync {
    /// What happens to a request that the fault acts on. Pure: all chance comes from `random`.
    fn decide(&self, facts: &Facts<'_>, random: &mut Rng) -> Decision;

    /// What changes on the target for as long as the fault lasts, whatever the requests. The
    /// `probability` is that of the fault, above 0: where a request is met or not, what holds for
    /// all of them must not do the same.
    fn standing(&self, probability: f64) -> Option<Overrides> {
        let _ = probability;
        None
    }

    /// Whether each request that comes to the target meets the fault. False for what befalls the
    /// target's process or network as a whole.
    fn meets_requests(&self) -> bool {
        true
    }

    /// What is done to each target instance as a whole.
    fn action(&self) -> Option<Action> {
        None
    }

    /// Which messages of the target do not pass while the fault lasts.
    fn cut(&self) -> Option<Direction> {
        None
    }
}

/// A kind of fault: its description, and its parameters as the experiment file has them.
pub trait Kind: Fault + Serialize + DeserializeOwned + JsonSchema + 'static {
    /// What the kind is.
    const INFO: KindInfo;

    /// What is wrong with the parameters, beyond their types.
    ///
    /// # Errors
    /// The first parameter that is out of range.
    fn check(&self) -> Result<(), ParamError>;
}
