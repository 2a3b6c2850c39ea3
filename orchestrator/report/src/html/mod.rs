//! One page that needs nothing beside itself: style, text and pictures in one file.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, HtmlEscape, Value};

use crate::causes;
use crate::document::Document;

const TEMPLATES: [(&str, &str); 4] = [
    ("page.html", include_str!("templates/page.html")),
    ("section.html", include_str!("templates/section.html")),
    ("block.html", include_str!("templates/block.html")),
    ("table.html", include_str!("templates/table.html")),
];
const STYLE: &str = include_str!("templates/style.css");

/// The report as one HTML file.
pub(crate) fn render(document: &Document) -> String {
    let environment = environment();
    let page = environment
        .get_template("page.html")
        .and_then(|template| template.render(Serde(document)));
    page.unwrap_or_else(|error| panic!("the report's own templates are sound: {error:#}"))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the usual delimiters are sound");
    environment.set_syntax(syntax);
    for (name, source) in TEMPLATES {
        environment
            .add_template(name, source)
            .unwrap_or_else(|error| panic!("the report's own template {name}: {error:#}"));
    }
    environment
        .add_template_owned("style.css", format!("{STYLE}{}", causes::style()))
        .unwrap_or_else(|error| panic!("the report's own style sheet: {error:#}"));
    environment.add_filter("ticks", ticks);
    environment
}

/// Escapes a text and sets what stands between backticks as code.
fn ticks(text: &str) -> Value {
    let mut markup = String::new();
    for (index, piece) in text.split('`').enumerate() {
        let piece = HtmlEscape(piece).to_string();
        if index % 2 == 1 {
            markup.push_str(&format!("<code>{piece}</code>"));
        } else {
            markup.push_str(&piece);
        }
    }
    Value::from_safe_string(markup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_backticks_become_code_and_stay_escaped() {
        let markup = ticks("In `a<b`, x < y").to_string();
        assert_eq!(markup, "In <code>a&lt;b</code>, x &lt; y");
    }
}
