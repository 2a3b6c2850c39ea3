//! From replays to what each fault is responsible for.

use super::compared::{Compared, compared};
use super::outcome::{Counterfactual, Finding, Named, VerdictChange, WithoutAll, WithoutFault};
use super::{FaultPlace, Replayed, is_standing, own_faults};
use crate::experiment::Experiment;
use crate::record::{Outcome, RunRecord};
use crate::wording::describe_fault;

/// Adds to the record of a run what its replays showed, and to its outcome what follows: it fails
/// where a bottleneck is there without the faults that should have caused it or where a decoy
/// changes a verdict, and is inconclusive where there was too little data to tell.
///
/// `replays` are those of [`super::variants`] of the record's experiment.
pub fn judge_counterfactual(mut record: RunRecord, replays: &[Replayed]) -> RunRecord {
    let judging = Judging {
        experiment: &record.spec,
        with: compared(&record),
        replays,
    };
    let counterfactual = judging.judge();
    let unknowns = counterfactual.unknowns();
    let failed = !counterfactual.failures().is_empty();
    record.outcome = match record.outcome {
        Outcome::Inconclusive { mut reasons } => {
            reasons.extend(unknowns);
            Outcome::Inconclusive { reasons }
        }
        _ if !unknowns.is_empty() => Outcome::Inconclusive { reasons: unknowns },
        Outcome::Passed if failed => Outcome::Failed,
        outcome => outcome,
    };
    record.counterfactual = Some(counterfactual);
    record
}

struct Judging<'a> {
    experiment: &'a Experiment,
    /// The run as it is.
    with: Vec<Compared>,
    replays: &'a [Replayed],
}

impl Judging<'_> {
    fn judge(&self) -> Counterfactual {
        let mut faults = Vec::new();
        let mut together = Vec::new();
        for phase in &self.experiment.phases {
            let indices = 0..phase.faults.len();
            faults.extend(indices.filter_map(|index| self.fault(&phase.name, index)));
            together.extend(self.all_of(&phase.name));
        }
        Counterfactual { faults, together }
    }

    /// What is said of a phase, compared with the baseline.
    fn of_phase<'c>(&self, compared: &'c [Compared], phase: &str) -> Option<&'c Compared> {
        let baseline = &self.experiment.baseline().name;
        let mut pairs = compared.iter();
        pairs.find(|pair| pair.phase == phase && pair.against == *baseline)
    }

    /// The replay in which this fault, and no other of its phase, is left out.
    fn replay_without(&self, place: &FaultPlace) -> Option<&Replayed> {
        self.replays.iter().find(|replay| {
            let of_phase = replay
                .left_out
                .iter()
                .filter(|one| one.phase == place.phase);
            replay.left_out.contains(place) && of_phase.count() == 1
        })
    }

    /// The replay in which all of the phase's own faults are left out, where there are several.
    fn replay_without_all(&self, phase: &str) -> Option<&Replayed> {
        let own = own_faults(self.experiment, self.experiment.phase(phase)?);
        let mut replays = self.replays.iter();
        replays.find(|replay| own.len() > 1 && replay.left_out == own)
    }

    fn fault(&self, phase: &str, index: usize) -> Option<WithoutFault> {
        let place = FaultPlace {
            phase: phase.to_owned(),
            index,
        };
        let replay = self.replay_without(&place)?;
        let fault = &self.experiment.phase(phase)?.faults[index];
        let with = self.of_phase(&self.with, phase);
        let without = self.of_phase(&replay.compared, phase);
        let elsewhere = self.elsewhere(replay, phase);
        let standing = is_standing(self.experiment, fault);
        let same = with
            .zip(without)
            .is_none_or(|(with, without)| with.verdict.agrees_with(&without.verdict));
        let finding = match with.zip(without) {
            Some((with, without)) if with.verdict.is_unknown() || without.verdict.is_unknown() => {
                Finding::Unknown
            }
            _ if fault.decoy && same && elsewhere.is_empty() => Finding::Harmless,
            _ if fault.decoy => Finding::Felt,
            None => Finding::InBaseline,
            Some((with, without)) => self.responsibility(&place, standing, with, without),
        };
        Some(WithoutFault {
            phase: place.phase.clone(),
            index,
            fault: describe_fault(fault),
            decoy: fault.decoy,
            standing,
            with: with.map(|pair| pair.verdict.clone()),
            without: without.map(|pair| pair.verdict.clone()),
            finding,
            indicators: replay.indicators.get(&place).cloned().unwrap_or_default(),
            elsewhere,
        })
    }

    fn responsibility(
        &self,
        place: &FaultPlace,
        standing: bool,
        with: &Compared,
        without: &Compared,
    ) -> Finding {
        match is_gone(with, without) {
            None => return Finding::NothingNamed,
            Some(true) => return Finding::Responsible,
            Some(false) => {}
        }
        if standing || self.is_gone_without_another(place, with) {
            return Finding::NoPart;
        }
        let all = self.replay_without_all(&place.phase);
        let all = all.and_then(|replay| self.of_phase(&replay.compared, &place.phase));
        match all {
            Some(all) if all.verdict.is_unknown() => Finding::Unknown,
            Some(all) if is_gone(with, all) == Some(true) => Finding::Shared,
            _ => Finding::Remains,
        }
    }

    fn is_gone_without_another(&self, place: &FaultPlace, with: &Compared) -> bool {
        let faults = self
            .experiment
            .phase(&place.phase)
            .map_or(0, |phase| phase.faults.len());
        let others = (0..faults).filter(|index| *index != place.index);
        others
            .filter_map(|index| {
                let phase = place.phase.clone();
                let replay = self.replay_without(&FaultPlace { phase, index })?;
                is_gone(with, self.of_phase(&replay.compared, &place.phase)?)
            })
            .any(|gone| gone)
    }

    /// Verdicts that a replay changes, besides that of the phase itself.
    fn elsewhere(&self, replay: &Replayed, phase: &str) -> Vec<VerdictChange> {
        let baseline = &self.experiment.baseline().name;
        let others = self.with.iter();
        let others = others.filter(|pair| pair.phase != phase || pair.against != *baseline);
        others
            .filter_map(|with| {
                let mut replayed = replay.compared.iter();
                let without = replayed.find(|without| {
                    without.phase == with.phase && without.against == with.against
                })?;
                (!with.verdict.agrees_with(&without.verdict)).then(|| VerdictChange {
                    phase: with.phase.clone(),
                    against: with.against.clone(),
                    with: with.verdict.clone(),
                    without: without.verdict.clone(),
                })
            })
            .collect()
    }

    fn all_of(&self, phase: &str) -> Option<WithoutAll> {
        let replay = self.replay_without_all(phase)?;
        let with = self.of_phase(&self.with, phase)?;
        let without = self.of_phase(&replay.compared, phase)?;
        Some(WithoutAll {
            phase: phase.to_owned(),
            with: with.verdict.clone(),
            without: without.verdict.clone(),
            remains: is_gone(with, without) == Some(false),
        })
    }
}

/// Whether the bottleneck that the one verdict names is named no more; `None` where it names none.
fn is_gone(with: &Compared, without: &Compared) -> Option<bool> {
    match &with.verdict {
        Named::Bottleneck { service, cause, .. } => {
            let mut named = without.places.iter();
            Some(!named.any(|(other, why)| other == service && why == cause))
        }
        Named::NoBottleneck | Named::NotEnoughData { .. } => None,
    }
}
