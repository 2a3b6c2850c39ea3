//! How a run ended.

use ragdoll_experiment::{Counterfactual, Outcome, RunRecord};

use crate::document::{Opening, Reason, Tone};
use crate::figures::{seconds, significant};
use crate::words;

pub(super) fn opening(record: &RunRecord) -> Opening {
    let (tone, lead) = match record.outcome {
        Outcome::Passed => (Tone::Good, "PASSED"),
        Outcome::Failed => (Tone::Bad, "FAILED"),
        Outcome::Inconclusive { .. } => (Tone::Unsure, "INCONCLUSIVE"),
    };
    let outcome = record.outcome.name();
    Opening {
        class: outcome,
        outcome,
        title: words::printable(&record.title),
        tab: format!("{outcome}: {}", words::printable(&record.title)),
        description: record.description.clone(),
        lead: (tone, lead.to_owned()),
        line: format!(
            "{} · seed {} · ragdoll {}",
            record.title, record.seed, record.version
        ),
        circumstances: circumstances(record),
        reasons: reasons(record),
        facts: facts(record),
    }
}

fn reasons(record: &RunRecord) -> Vec<Reason> {
    let unsure: &[String] = match &record.outcome {
        Outcome::Inconclusive { reasons } => reasons,
        _ => &[],
    };
    let unsure = unsure.iter().map(|reason| Reason {
        tone: Tone::Unsure,
        because: reason.clone(),
        sentence: format!("The run cannot tell: {}.", reason.trim_end_matches('.')),
    });
    let replayed = record.counterfactual.iter();
    let failures = replayed.flat_map(Counterfactual::failures);
    let failures = failures.map(|failure| Reason {
        tone: Tone::Bad,
        sentence: format!("{failure}."),
        because: failure,
    });
    unsure.chain(failures).collect()
}

/// Where, how long, how fast.
fn circumstances(record: &RunRecord) -> String {
    let phases = match record.phases.len() {
        1 => "1 phase".to_owned(),
        many => format!("{many} phases"),
    };
    let simulated = seconds(words::simulated_s(record));
    let mut text = format!(
        "{} · {} · {phases} over {simulated}",
        record.file, record.ground
    );
    if let Some(wall) = &record.wall {
        text.push_str(&format!(" · took {}", seconds(wall.seconds)));
    }
    text
}

fn facts(record: &RunRecord) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("experiment", record.file.clone()),
        ("seed", record.seed.to_string()),
        ("ragdoll", record.version.clone()),
        ("ground", record.ground.clone()),
        ("simulated", seconds(words::simulated_s(record))),
    ];
    if let Some(wall) = &record.wall {
        facts.push(("took", seconds(wall.seconds)));
        let speed = format!(
            "{} requests/s on {} cores",
            significant(wall.requests_per_s.round()),
            wall.cores
        );
        facts.push(("speed", speed));
    }
    facts
}
