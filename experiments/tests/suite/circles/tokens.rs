//! A stream of tokens that is read from the front.

use std::collections::VecDeque;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Words before the name of an item.
pub(super) const ITEMS: [&str; 9] = [
    "struct",
    "enum",
    "union",
    "trait",
    "fn",
    "type",
    "const",
    "static",
    "macro_rules",
];

fn is_keyword(word: &Ident) -> bool {
    let word = word.to_string();
    ITEMS.contains(&&*word) || ["use", "mod", "impl"].contains(&&*word)
}

/// Tokens that are read from the front.
pub(super) struct Tokens {
    rest: VecDeque<TokenTree>,
}

impl Tokens {
    pub(super) fn new(stream: TokenStream) -> Self {
        Self {
            rest: stream.into_iter().collect(),
        }
    }

    pub(super) fn next(&mut self) -> Option<TokenTree> {
        self.rest.pop_front()
    }

    fn is_punct(&self, at: usize, sign: char) -> bool {
        matches!(self.rest.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
    }

    /// The word that comes next; that of a macro's rules stands behind a `!`.
    pub(super) fn peek_word(&self) -> Option<String> {
        let at = usize::from(self.is_punct(0, '!'));
        match self.rest.get(at)? {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        }
    }

    /// The rest of a path after its first word.
    pub(super) fn path_from(&mut self, first: String) -> Vec<String> {
        let mut path = vec![first];
        while self.is_punct(0, ':') && self.is_punct(1, ':') {
            self.rest.drain(..2);
            match self.rest.front() {
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                _ => break,
            }
            self.rest.pop_front();
        }
        path
    }

    pub(super) fn skip_visibility(&mut self) {
        let next = self.rest.front();
        if matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
        {
            self.rest.pop_front();
        }
    }

    /// Takes the name of a field or a method whose dot was read, which may bear that of an item.
    pub(super) fn skip_member(&mut self) {
        if self.is_punct(0, '.') {
            while self.is_punct(0, '.') || self.is_punct(0, '=') {
                self.rest.pop_front();
            }
        } else if matches!(self.rest.front(), Some(TokenTree::Ident(_))) {
            self.rest.pop_front();
        }
    }

    /// Takes an attribute whose `#` was read, and says whether it keeps what follows to tests.
    pub(super) fn skip_attribute(&mut self) -> bool {
        if self.is_punct(0, '!') {
            self.rest.pop_front();
        }
        let text = self.next().map(|token| token.to_string());
        text.is_some_and(|text| text.replace([' ', '\n'], "") == "[cfg(test)]")
    }

    /// Takes an item, or what else an attribute may stand before.
    pub(super) fn skip_item(&mut self) {
        let mut ends_with_semicolon = false;
        let mut is_item = false;
        while let Some(token) = self.next() {
            is_item |= matches!(&token, TokenTree::Ident(word) if is_keyword(word));
            match token {
                TokenTree::Ident(word) if word == "use" || word == "static" => {
                    ends_with_semicolon = true;
                }
                TokenTree::Ident(word) if word == "const" => {
                    ends_with_semicolon = self.peek_word().is_none_or(|next| next != "fn");
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => return,
                // A field, a variant, an arm.
                TokenTree::Punct(punct) if punct.as_char() == ',' && !is_item => return,
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Brace && !ends_with_semicolon =>
                {
                    return;
                }
                _ => {}
            }
        }
    }

    pub(super) fn until_semicolon(&mut self) -> TokenStream {
        let mut taken = Vec::new();
        while let Some(token) = self.next() {
            if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';') {
                break;
            }
            taken.push(token);
        }
        taken.into_iter().collect()
    }
}
