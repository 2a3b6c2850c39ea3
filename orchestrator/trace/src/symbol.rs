//! Text that is stored once and named by a number.

use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHasher};

/// Text of one [`TraceSet`](crate::TraceSet). Symbols of one set are equal exactly when their text
/// is; symbols of different sets have nothing to do with each other. They are numbered from 0 in
/// the order in which their text was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// All texts end to end in one string, found by hash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    text: String,
    entries: Vec<Entry>,
    first_by_hash: FxHashMap<u64, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    len: u32,
    /// The next entry with the same hash, or `NONE`.
    next: u32,
    /// The text can stand between the quotes of a JSON string as it is.
    json_plain: bool,
}

const NONE: u32 = u32::MAX;

impl Interner {
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        let hash = hash_of(text);
        let first = self.first_by_hash.get(&hash).copied();
        if let Some(found) = self.search_chain(first, text) {
            return found;
        }
        let number = self.entries.len() as u32;
        assert!(
            number < NONE,
            "a trace set holds at most {NONE} distinct texts"
        );
        let len = u32::try_from(text.len()).expect("a text of a trace set is shorter than 4 GiB");
        self.entries.push(Entry {
            start: self.text.len(),
            len,
            next: first.unwrap_or(NONE),
            json_plain: is_json_plain(text),
        });
        self.text.push_str(text);
        self.first_by_hash.insert(hash, number);
        Symbol(number)
    }

    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        let first = self.first_by_hash.get(&hash_of(text)).copied();
        self.search_chain(first, text)
    }

    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        let entry = self.entries[symbol.0 as usize];
        &self.text[entry.start..entry.start + entry.len as usize]
    }

    pub(crate) fn is_json_plain(&self, symbol: Symbol) -> bool {
        self.entries[symbol.0 as usize].json_plain
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn search_chain(&self, first: Option<u32>, text: &str) -> Option<Symbol> {
        let mut at = first.unwrap_or(NONE);
        while at != NONE {
            if self.text(Symbol(at)) == text {
                return Some(Symbol(at));
            }
            at = self.entries[at as usize].next;
        }
        None
    }
}

fn hash_of(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn is_json_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_symbol() {
        let mut interner = Interner::default();
        let a = interner.intern("reranker");
        let b = interner.intern("llm");
        let empty = interner.intern("");
        assert_eq!(interner.intern("reranker"), a);
        assert_eq!(interner.find("llm"), Some(b));
        assert_eq!(interner.find("gateway"), None);
        assert_eq!((interner.text(a), interner.text(empty)), ("reranker", ""));
        assert_eq!(interner.len(), 3);
    }

    #[test]
    fn equal_hashes_do_not_merge_texts() {
        let mut interner = Interner::default();
        interner.intern("a");
        interner.first_by_hash.insert(hash_of("b"), 0);
        let b = interner.intern("b");
        assert_eq!(interner.text(b), "b");
        assert_eq!(interner.find("b"), Some(b));
    }

    #[test]
    fn quotes_backslashes_and_controls_are_not_plain() {
        for (text, plain) in [
            ("é ok", true),
            ("a\"b", false),
            ("a\\b", false),
            ("a\nb", false),
        ] {
            assert_eq!(is_json_plain(text), plain, "{text:?}");
        }
    }
}
