//! From what a ground yields to the record of the run. The analyser sees the observations alone; the
//! journal goes to the comparison of verdict and expectation.

use std::path::Path;

use ragdoll_analyser::{
    Analysis, Config, Overview, Prepared, Window, analyse, overview, waterfall,
};
use ragdoll_collector::{CollectError, LOGS_FILE, METRICS_FILE, TRACES_FILE};
use ragdoll_experiment::{
    Comparison, Exemplar, Experiment, Journal, Measurements, OutputFile, Phase, RunRecord,
    UtilizationSample, WaterfallRow, judge,
};
use ragdoll_trace::Observations;

use crate::recording::Recording;

/// Name of the file of ground truth.
const JOURNAL_FILE: &str = "journal.json";
/// Operation of the requests that are judged; documents on their way into the index are not.
const JUDGED_OPERATION: &str = "POST /v1/query";

pub(crate) fn judge_recording(
    experiment: &Experiment,
    recording: Recording,
    out: Option<&Path>,
) -> Result<RunRecord, CollectError> {
    let observations = &recording.collected.observations;
    let analyst = Analyst::new(observations, recording.epoch_unix_us);
    let comparisons = analyst.comparisons(experiment);
    let overviews = analyst.overviews(experiment);
    let exemplars = analyst.exemplars(&overviews, &comparisons);
    let shares = overviews
        .into_iter()
        .map(|(phase, overview)| (phase, overview.shares))
        .collect();
    let utilization = utilization(observations, recording.epoch_unix_us);
    if let Some(folder) = out {
        write_journal(folder, &recording.journal)?;
    }
    let measurements = Measurements {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ground: recording.ground.to_owned(),
        requests: recording.requests,
        utilization,
        comparisons,
        shares,
        journal: recording.journal,
        exemplars,
        files: out.map(|_| files()).unwrap_or_default(),
        wall: None,
        machine: recording.machine,
    };
    Ok(judge(experiment, measurements))
}

/// The analyser with what it may see.
struct Analyst<'a> {
    prepared: Prepared<'a>,
    epoch_unix_us: u64,
    config: Config,
}

impl<'a> Analyst<'a> {
    fn new(observations: &'a Observations, epoch_unix_us: u64) -> Self {
        Analyst {
            prepared: Prepared::new(observations),
            epoch_unix_us,
            config: Config {
                root_operation: Some(JUDGED_OPERATION.to_owned()),
                ..Config::default()
            },
        }
    }

    fn window(&self, phase: &Phase) -> Window {
        let unix_ns = |run_us: u64| (self.epoch_unix_us + run_us) * 1000;
        Window {
            start_ns: unix_ns(phase.counted_from_us()),
            end_ns: unix_ns(phase.end_us()),
        }
    }

    fn analyse(&self, phase: &Phase, against: &Phase) -> Analysis {
        let (window, baseline) = (self.window(phase), self.window(against));
        analyse(&self.prepared, &window, &baseline, &self.config)
    }

    fn comparisons(&self, experiment: &Experiment) -> Vec<Comparison> {
        let named = |name: &str| {
            let phase = experiment.phase(name);
            phase.unwrap_or_else(|| panic!("a loaded experiment knows its phase {name}"))
        };
        let pairs = experiment.comparisons().into_iter();
        pairs
            .map(|(phase, against)| Comparison {
                analysis: self.analyse(named(&phase), named(&against)),
                phase,
                against,
            })
            .collect()
    }

    /// Each phase by itself, in order.
    fn overviews(&self, experiment: &Experiment) -> Vec<(String, Overview)> {
        let of_phase = |phase: &Phase| {
            let overview = overview(&self.prepared, &self.window(phase), &self.config);
            (phase.name.clone(), overview)
        };
        experiment.phases.iter().map(of_phase).collect()
    }

    /// Of each phase a slow trace: one that the verdict points to, else a typical one.
    fn exemplars(
        &self,
        overviews: &[(String, Overview)],
        comparisons: &[Comparison],
    ) -> Vec<Exemplar> {
        let exemplar = |(phase, overview): &(String, Overview)| {
            let own = comparisons.iter().find(|pair| pair.phase == *phase);
            let pointed_to = own
                .and_then(|pair| pair.analysis.verdict.bottleneck())
                .and_then(|bottleneck| bottleneck.example_traces.first())
                .and_then(|id| u128::from_str_radix(id, 16).ok());
            let trace_id = pointed_to.or(overview.slow_trace)?;
            let rows = waterfall(&self.prepared, trace_id);
            Some(Exemplar {
                phase: phase.clone(),
                trace_id: format!("{trace_id:032x}"),
                duration_ms: rows.first().map_or(0.0, |root| root.duration_ms),
                rows: rows.into_iter().map(WaterfallRow::from).collect(),
            })
        };
        overviews.iter().filter_map(exemplar).collect()
    }
}

fn utilization(observations: &Observations, epoch_unix_us: u64) -> Vec<UtilizationSample> {
    let set = &observations.traces;
    let name = set.symbol(ragdoll_telemetry::metrics::WORKER_UTILIZATION.name);
    let samples = observations
        .metrics
        .iter()
        .filter(|point| Some(point.name) == name);
    samples
        .map(|point| UtilizationSample {
            at_us: point.time_ns / 1000 - epoch_unix_us,
            service: set.service(point.resource).to_owned(),
            value: point.value,
        })
        .collect()
}

pub(crate) fn write_journal(folder: &Path, journal: &Journal) -> Result<(), CollectError> {
    let path = folder.join(JOURNAL_FILE);
    let text = serde_json::to_string_pretty(journal).expect("a journal is plain data");
    std::fs::write(&path, text + "\n").map_err(|source| CollectError::Write { path, source })
}

fn files() -> Vec<OutputFile> {
    let file = |name: &str, what: &str| OutputFile {
        name: name.to_owned(),
        what: what.to_owned(),
    };
    vec![
        file(TRACES_FILE, "spans, OTLP JSON lines"),
        file(LOGS_FILE, "log lines"),
        file(METRICS_FILE, "gauges, OTLP JSON lines"),
        file(JOURNAL_FILE, "what was done to the system, and when"),
        file("run.json", "everything in this report"),
        file("report.html", "this report as a page with pictures"),
        file("junit.xml", "the expectations as test cases"),
    ]
}
