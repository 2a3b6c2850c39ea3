//! The sentences that every report shares, so that they say the same.

use ragdoll_analyser::{Analysis, Bottleneck, Figure, Question, SharedTrait, Verdict};
use ragdoll_experiment::{Indicator, IndicatorChange, PhaseRecord, RunRecord};

use crate::document::{self, Block, Figures};
use crate::figures::{self, ms, share, with_unit};
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
pub(crate) fn evidence(verdict: &Verdict) -> &[Figure] {
    match verdict {
        Verdict::Bottleneck(bottleneck) => &bottleneck.evidence,
        Verdict::NoBottleneck { evidence } => evidence,
        Verdict::NotEnoughData { .. } => &[],
    }
}

/// Figures with what they were, of which a terminal shows `most`; nothing where there are none.
pub(crate) fn figures(evidence: &[Figure], most: usize) -> Option<Block> {
    let figure = |figure: &Figure| document::Figure {
        what: figure.what.clone(),
        value: with_unit(figure.value, &figure.unit),
        before: figure
            .baseline
            .map(|before| with_unit(before, &figure.unit)),
    };
    let figures: Vec<document::Figure> = evidence.iter().map(figure).collect();
    (!figures.is_empty()).then(|| Figures { figures, most }.into())
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

/// What was done to the system in a phase.
pub(crate) fn done(phase: &PhaseRecord) -> String {
    match (phase.faults.is_empty(), phase.baseline) {
        (true, true) => "nothing (baseline)".to_owned(),
        (true, false) => "nothing".to_owned(),
        (false, _) => phase.faults.join(", "),
    }
}

/// Every distinct note of the analyser, in order.
pub(crate) fn notes(record: &RunRecord) -> Vec<&str> {
    distinct(
        judged(record)
            .into_iter()
            .flat_map(|one| &one.analysis.notes),
    )
}

/// The same notes in their order, none twice.
pub(crate) fn distinct<'a>(all: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut notes: Vec<&str> = Vec::new();
    for note in all {
        if !notes.contains(&note.as_str()) {
            notes.push(note);
        }
    }
    notes
}

/// End of the last phase, in simulated seconds.
pub(crate) fn simulated_s(record: &RunRecord) -> f64 {
    let ends = record.phases.iter().map(|one| one.start_s + one.duration_s);
    ends.fold(0.0, f64::max)
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

/// The last characters of a text, such as a path, whose end tells more than its beginning.
pub(crate) fn end_of(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let rest = text.chars().skip(length - most.max(1) + 1);
    ['…'].into_iter().chain(rest).collect()
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
