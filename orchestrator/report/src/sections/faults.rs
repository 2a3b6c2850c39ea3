//! What was injected, and whether anybody felt it.

use ragdoll_experiment::{FaultWitness, IndicatorChange, RunRecord};

use crate::document::{Block, Cell, Column, Heading, Medium, Section, Table, Tone};
use crate::figures::{count, ms, seconds, share};
use crate::words;

pub(super) fn section(record: &RunRecord) -> Option<Section> {
    if record.faults.is_empty() {
        return None;
    }
    let heading = Heading::new("Faults", "what was injected, and whether anybody felt it");
    let sentences = record
        .faults
        .iter()
        .map(|witness| sentence(record, witness));
    let mut blocks: Vec<Block> = sentences.collect();
    blocks.push(Block::from(table(record)).only(Medium::Page));
    Some(Section::new(heading, blocks))
}

fn table(record: &RunRecord) -> Table {
    let mut table = Table::new(vec![
        Column::left("phase"),
        Column::left("fault"),
        Column::right("probability"),
        Column::right("fired"),
        Column::right("requests"),
        Column::right("added"),
        Column::left("felt by users"),
    ]);
    for witness in &record.faults {
        let added = (witness.injected_ms > 0.0).then(|| ms(witness.injected_ms));
        let fired = format!(
            "{} of {}",
            count(witness.firings),
            count(witness.opportunities)
        );
        let cells = vec![
            Cell::plain(&witness.phase),
            Cell::plain(format!("{} on {}", witness.kind, witness.target)),
            Cell::plain(share(witness.probability)),
            Cell::plain(fired),
            Cell::plain(count(witness.requests_touched)),
            Cell::or_dash(added),
            Cell::new(tone(record, witness), felt(record, witness)),
        ];
        table.push(cells.into());
    }
    table
}

fn sentence(record: &RunRecord, witness: &FaultWitness) -> Block {
    let mut text = format!(
        "{} on {} in `{}`: fired {} of {} times",
        witness.kind,
        witness.target,
        witness.phase,
        count(witness.firings),
        count(witness.opportunities)
    );
    if witness.probability < 1.0 {
        text.push_str(&format!(" (probability {})", share(witness.probability)));
    }
    if witness.requests_touched > 0 {
        let touched = count(witness.requests_touched);
        text.push_str(&format!(", touched {touched} requests"));
    }
    if witness.injected_ms > 0.0 {
        text.push_str(&format!(", added {}", ms(witness.injected_ms)));
    }
    text.push_str(&format!("; {}.", felt(record, witness)));
    Block::prose(2, tone(record, witness), text).only(Medium::Terminal)
}

/// A fault that nobody felt leaves a doubt, unless it is a decoy.
fn tone(record: &RunRecord, witness: &FaultWitness) -> Tone {
    let unfelt = witness.moved().next().is_none() && !is_decoy(record, witness);
    match witness.firings == 0 || unfelt {
        true => Tone::Unsure,
        false => Tone::Plain,
    }
}

/// Whether a fault is one that users are not meant to feel.
fn is_decoy(record: &RunRecord, witness: &FaultWitness) -> bool {
    let phase = record.spec.phase(&witness.phase);
    let fault = phase.and_then(|phase| phase.faults.get(witness.index));
    fault.is_some_and(|fault| fault.decoy)
}

/// Whether users felt a fault, by what, and over which time that was judged.
fn felt(record: &RunRecord, witness: &FaultWitness) -> String {
    let words = |changes: Vec<&IndicatorChange>| {
        let changes = changes.into_iter().map(words::change);
        changes.collect::<Vec<_>>().join(", ")
    };
    let moved = words(witness.moved().collect());
    let time = judged_time(record, witness);
    if !moved.is_empty() {
        return format!("moved {moved}{time}");
    }
    let decoy = match is_decoy(record, witness) {
        true => ", as a decoy should",
        false => "",
    };
    let all = words(witness.indicators.iter().collect());
    if all.is_empty() || witness.firings == 0 {
        return format!("moved no indicator{decoy}");
    }
    format!("moved no indicator{decoy}{time}: {all}")
}

/// Over which time a fault was judged, where it was in force for a part of its phase only.
fn judged_time(record: &RunRecord, witness: &FaultWitness) -> String {
    let Some(phase) = record.phase(&witness.phase) else {
        return String::new();
    };
    let counted_s = phase.duration_s - phase.settle_s;
    let in_force = seconds(witness.in_force_s);
    if witness.indicators.is_empty() || witness.in_force_s + 1e-6 >= counted_s {
        String::new()
    } else if witness.judged_s > witness.in_force_s {
        format!(
            " over the whole phase (too few requests in the {in_force} in which it was in force)"
        )
    } else {
        format!(" over the {in_force} in which it was in force")
    }
}
