//! `ragdoll list`, `check`, `schema` and the help.

use std::path::{Path, PathBuf};

use crate::common::{Bench, FELT, HOLDS, experiment};
use serde_json::Value;

/// The experiments of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

fn experiments() -> Vec<String> {
    let top = repository();
    let mut paths = Vec::new();
    for folder in [top.clone(), top.join("faults"), top.join("mitigations")] {
        let entries = std::fs::read_dir(folder).expect("the experiments are there");
        paths.extend(entries.map(|entry| entry.expect("readable").path()));
    }
    let paths = paths.into_iter().filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    let paths = paths.filter(|path| !path.ends_with("Cargo.toml"));
    let mut names: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names
}

#[test]
fn list_names_experiments_faults_and_topologies() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("experiments")).expect("a writable folder");
    bench.write("experiments/small.toml", &experiment(FELT, HOLDS));
    bench.write("experiments/mistaken.toml", "title = 5\n");
    bench.write("experiments/Cargo.toml", "[package]\n");
    bench.write("experiments/notes.md", "no experiment\n");
    let whole = bench.ragdoll(&["list"]).with(0);
    insta::assert_snapshot!(whole.stdout);
    let kinds = ["experiments", "faults", "topologies", "resources"];
    let parts = kinds.map(|kind| bench.ragdoll(&["list", kind]).with(0).stdout);
    assert_eq!(parts.concat(), whole.stdout, "the whole is its parts");
}

#[test]
fn list_finds_every_experiment_of_the_repository() {
    let folder = repository().display().to_string();
    let listed = Bench::new()
        .ragdoll(&["list", "experiments", "--folder", &folder])
        .with(0)
        .stdout;
    for file in experiments() {
        assert!(listed.contains(&file), "no {file} in\n{listed}");
    }
    assert!(!listed.contains("has mistakes"), "{listed}");
}

/// Scripts need not read columns: the lists are those that people see.
#[test]
fn list_as_json_names_the_same_things() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("experiments")).expect("a writable folder");
    bench.write("experiments/small.toml", &experiment(FELT, HOLDS));
    bench.write("experiments/mistaken.toml", "title = 5\n");
    let json = |arguments: &[&str]| -> Value {
        let ended = bench.ragdoll(arguments).with(0);
        serde_json::from_str(&ended.stdout).expect("JSON")
    };
    let whole = json(&["list", "--json"]);
    let listed = bench.ragdoll(&["list"]).with(0).stdout;
    for (kind, name) in [
        ("experiments", "file"),
        ("faults", "kind"),
        ("topologies", "name"),
        ("resources", "name"),
    ] {
        let own = json(&["list", kind, "--json"]);
        assert_eq!(own[kind], whole[kind]);
        assert_eq!(own.as_object().map(|lists| lists.len()), Some(1));
        let entries = whole[kind].as_array().expect("a list");
        assert!(entries.len() > 1, "{kind}");
        for entry in entries {
            let name = entry[name].as_str().expect("a name");
            assert!(listed.contains(&format!("\n  {name} ")), "{name}");
        }
    }
    assert_eq!(whole["experiments"][0]["title"], Value::Null, "mistaken");
    assert_eq!(whole["experiments"][1]["title"], "A small experiment");
}

#[test]
fn every_shell_can_complete_commands_and_options() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Bench::new().ragdoll(&["completions", shell]).with(0).stdout;
        for word in ["analyze", "counterfactual", "topologies"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

/// What is shown of a preset or of a file is part of a file that passes the check.
#[test]
fn what_is_shown_can_be_copied_into_a_file() {
    let bench = Bench::new();
    let small = "title = \"Mine\"\n[workload]\narrivals = { poisson_per_s = 5.0 }\n\
                 [[phases]]\nname = \"calm\"\nduration_s = 10\n\
                 [[expect]]\nholds = \"calm.error_rate == 0.0\"\n";
    let own_system = repository().join("own_system.toml");
    let own_system = own_system.display().to_string();
    for name in ["default", "wide", "agent", "monolith", &own_system] {
        let shown = bench.ragdoll(&["show", name, "--toml"]).with(0).stdout;
        bench.write("mine.toml", &format!("{small}{shown}"));
        bench.ragdoll(&["check", "mine.toml"]).with(0);
        let picture = bench.ragdoll(&["show", name]).with(0).stdout;
        assert!(picture.contains("users\n"), "{picture}");
        assert!(picture.ends_with(&shown));
    }
    let ended = bench.ragdoll(&["show", "agnet"]).with(2);
    assert!(ended.stderr.contains("`agent`"), "{}", ended.stderr);
}

#[test]
fn list_without_its_folder_ends_with_3() {
    let ended = Bench::new().ragdoll(&["list", "experiments"]).with(3);
    let message = "error: cannot read the folder experiments: ";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);
    assert!(ended.stderr.contains("--folder"), "{}", ended.stderr);
}

#[test]
fn every_experiment_of_the_repository_passes_the_check() {
    let files = experiments();
    let mut arguments = vec!["check"];
    arguments.extend(files.iter().map(String::as_str));
    let ended = Bench::new().ragdoll(&arguments).with(0);
    assert_eq!(
        ended
            .stdout
            .lines()
            .filter(|line| line.contains(": ok, "))
            .count(),
        files.len()
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn check_says_what_is_in_a_file_or_what_is_wrong_with_it() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    bench.write(
        "mistaken.toml",
        &experiment(FELT, HOLDS).replace("duration_s = 10", "duration_s = -1"),
    );
    let ended = bench
        .ragdoll(&["check", "small.toml", "mistaken.toml"])
        .with(2);
    assert_eq!(
        ended.stdout,
        "small.toml: ok, 2 phases over 20 s, 1 fault, 2 expectations\n"
    );
    insta::assert_snapshot!(ended.stderr);
    assert_eq!(bench.list("").len(), 2, "a check writes nothing");
}

#[test]
fn the_schema_is_json_and_knows_what_files_may_hold() {
    let ended = Bench::new().ragdoll(&["schema"]).with(0);
    let schema: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert!(
        schema["$schema"]
            .as_str()
            .is_some_and(|dialect| dialect.contains("json-schema.org"))
    );
    for key in ["title", "seed", "topology", "workload", "phases", "expect"] {
        assert!(schema["properties"].get(key).is_some(), "no {key}");
    }
    for kind in ["latency", "lock_contention", "oom", "queueing"] {
        assert!(ended.stdout.contains(&format!("\"{kind}\"")), "no {kind}");
    }
}

#[test]
fn an_output_that_cannot_be_written_ends_with_3_and_says_so() {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_ragdoll"))
        .arg("schema")
        .stdout(full.expect("a device that is always full"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with("error: the output cannot be written"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn one_ground_agrees_with_nobody() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    for grounds in ["virtual", "virtual,virtual"] {
        let ended = bench
            .ragdoll(&["agree", "small.toml", "--on", grounds])
            .with(2);
        assert!(ended.stderr.contains("two grounds"), "{}", ended.stderr);
    }
}

#[test]
fn help_says_how_to_begin() {
    let bench = Bench::new();
    insta::assert_snapshot!("help", bench.ragdoll(&["--help"]).with(0).stdout);
    let commands = [
        "run",
        "merge",
        "agree",
        "analyze",
        "up",
        "fault",
        "list",
        "show",
        "check",
        "dataset",
        "score",
        "export",
        "schema",
        "completions",
    ];
    for command in commands {
        let help = bench.ragdoll(&[command, "--help"]).with(0).stdout;
        insta::assert_snapshot!(format!("help_{command}"), help);
    }
    let version = bench.ragdoll(&["--version"]).with(0).stdout;
    assert_eq!(version, format!("ragdoll {}\n", env!("CARGO_PKG_VERSION")));
}

/// As in `ragdoll schema | head`: no panic, and no word.
#[test]
fn a_reader_that_goes_away_ends_the_program_in_silence() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_ragdoll"))
        .arg("schema")
        .stdout(writer)
        .output()
        .expect("the program starts");
    assert_eq!(ended.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
