//! What was compared, and what came of it.

use ragdoll_analyser::Verdict;

use crate::document::{Opening, Tone};
use crate::figures::count;
use crate::record::AnalysisRecord;
use crate::words;

pub(super) fn opening(record: &AnalysisRecord) -> Opening {
    let analysis = &record.analysis;
    let (class, outcome) = match &analysis.verdict {
        Verdict::Bottleneck(_) => ("failed", "bottleneck"),
        Verdict::NoBottleneck { .. } => ("passed", "no bottleneck"),
        Verdict::NotEnoughData { .. } => ("inconclusive", "not enough data"),
    };
    let title = words::printable(&words::short_verdict(&analysis.verdict));
    let compared = format!("{} against {}", record.window.name, record.baseline.name);
    let operation = record.operation.clone();
    Opening {
        class,
        outcome,
        tab: format!("{title}: {compared}"),
        title,
        description: format!("{compared}. {}", record.compared()),
        lead: (Tone::Accent, "ANALYSIS".to_owned()),
        line: compared,
        circumstances: format!(
            "{} and {} requests · {} spans · ragdoll {}",
            count(analysis.traces),
            count(analysis.baseline_traces),
            count(record.read.spans()),
            record.version
        ),
        reasons: Vec::new(),
        facts: vec![
            ("spans", count(record.read.spans())),
            ("sources", count(record.read.sources.len() as u64)),
            ("operation", operation.unwrap_or_else(|| "–".to_owned())),
            ("ragdoll", record.version.clone()),
        ],
    }
}
