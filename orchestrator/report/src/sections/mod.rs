//! What a report is about, a file a section. A new section is a file here and its line in one of the
//! two lists.

mod analysis_opening;
mod calls;
mod closing;
mod comparison;
mod expectations;
mod faults;
mod latency;
mod notes;
mod origins;
mod phases;
mod ranked;
mod read;
mod run_opening;
mod saturation;
mod series;
mod structure;
mod tail;
mod throughput;
mod timeline;
mod trace;
mod traits;
mod verdict;
mod without_faults;

use ragdoll_experiment::RunRecord;

use crate::document::{Document, Section};
use crate::record::AnalysisRecord;
use crate::words;

/// The report of a run. `folder` is where its files were written.
pub(crate) fn of_run(record: &RunRecord, folder: Option<&str>) -> Document {
    let judged = words::judged(record);
    let sections: [Vec<Section>; 11] = [
        one(verdict::of_run(&judged)),
        one(timeline::section(record)),
        vec![phases::section(record)],
        one(tail::bars_of(&judged)),
        vec![expectations::section(record)],
        one(faults::section(record)),
        one(without_faults::section(record)),
        comparison::of_run(record, &judged),
        one(notes::of_run(record)),
        vec![closing::again(record)],
        vec![closing::section(record, folder)],
    ];
    Document {
        opening: run_opening::opening(record),
        sections: sections.into_iter().flatten().collect(),
    }
}

/// The report of an analysis.
pub(crate) fn of_analysis(record: &AnalysisRecord) -> Document {
    let judged = record.judged();
    let sections: [Vec<Section>; 8] = [
        vec![verdict::of_analysis(judged)],
        vec![latency::section(record)],
        one(throughput::section(judged)),
        one(series::section(judged)),
        one(ranked::section(judged)),
        vec![comparison::of_analysis(record)],
        vec![read::section(record)],
        one(notes::of_analysis(record)),
    ];
    Document {
        opening: analysis_opening::opening(record),
        sections: sections.into_iter().flatten().collect(),
    }
}

fn one(section: Option<Section>) -> Vec<Section> {
    section.into_iter().collect()
}
