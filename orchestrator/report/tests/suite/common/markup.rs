//! A strict reader of markup: every element closed in order, every attribute quoted, every
//! ampersand part of an entity. Browsers forgive all three, and would hide a hole.

pub(crate) struct Markup {
    elements: Vec<(String, String)>,
}

impl Markup {
    /// How many elements of this name there are.
    pub(crate) fn count(&self, name: &str) -> usize {
        let named = self.elements.iter().filter(|(one, _)| one == name);
        named.count()
    }

    /// Text of each element of this name, what is nested in it included.
    pub(crate) fn texts_of(&self, name: &str) -> Vec<String> {
        let named = self.elements.iter().filter(|(one, _)| one == name);
        named.map(|(_, text)| text.trim().to_owned()).collect()
    }
}

pub(crate) fn parse(page: &str) -> Result<Markup, String> {
    let mut elements: Vec<(String, String)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text(&rest[..at], &open, &mut elements)?;
        let tag = &rest[at..];
        let end = tag_end(tag).ok_or_else(|| format!("a tag without an end: {}", start(tag)))?;
        let inner = &tag[1..end];
        rest = &tag[end + 1..];
        if inner.starts_with('!') {
            continue;
        }
        if let Some(name) = inner.strip_prefix('/') {
            let last = open
                .pop()
                .ok_or_else(|| format!("</{name}> closes nothing"))?;
            if elements[last].0 != name {
                return Err(format!("</{name}> closes <{}>", elements[last].0));
            }
            continue;
        }
        let closed = inner.ends_with('/');
        let inner = inner.trim_end_matches('/');
        let (name, attributes) = inner.split_once([' ', '\n']).unwrap_or((inner, ""));
        quoted(attributes)?;
        elements.push((name.to_owned(), String::new()));
        if !closed {
            open.push(elements.len() - 1);
        }
    }
    text(rest, &[], &mut elements)?;
    match open.last() {
        Some(last) => Err(format!("<{}> is never closed", elements[*last].0)),
        None => Ok(Markup { elements }),
    }
}

fn start(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Where the tag ends: the first `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in tag.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn quoted(attributes: &str) -> Result<(), String> {
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let problem = || format!("an attribute without quotes: {}", start(rest));
        let (_, value) = rest.split_once("=\"").ok_or_else(problem)?;
        let (value, after) = value.split_once('"').ok_or_else(problem)?;
        if value.contains('<') {
            return Err(format!("a bare < in an attribute: {}", start(value)));
        }
        entities(value)?;
        rest = after.trim_start();
    }
    Ok(())
}

fn text(piece: &str, open: &[usize], elements: &mut [(String, String)]) -> Result<(), String> {
    let in_style = open.last().is_some_and(|last| elements[*last].0 == "style");
    if !in_style {
        entities(piece)?;
    }
    for element in open {
        elements[*element].1.push_str(piece);
    }
    Ok(())
}

fn entities(text: &str) -> Result<(), String> {
    for piece in text.split('&').skip(1) {
        let name = piece.split_once(';').map_or("", |(name, _)| name);
        let known = ["lt", "gt", "amp", "quot", "#x27", "#x2f"].contains(&name);
        if !known {
            return Err(format!("a bare ampersand: &{}", start(piece)));
        }
    }
    Ok(())
}
