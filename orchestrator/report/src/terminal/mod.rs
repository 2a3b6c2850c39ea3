//! The page that somebody tired reads from the top: how it ended, what is to blame, and only then
//! the figures.

mod bars;
mod page;
mod table;

use page::{Page, WIDTH, clipped, width_of};

use crate::document::{
    Block, Check, Content, Cut, Document, Figures, Heading, Mark, Medium, Names, Opening, Section,
    Tone,
};

/// How the page is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Columns that no line exceeds; below 60 counts as 60.
    pub width: usize,
    /// Whether ANSI colours are used.
    pub colour: bool,
    /// The output folder, where files were written.
    pub folder: Option<String>,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        TerminalOptions {
            width: WIDTH,
            colour: false,
            folder: None,
        }
    }
}

const WIDTH_MIN: usize = 60;

/// The report as text with a final newline. Lists that may be cut have at most `top` entries.
pub(crate) fn render(document: &Document, options: &TerminalOptions, top: usize) -> String {
    let mut terminal = Terminal {
        page: Page::new(options.width.max(WIDTH_MIN), options.colour),
        top,
    };
    terminal.opening(&document.opening);
    for section in &document.sections {
        terminal.section(section);
    }
    terminal.page.finish()
}

struct Terminal {
    page: Page,
    top: usize,
}

impl Terminal {
    fn opening(&mut self, opening: &Opening) {
        let lead = [opening.lead.clone(), (Tone::Plain, "  ".to_owned())];
        self.page.paragraph(&lead, Tone::Strong, &opening.line);
        let circumstances = &opening.circumstances;
        self.page.paragraph(&[], Tone::Muted, circumstances);
        for reason in &opening.reasons {
            let lead = [(reason.tone, "  because ".to_owned())];
            self.page.paragraph(&lead, Tone::Plain, &reason.because);
        }
    }

    fn section(&mut self, section: &Section) {
        if !section.medium.is_for(Medium::Terminal) {
            return;
        }
        match &section.heading {
            Some(heading) => self.heading(heading),
            None => self.page.blank(),
        }
        for block in &section.blocks {
            self.block(block);
        }
        for part in &section.parts {
            self.section(part);
        }
    }

    fn heading(&mut self, heading: &Heading) {
        if heading.medium.is_for(Medium::Terminal) {
            let own = (heading.title.clone(), heading.remark.clone());
            let (title, remark) = heading.short.as_ref().unwrap_or(&own);
            self.page.heading(&title.to_uppercase(), remark);
        }
    }

    fn block(&mut self, block: &Block) {
        if !block.medium.is_for(Medium::Terminal) {
            return;
        }
        match &block.content {
            Content::Prose { lead, tone, text } => self.page.paragraph(lead, *tone, text),
            Content::Sentences { sentences, cut, .. } => self.sentences(sentences, *cut),
            Content::Figures(figures) => self.figures(figures),
            Content::Names(names) => self.names(names),
            Content::Table(table) => {
                let shown = self.shown(table.rows.len(), table.cut);
                table::write(&mut self.page, table, shown);
                self.left_out(table.rows.len(), table.cut);
            }
            Content::Bars(bars) => bars::write(&mut self.page, bars, bars.most.min(self.top)),
            Content::Checks { checks } => checks.iter().for_each(|check| self.check(check)),
            Content::Card(card) => card.blocks.iter().for_each(|block| self.block(block)),
            Content::Picture { .. } | Content::Command { .. } => {}
        }
    }

    fn shown(&self, all: usize, cut: Cut) -> usize {
        match cut {
            Cut::Never => all,
            Cut::Top => all.min(self.top),
            Cut::At(most, _) => all.min(most),
        }
    }

    /// Says how many entries a list leaves out.
    fn left_out(&mut self, all: usize, cut: Cut) {
        let more = all - self.shown(all, cut);
        let text = match cut {
            _ if more == 0 => return,
            Cut::Never => return,
            Cut::Top => format!("and {more} more; --top {all} shows all"),
            Cut::At(_, elsewhere) => format!("and {more} more in {elsewhere}"),
        };
        self.page.line(&[(Tone::Muted, format!("  {text}"))]);
    }

    fn sentences(&mut self, sentences: &[String], cut: Cut) {
        let lead = [(Tone::Plain, "  ".to_owned())];
        for text in &sentences[..self.shown(sentences.len(), cut)] {
            self.page.paragraph(&lead, Tone::Plain, text);
        }
        self.left_out(sentences.len(), cut);
    }

    fn figures(&mut self, figures: &Figures) {
        let shown = &figures.figures[..figures.figures.len().min(figures.most)];
        let widest = |of: fn(&crate::document::Figure) -> &str| {
            let widths = shown.iter().map(|figure| width_of(of(figure)));
            widths.max().unwrap_or(0)
        };
        let value = widest(|figure| &figure.value);
        let before = widest(|figure| figure.before.as_deref().unwrap_or_default());
        let room = match self.page.is_narrow() {
            true => self.page.width().saturating_sub(4 + 2 + value + 7 + before),
            false => self.page.width() - 40,
        };
        let what = widest(|figure| &figure.what).min(room);
        for figure in shown {
            let label = clipped(&figure.what, what);
            let before = figure.before.as_ref();
            let before = before.map_or_else(String::new, |before| format!("   was {before}"));
            self.page.line(&[
                (Tone::Plain, format!("    {label:<what$}  ")),
                (Tone::Strong, format!("{:>value$}", figure.value)),
                (Tone::Muted, before),
            ]);
        }
    }

    fn names(&mut self, names: &Names) {
        let width = width_of(names.label);
        for (index, name) in names.names.iter().enumerate() {
            let label = if index == 0 { names.label } else { "" };
            self.page.line(&[
                (Tone::Muted, format!("    {label:<width$}  ")),
                (Tone::Accent, name.clone()),
            ]);
        }
    }

    fn check(&mut self, check: &Check) {
        let sign = match check.mark {
            Mark::Held => (Tone::Good, "✓"),
            Mark::NotHeld => (Tone::Bad, "✗"),
            Mark::Unknown => (Tone::Unsure, "?"),
        };
        let lead = [
            (Tone::Plain, "  ".to_owned()),
            (sign.0, sign.1.to_owned()),
            (Tone::Plain, " ".to_owned()),
        ];
        self.page.paragraph(&lead, Tone::Plain, &check.text);
        let held = check.mark == Mark::Held;
        let details = [
            ("found", &check.found, true),
            ("reason", &check.reason, !held),
            ("because", &check.because, !held),
        ];
        for (label, text, told) in details {
            if told && !text.is_empty() {
                let lead = [(Tone::Muted, format!("    {label}: "))];
                self.page.paragraph(&lead, Tone::Plain, text);
            }
        }
    }
}
