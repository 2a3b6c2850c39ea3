//! The modules of a library or a binary, and what they import from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use super::tokens::{ITEMS, Tokens};
use super::uses::{Use, add_uses};

/// What each file imports from which other file: file, other file, and an item.
pub(super) type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

/// The text of a file, if there is one.
pub(super) type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// A module, in a file of its own or not.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    modules: BTreeMap<String, usize>,
    /// Names of the items that stand in it.
    items: BTreeSet<String>,
    uses: Vec<Use>,
    /// Paths that are written in it, apart from those of `use`; single words too.
    paths: BTreeSet<Vec<String>>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Module(usize),
    /// An item that this module defines.
    Item(usize),
}

/// A library or a binary.
struct Program<'a> {
    modules: Vec<Module>,
    read: Read<'a>,
}

/// Imports between the files of the program with this root file.
pub(super) fn imports(root_file: &Path, read: Read<'_>) -> Imports {
    let mut program = Program {
        modules: Vec::new(),
        read,
    };
    let folder = root_file.parent().expect("a file lies in a folder");
    program.add_file(root_file, folder, None);
    let mut imports = Imports::new();
    for number in 0..program.modules.len() {
        let file = program.modules[number].file.clone();
        let imported = imports.entry(file.clone()).or_default();
        for (other, item) in program.imported_by(number) {
            let other = program.modules[other].file.clone();
            if other != file {
                imported.entry(other).or_insert(item);
            }
        }
    }
    imports
}

impl Program<'_> {
    /// Reads a file, whose modules lie in `folder`.
    fn add_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> usize {
        let text = (self.read)(file).unwrap_or_else(|| panic!("{file:?} cannot be read"));
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{file:?}: {error}"));
        self.add_module(tokens, file, folder, parent)
    }

    fn add_module(
        &mut self,
        tokens: TokenStream,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
    ) -> usize {
        let number = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        self.read_tokens(number, tokens, Some(folder));
        number
    }

    /// Reads what stands in a module: its items where `folder` is given, else what is within one.
    fn read_tokens(&mut self, module: usize, tokens: TokenStream, folder: Option<&Path>) {
        let mut rest = Tokens::new(tokens);
        let mut is_public = false;
        while let Some(token) = rest.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if rest.skip_attribute() {
                        rest.skip_item();
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == '.' => rest.skip_member(),
                TokenTree::Group(group) => self.read_tokens(module, group.stream(), None),
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    let was_public = std::mem::replace(&mut is_public, word == "pub");
                    match (&*word, folder) {
                        ("pub", _) => rest.skip_visibility(),
                        ("use", _) => {
                            let tree = rest.until_semicolon();
                            let uses = &mut self.modules[module].uses;
                            add_uses(&mut Tokens::new(tree), &[], was_public, uses);
                        }
                        ("mod", Some(folder)) => self.read_child(module, &mut rest, folder),
                        _ => {
                            let is_item = folder.is_some() && ITEMS.contains(&&*word);
                            let name = rest.peek_word().filter(|_| is_item);
                            self.modules[module].items.extend(name);
                            let path = rest.path_from(word);
                            self.modules[module].paths.insert(path);
                        }
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// A module whose keyword was just read.
    fn read_child(&mut self, parent: usize, rest: &mut Tokens, folder: &Path) {
        let name = rest.peek_word().expect("a module has a name");
        rest.next();
        let file = self.modules[parent].file.clone();
        let inner = folder.join(&name);
        let child = match rest.next() {
            Some(TokenTree::Group(body)) => {
                self.add_module(body.stream(), &file, &inner, Some(parent))
            }
            _ => {
                let own = folder.join(format!("{name}.rs"));
                let is_single = (self.read)(&own).is_some();
                let own = if is_single { own } else { inner.join("mod.rs") };
                self.add_file(&own, &inner, Some(parent))
            }
        };
        self.modules[parent].modules.insert(name, child);
    }

    /// Modules that define what a module names, with the name.
    fn imported_by(&self, module: usize) -> Vec<(usize, String)> {
        let own = &self.modules[module];
        let is_said = |name: &str| own.paths.iter().any(|path| path[0] == name);
        let mut found = Vec::new();
        for path in own.paths.iter().filter(|path| path.len() > 1) {
            if let Some(Found::Item(other)) = self.find(module, path) {
                found.push((other, path.join("::")));
            }
        }
        for used in &own.uses {
            match self.find(module, &used.path) {
                Some(Found::Module(other)) if used.name == "*" => {
                    let is_own =
                        |word: &str| own.items.contains(word) || own.modules.contains_key(word);
                    let words = own.paths.iter().map(|path| &path[..1]);
                    let words = words.filter(|word| !is_own(&word[0]));
                    found.extend(words.filter_map(|word| {
                        let Found::Item(definer) = self.find_within(other, word, &mut vec![])?
                        else {
                            return None;
                        };
                        Some((definer, word[0].clone()))
                    }));
                }
                Some(Found::Item(other)) => {
                    let passes_on = used.is_public && self.is_within(other, module);
                    if !passes_on || is_said(&used.name) {
                        found.push((other, used.path.last().expect("a path").clone()));
                    }
                }
                Some(Found::Module(_)) | None => {}
            }
        }
        found
    }

    fn is_within(&self, module: usize, outer: usize) -> bool {
        let mut next = Some(module);
        while let Some(current) = next {
            if current == outer {
                return true;
            }
            next = self.modules[current].parent;
        }
        false
    }

    /// What a path leads to that is written in a module; nothing where it leaves the program.
    fn find(&self, module: usize, path: &[String]) -> Option<Found> {
        self.find_from(module, path, &mut Vec::new())
    }

    fn find_from(
        &self,
        module: usize,
        path: &[String],
        asked: &mut Vec<(usize, String)>,
    ) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let start = match &**first {
            "crate" => 0,
            "self" => module,
            "super" => self.modules[module].parent?,
            _ => return self.find_within(module, path, asked),
        };
        match rest.first().map(|word| &**word) {
            None => Some(Found::Module(start)),
            Some("super") => self.find_from(start, rest, asked),
            // What a macro made there bears a name that is written nowhere.
            Some(_) => self
                .find_within(start, rest, asked)
                .or(Some(Found::Item(start))),
        }
    }

    /// What a path leads to whose first word is a name of this module.
    fn find_within(
        &self,
        module: usize,
        path: &[String],
        asked: &mut Vec<(usize, String)>,
    ) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let own = &self.modules[module];
        if let Some(&child) = own.modules.get(first) {
            return match rest {
                [] => Some(Found::Module(child)),
                _ => self
                    .find_within(child, rest, asked)
                    .or(Some(Found::Item(child))),
            };
        }
        if own.items.contains(first) {
            return Some(Found::Item(module));
        }
        // A glob may lead back here.
        let question = (module, first.clone());
        if asked.contains(&question) {
            return None;
        }
        asked.push(question);
        let named = own.uses.iter().find(|used| used.name == *first);
        if let Some(named) = named {
            let same_name = named.path.len() == 1 && named.path[0] == *first;
            let through = if same_name {
                None
            } else {
                self.find_from(module, &named.path, asked)
            };
            return match (through?, rest) {
                (Found::Module(other), [_, ..]) => self
                    .find_within(other, rest, asked)
                    .or(Some(Found::Item(other))),
                (found, _) => Some(found),
            };
        }
        let globs = own.uses.iter().filter(|used| used.name == "*");
        let mut through =
            globs.filter_map(|used| match self.find_from(module, &used.path, asked)? {
                Found::Module(other) => self.find_within(other, path, asked),
                Found::Item(_) => None,
            });
        through.next()
    }
}
