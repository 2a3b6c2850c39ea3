//! One phase or window against another: what there is to see, part by part.

use ragdoll_analyser::Cause;
use ragdoll_experiment::RunRecord;

use super::{calls, origins, saturation, structure, tail, trace, traits};
use crate::document::{Block, Heading, Medium, Section};
use crate::figures::count;
use crate::pictures::system;
use crate::record::AnalysisRecord;
use crate::words::Judged;

/// Traces of one phase that are drawn.
const TRACES_MAX: usize = 2;

/// A section for each comparison of a run, on the page. A phase that is compared with nothing has one
/// where there is a trace to show.
pub(super) fn of_run(record: &RunRecord, judged: &[Judged<'_>]) -> Vec<Section> {
    let mut sections = Vec::new();
    for (index, one) in judged.iter().enumerate() {
        let mut parts: Vec<Section> = picture_of(record, *one).into_iter().collect();
        parts.extend(tail::on_page(*one));
        if judged[..index].iter().all(|other| other.phase != one.phase) {
            parts.extend(traces(record, one.phase));
        }
        parts.extend(origins::section(*one));
        parts.extend(structure::section(*one));
        parts.extend(calls::sections(*one));
        parts.extend(traits::section(*one));
        parts.extend(saturation::section(*one));
        sections.push(section(heading(*one), parts));
    }
    for phase in &record.phases {
        let shown = judged.iter().any(|one| one.phase == phase.name);
        let traces = traces(record, &phase.name);
        if !shown && !traces.is_empty() {
            sections.push(section(Heading::new(phase.name.as_str(), ""), traces));
        }
    }
    let on_page = |section: Section| section.only(Medium::Page);
    sections.into_iter().map(on_page).collect()
}

/// Everything that an analysis found beside its verdict.
pub(super) fn of_analysis(record: &AnalysisRecord) -> Section {
    let judged = record.judged();
    let exemplar = record.exemplar.iter();
    let parts = tail::section(judged)
        .into_iter()
        .chain(exemplar.map(|one| trace::section(one, &record.causes)))
        .chain(origins::section(judged))
        .chain(structure::section(judged))
        .chain(calls::sections(judged))
        .chain(traits::section(judged))
        .chain(saturation::section(judged));
    section(heading(judged), parts.collect())
}

fn section(heading: Heading, parts: Vec<Section>) -> Section {
    Section {
        parts,
        ..Section::new(heading.on_page(), Vec::new())
    }
}

fn heading(judged: Judged<'_>) -> Heading {
    let remark = format!(
        "against {}: {} and {} traces",
        judged.against,
        count(judged.analysis.traces),
        count(judged.analysis.baseline_traces)
    );
    Heading::new(judged.phase, remark)
}

fn picture_of(record: &RunRecord, judged: Judged<'_>) -> Option<Section> {
    let picture = system::picture(record, judged)?;
    let heading = Heading::new(
        "The system",
        "busy: mean of the service's own gauge · time: share of the mean critical path",
    );
    Some(Section::new(heading, vec![Block::picture(picture)]))
}

fn traces(record: &RunRecord, phase: &str) -> Vec<Section> {
    let of_phase = record.exemplars.iter().filter(|one| one.phase == phase);
    let shown = of_phase.take(TRACES_MAX).map(|one| {
        let causes = one.rows.iter().map(|row| Cause::of_span(&row.name));
        trace::section(one, &causes.collect::<Vec<_>>())
    });
    shown.collect()
}
