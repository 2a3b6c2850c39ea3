//! The place that the verdict names over time.

use crate::document::{Block, Heading, Medium, Section};
use crate::pictures::series;
use crate::words::Judged;

pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let found = judged.analysis.series.as_ref()?;
    let picture = Block::picture(series::chart(found)?);
    let heading = Heading::new("The place over time", series::caption(found));
    Some(Section::new(heading, vec![picture]).only(Medium::Page))
}
