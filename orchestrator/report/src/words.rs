//! The sentences that every report shares, so that they say the same.

use ragdoll_analyser::{Analysis, Attribution, Bottleneck, Question, SharedTrait, Verdict};
use ragdoll_experiment::{
    FaultWitness, Indicator, IndicatorChange, Outcome, PhaseRecord, RunRecord,
};

use crate::figures::{self, ms, share};
use crate::meaning;

/// One comparison of a phase with another.
#[derive(Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub(crate) phase: &'a str,
    pub(crate) against: &'a str,
    pub(crate) analysis: &'a Analysis,
}

/// Every comparison of a run: those with the baseline in the order of time, then the others.
pub(crate) fn judged(record: &RunRecord) -> Vec<Judged<'_>> {
    let with_baseline = record.phases.iter().filter_map(|phase| {
        Some(Judged {
            phase: &phase.name,
            against: phase.against.as_deref()?,
            analysis: phase.analysis.as_ref()?,
        })
    });
    let mut all: Vec<Judged<'_>> = with_baseline.collect();
    for pair in &record.comparisons {
        let known = all
            .iter()
            .any(|one| one.phase == pair.phase && one.against == pair.against);
        if !known {
            all.push(Judged {
                phase: &pair.phase,
                against: &pair.against,
                analysis: &pair.analysis,
            });
        }
    }
    all
}

/// `metadata / lock`, with the instance where one stands out.
pub(crate) fn place(bottleneck: &Bottleneck) -> String {
    match &bottleneck.instance {
        Some(instance) => format!(
            "{} / {} at {instance}",
            bottleneck.service, bottleneck.cause
        ),
        None => format!("{} / {}", bottleneck.service, bottleneck.cause),
    }
}

/// The verdict in a few words, for tables and headings.
pub(crate) fn short_verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Bottleneck(bottleneck) => place(bottleneck),
        Verdict::NoBottleneck { .. } => "no bottleneck".to_owned(),
        Verdict::NotEnoughData { .. } => "not enough data".to_owned(),
    }
}

/// The verdict of one comparison in one plain sentence.
pub(crate) fn sentence(judged: Judged<'_>) -> String {
    let Judged {
        phase,
        against,
        analysis,
    } = judged;
    match &analysis.verdict {
        Verdict::Bottleneck(bottleneck) => because(judged, bottleneck),
        Verdict::NoBottleneck { .. } => format!(
            "In `{phase}`, there is no bottleneck: nothing changed beyond noise against `{against}`."
        ),
        Verdict::NotEnoughData { reason } => format!(
            "In `{phase}`, there is too little data to tell: {}.",
            reason.trim_end_matches('.')
        ),
    }
}

/// What a bottleneck explains, whether it is the verdict's or another question's.
pub(crate) fn because(judged: Judged<'_>, bottleneck: &Bottleneck) -> String {
    let Judged {
        phase,
        against,
        analysis,
    } = judged;
    let place = place(bottleneck);
    let meaning = meaning::of(bottleneck, analysis);
    let now = share(bottleneck.share);
    let before = share(bottleneck.baseline_share);
    let explains = share(bottleneck.explains);
    match bottleneck.question {
        Question::Latency => format!(
            "In `{phase}`, requests are slow because of {place} ({meaning}): it owns {now} of the \
             slowest requests' time ({before} in `{against}`) and explains {explains} of the slowdown."
        ),
        Question::Errors => format!(
            "In `{phase}`, requests fail because of {place} ({meaning}): {now} of the failing \
             requests go wrong there first ({before} in `{against}`), which explains {explains} \
             of the new failures."
        ),
        Question::Throughput => format!(
            "In `{phase}`, fewer requests are answered because of {place} ({meaning}), which \
             explains {explains} of what is missing against `{against}`."
        ),
        Question::Calls => format!(
            "In `{phase}`, {}",
            meaning::undone(bottleneck, analysis, against)
        ),
    }
}

/// The answer to the question that the verdict leaves aside, where there is one.
pub(crate) fn aside(analysis: &Analysis) -> Option<String> {
    let bottleneck = analysis.verdict.bottleneck()?;
    let (other, what) = match bottleneck.question {
        Question::Errors => (analysis.latency.as_ref()?, "Slow"),
        Question::Latency | Question::Throughput | Question::Calls => {
            (analysis.errors.as_ref()?, "Failing")
        }
    };
    Some(format!(
        "{what} requests besides: {} ({}, {} before).",
        place(other),
        share(other.share),
        share(other.baseline_share)
    ))
}

/// What failing or slow requests have in common.
pub(crate) fn shared(analysis: &Analysis, one: &SharedTrait) -> String {
    let who = match analysis.verdict.bottleneck().map(|found| found.question) {
        Some(Question::Errors) => "failing",
        _ if analysis.errors.is_some() => "failing",
        _ => "slow",
    };
    format!(
        "{} of the {who} requests have {} {} ({} of the others).",
        share(one.share_affected),
        one.attribute,
        one.condition,
        share(one.share_others)
    )
}

/// The figures that a verdict rests on.
pub(crate) fn evidence(verdict: &Verdict) -> &[ragdoll_analyser::Figure] {
    match verdict {
        Verdict::Bottleneck(bottleneck) => &bottleneck.evidence,
        Verdict::NoBottleneck { evidence } => evidence,
        Verdict::NotEnoughData { .. } => &[],
    }
}

/// The largest parts of an attribution, at most `limit` of them and the bottleneck's always, then
/// the sum of the rest.
pub(crate) struct Parts<'a> {
    pub(crate) shown: Vec<&'a Attribution>,
    pub(crate) rest_ms: f64,
    pub(crate) rest_baseline_ms: f64,
}

/// Chooses what a chart of the slow tail shows.
pub(crate) fn parts(analysis: &Analysis, limit: usize) -> Parts<'_> {
    let largest = |part: &Attribution| part.tail_ms.max(part.baseline_tail_ms);
    let named = analysis.latency.as_ref().or(analysis.verdict.bottleneck());
    let is_named = |part: &Attribution| {
        named.is_some_and(|found| found.service == part.service && found.cause == part.cause)
    };
    let mut order: Vec<&Attribution> = analysis
        .attribution
        .iter()
        .filter(|part| largest(part) > 0.0)
        .collect();
    order.sort_by(|a, b| {
        is_named(b)
            .cmp(&is_named(a))
            .then(largest(b).total_cmp(&largest(a)))
    });
    let rest = order.split_off(order.len().min(limit));
    order.sort_by(|a, b| b.tail_ms.total_cmp(&a.tail_ms));
    Parts {
        shown: order,
        rest_ms: rest.iter().map(|part| part.tail_ms).sum(),
        rest_baseline_ms: rest.iter().map(|part| part.baseline_tail_ms).sum(),
    }
}

/// How an indicator changed, with its unit and the differences that noise allows for.
pub(crate) fn change(one: &IndicatorChange) -> String {
    format!(
        "{} {} → {} ({} to {})",
        one.indicator.name(),
        indicator_value(one.indicator, one.baseline),
        indicator_value(one.indicator, one.value),
        difference(one.indicator, one.difference_low),
        difference(one.indicator, one.difference_high)
    )
}

/// A difference with its sign.
fn difference(indicator: Indicator, value: f64) -> String {
    let shown = indicator_value(indicator, value.abs());
    let is_zero = !shown.contains(|c: char| ('1'..='9').contains(&c));
    match value {
        _ if is_zero => shown,
        less if less < 0.0 => format!("−{shown}"),
        _ => format!("+{shown}"),
    }
}

fn indicator_value(indicator: Indicator, value: f64) -> String {
    match indicator {
        Indicator::P50Ms | Indicator::P95Ms => ms(value),
        Indicator::ErrorRate => share(value),
        Indicator::ThroughputPerS => figures::rate(value),
        Indicator::Recall => figures::quality(Some(value)),
    }
}

/// Whether a fault is one that users are not meant to feel.
pub(crate) fn is_decoy(record: &RunRecord, witness: &FaultWitness) -> bool {
    let phase = record.spec.phase(&witness.phase);
    let fault = phase.and_then(|phase| phase.faults.get(witness.index));
    fault.is_some_and(|fault| fault.decoy)
}

/// Whether users felt a fault, by what, and over which time that was judged.
pub(crate) fn felt(record: &RunRecord, witness: &FaultWitness) -> String {
    let moved: Vec<String> = witness.moved().map(change).collect();
    let time = judged_time(record, witness);
    if !moved.is_empty() {
        return format!("moved {}{time}", moved.join(", "));
    }
    let decoy = match is_decoy(record, witness) {
        true => ", as a decoy should",
        false => "",
    };
    let all: Vec<String> = witness.indicators.iter().map(change).collect();
    if all.is_empty() || witness.firings == 0 {
        return format!("moved no indicator{decoy}");
    }
    format!("moved no indicator{decoy}{time}: {}", all.join(", "))
}

/// Over which time a fault was judged, where it was in force for a part of its phase only.
fn judged_time(record: &RunRecord, witness: &FaultWitness) -> String {
    let Some(phase) = record.phase(&witness.phase) else {
        return String::new();
    };
    let counted_s = phase.duration_s - phase.settle_s;
    let in_force = figures::seconds(witness.in_force_s);
    if witness.indicators.is_empty() || witness.in_force_s + 1e-6 >= counted_s {
        String::new()
    } else if witness.judged_s > witness.in_force_s {
        format!(
            " over the whole phase (too few requests in the {in_force} in which it was in force)"
        )
    } else {
        format!(" over the {in_force} in which it was in force")
    }
}

/// What was done to the system in a phase.
pub(crate) fn done(phase: &PhaseRecord) -> String {
    match (phase.faults.is_empty(), phase.baseline) {
        (true, true) => "nothing (baseline)".to_owned(),
        (true, false) => "nothing".to_owned(),
        (false, _) => phase.faults.join(", "),
    }
}

/// Failed requests by `error.type`, most frequent first.
pub(crate) fn errors_by_type(phase: &PhaseRecord) -> String {
    let mut errors: Vec<(&String, &u64)> = phase.stats.errors.iter().collect();
    errors.sort_by(|a, b| b.1.cmp(a.1));
    let named = errors
        .iter()
        .map(|(error, count)| format!("{error} × {}", figures::count(**count)));
    named.collect::<Vec<_>>().join(", ")
}

/// How the expectation's line is marked. A run that cannot tell refutes nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Held,
    NotHeld,
    Unknown,
}

/// The mark of an expectation that `held` in a run that ended so.
pub(crate) fn mark(outcome: &Outcome, held: bool) -> Mark {
    match (held, outcome) {
        (true, _) => Mark::Held,
        (false, Outcome::Inconclusive { .. }) => Mark::Unknown,
        (false, _) => Mark::NotHeld,
    }
}

/// Every distinct note of the analyser, in order.
pub(crate) fn notes(record: &RunRecord) -> Vec<&str> {
    let mut notes: Vec<&str> = Vec::new();
    for one in judged(record) {
        for note in &one.analysis.notes {
            if !notes.contains(&note.as_str()) {
                notes.push(note);
            }
        }
    }
    notes
}

/// End of the last phase, in simulated seconds.
pub(crate) fn simulated_s(record: &RunRecord) -> f64 {
    let ends = record.phases.iter().map(|one| one.start_s + one.duration_s);
    ends.fold(0.0, f64::max)
}

/// Where, how long, how fast: what is said below the title.
pub(crate) fn circumstances(record: &RunRecord) -> String {
    let phases = match record.phases.len() {
        1 => "1 phase".to_owned(),
        many => format!("{many} phases"),
    };
    let simulated = figures::seconds(simulated_s(record));
    let mut text = format!(
        "{} · {} · {phases} over {simulated}",
        record.file, record.ground
    );
    if let Some(wall) = &record.wall {
        text.push_str(&format!(" · took {}", figures::seconds(wall.seconds)));
    }
    text
}

/// The command that runs the same again.
pub(crate) fn replay(record: &RunRecord) -> String {
    let more = match record.counterfactual {
        Some(_) => " --counterfactual",
        None => "",
    };
    format!(
        "ragdoll run {} --seed {}{more}",
        shell_word(&record.file),
        record.seed
    )
}

/// Titles and names come from files: a control character in one must not move a terminal's cursor
/// or change its colours.
pub(crate) fn printable(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).collect()
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_with_spaces_or_quotes_stays_one_word() {
        assert_eq!(shell_word("experiments/a_b.toml"), "experiments/a_b.toml");
        assert_eq!(shell_word("my file.toml"), "'my file.toml'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
