//! One fault of a phase.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::matching::Match;
use crate::target::Target;

/// A fault as an experiment declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// Name of a kind in the catalogue, such as `latency`.
    pub kind: String,
    /// Where it acts.
    pub target: Target,
    /// Which requests it acts on; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Match>,
    /// Probability that it acts, at each opportunity.
    #[serde(default = "certain")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// What is an opportunity.
    #[serde(default, skip_serializing_if = "Per::is_request")]
    pub per: Per,
    /// Seconds from the phase's start to the fault's start.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub at_s: f64,
    /// Seconds that the fault lasts; until the phase's end unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub for_s: Option<f64>,
    /// Seconds from one start of the fault to the next, more than `for_s`: it comes and goes until
    /// its phase ends. Once unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub every_s: Option<f64>,
    /// Seconds over which its probability grows from 0, each time it starts.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0))]
    pub ramp_up_s: f64,
    /// Seconds over which its probability falls to 0, each time before it stops.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0))]
    pub ramp_down_s: f64,
    /// True where users must not feel the fault, such as a slow service off the critical path. A
    /// fault that is no decoy and that nobody feels makes the run inconclusive.
    #[serde(default)]
    pub decoy: bool,
    /// What the kind needs to know; once an experiment is loaded, with its defaults filled in.
    #[serde(default = "no_params")]
    #[schemars(schema_with = "any_table")]
    pub params: Value,
}

impl FaultSpec {
    /// A fault that acts at every opportunity for the whole of its phase.
    pub fn new(kind: impl Into<String>, target: Target, params: Value) -> Self {
        FaultSpec {
            kind: kind.into(),
            target,
            only: None,
            probability: certain(),
            per: Per::Request,
            at_s: 0.0,
            for_s: None,
            every_s: None,
            ramp_up_s: 0.0,
            ramp_down_s: 0.0,
            decoy: false,
            params,
        }
    }

    /// When the fault starts and stops, in seconds from the start of its phase, which lasts
    /// `phase_s`: of one that comes and goes, the first start and the last stop. The stop is never
    /// after the phase's end.
    pub fn window_s(&self, phase_s: f64) -> (f64, f64) {
        let once = self.for_s.filter(|_| self.every_s.is_none());
        let stop = once.map_or(phase_s, |length| self.at_s + length);
        (self.at_s, stop.min(phase_s))
    }
}

/// At what a fault's probability is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each request by itself.
    #[default]
    Request,
    /// Each pair of a caller's and a callee's instance: all requests over a connection meet the
    /// fault, or none does. For faults that act on the calls between services.
    Connection,
}

impl Per {
    fn is_request(&self) -> bool {
        *self == Per::Request
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn certain() -> f64 {
    1.0
}

fn no_params() -> Value {
    Value::Object(serde_json::Map::new())
}

fn any_table(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object" })
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;

    use super::*;

    #[test]
    fn the_window_ends_with_the_phase_at_the_latest() {
        let mut fault = FaultSpec::new("latency", Target::service(Service::LLM), no_params());
        assert_eq!(fault.window_s(60.0), (0.0, 60.0));
        fault.at_s = 50.0;
        fault.for_s = Some(5.0);
        assert_eq!(fault.window_s(60.0), (50.0, 55.0));
        fault.for_s = Some(50.0);
        assert_eq!(fault.window_s(60.0), (50.0, 60.0));
        (fault.at_s, fault.for_s, fault.every_s) = (10.0, Some(5.0), Some(20.0));
        assert_eq!(fault.window_s(60.0), (10.0, 60.0));
    }

    #[test]
    fn a_short_declaration_gets_the_defaults() {
        let text = r#"{ "kind": "latency", "target": { "service": "llm" } }"#;
        let fault: FaultSpec = serde_json::from_str(text).expect("a valid fault");
        let target = Target::service(Service::LLM);
        assert_eq!(fault, FaultSpec::new("latency", target, no_params()));
    }
}
