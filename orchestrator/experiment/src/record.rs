//! The record of a run: what `run.json` holds, and all that a report may say. Everything in it
//! follows from file, seed and version, except the section [`RunRecord::wall`].

use std::collections::BTreeMap;

use ragdoll_analyser::Analysis;
use serde::{Deserialize, Serialize};

use crate::counterfactual::Counterfactual;
use crate::experiment::Experiment;
use crate::indicator::IndicatorChange;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of ragdoll.
    pub version: String,
    /// The experiment file, as it was given on the command line.
    pub file: String,
    /// Title of the experiment.
    pub title: String,
    /// Description of the experiment; may be empty.
    pub description: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// Where it ran, such as `virtual`.
    pub ground: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Each expectation, in the file's order.
    pub expectations: Vec<ExpectationOutcome>,
    /// Each phase, in the order of time.
    pub phases: Vec<PhaseRecord>,
    /// Comparisons that an expectation asked for besides the one with the baseline.
    pub comparisons: Vec<Comparison>,
    /// What each declared fault did, and whether it was felt.
    pub faults: Vec<FaultWitness>,
    /// Slow traces to look at.
    pub exemplars: Vec<Exemplar>,
    /// Files in the output folder.
    pub files: Vec<OutputFile>,
    /// The experiment with every default filled in.
    pub spec: Experiment,
    /// What depends on the machine.
    pub wall: Option<Wall>,
    /// Whether the machine held the load; absent on the virtual ground, which no machine limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineRecord>,
    /// What the same run shows without each fault; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<Counterfactual>,
}

impl RunRecord {
    /// The phase of this name.
    pub fn phase(&self, name: &str) -> Option<&PhaseRecord> {
        self.phases.iter().find(|phase| phase.name == name)
    }

    /// What the analyser says of `phase` compared with `against`.
    pub fn analysis(&self, phase: &str, against: &str) -> Option<&Analysis> {
        let of_phase = self
            .phase(phase)
            .filter(|record| record.against.as_deref() == Some(against))
            .and_then(|record| record.analysis.as_ref());
        of_phase.or_else(|| {
            self.comparisons
                .iter()
                .find(|pair| pair.phase == phase && pair.against == against)
                .map(|pair| &pair.analysis)
        })
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// Every expectation holds.
    Passed,
    /// The run was sound, and some expectation does not hold.
    Failed,
    /// The run cannot tell. This wins over a failed expectation: a fault that never fired can
    /// neither confirm nor refute anything.
    Inconclusive {
        /// Why, one sentence each; never empty.
        reasons: Vec<String>,
    },
}

impl Outcome {
    /// Exit code of the process: 0 passed, 1 failed, 4 inconclusive.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Outcome::Passed => 0,
            Outcome::Failed => 1,
            Outcome::Inconclusive { .. } => 4,
        }
    }

    /// One word for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Inconclusive { .. } => "inconclusive",
        }
    }
}

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectationOutcome {
    /// The expectation in words, or its CEL expression.
    pub text: String,
    /// Why the author expects it; may be empty.
    pub because: String,
    /// Whether it holds. False also where it could not be judged; the outcome then says so.
    pub held: bool,
    /// What was found, with figures.
    pub found: String,
    /// Why it does not hold; empty where it does.
    pub reason: String,
}

/// One phase, measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// Name of the phase.
    pub name: String,
    /// Start in seconds from the start of the run.
    pub start_s: f64,
    /// Length in seconds, the time to settle included.
    pub duration_s: f64,
    /// Seconds at the start that the figures leave out.
    pub settle_s: f64,
    /// Whether the other phases are compared with this one.
    pub baseline: bool,
    /// The phase's faults, for display, such as `latency on shard-2-1`.
    pub faults: Vec<String>,
    /// The figures that users feel.
    pub stats: PhaseStats,
    /// Mean of `worker.utilization` from 0 to 1, by `service.name`; services without it are absent.
    pub utilization: BTreeMap<String, f64>,
    /// Share of the mean critical path's time from 0 to 1, by `service.name`.
    pub share: BTreeMap<String, f64>,
    /// One point a second, fewer in a phase of more than 600 seconds; the time to settle included.
    pub timeline: Vec<TimelinePoint>,
    /// How the indicators differ from the baseline's; empty for the baseline.
    pub indicators: Vec<IndicatorChange>,
    /// The phase it is compared with; `None` for the baseline.
    pub against: Option<String>,
    /// What the analyser says of that comparison.
    pub analysis: Option<Analysis>,
}

/// The figures that users feel. A request belongs to the phase in which it was due; its latency
/// counts from then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseStats {
    /// Requests that were due.
    pub requests: u64,
    /// Those of them that were answered.
    pub succeeded: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Requests due, a second.
    pub offered_per_s: f64,
    /// Successful answers that arrived within the phase, a second.
    pub throughput_per_s: f64,
    /// Failed requests over all requests, 0 to 1.
    pub error_rate: f64,
    /// Mean latency over all requests, failed ones included, as are the quantiles.
    pub mean_ms: f64,
    /// Median latency.
    pub p50_ms: f64,
    /// Latency that 95 % of the requests stay within.
    pub p95_ms: f64,
    /// Latency that 99 % of the requests stay within.
    pub p99_ms: f64,
    /// Longest latency.
    pub max_ms: f64,
    /// Latencies between which the true median lies, as far as so many requests tell.
    pub p50_range_ms: [f64; 2],
    /// The same for the 95th percentile. Where some requests run into a time-out, it can be wide.
    pub p95_range_ms: [f64; 2],
    /// Mean recall@k of the answered requests, 0 to 1; `None` where none has one.
    pub recall: Option<f64>,
    /// Mean precision@k of the answered requests, 0 to 1; `None` where none has one.
    pub precision: Option<f64>,
    /// Failed requests by `error.type`.
    pub errors: BTreeMap<String, u64>,
}

/// One second of a phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// Start of the second, in seconds from the start of the run.
    pub t_s: f64,
    /// Requests that were due in it.
    pub requests: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Median latency; 0 without requests.
    pub p50_ms: f64,
    /// Latency that 95 % of the requests stay within; 0 without requests.
    pub p95_ms: f64,
}

/// A comparison of two phases by the analyser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The phase that is judged.
    pub phase: String,
    /// The phase it is compared with.
    pub against: String,
    /// What the analyser says.
    pub analysis: Analysis,
}

/// What one declared fault did, and whether anybody felt it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultWitness {
    /// Name of the phase.
    pub phase: String,
    /// Position among the phase's faults, from 0.
    pub index: usize,
    /// Kind of the fault.
    pub kind: String,
    /// Where it acted, for display.
    pub target: String,
    /// Declared probability.
    pub probability: f64,
    /// Times that it could have acted.
    pub opportunities: u64,
    /// Times that it did.
    pub firings: u64,
    /// Time that it added, over all firings.
    pub injected_ms: f64,
    /// Requests it acted on.
    pub requests_touched: u64,
    /// Seconds that it was in force and that count.
    pub in_force_s: f64,
    /// Seconds over which [`FaultWitness::indicators`] are taken: the time in force, or all of the
    /// phase that counts where too few requests were due in the time in force.
    pub judged_s: f64,
    /// How the indicators differ from the baseline's; empty in the baseline, and where there were
    /// too few requests.
    pub indicators: Vec<IndicatorChange>,
}

impl FaultWitness {
    /// Indicators that moved beyond noise, and far enough to be felt.
    pub fn moved(&self) -> impl Iterator<Item = &IndicatorChange> {
        self.indicators.iter().filter(|change| change.moved)
    }
}

/// A trace that shows what a phase's slow requests go through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// Name of the phase.
    pub phase: String,
    /// Hexadecimal trace id.
    pub trace_id: String,
    /// Duration of the trace's root.
    pub duration_ms: f64,
    /// Spans in the order in which they are drawn.
    pub rows: Vec<WaterfallRow>,
}

/// One span of a waterfall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaterfallRow {
    /// Depth in the tree, 0 for the root.
    pub depth: u32,
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`.
    pub instance: String,
    /// Name of the span.
    pub name: String,
    /// Start, counted from the root's start.
    pub start_ms: f64,
    /// Length.
    pub duration_ms: f64,
    /// Time that the critical path spends in this span itself; 0 off the critical path.
    pub critical_ms: f64,
    /// `error.type`, where the span failed.
    pub error: Option<String>,
}

impl From<ragdoll_analyser::WaterfallRow> for WaterfallRow {
    fn from(row: ragdoll_analyser::WaterfallRow) -> Self {
        WaterfallRow {
            depth: row.depth,
            service: row.service,
            instance: row.instance,
            name: row.name,
            start_ms: row.start_ms,
            duration_ms: row.duration_ms,
            critical_ms: row.on_critical_path_ms,
            error: row.error,
        }
    }
}

/// A file in the output folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Name within the folder.
    pub name: String,
    /// What it holds.
    pub what: String,
}

/// How well a machine held the load of a real ground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// How late timers were that were tried every 10 ms beside the load, 99th percentile.
    pub scheduling_delay_p99_ms: f64,
    /// How late requests were sent, 99th percentile.
    pub lateness_p99_ms: f64,
    /// Share of all processors' time that was used, from 0 to 1, by whoever; `None` where the
    /// machine does not tell.
    pub busy_share: Option<f64>,
}

impl MachineRecord {
    /// Delay past which the machine is taken to be what limits: a request passes some ten timers,
    /// and two thirds of this at one of them is a hundredth of an ordinary request's time.
    pub const DELAY_LIMIT_MS: f64 = 15.0;
    /// Why what was measured says more about the machine than about the system, one sentence each;
    /// empty where the machine held the load.
    pub fn was_bottleneck(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let limit = MachineRecord::DELAY_LIMIT_MS;
        let mut late = |what: &str, found_ms: f64| {
            if found_ms > limit {
                reasons.push(format!(
                    "the machine was the bottleneck: {what} by up to {found_ms:.1} ms (99th \
                     percentile, {limit} ms allowed): lower the load, or take a larger machine"
                ));
            }
        };
        late("timers were late", self.scheduling_delay_p99_ms);
        late("requests were sent late", self.lateness_p99_ms);
        reasons
    }
}

/// What depends on the machine and differs from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    /// Wall time from the start of the simulation to the verdict.
    pub seconds: f64,
    /// Simulated requests a second of wall time.
    pub requests_per_s: f64,
    /// Processors that the process could use.
    pub cores: u32,
}
