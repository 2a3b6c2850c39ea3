//! Latency and load over the whole run.

use ragdoll_experiment::RunRecord;

use crate::document::{Block, Heading, Medium, Section};
use crate::pictures::timeline;

pub(super) fn section(record: &RunRecord) -> Option<Section> {
    let picture = Block::picture(timeline::chart(record)?);
    let heading = Heading::new("The run over time", "");
    Some(Section::new(heading, vec![picture]).only(Medium::Page))
}
