//! What the replays without faults showed, as it stands in the record of a run.

use std::fmt;

use ragdoll_analyser::{Bottleneck, Cause, Question, Verdict};
use serde::{Deserialize, Serialize};

use crate::indicator::IndicatorChange;

/// What the same run shows without each of its faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// Each declared fault, in the order of phases and of the faults within them; those of
    /// probability 0 left out.
    pub faults: Vec<WithoutFault>,
    /// Each phase with several faults of its own that are meant to be felt, without all of them.
    pub together: Vec<WithoutAll>,
}

/// What a run shows without one fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutFault {
    /// Name of the phase.
    pub phase: String,
    /// Position among the phase's faults, from 0.
    pub index: usize,
    /// The fault, for display, such as `latency on shard-2-1`.
    pub fault: String,
    /// Whether it is declared as one that users do not feel.
    pub decoy: bool,
    /// Whether the baseline has the same fault, which was then left out of every phase.
    pub standing: bool,
    /// The phase's verdict in the run as it is; `None` in the baseline, which has none.
    pub with: Option<Named>,
    /// The phase's verdict without the fault.
    pub without: Option<Named>,
    /// What follows.
    pub finding: Finding,
    /// Indicators over the time in which the fault is in force: the baseline is the run without it,
    /// the value that of the run with it.
    pub indicators: Vec<IndicatorChange>,
    /// Verdicts of other pairs of phases that are not the same without it.
    pub elsewhere: Vec<VerdictChange>,
}

/// What a run shows without all faults of a phase that are meant to be felt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutAll {
    /// Name of the phase.
    pub phase: String,
    /// The phase's verdict in the run as it is.
    pub with: Named,
    /// The phase's verdict without any of them.
    pub without: Named,
    /// Whether the bottleneck that is named with them is named without them too.
    pub remains: bool,
}

/// A verdict that is not the same without a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictChange {
    /// The phase that is judged.
    pub phase: String,
    /// The phase it is compared with.
    pub against: String,
    /// The verdict in the run as it is.
    pub with: Named,
    /// The verdict without the fault.
    pub without: Named,
}

/// What a verdict names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Named {
    /// A place and a cause.
    Bottleneck {
        /// `service.name`.
        service: String,
        /// `service.instance.id`, where one stands out.
        instance: Option<String>,
        /// Why.
        cause: Cause,
        /// Which indicator it explains.
        question: Question,
    },
    /// Nothing.
    NoBottleneck,
    /// There were too few requests to tell.
    NotEnoughData {
        /// What was missing.
        reason: String,
    },
}

impl Named {
    /// Whether both name the same service and cause, or neither names any.
    pub fn agrees_with(&self, other: &Named) -> bool {
        match (self, other) {
            (
                Named::Bottleneck { service, cause, .. },
                Named::Bottleneck {
                    service: other_service,
                    cause: other_cause,
                    ..
                },
            ) => service == other_service && cause == other_cause,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Named::NotEnoughData { .. })
    }
}

impl From<&Verdict> for Named {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Bottleneck(Bottleneck {
                service,
                instance,
                cause,
                question,
                ..
            }) => Named::Bottleneck {
                service: service.clone(),
                instance: instance.clone(),
                cause: *cause,
                question: *question,
            },
            Verdict::NoBottleneck { .. } => Named::NoBottleneck,
            Verdict::NotEnoughData { reason } => Named::NotEnoughData {
                reason: reason.clone(),
            },
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Bottleneck { service, cause, .. } => write!(f, "{service} / {cause}"),
            Named::NoBottleneck => f.write_str("no bottleneck"),
            Named::NotEnoughData { .. } => f.write_str("not enough data"),
        }
    }
}

/// What follows from leaving a fault out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The bottleneck is gone without it.
    Responsible,
    /// The bottleneck is there without it too, and gone without another fault of the phase.
    NoPart,
    /// The bottleneck is there without any single fault of the phase, and gone without all of them:
    /// several are enough by themselves.
    Shared,
    /// The bottleneck is there without any fault of the phase that is meant to be felt: the verdict
    /// names something else than what was done. The run fails.
    Remains,
    /// A decoy, and every verdict is the same without it.
    Harmless,
    /// A decoy, and some verdict is another without it. The run fails.
    Felt,
    /// The phase's verdict names no bottleneck that could vanish.
    NothingNamed,
    /// A fault of the baseline, which has no verdict.
    InBaseline,
    /// Too few requests to tell. The run is inconclusive.
    Unknown,
}

impl Finding {
    /// A word or two for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Finding::Responsible => "responsible",
            Finding::NoPart => "no part in it",
            Finding::Shared => "shared",
            Finding::Remains => "not the cause",
            Finding::Harmless => "decoy, unnoticed",
            Finding::Felt => "decoy, noticed",
            Finding::NothingNamed => "nothing named",
            Finding::InBaseline => "in the baseline",
            Finding::Unknown => "unknown",
        }
    }

    /// Whether it speaks against the run's verdicts or declarations.
    pub const fn is_failure(self) -> bool {
        matches!(self, Finding::Remains | Finding::Felt)
    }
}

impl Counterfactual {
    /// Why the run fails, a sentence each; empty where every fault did what the verdict says.
    pub fn failures(&self) -> Vec<String> {
        let failed = self.faults.iter().filter(|one| one.finding.is_failure());
        let mut failures: Vec<String> = Vec::new();
        for one in failed {
            let failure = self.failure(one);
            if !failures.contains(&failure) {
                failures.push(failure);
            }
        }
        failures
    }

    fn failure(&self, one: &WithoutFault) -> String {
        let shown = |named: &Option<Named>| named.as_ref().map_or(String::new(), Named::to_string);
        let WithoutFault { phase, fault, .. } = one;
        if one.finding == Finding::Felt {
            let own = one.with.as_ref().zip(one.without.as_ref());
            let own = own.filter(|(with, without)| !with.agrees_with(without));
            let mut changes: Vec<String> = own
                .map(|(with, without)| format!("{with} in `{phase}` becomes {without}"))
                .into_iter()
                .collect();
            changes.extend(one.elsewhere.iter().map(|change| {
                format!(
                    "{} in `{}` becomes {}",
                    change.with, change.phase, change.without
                )
            }));
            let changes = changes.join(", ");
            return format!("without the decoy {fault} of phase `{phase}`, {changes}");
        }
        let named = shown(&one.with);
        if self.together.iter().any(|all| all.phase == *phase) {
            format!(
                "the bottleneck {named} of phase `{phase}` is there without any of the phase's \
                 faults too: they are not what the verdict names"
            )
        } else {
            format!(
                "the bottleneck {named} of phase `{phase}` is there without {fault} too: the fault \
                 is not what the verdict names"
            )
        }
    }

    /// Why nobody can tell, a sentence each; empty where everything could be told.
    pub fn unknowns(&self) -> Vec<String> {
        let unknown = self
            .faults
            .iter()
            .filter(|one| one.finding == Finding::Unknown);
        unknown
            .map(|one| {
                format!(
                    "without {} of phase `{}` there is too little data for a verdict: make the \
                     phase longer or raise the load",
                    one.fault, one.phase
                )
            })
            .collect()
    }
}
