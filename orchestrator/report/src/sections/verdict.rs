//! What is to blame, with the figures that say so.

use ragdoll_analyser::{Analysis, Bottleneck, Question, Verdict};

use crate::causes;
use crate::document::{Block, Card, Heading, Medium, Names, Section, ShareBar, Tone};
use crate::figures::{percent, share};
use crate::words::{self, Judged};

const EXAMPLES_MAX: usize = 3;
const SHARED_MAX: usize = 3;

/// What a terminal shows of a verdict.
struct Detail {
    tone: Tone,
    evidence: usize,
    shared: usize,
    examples: Medium,
}

/// A card for each comparison of a run.
pub(super) fn of_run(judged: &[Judged<'_>]) -> Option<Section> {
    let detail = Detail {
        tone: Tone::Strong,
        evidence: 3,
        shared: 2,
        examples: Medium::Page,
    };
    let cards: Vec<Block> = judged
        .iter()
        .map(|one| card(*one, &detail).into())
        .collect();
    (!cards.is_empty()).then(|| section(cards))
}

/// The card of an analysis. What the affected requests share has a section of its own.
pub(super) fn of_analysis(judged: Judged<'_>) -> Section {
    let detail = Detail {
        tone: match &judged.analysis.verdict {
            Verdict::Bottleneck(_) => Tone::Bad,
            Verdict::NoBottleneck { .. } => Tone::Good,
            Verdict::NotEnoughData { .. } => Tone::Unsure,
        },
        evidence: 6,
        shared: 0,
        examples: Medium::Both,
    };
    section(vec![card(judged, &detail).into()])
}

fn section(cards: Vec<Block>) -> Section {
    Section::new(Heading::new("Verdict", ""), cards).bare()
}

fn card(judged: Judged<'_>, detail: &Detail) -> Card {
    let analysis = judged.analysis;
    let evidence = words::evidence(&analysis.verdict);
    let sentence = Block::prose(2, Tone::Plain, words::sentence(judged)).only(Medium::Page);
    let toned = Block::prose(2, detail.tone, words::sentence(judged)).only(Medium::Terminal);
    let mut blocks = vec![toned, sentence];
    blocks.extend(words::figures(evidence, detail.evidence));
    for (index, one) in analysis.shared_traits.iter().take(SHARED_MAX).enumerate() {
        let shared = Block::prose(4, Tone::Plain, words::shared(analysis, one));
        blocks.push(match index < detail.shared {
            true => shared,
            false => shared.only(Medium::Page),
        });
    }
    let aside = words::aside(analysis);
    blocks.extend(aside.map(|aside| Block::prose(4, Tone::Plain, aside)));
    blocks.extend(examples(analysis).map(|names| Block::from(names).only(detail.examples)));
    Card {
        class: match &analysis.verdict {
            Verdict::Bottleneck(_) => "bottleneck",
            Verdict::NoBottleneck { .. } => "none",
            Verdict::NotEnoughData { .. } => "unknown",
        },
        place: judged.phase.to_owned(),
        against: judged.against.to_owned(),
        title: words::short_verdict(&analysis.verdict),
        bar: analysis.verdict.bottleneck().map(share_bar),
        blocks,
    }
}

fn share_bar(bottleneck: &Bottleneck) -> ShareBar {
    ShareBar {
        class: causes::class(bottleneck.cause),
        label: match bottleneck.question {
            Question::Latency | Question::Throughput => "of the slowest requests' time",
            Question::Errors => "of the failing requests",
            Question::Calls => "of the operation's calls",
        },
        share: share(bottleneck.share),
        width: percent(bottleneck.share),
        before: share(bottleneck.baseline_share),
    }
}

fn examples(analysis: &Analysis) -> Option<Names> {
    let traces = &analysis.verdict.bottleneck()?.example_traces;
    let names = traces.iter().take(EXAMPLES_MAX).cloned().collect();
    (!traces.is_empty()).then_some(Names {
        label: "traces to look at",
        names,
    })
}
