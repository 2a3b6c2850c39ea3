//! What holds for the whole workspace and no compiler checks: who imports whom, what libraries must
//! not do, how long files are, and that the documents know every fault and every experiment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file at most.
const LINES_MAX: usize = 500;
/// The crate whose documentation tests are run.
const WITH_EXAMPLES: &str = "orchestrator/ragdoll/src";
/// Folders of programs.
const PROGRAMS: [&str; 2] = ["orchestrator/cli/src", "services/host/src/bin"];

pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent()
        .expect("the experiments lie in the workspace")
        .to_owned()
}

/// A crate of the workspace and the crates of the workspace that it imports.
#[derive(Debug, Default)]
struct Crate {
    /// Top-level folder.
    part: String,
    /// What it is built from.
    imports: BTreeSet<String>,
    /// What its tests and benches import besides.
    test_imports: BTreeSet<String>,
}

/// Every crate by its name without `ragdoll-`.
fn crates() -> BTreeMap<String, Crate> {
    let mut crates = BTreeMap::new();
    for part in ["services", "faults", "orchestrator"] {
        for folder in entries(&root().join(part)) {
            let manifest = folder.join("Cargo.toml");
            if manifest.exists() {
                let (name, found) = read_crate(part, &manifest);
                crates.insert(name, found);
            }
        }
    }
    let (name, found) = read_crate("experiments", &root().join("experiments/Cargo.toml"));
    crates.insert(name, found);
    assert!(crates.len() >= 17, "only {:?}", crates.keys());
    crates
}

fn read_crate(part: &str, manifest: &Path) -> (String, Crate) {
    let text = read(manifest);
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{manifest:?}: {error}"));
    // The crate for users is called `ragdoll` alone.
    let short = |name: &str| match name {
        "ragdoll" => Some(name.to_owned()),
        _ => name.strip_prefix("ragdoll-").map(str::to_owned),
    };
    let of = |section: &str| -> BTreeSet<String> {
        let section = table.get(section).and_then(|section| section.as_table());
        section
            .into_iter()
            .flat_map(|section| section.keys())
            .filter_map(|key| short(key))
            .collect()
    };
    let name = table["package"]["name"].as_str().and_then(short);
    let name = name.unwrap_or_else(|| panic!("{manifest:?} is not named ragdoll-…"));
    let mut imports = of("dependencies");
    imports.extend(of("build-dependencies"));
    let mut test_imports = of("dev-dependencies");
    // A crate's tests may switch on features of its own.
    test_imports.remove(&name);
    let found = Crate {
        part: part.to_owned(),
        imports,
        test_imports,
    };
    (name, found)
}

/// Everything that a crate is built from, directly or not.
fn built_from(crates: &BTreeMap<String, Crate>, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> = vec![name];
    while let Some(next) = waiting.pop() {
        for import in &crates[next].imports {
            if found.insert(import.clone()) {
                waiting.push(import);
            }
        }
    }
    found
}

/// The same with what its tests import.
fn tested_with(crates: &BTreeMap<String, Crate>, name: &str) -> BTreeSet<String> {
    let mut found = built_from(crates, name);
    for import in &crates[name].test_imports {
        found.extend(built_from(crates, import));
        found.insert(import.clone());
    }
    found
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_analyser_is_blind() {
    let crates = crates();
    assert_eq!(built_from(&crates, "analyser"), set(&["trace"]));
    assert_eq!(
        tested_with(&crates, "analyser"),
        set(&["trace"]),
        "its tests too"
    );
}

#[test]
fn crates_that_stand_at_the_bottom_import_nothing() {
    let crates = crates();
    for name in ["model", "trace"] {
        assert_eq!(tested_with(&crates, name), BTreeSet::new(), "{name}");
    }
}

#[test]
fn services_and_faults_know_nothing_of_who_runs_them() {
    let crates = crates();
    let above = |name: &&String| ["orchestrator", "experiments"].contains(&&*crates[*name].part);
    for (name, found) in crates.iter().filter(|(name, _)| !above(name)) {
        let imports = tested_with(&crates, name);
        let wrong: Vec<_> = imports.iter().filter(above).collect();
        assert!(wrong.is_empty(), "{}/{name} imports {wrong:?}", found.part);
    }
}

#[test]
fn of_the_services_only_the_host_knows_that_there_are_faults() {
    let crates = crates();
    let is_fault = |name: &&String| crates[*name].part == "faults";
    for (name, _) in crates.iter().filter(|(_, found)| found.part == "services") {
        let imports = tested_with(&crates, name);
        let faults: Vec<_> = imports.iter().filter(is_fault).collect();
        assert!(
            faults.is_empty() || name == "host",
            "{name} imports {faults:?}"
        );
    }
}

/// The rest of the map in the design: of each crate all that it may be built from.
#[test]
fn nobody_imports_more_than_the_map_allows() {
    let crates = crates();
    let map: [(&str, &[&str]); 11] = [
        ("runtime", &["model"]),
        ("telemetry", &["model", "runtime"]),
        ("resources", &["model", "runtime", "telemetry"]),
        ("stubs", &["model", "runtime", "telemetry", "resources"]),
        ("fault-spec", &["model"]),
        (
            "fault-layers",
            &["fault-spec", "model", "runtime", "telemetry"],
        ),
        ("load", &["model", "runtime"]),
        ("score", &["trace", "analyser"]),
        ("collector", &["trace", "model", "runtime", "telemetry"]),
        ("experiment", &["analyser", "trace", "fault-spec", "model"]),
        (
            "report",
            &["experiment", "analyser", "trace", "fault-spec", "model"],
        ),
    ];
    for (name, allowed) in map {
        let imports = built_from(&crates, name);
        let wrong: Vec<_> = imports.difference(&set(allowed)).cloned().collect();
        assert!(wrong.is_empty(), "{name} is built from {wrong:?}");
    }
}

#[test]
fn libraries_neither_print_nor_exit() {
    let prints = ["print", "println", "eprint", "eprintln"].map(|name| format!("{name}!("));
    let words: Vec<String> = prints
        .into_iter()
        .chain([["process::", "exit"].concat()])
        .collect();
    for file in sources("src") {
        if PROGRAMS.iter().any(|program| file.starts_with(program)) {
            continue;
        }
        assert_lacks(&file, &words);
    }
}

#[test]
fn nothing_is_left_to_do() {
    let words = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!"));
    for file in sources("") {
        assert_lacks(&file, &words);
    }
}

/// Documentation tests take a rustdoc a crate: they are switched off in all but the crate for users. Whoever
/// wants one elsewhere switches them on in the crate's manifest.
#[test]
fn an_example_in_a_comment_is_a_test_that_is_run() {
    let sources = sources("src").into_iter();
    for file in sources.filter(|file| !file.starts_with(WITH_EXAMPLES)) {
        let text = read(&root().join(&file));
        let code = text.lines().map(str::trim_start).filter(|line| {
            let comment = ["/// ```", "//! ```"].iter();
            comment.clone().any(|fence| line.starts_with(fence))
        });
        // Every second fence ends what the one before began.
        for opening in code.step_by(2) {
            assert!(
                opening.ends_with("text"),
                "{file}: `{opening}` would be a test that nobody runs: see `doctest` in the manifest"
            );
        }
    }
}

#[test]
fn source_files_are_short() {
    for file in sources("src") {
        let lines = read(&root().join(&file)).lines().count();
        assert!(lines <= LINES_MAX, "{file} has {lines} lines: split it");
    }
}

#[test]
fn every_kind_of_fault_is_one_file_or_a_row() {
    let folder = root().join("faults/layers/src/faults");
    let mut files: BTreeSet<String> = entries(&folder).iter().map(|path| stem(path)).collect();
    files.remove("mod");
    assert!(files.remove("patches"), "the kinds that are rows");
    let rows = read(&folder.join("patches.rs"));
    let names = rows.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("name: \"")?;
        name.strip_suffix("\",").map(str::to_owned)
    });
    let before = files.len();
    files.extend(names);
    assert!(files.len() > before, "the rows were not understood");
    assert_eq!(files, kinds());
}

#[test]
fn the_documents_know_every_fault_and_every_experiment() {
    let mut text = read(&root().join("README.md"));
    for document in entries(&root().join("docs")) {
        if document
            .extension()
            .is_some_and(|extension| extension == "md")
        {
            text.push_str(&read(&document));
        }
    }
    let mut experiments = Vec::new();
    collect(&root().join("experiments"), "toml", &mut experiments);
    experiments.retain(|path| !path.ends_with("Cargo.toml"));
    // Those that show a kind of fault, or what helps against it, bear its name.
    let names = experiments.iter().map(|path| stem(path));
    let names = names.map(|name| {
        let pair = ["_without", "_with"].map(|end| name.strip_suffix(end));
        let shown = pair.into_iter().flatten().next();
        shown.map_or_else(|| name.clone(), str::to_owned)
    });
    let names: Vec<String> = names.chain(kinds()).collect();
    assert!(names.len() >= 12, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !text.contains(*name)).collect();
    assert!(missing.is_empty(), "no document mentions {missing:?}");
}

/// Names of all kinds of fault.
fn kinds() -> BTreeSet<String> {
    use ragdoll_fault_spec::Catalog as _;
    let kinds = ragdoll_fault_layers::Faults.kinds();
    kinds.into_iter().map(|kind| kind.name.to_owned()).collect()
}

/// Every Rust file of the workspace, relative to it, below the folder `within` of its crate.
fn sources(within: &str) -> Vec<String> {
    let mut files = Vec::new();
    for part in ["services", "faults", "orchestrator", "experiments"] {
        collect(&root().join(part), "rs", &mut files);
    }
    let root = root();
    let relative = files.iter().map(|file| {
        let file = file.strip_prefix(&root).expect("found below the root");
        file.to_string_lossy().into_owned()
    });
    let marker = format!("/{within}");
    let found: Vec<String> = relative.filter(|file| file.contains(&marker)).collect();
    assert!(found.len() > 50, "only {} files", found.len());
    found
}

/// Adds the files of a folder, and of those in it, whose names end in `.EXTENSION`.
fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

/// What lies in a folder, in the order of names.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    paths
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .expect("a file")
        .to_string_lossy()
        .into_owned()
}

fn assert_lacks(file: &str, words: &[String]) {
    for (number, line) in read(&root().join(file)).lines().enumerate() {
        let found = words.iter().find(|word| line.contains(*word));
        assert!(found.is_none(), "{file}:{}: {line}", number + 1);
    }
}
