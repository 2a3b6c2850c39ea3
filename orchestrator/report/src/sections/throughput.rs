//! Why fewer requests are answered, where that is not the verdict itself.

use ragdoll_analyser::Question;

use crate::document::{Block, Heading, Section, Tone};
use crate::words::{self, Judged};

/// The figures of throughput come before those of the place.
const FIGURES_MAX: usize = 4;

pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let verdict = judged.analysis.verdict.bottleneck();
    if verdict.is_some_and(|found| found.question == Question::Throughput) {
        return None;
    }
    let found = judged.analysis.throughput.as_ref()?;
    let mut blocks = vec![Block::prose(2, Tone::Plain, words::because(judged, found))];
    blocks.extend(words::figures(&found.evidence, FIGURES_MAX));
    let heading = Heading::new("Fewer requests are answered", "");
    Some(Section::new(heading, blocks))
}
