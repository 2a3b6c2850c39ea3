//! Whether one expectation holds.

use ragdoll_analyser::{Analysis, Bottleneck, Question, Verdict};

use crate::experiment::{Expectation, Expected};
use crate::formula::{Figures, Formula};
use crate::measurements::Measurements;
use crate::record::ExpectationOutcome;
use crate::wording::{figure, name_bottleneck, percent};

/// What was found about an expectation.
struct Finding {
    held: bool,
    found: String,
    /// Why it does not hold; empty where it does.
    reason: String,
    /// Why nobody can tell, where nobody can.
    undecided: Option<String>,
}

impl Finding {
    fn decided(found: String, failure: Option<String>) -> Self {
        Finding {
            held: failure.is_none(),
            found,
            reason: failure.unwrap_or_default(),
            undecided: None,
        }
    }

    fn undecided(reason: String) -> Self {
        Finding {
            held: false,
            found: String::new(),
            reason: reason.clone(),
            undecided: Some(reason),
        }
    }
}

/// Judges one expectation. The second value says why nobody can tell, where nobody can.
pub(crate) fn judge_expectation(
    expectation: &Expectation,
    measurements: &Measurements,
    figures: &Figures,
) -> (ExpectationOutcome, Option<String>) {
    let finding = find(&expectation.expected, measurements, figures);
    let outcome = ExpectationOutcome {
        text: expectation.to_string(),
        because: expectation.because.clone(),
        held: finding.held,
        found: finding.found,
        reason: finding.reason,
    };
    (outcome, finding.undecided)
}

fn find(expected: &Expected, measurements: &Measurements, figures: &Figures) -> Finding {
    if let Expected::Holds { expression } = expected {
        return find_holds(expression, figures);
    }
    let (phase, against) = expected
        .comparison()
        .expect("all but `holds` compare phases");
    let Some(analysis) = measurements.analysis(phase, against) else {
        return Finding::undecided(format!("nothing compared `{phase}` with `{against}`"));
    };
    if let Verdict::NotEnoughData { reason } = &analysis.verdict {
        return Finding::undecided(format!("`{phase}` against `{against}`: {reason}"));
    }
    match expected {
        Expected::Bottleneck { .. } => find_bottleneck(expected, analysis),
        Expected::NoBottleneck { .. } => find_no_bottleneck(analysis, against),
        Expected::ErrorOrigin {
            service,
            error,
            min_share,
            ..
        } => find_error_origin(analysis, service.name(), error.as_deref(), *min_share),
        Expected::SharedTrait {
            attribute,
            min_share,
            ..
        } => find_shared_trait(analysis, attribute, *min_share),
        Expected::Holds { .. } => unreachable!("handled above"),
    }
}

fn describe(bottleneck: &Bottleneck, against: &str) -> String {
    let of = match bottleneck.question {
        Question::Latency | Question::Throughput => "of the slow tail's time",
        Question::Errors => "of the failing requests",
        Question::Calls => "of the work left undone",
    };
    format!(
        "{}: {} {of}, {} in {against}",
        name_bottleneck(bottleneck),
        percent(bottleneck.share),
        percent(bottleneck.baseline_share)
    )
}

fn find_bottleneck(expected: &Expected, analysis: &Analysis) -> Finding {
    let Expected::Bottleneck {
        against,
        service,
        instance,
        cause,
        question,
        min_share,
        ..
    } = expected
    else {
        unreachable!("not a bottleneck: {expected:?}");
    };
    let answer = match question {
        Some(Question::Latency) => analysis.latency.as_ref(),
        Some(Question::Errors) => analysis.errors.as_ref(),
        Some(Question::Throughput) => analysis.throughput.as_ref(),
        Some(Question::Calls) => {
            let mut ranked = analysis.ranked.iter();
            ranked.find(|found| found.question == Question::Calls)
        }
        None => analysis.verdict.bottleneck(),
    };
    let Some(found) = answer else {
        let reason = "the analyser names none".to_owned();
        return Finding::decided("no bottleneck".to_owned(), Some(reason));
    };
    let failure = if found.service != service.name() {
        Some(format!(
            "the analyser names {}, not {service}",
            found.service
        ))
    } else if instance.is_some() && found.instance != *instance {
        let named = found.instance.as_deref().unwrap_or("no single instance");
        Some(format!("the analyser names {named}"))
    } else if let Some(cause) = cause.filter(|cause| *cause != found.cause) {
        Some(format!("the analyser says {}, not {cause}", found.cause))
    } else if found.share < *min_share {
        let (share, least) = (percent(found.share), percent(*min_share));
        Some(format!("its share is {share}, below {least}"))
    } else {
        None
    };
    Finding::decided(describe(found, against), failure)
}

fn find_no_bottleneck(analysis: &Analysis, against: &str) -> Finding {
    match analysis.verdict.bottleneck() {
        Some(found) => {
            let failure = format!("the analyser names {}", name_bottleneck(found));
            Finding::decided(describe(found, against), Some(failure))
        }
        None => Finding::decided("no bottleneck".to_owned(), None),
    }
}

fn find_error_origin(
    analysis: &Analysis,
    service: &str,
    error: Option<&str>,
    min_share: f64,
) -> Finding {
    let origins = &analysis.error_origins;
    let failing: u64 = origins.iter().map(|origin| origin.requests).sum();
    let Some(first) = origins.first().filter(|_| failing > 0) else {
        let reason = "no request failed".to_owned();
        return Finding::decided("no failing requests".to_owned(), Some(reason));
    };
    let fits = origins.iter().filter(|origin| {
        origin.service == service && error.is_none_or(|error| origin.error == error)
    });
    let here: u64 = fits.map(|origin| origin.requests).sum();
    let share = here as f64 / failing as f64;
    let what = error.map_or(service.to_owned(), |error| {
        format!("{service} with {error}")
    });
    let found = format!(
        "{what}: {here} of {failing} failing requests ({})",
        percent(share)
    );
    let failure = (share < min_share || here == 0).then(|| {
        let (most, error) = (&first.service, &first.error);
        let short = if here == 0 {
            "none".to_owned()
        } else {
            format!("fewer than {}", percent(min_share))
        };
        format!("{short}; most go wrong first in {most} ({error})")
    });
    Finding::decided(found, failure)
}

fn find_shared_trait(analysis: &Analysis, attribute: &str, min_share: f64) -> Finding {
    let traits = &analysis.shared_traits;
    let Some(found) = traits.iter().find(|found| found.attribute == attribute) else {
        let others: Vec<&str> = traits
            .iter()
            .map(|found| found.attribute.as_str())
            .collect();
        let found = if others.is_empty() {
            "no shared trait".to_owned()
        } else {
            format!("traits of `{}`", others.join("`, `"))
        };
        let reason = format!("the analyser finds none of `{attribute}`");
        return Finding::decided(found, Some(reason));
    };
    let words = format!(
        "`{attribute}` {}: {} of the affected requests, {} of the others",
        found.condition,
        percent(found.share_affected),
        percent(found.share_others)
    );
    let failure = (found.share_affected < min_share)
        .then(|| format!("fewer than {} of the affected", percent(min_share)));
    Finding::decided(words, failure)
}

fn find_holds(expression: &str, figures: &Figures) -> Finding {
    let formula = Formula::compile(expression);
    let formula = formula.unwrap_or_else(|problem| panic!("was checked on loading: {problem:?}"));
    let values = formula.values(figures);
    let missing: Vec<&str> = values
        .iter()
        .filter_map(|(name, value)| value.is_none().then_some(name.as_str()))
        .collect();
    let words: Vec<String> = values
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} = {}", figure((*value)?))))
        .collect();
    let found = words.join(", ");
    match formula.evaluate(figures) {
        Ok(holds) => Finding::decided(
            found,
            (!holds).then(|| "the expression is false".to_owned()),
        ),
        Err(_) if !missing.is_empty() => {
            let missing = missing.join("`, `");
            Finding::undecided(format!("`{expression}` needs `{missing}`, not measured"))
        }
        Err(problem) => Finding::undecided(format!("`{expression}` {}", problem.message)),
    }
}
