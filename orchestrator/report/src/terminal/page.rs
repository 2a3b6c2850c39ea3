//! Lines of text that never exceed the page's width, with or without colour.

use crate::document::{Piece, Tone};
use crate::words::printable;

/// Columns where nobody says how many there are.
pub(super) const WIDTH: usize = 100;

/// Reports use the eight basic colours, which every terminal adapts to its background.
const fn codes(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Strong => "1",
        Tone::Muted => "2",
        Tone::Good => "1;32",
        Tone::Bad => "1;31",
        Tone::Unsure => "1;33",
        Tone::Accent => "36",
    }
}

/// The page under construction.
pub(crate) struct Page {
    width: usize,
    colour: bool,
    text: String,
}

impl Page {
    pub(crate) fn new(width: usize, colour: bool) -> Self {
        Page {
            width,
            colour,
            text: String::new(),
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether a report has to be laid out with less room than where nobody says how much there is.
    pub(crate) fn is_narrow(&self) -> bool {
        self.width < WIDTH
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// One line. What does not fit is cut, and the cut shows as an ellipsis.
    pub(crate) fn line(&mut self, pieces: &[Piece]) {
        let mut room = self.width;
        let mut plain_end = self.text.len();
        for (tone, piece) in pieces {
            let piece = clipped(&printable(piece), room);
            room -= width_of(&piece);
            self.push(*tone, &piece);
            if !piece.trim_end().is_empty() {
                plain_end = self.text.len();
            }
        }
        self.text.truncate(plain_end);
        let trimmed = self.text.trim_end_matches(' ').len();
        self.text.truncate(trimmed);
        self.text.push('\n');
    }

    fn push(&mut self, tone: Tone, piece: &str) {
        if self.colour && tone != Tone::Plain && !piece.trim().is_empty() {
            self.text
                .push_str(&format!("\u{1b}[{}m{piece}\u{1b}[0m", codes(tone)));
        } else {
            self.text.push_str(piece);
        }
    }

    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A blank line and a heading, with a remark behind it.
    pub(crate) fn heading(&mut self, heading: &str, remark: &str) {
        self.blank();
        let mut pieces = vec![(Tone::Strong, heading.to_owned())];
        if self.is_narrow() && width_of(heading) + 2 + width_of(remark) > self.width {
            self.line(&pieces);
            self.paragraph(&[], Tone::Muted, remark);
            return;
        }
        if !remark.is_empty() {
            pieces.push((Tone::Muted, format!("  {remark}")));
        }
        self.line(&pieces);
    }

    /// Text over as many lines as it takes. The first line starts with `lead`, the others below
    /// the text of the first.
    pub(crate) fn paragraph(&mut self, lead: &[Piece], tone: Tone, text: &str) {
        let lead_width: usize = lead.iter().map(|(_, piece)| width_of(piece)).sum();
        let room = self.width.saturating_sub(lead_width).max(1);
        for (index, line) in wrapped(&printable(text), room).into_iter().enumerate() {
            let mut pieces = if index == 0 {
                lead.to_vec()
            } else {
                vec![(Tone::Plain, " ".repeat(lead_width))]
            };
            pieces.push((tone, line));
            self.line(&pieces);
        }
    }
}

/// Columns that a text takes. Each character counts as one.
pub(crate) fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// The text in at most `room` columns.
pub(crate) fn clipped(text: &str, room: usize) -> String {
    if width_of(text) <= room {
        return text.to_owned();
    }
    match room {
        0 => String::new(),
        _ => text.chars().take(room - 1).chain(['…']).collect(),
    }
}

/// The text broken at spaces into lines of at most `room` columns; a longer word is broken too.
/// A figure is never parted from the unit behind it.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut line_width = 0;
    for word in words(text) {
        let word_width = width_of(&word);
        if line_width > 0 && line_width + 1 + word_width > room {
            lines.push(String::new());
            line_width = 0;
        }
        let line = lines.last_mut().expect("there is always a line");
        if line_width > 0 {
            line.push(' ');
            line_width += 1;
        }
        line.push_str(&word);
        line_width += word_width;
        while line_width > room {
            let line = lines.last_mut().expect("there is always a line");
            let cut = line
                .char_indices()
                .nth(room)
                .map_or(line.len(), |(at, _)| at);
            let rest = line.split_off(cut);
            line_width = width_of(&rest);
            lines.push(rest);
        }
    }
    lines
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let ends_in_digit =
            |before: &String| before.ends_with(|c: char| c.is_ascii_digit()) && !before.is_empty();
        let unit = word.trim_end_matches([',', '.', ';', ')']);
        match words.last_mut().filter(|before| ends_in_digit(before)) {
            Some(before) if ["%", "ms", "s", "min", "MiB", "GiB"].contains(&unit) => {
                before.push(' ');
                before.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_break_anywhere() {
        assert_eq!(wrapped("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("abcdefg hi", 3), ["abc", "def", "g", "hi"]);
        assert_eq!(wrapped("", 3), [""]);
    }

    #[test]
    fn a_figure_keeps_its_unit() {
        assert_eq!(wrapped("it owns 93 % of it", 10), ["it owns", "93 % of it"]);
    }

    #[test]
    fn a_page_without_colour_holds_no_escape_and_no_control_character() {
        let mut page = Page::new(20, false);
        page.line(&[(Tone::Bad, "evil \u{1b}[2J title".to_owned())]);
        assert_eq!(page.finish(), "evil  [2J title\n");
    }

    #[test]
    fn colour_does_not_count_as_width() {
        let mut page = Page::new(5, true);
        page.line(&[(Tone::Strong, "abcdefgh".to_owned())]);
        assert_eq!(page.finish(), "\u{1b}[1mabcd…\u{1b}[0m\n");
    }
}
