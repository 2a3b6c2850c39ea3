//! The modules of the analyser stand on floors: none names one that is above its own.

use std::fs;
use std::path::Path;

/// From the bottom up.
const FLOORS: [&str; 4] = ["facts", "statistics", "questions", "answer"];

fn height(floor: &str) -> Option<usize> {
    FLOORS.iter().position(|&other| other == floor)
}

/// The floors that the code of a module names, in paths from the root of the crate or from a module
/// above. What it says in comments or needs for its tests does not count.
fn floors_named(module: &[&str], source: &str) -> Vec<String> {
    let code = source.lines().take_while(|line| *line != "#[cfg(test)]");
    let code: Vec<&str> = code.filter_map(|line| line.split("//").next()).collect();
    let code = code.join("\n");
    let mut named: Vec<&str> = code
        .split("crate::")
        .skip(1)
        .flat_map(first_names)
        .collect();
    let mut above = 0;
    for rest in code.split("super::").skip(1) {
        above += 1;
        if above == module.len() {
            named.extend(first_names(rest));
        }
        // `super::super::` goes on; anything between two of them begins another path.
        if !rest.is_empty() {
            above = 0;
        }
    }
    let floors = named.into_iter().filter(|name| height(name).is_some());
    floors.map(str::to_owned).collect()
}

/// The first name of a path, or of each path in braces.
fn first_names(path: &str) -> Vec<&str> {
    let name = |text: &str| -> usize {
        let is_part = |one: char| one.is_alphanumeric() || one == '_';
        text.find(|one| !is_part(one)).unwrap_or(text.len())
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![&path[..name(path)]];
    };
    let (mut depth, mut from, mut names) = (0, 0, Vec::new());
    for (at, one) in group.char_indices() {
        match one {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                let item = group[from..at].trim_start();
                names.push(&item[..name(item)]);
                from = at + 1;
                if one == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

#[test]
fn no_module_names_a_floor_above_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut modules) = (vec![root.clone()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // Tests of a floor may look at its modules through the ones above.
                if !path.ends_with("tests") {
                    folders.push(path);
                }
                continue;
            }
            let within = path.strip_prefix(&root).expect("below the root");
            let within = within.with_extension("");
            let module: Vec<&str> = within.iter().filter_map(|name| name.to_str()).collect();
            if module == ["lib"] || module.last() == Some(&"tests") {
                continue;
            }
            let module = match module.split_last() {
                Some((&"mod", folder)) => folder,
                _ => &module,
            };
            let own = height(module[0]);
            let own = own.unwrap_or_else(|| panic!("{} is on no floor", path.display()));
            let source = fs::read_to_string(&path).expect("a source file");
            for floor in floors_named(module, &source) {
                assert!(
                    height(&floor) <= Some(own),
                    "{} names `{floor}`, a floor above its own",
                    path.display()
                );
            }
            modules += 1;
        }
    }
    assert!(modules > 50, "only {modules} modules were read");
}

#[test]
fn paths_of_all_forms_are_read() {
    let module = ["facts", "tree", "clocks"];
    let forms = [
        ("use crate::answer::verdict::Verdict;", vec!["answer"]),
        ("let x = crate::questions::f();", vec!["questions"]),
        (
            "use crate::{facts::{a, b}, statistics::c};",
            vec!["facts", "statistics"],
        ),
        ("use super::super::super::answer::x;", vec!["answer"]),
        ("use super::super::answer::x;", vec![]),
        ("// use crate::answer::x;", vec![]),
        ("#[cfg(test)]\nuse crate::answer::x;", vec![]),
        ("pub(crate) fn answer() {}", vec![]),
    ];
    for (source, floors) in forms {
        assert_eq!(floors_named(&module, source), floors, "{source}");
    }
}
