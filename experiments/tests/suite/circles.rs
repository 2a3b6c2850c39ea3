//! Source files of a crate do not import each other in a circle, so that each can be read after those
//! that it imports; and the integration tests of a crate are one binary.
//!
//! A file imports another where it names an item that the other one defines: in a `use`, in a path, in
//! the tokens of a macro. Re-exports are followed to the file of the definition. Between a module's
//! file and those of the modules within it the same holds, and so:
//!
//! - declaring a module (`mod child;`) and re-exporting what is in it (`pub use child::Item`) is no
//!   import, unless the file says the re-exported name elsewhere too;
//! - a child that names an item which its parent's *file* defines imports that file; where the parent
//!   names an item of the child, that is a circle.
//!
//! What is only there for tests (`#[cfg(test)]`) does not count.

mod program;
mod tokens;
mod uses;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use self::program::{Imports, imports};
use crate::tidy::root;

/// Folders of the workspace's crates, relative to it.
fn crates() -> Vec<String> {
    let mut found = vec!["experiments".to_owned()];
    for part in ["services", "faults", "orchestrator"] {
        for folder in names(&root().join(part)) {
            if root().join(part).join(&folder).join("Cargo.toml").exists() {
                found.push(format!("{part}/{folder}"));
            }
        }
    }
    assert!(found.len() >= 17, "only {found:?}");
    found
}

/// Names of what lies in a folder, if there is one.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("readable").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let mut failures = Vec::new();
    for folder in crates() {
        let source = root().join(&folder).join("src");
        let circles: Vec<String> = programs(&source)
            .iter()
            .flat_map(|program| circles(&imports(program, &from_disk)))
            .collect();
        if !circles.is_empty() {
            failures.push(format!("{folder}:\n{}", circles.join("\n")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_integration_tests_of_a_crate_are_one_binary() {
    let mut failures = Vec::new();
    for folder in crates() {
        let binaries = binaries(&root().join(&folder));
        let is_one = binaries.is_empty() || binaries == ["suite/main.rs"];
        if !is_one {
            failures.push(format!(
                "{folder} has {binaries:?}: make them modules of tests/suite/main.rs"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What Cargo makes a test binary of: in the folder `tests` of a crate, and what its manifest adds.
fn binaries(folder: &Path) -> Vec<String> {
    let tests = folder.join("tests");
    let mut found = Vec::new();
    for name in names(&tests) {
        if name.ends_with(".rs") {
            found.push(name);
        } else if tests.join(&name).join("main.rs").exists() {
            found.push(format!("{name}/main.rs"));
        }
    }
    let manifest = from_disk(&folder.join("Cargo.toml")).expect("a crate has a manifest");
    let declared = manifest.matches("[[test]]").skip(1);
    found.extend(declared.map(|_| "another [[test]]".to_owned()));
    found
}

/// Circles of a library of these files.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<&Path, &str> = files
        .iter()
        .map(|&(file, text)| (Path::new(file), text))
        .collect();
    let read = |path: &Path| files.get(path).map(|text| (*text).to_owned());
    circles(&imports(Path::new("lib.rs"), &read))
}

#[test]
fn a_circle_is_found_and_written_out() {
    let two = [
        ("lib.rs", "mod one; mod two;"),
        ("one.rs", "use crate::two::Two; pub struct One(Two);"),
        (
            "two.rs",
            "pub struct Two; fn back() { let _ = super::one::One::default(); }",
        ),
    ];
    assert_eq!(
        circles_of(&two),
        ["  one.rs imports Two from two.rs imports super::one::One::default from one.rs"]
    );
    let by_the_root = [
        ("lib.rs", "mod one; mod two; pub use one::One;"),
        ("one.rs", "use super::two; pub struct One(two::Two);"),
        (
            "two.rs",
            "pub struct Two; macro_rules! ones { () => { $crate::One } }",
        ),
    ];
    assert_eq!(circles_of(&by_the_root).len(), 1, "re-exports are followed");
    let by_a_glob = [
        ("lib.rs", "mod one; mod two;"),
        ("one.rs", "use crate::two::*; pub struct One(Two);"),
        (
            "two.rs",
            "pub struct Two; impl From<Two> for crate::one::One {}",
        ),
    ];
    assert_eq!(
        circles_of(&by_a_glob).len(),
        1,
        "a glob imports what is said"
    );
    let family = [
        ("lib.rs", "mod parent;"),
        (
            "parent.rs",
            "mod child; fn first() { child::second() } const MOST: u8 = 1;",
        ),
        (
            "parent/child.rs",
            "pub fn second() { assert!(1 < super::MOST) }",
        ),
    ];
    assert_eq!(circles_of(&family).len(), 1, "parent and child");
}

#[test]
fn what_imports_one_way_is_no_circle() {
    let family = [
        ("lib.rs", "mod parent;"),
        (
            "parent/mod.rs",
            "mod child; pub use child::{Child, self as little}; pub struct Own;",
        ),
        ("parent/child.rs", "use super::Own; pub struct Child(Own);"),
    ];
    assert!(circles_of(&family).is_empty(), "a re-export is no import");
    let used = [
        family[0],
        (
            "parent/mod.rs",
            "mod child; pub use child::Child; pub struct Own; type Short = Child;",
        ),
        family[2],
    ];
    assert_eq!(circles_of(&used).len(), 1, "unless its name is said");
    let tested = [
        ("lib.rs", "mod one; mod two;"),
        ("one.rs", "use crate::two::Two; pub struct One(Two);"),
        (
            "two.rs",
            "pub struct Two; #[cfg(test)] mod tests { use crate::one::One; }",
        ),
    ];
    assert!(circles_of(&tested).is_empty(), "tests do not count");
    let inline = [(
        "lib.rs",
        "mod one { use super::two::Two; } mod two { use super::one::One; }",
    )];
    assert!(circles_of(&inline).is_empty(), "it is about files");
}

/// The root files of a crate's library and binaries.
fn programs(source: &Path) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = ["lib.rs", "main.rs"].map(|name| source.join(name)).into();
    let binaries = source.join("bin");
    roots.extend(names(&binaries).iter().map(|name| binaries.join(name)));
    roots.retain(|root| root.is_file());
    roots
}

fn from_disk(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// One circle of each knot of files that import each other, as a line.
fn circles(imports: &Imports) -> Vec<String> {
    let mut done: BTreeSet<&Path> = BTreeSet::new();
    let mut found = Vec::new();
    for file in imports.keys() {
        if done.contains(&**file) {
            continue;
        }
        let Some(circle) = shortest_circle(imports, file) else {
            continue;
        };
        let knot = reached(imports, file);
        done.extend(
            knot.into_iter()
                .filter(|other| reached(imports, other).contains(&**file)),
        );
        let mut line = String::from("  ");
        for pair in circle.windows(2) {
            let name = pair[0].strip_prefix(root()).unwrap_or(pair[0]).display();
            line += &format!("{name} imports {} from ", imports[pair[0]][pair[1]]);
        }
        line += &format!(
            "{}",
            circle[0]
                .strip_prefix(root())
                .unwrap_or(circle[0])
                .display()
        );
        found.push(line);
    }
    found
}

fn reached<'a>(imports: &'a Imports, from: &Path) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(file) = waiting.pop() {
        for next in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(&**next) {
                waiting.push(next);
            }
        }
    }
    found
}

/// The files from `start` back to it.
fn shortest_circle<'a>(imports: &'a Imports, start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut waiting = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = waiting.pop_front() {
        let last = *way.last().expect("never empty");
        for next in imports.get(last).into_iter().flat_map(BTreeMap::keys) {
            let mut longer = way.clone();
            longer.push(next);
            if **next == *start {
                return Some(longer);
            }
            if seen.insert(next) {
                waiting.push_back(longer);
            }
        }
    }
    None
}
