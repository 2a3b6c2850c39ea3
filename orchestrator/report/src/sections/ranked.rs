//! Every place that explains something, best first.

use ragdoll_analyser::{Bottleneck, Question, Verdict};

use crate::document::{
    Cell, Column, Cut, Heading, Medium, Ornament, Remark, Row, Section, Table, Tone,
};
use crate::figures::{percent, share};
use crate::words::Judged;
use crate::{causes, meaning};

const COLUMNS: [Column; 9] = [
    Column::right(""),
    Column::left("service"),
    Column::left("instance"),
    Column::left("cause"),
    Column::left("requests are"),
    Column::meters("explains"),
    Column::right("confidence"),
    Column::right("share now").only(Medium::Page),
    Column::right("before").only(Medium::Page),
];

pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let ranked = &judged.analysis.ranked;
    if ranked.is_empty() {
        return None;
    }
    let mut table = Table::new(COLUMNS.to_vec());
    (table.cut, table.class) = (Cut::Top, "ranked");
    for (index, one) in ranked.iter().enumerate() {
        table.push(row(judged, index, one));
    }
    let heading = match &judged.analysis.verdict {
        Verdict::Bottleneck(_) => Heading::new("What explains the change", "best first"),
        Verdict::NoBottleneck { .. } | Verdict::NotEnoughData { .. } => Heading::new(
            "Likeliest suspects",
            "none is beyond noise: where something is wrong all the same, look here first",
        ),
    };
    Some(Section::new(heading, vec![table.into()]))
}

fn row(judged: Judged<'_>, index: usize, one: &Bottleneck) -> Row {
    let is_named = index == 0 && judged.analysis.verdict.bottleneck().is_some();
    let tone = if is_named { Tone::Bad } else { Tone::Plain };
    let swatch = Ornament::Swatch(causes::class(one.cause), causes::is_wait(one.cause));
    let meter = Ornament::Meter(percent(one.explains), "bad");
    let mut remark = meaning::of(one, judged.analysis);
    if let Some(trace) = one.example_traces.first() {
        remark.push_str(&format!(" · trace `{trace}`"));
    }
    let cells = vec![
        Cell::muted((index + 1).to_string()),
        Cell::new(tone, &one.service),
        Cell::plain(one.instance.as_deref().unwrap_or("–")),
        Cell::new(tone, one.cause.name()).with(swatch),
        Cell::plain(question(one.question)),
        Cell::plain(share(one.explains)).with(meter),
        Cell::plain(share(one.confidence)),
        Cell::plain(share(one.share)),
        Cell::muted(share(one.baseline_share)),
    ];
    Row::from(cells).remark(Remark::new(Medium::Page, "", remark))
}

/// Which question a bottleneck answers, in a word or two.
const fn question(question: Question) -> &'static str {
    match question {
        Question::Latency => "slow",
        Question::Errors => "failing",
        Question::Throughput => "fewer answered",
        Question::Calls => "calls missing",
    }
}
