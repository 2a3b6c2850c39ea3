//! Bars of two times beside each other, such as those of now and of before.

use super::page::{Page, clipped, width_of};
use crate::document::{Bar, BarGroup, Bars, Tone};
use crate::figures::ms;

const LABEL_WIDTH_MAX: usize = 28;
const VALUE_WIDTH: usize = 8;
const INDENT: usize = 2;
const GAP: usize = 2;
const BAR_WIDTH_MAX: usize = 40;

/// Writes every group with at most `most` bars, and the sum of the others.
pub(super) fn write(page: &mut Page, bars: &Bars, most: usize) {
    let groups: Vec<Vec<Bar>> = bars.groups.iter().map(|one| chosen(one, most)).collect();
    let labels = groups.iter().flatten().map(|bar| width_of(&bar.label));
    let label_width = labels.max().unwrap_or(0).min(LABEL_WIDTH_MAX);
    for (group, bars) in bars.groups.iter().zip(&groups) {
        write_group(page, group, bars, label_width);
    }
}

/// The most important bars, the longest of now first, then the sum of the rest.
fn chosen(group: &BarGroup, most: usize) -> Vec<Bar> {
    let mut bars = group.bars.clone();
    let rest = bars.split_off(bars.len().min(most));
    bars.sort_by(|a, b| b.now_ms.total_cmp(&a.now_ms));
    let rest = Bar {
        label: "everything else".to_owned(),
        now_ms: rest.iter().map(|bar| bar.now_ms).sum(),
        before_ms: rest.iter().map(|bar| bar.before_ms).sum(),
        named: false,
    };
    if rest.now_ms > 0.0 || rest.before_ms > 0.0 {
        bars.push(rest);
    }
    bars
}

fn write_group(page: &mut Page, group: &BarGroup, bars: &[Bar], label_width: usize) {
    let fixed = INDENT + label_width + 2 * (GAP + 1 + VALUE_WIDTH);
    let bar_width = (page.width().saturating_sub(fixed) / 2).clamp(4, BAR_WIDTH_MAX);
    let longest = bars.iter().map(|bar| bar.now_ms.max(bar.before_ms));
    let longest = longest.fold(0.0, f64::max);
    let column = GAP + bar_width + 1 + VALUE_WIDTH;
    page.line(&[
        (Tone::Plain, " ".repeat(INDENT + label_width + GAP)),
        (
            Tone::Accent,
            padded(&head(page, &group.now, column - 1), column),
        ),
        (Tone::Muted, head(page, &group.before, column)),
    ]);
    for one in bars {
        let strong = if one.named { Tone::Bad } else { Tone::Accent };
        let label_tone = if one.named { Tone::Strong } else { Tone::Plain };
        let drawn = |value_ms: f64| padded(&bar(value_ms, longest, bar_width), bar_width);
        page.line(&[
            (Tone::Plain, " ".repeat(INDENT)),
            (label_tone, padded(&one.label, label_width)),
            (Tone::Plain, " ".repeat(GAP)),
            (strong, drawn(one.now_ms)),
            (label_tone, format!(" {:>VALUE_WIDTH$}", ms(one.now_ms))),
            (Tone::Plain, " ".repeat(GAP)),
            (Tone::Muted, drawn(one.before_ms)),
            (Tone::Muted, format!(" {:>VALUE_WIDTH$}", ms(one.before_ms))),
        ]);
    }
}

/// Name and sum of a column, with as many words as there is room for.
fn head(page: &Page, (name, sum): &(String, String), room: usize) -> String {
    let forms = [
        format!("{name} ({sum} in all)"),
        format!("{name} ({sum})"),
        name.clone(),
    ];
    let fitting = forms
        .iter()
        .find(|form| !page.is_narrow() || width_of(form) <= room);
    fitting.unwrap_or(name).clone()
}

fn padded(text: &str, width: usize) -> String {
    let mut text = clipped(text, width);
    let missing = width - width_of(&text);
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// A bar in eighths of a column. What is above zero shows as at least one of them.
fn bar(value: f64, most: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if value <= 0.0 || most <= 0.0 {
        return String::new();
    }
    let eighths = (value / most * width as f64 * 8.0).round().max(1.0) as usize;
    let eighths = eighths.min(width * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_never_vanish() {
        assert_eq!(bar(10.0, 10.0, 4), "████");
        assert_eq!(bar(5.0, 10.0, 4), "██");
        assert_eq!(bar(0.001, 10.0, 4), "▏");
        assert_eq!(bar(0.0, 10.0, 4), "");
        assert_eq!(bar(1.0, 0.0, 4), "");
    }
}
