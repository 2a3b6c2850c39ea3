//! The documents: their links lead somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::tidy::{entries, read, root};

/// Folders with documents, and the repository's own.
const FOLDERS: [&str; 3] = ["", "docs", "compose"];

fn documents() -> Vec<PathBuf> {
    let files = FOLDERS
        .iter()
        .flat_map(|folder| entries(&root().join(folder)));
    let documents: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    assert!(documents.len() >= 10, "{documents:?}");
    documents
}

/// Lines outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        is_code ^= fence;
        !fence && !is_code
    })
}

/// What a link writes for a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Targets of the links of a document, apart from addresses on the network.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            if !target.contains("://") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

fn is_there(document: &Path, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = document.parent().expect("a document lies in a folder");
    let path = if file.is_empty() {
        document.to_owned()
    } else {
        folder.join(file)
    };
    if !path.exists() {
        return false;
    }
    if heading.is_empty() {
        return true;
    }
    let text = read(&path);
    let headings: BTreeSet<String> = prose(&text)
        .filter(|line| line.starts_with('#'))
        .map(anchor)
        .collect();
    headings.contains(heading)
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for document in documents() {
        for target in links(&read(&document)) {
            followed += 1;
            if !is_there(&document, &target) {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(followed >= 40, "only {followed} links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
