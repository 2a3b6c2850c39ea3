//! What `use` brings into scope.

use proc_macro2::TokenTree;

use super::tokens::Tokens;

/// A name that a `use` brings into scope.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) path: Vec<String>,
    /// `*` where the path's every item is meant.
    pub(super) name: String,
    pub(super) is_public: bool,
}

/// Adds every name of a tree of imports.
pub(super) fn add_uses(tree: &mut Tokens, before: &[String], is_public: bool, uses: &mut Vec<Use>) {
    let mut path = before.to_vec();
    let mut name = None;
    let mut add = |path: &mut Vec<String>, name: &mut Option<String>| {
        if path.len() > before.len() || name.is_some() {
            // `use a::{self}` is `use a`.
            if path.len() > 1 && path[path.len() - 1] == "self" {
                path.pop();
            }
            let name = name.take().or_else(|| path.last().cloned());
            uses.push(Use {
                path: path.clone(),
                name: name.expect("a path"),
                is_public,
            });
        }
        *path = before.to_vec();
    };
    let mut groups = Vec::new();
    while let Some(token) = tree.next() {
        match token {
            TokenTree::Ident(word) if word == "as" => {
                name = tree.peek_word();
                tree.next();
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                name = Some("*".to_owned());
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => add(&mut path, &mut name),
            TokenTree::Group(group) => {
                groups.push((path.clone(), group.stream()));
                path = before.to_vec();
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    add(&mut path, &mut name);
    for (path, group) in groups {
        add_uses(&mut Tokens::new(group), &path, is_public, uses);
    }
}
