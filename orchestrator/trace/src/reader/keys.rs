//! The keys of the first JSON object of a text, which tell its format.

/// How many keys are looked at; formats tell themselves earlier.
const MAX_KEYS: usize = 256;

/// What the beginning of a text shows.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    /// Keys of the object itself.
    pub(super) outer: Vec<&'a [u8]>,
    /// Keys of the objects directly within it.
    pub(super) inner: Vec<&'a [u8]>,
    /// Where the object ends, where it does.
    pub(super) end: Option<usize>,
}

impl Keys<'_> {
    pub(super) fn has(&self, key: &str) -> bool {
        self.outer.contains(&key.as_bytes())
    }

    pub(super) fn has_inner(&self, key: &str) -> bool {
        self.inner.contains(&key.as_bytes())
    }
}

/// Looks at the first object of a text, which may be in lists and may be cut.
pub(super) fn keys(text: &[u8]) -> Keys<'_> {
    let mut found = Keys::default();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.end = Some(at);
                    return found;
                }
            }
            b'"' => {
                let Some(end) = end_of_string(text, at) else {
                    return found;
                };
                let string = &text[at..end];
                at = end + 1;
                let is_key = text[at..].iter().find(|byte| !byte.is_ascii_whitespace());
                if is_key != Some(&b':') {
                    continue;
                }
                let keys = match depth {
                    1 => &mut found.outer,
                    2 => &mut found.inner,
                    _ => continue,
                };
                if keys.len() < MAX_KEYS && !keys.contains(&string) {
                    keys.push(string);
                }
            }
            _ => {}
        }
    }
    found
}

/// Where the quote is that closes a string.
fn end_of_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
