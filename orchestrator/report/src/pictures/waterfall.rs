//! One trace as bars under each other. What is on the critical path is strong, the rest pale.

use ragdoll_analyser::Cause;
use ragdoll_experiment::{Exemplar, WaterfallRow};

use super::axis::{Scale, time_label};
use super::svg::{Anchor, Svg, fitting};
use crate::causes;
use crate::figures::ms;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 320.0;
const RIGHT: f64 = 830.0;
const ROW_HEIGHT: f64 = 19.0;
const TOP: f64 = 34.0;
const INDENT: f64 = 11.0;
const ROWS_MAX: usize = 48;

/// A drawn trace.
pub(crate) struct Waterfall {
    pub(crate) svg: String,
    /// Spans that were left out.
    pub(crate) hidden: usize,
}

/// Draws a trace, with each span in the colour of the cause at its position. Of a large one, the
/// shortest spans off the critical path are left out.
pub(crate) fn chart(exemplar: &Exemplar, causes: &[Option<Cause>]) -> Waterfall {
    let rows = chosen(&exemplar.rows);
    let height = TOP + rows.len() as f64 * ROW_HEIGHT + 6.0;
    let ends = rows
        .iter()
        .map(|&at| exemplar.rows[at].start_ms + exemplar.rows[at].duration_ms);
    let x = Scale::linear(0.0, ends.fold(exemplar.duration_ms, f64::max), LEFT, RIGHT);
    let mut svg = Svg::new(WIDTH, height);
    for tick in x.ticks(5) {
        let at = x.px(tick);
        svg.line("grid", [at, TOP - 8.0], [at, height]);
        svg.text(
            "axis",
            Anchor::Middle,
            [at, TOP - 14.0],
            &time_label(tick, x.high()),
        );
    }
    svg.text("axis", Anchor::Start, [6.0, TOP - 14.0], "service, span");
    svg.text("axis", Anchor::End, [WIDTH - 4.0, TOP - 14.0], "own time");
    for (line, &at) in rows.iter().enumerate() {
        let cause = causes.get(at).copied().flatten();
        let top = TOP + line as f64 * ROW_HEIGHT;
        span(&mut svg, &x, top, &exemplar.rows[at], cause);
    }
    let title = format!(
        "Trace {} of phase {}, {}",
        exemplar.trace_id,
        exemplar.phase,
        ms(exemplar.duration_ms)
    );
    Waterfall {
        svg: svg.finish("chart waterfall", &title),
        hidden: exemplar.rows.len() - rows.len(),
    }
}

/// Positions of the spans that are drawn.
fn chosen(rows: &[WaterfallRow]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| {
        let off_path = |row: &WaterfallRow| row.critical_ms <= 0.0 && row.error.is_none();
        off_path(&rows[a])
            .cmp(&off_path(&rows[b]))
            .then(rows[b].duration_ms.total_cmp(&rows[a].duration_ms))
            .then(a.cmp(&b))
    });
    order.truncate(ROWS_MAX);
    order.sort_unstable();
    order
}

fn span(svg: &mut Svg, x: &Scale, top: f64, row: &WaterfallRow, cause: Option<Cause>) {
    let critical = row.critical_ms > 0.0;
    let pale = if critical { "" } else { " pale" };
    let baseline = top + 13.0;
    let indent = 6.0 + f64::from(row.depth.min(12)) * INDENT;
    let name = format!("{}  {}", row.service, row.name);
    let label = fitting(&name, LEFT - indent - 8.0, 11.5);
    svg.text(
        &format!("span-name{pale}"),
        Anchor::Start,
        [indent, baseline],
        &label,
    );
    let from = x.px(row.start_ms);
    let width = (x.px(row.start_ms + row.duration_ms) - from).max(1.5);
    let bar = [from, top + 3.0, width, ROW_HEIGHT - 6.0];
    let tip = tip(row);
    let colour = cause.map_or_else(|| "c-call".to_owned(), causes::class);
    svg.rect(&format!("span {colour}{pale}"), bar, &tip);
    if cause.is_some_and(causes::is_wait) {
        svg.rect(&format!("hatched{pale}"), bar, &tip);
    }
    if row.error.is_some() {
        svg.rect("span-failed", bar, &tip);
    }
    let own = if critical {
        ms(row.critical_ms)
    } else {
        String::new()
    };
    svg.text("span-own", Anchor::End, [WIDTH - 4.0, baseline], &own);
    let error = row.error.as_deref().map(|error| format!("✕ {error}"));
    let note = error.unwrap_or_else(|| ms(row.duration_ms));
    let class = if row.error.is_some() {
        "span-note failed"
    } else {
        "span-note"
    };
    let note_width = note.chars().count() as f64 * 6.5;
    if from + width + note_width + 4.0 <= RIGHT + 40.0 {
        svg.text(class, Anchor::Start, [from + width + 4.0, baseline], &note);
    } else if from - note_width - 4.0 > LEFT {
        svg.text(class, Anchor::End, [from - 4.0, baseline], &note);
    } else {
        svg.text(
            "span-note inside",
            Anchor::End,
            [from + width - 5.0, baseline],
            &note,
        );
    }
}

fn tip(row: &WaterfallRow) -> String {
    let mut tip = format!(
        "{} {}: from {} for {}",
        row.instance,
        row.name,
        ms(row.start_ms),
        ms(row.duration_ms)
    );
    if row.critical_ms > 0.0 {
        tip.push_str(&format!(
            ", {} of its own on the critical path",
            ms(row.critical_ms)
        ));
    }
    if let Some(error) = &row.error {
        tip.push_str(&format!(", failed with {error}"));
    }
    tip
}
