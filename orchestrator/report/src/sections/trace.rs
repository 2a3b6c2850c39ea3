//! A slow request, span by span.

use ragdoll_analyser::Cause;
use ragdoll_experiment::Exemplar;

use crate::document::{Block, Heading, Medium, Section};
use crate::figures::ms;
use crate::pictures::waterfall;

/// The trace, with the cause that colours each of its spans.
pub(super) fn section(exemplar: &Exemplar, causes: &[Option<Cause>]) -> Section {
    let drawn = waterfall::chart(exemplar, causes);
    let mut remark = format!(
        "trace `{}`; strong is the critical path, hatched is waiting, own time is what the path spends in \
         the span itself",
        exemplar.trace_id
    );
    if drawn.hidden > 0 {
        let hidden = drawn.hidden;
        remark.push_str(&format!("; {hidden} short spans are left out"));
    }
    let title = format!("A slow request, {}", ms(exemplar.duration_ms));
    let blocks = vec![Block::picture(drawn.svg)];
    Section::new(Heading::new(title, remark), blocks).only(Medium::Page)
}
