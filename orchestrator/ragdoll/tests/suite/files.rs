//! Experiments from files, on systems of files and of builders.

use std::path::{Path, PathBuf};

use ragdoll::{Bytes, Cause, Experiment, Request, System};
use ragdoll_deploy::{Ground, LoopbackOptions, RunOptions, run};

use crate::verdicts::{plan, planner};

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/suite/files").join(name)
}

fn load(name: &str) -> Experiment {
    Experiment::load(file(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_file_without_a_system_runs_on_one_that_was_built() {
    let record = planner().run(load("slow_disk.toml")).expect("a sound file");
    record.assert_passed();
    assert_eq!(record.verdict("slow").place(), Some(("search", Cause::Io)));
}

#[test]
fn a_file_may_describe_the_system_and_name_its_functions() {
    let system = System::builder().behaviour("two_steps", plan).build();
    let system = system.expect("no services, no mistakes");
    system
        .run(load("planner.toml"))
        .expect("a sound file")
        .assert_passed();
}

#[test]
fn a_function_that_nobody_registered_is_answered_with_the_nearest() {
    let named = |name| {
        let system = System::builder().behaviour(name, async |_: Request| Ok(Bytes::new()));
        let system = system.build().expect("no services, no mistakes");
        let error = system.run(load("planner.toml")).expect_err("it is missing");
        error.to_string()
    };
    let said = named("two_step");
    let expected = "planner.toml: `topology.graph.services[0].behaviour` is \"two_steps\", which this program has not \
                    registered; did you mean `two_step`?";
    assert!(said.ends_with(expected), "{said}");
    let none = System::builder().build().expect("nothing");
    let said = none
        .run(load("planner.toml"))
        .expect_err("it is missing")
        .to_string();
    assert!(
        said.ends_with("run it from a Rust test that registers it: docs/library.md"),
        "{said}"
    );
}

#[test]
fn two_systems_are_one_too_many() {
    let error = planner()
        .run(load("planner.toml"))
        .expect_err("two systems");
    assert!(
        error.to_string().ends_with("keep one of the two"),
        "{error}"
    );
}

#[test]
fn mistakes_in_a_file_have_its_lines() {
    let error = Experiment::load(file("none.toml")).expect_err("no file");
    assert!(
        error
            .to_string()
            .contains("none.toml: the file cannot be read"),
        "{error}"
    );
    let other = System::builder()
        .service("search", |s| s)
        .build()
        .expect("a system");
    let error = other
        .check(load("slow_disk.toml"))
        .expect_err("no disk there");
    let said = error.to_string();
    assert!(said.contains("slow_disk.toml:13:"), "{said}");
}

#[test]
fn only_the_program_that_has_the_functions_can_run_them() {
    let path = file("planner.toml");
    let loaded = ragdoll_experiment::Experiment::load(&path, &ragdoll_fault_layers::Faults);
    let loaded = loaded.expect("a sound file");
    let options = RunOptions {
        ground: Ground::Loopback(LoopbackOptions::default()),
        ..RunOptions::default()
    };
    let error = run(&loaded, &options).expect_err("other processes");
    assert!(error.is_spec());
    assert_eq!(
        error.to_string(),
        "`topology.graph.services[0].behaviour` is \"two_steps\", a function of the program that registered it, and on \
         the ground `loopback` services are processes of other programs; run on `virtual`"
    );
}

#[test]
fn telemetry_is_kept_where_it_is_asked_for() {
    let folder = std::env::temp_dir().join(format!("ragdoll-kept-{}", std::process::id()));
    let record = planner().run_into(load("slow_disk.toml"), &folder);
    record.expect("a sound file").assert_passed();
    let written = [
        "traces.otlp.jsonl",
        "logs.jsonl",
        "metrics.otlp.jsonl",
        "journal.json",
    ];
    let missing: Vec<_> = written
        .iter()
        .filter(|name| !folder.join(name).exists())
        .collect();
    std::fs::remove_dir_all(&folder).expect("it was written");
    assert!(missing.is_empty(), "{missing:?}");
}
