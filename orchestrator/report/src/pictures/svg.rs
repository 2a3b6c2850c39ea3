//! Drawing into SVG text. Colours and fonts come from the page's style sheet by class, so that a
//! picture follows the reader's light or dark scheme.

use std::fmt::Write as _;

use minijinja::HtmlEscape;

/// Where a text is anchored.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn name(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

/// A picture under construction.
pub(crate) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Svg {
            body: String::new(),
            width,
            height,
        }
    }

    /// A rectangle given by its corner and size; `tip` shows when the pointer rests on it.
    pub(crate) fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], tip: &str) {
        let (x, y) = (number(x), number(y));
        let (width, height) = (number(width.max(0.0)), number(height.max(0.0)));
        self.raw(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}""#
        ));
        self.end_with_tip("rect", tip);
    }

    /// A rectangle with rounded corners.
    pub(crate) fn rounded(&mut self, class: &str, [x, y, width, height]: [f64; 4], radius: f64) {
        let (x, y) = (number(x), number(y));
        let (width, height) = (number(width.max(0.0)), number(height.max(0.0)));
        let radius = number(radius);
        self.raw(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>"#
        ));
    }

    pub(crate) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let (x1, y1, x2, y2) = (number(x1), number(y1), number(x2), number(y2));
        self.raw(format_args!(
            r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        ));
    }

    /// A line through points.
    pub(crate) fn polyline(&mut self, class: &str, points: &[[f64; 2]]) {
        let points: Vec<String> = points
            .iter()
            .map(|[x, y]| format!("{},{}", number(*x), number(*y)))
            .collect();
        self.raw(format_args!(
            r#"<polyline class="{class}" points="{}"/>"#,
            points.join(" ")
        ));
    }

    /// A filled outline through points.
    pub(crate) fn polygon(&mut self, class: &str, points: &[[f64; 2]]) {
        let points: Vec<String> = points
            .iter()
            .map(|[x, y]| format!("{},{}", number(*x), number(*y)))
            .collect();
        self.raw(format_args!(
            r#"<polygon class="{class}" points="{}"/>"#,
            points.join(" ")
        ));
    }

    /// An arrow that leaves and arrives horizontally, with its head at `to`.
    pub(crate) fn arrow(&mut self, class: &str, from: [f64; 2], to: [f64; 2]) {
        const HEAD: f64 = 8.0;
        let end = to[0] - HEAD;
        let middle = f64::midpoint(from[0], end);
        self.raw(format_args!(
            r#"<path class="{class}" d="M{} {} C{} {} {} {} {} {}"/>"#,
            number(from[0]),
            number(from[1]),
            number(middle),
            number(from[1]),
            number(middle),
            number(to[1]),
            number(end),
            number(to[1])
        ));
        let head = [[end, to[1] - 4.0], [to[0], to[1]], [end, to[1] + 4.0]];
        self.polygon("arrowhead", &head);
    }

    pub(crate) fn text(&mut self, class: &str, anchor: Anchor, [x, y]: [f64; 2], text: &str) {
        let (x, y, anchor) = (number(x), number(y), anchor.name());
        self.raw(format_args!(
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{}</text>"#,
            HtmlEscape(text)
        ));
    }

    /// The picture with what a screen reader says of it.
    pub(crate) fn finish(self, class: &str, title: &str) -> String {
        format!(
            r#"<svg class="{class}" viewBox="0 0 {} {}" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">{}</svg>"#,
            number(self.width),
            number(self.height),
            HtmlEscape(title),
            self.body
        )
    }

    fn end_with_tip(&mut self, element: &str, tip: &str) {
        if tip.is_empty() {
            self.raw(format_args!("/>"));
        } else {
            self.raw(format_args!(
                "><title>{}</title></{element}>",
                HtmlEscape(tip)
            ));
        }
    }

    fn raw(&mut self, markup: std::fmt::Arguments<'_>) {
        self.body
            .write_fmt(markup)
            .expect("writing to a string cannot fail");
    }
}

/// Tenths of a pixel are as fine as an eye sees, and keep the file small.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Text cut to what fits into `room` pixels at `size` pixels a font.
pub(crate) fn fitting(text: &str, room: f64, size: f64) -> String {
    const WIDTH_OF_A_CHARACTER: f64 = 0.56;
    let most = (room / (size * WIDTH_OF_A_CHARACTER)).floor().max(0.0) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    match most {
        0..3 => String::new(),
        _ => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text("label", Anchor::Start, [0.0, 0.0], "</text><script>");
        svg.rect("bar", [0.0, 0.0, 1.0, 1.0], "<b>");
        let text = svg.finish("x", "\"><script>");
        assert!(
            !text.contains("<script>") && !text.contains("<b>"),
            "{text}"
        );
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(number(12.0), "12");
        assert_eq!(number(-0.01), "0");
        assert_eq!(number(3.25), "3.2");
    }
}
