//! Many seeds, split into shares and merged again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{Bench, Ended, FELT, FILES, HOLDS, experiment};
use serde_json::Value;

/// Seeds that are run, counted up from 3.
const SEEDS: &str = "6";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    bench
}

fn run(bench: &Bench, out: &str, more: &[&str]) -> Ended {
    let mut arguments = vec!["run", "small.toml", "--repeat", SEEDS, "--out", out];
    arguments.extend(more);
    bench.ragdoll(&arguments)
}

/// A bench with all seeds in `whole` and in three parts, and what the first said.
fn split() -> (Bench, String) {
    let bench = bench();
    let said = run(&bench, "whole", &[]).with(0).stdout;
    for share in 0..3 {
        let (part, share) = (format!("part-{share}"), format!("{share}/3"));
        run(&bench, &part, &["--shard", &share]).with(0);
    }
    (bench, said)
}

/// Every file below a folder, by its path within.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{next:?}: {error}")) {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below the folder");
            let bytes = fs::read(&path).expect("readable");
            files.insert(name.display().to_string(), bytes);
        }
    }
    files
}

fn assert_same_tree(bench: &Bench, one: &str, other: &str) {
    let [one, other] = [one, other].map(|folder| tree(&bench.path(folder)));
    assert!(
        one.keys().eq(other.keys()),
        "{:?}\n{:?}",
        one.keys(),
        other.keys()
    );
    for (name, bytes) in &one {
        assert!(!bytes.is_empty(), "{name}");
        // Without the contents, which fill a screen.
        assert!(bytes == &other[name], "{name} differs");
    }
}

#[test]
fn the_merged_parts_are_the_run_that_was_not_split() {
    let (bench, said) = split();
    for (part, seeds) in [(0, [3, 6]), (1, [4, 7]), (2, [5, 8])] {
        let folders = seeds.map(|seed| format!("seed-{seed}"));
        let mut expected = vec!["repeat.json".to_owned(), "repeat.jsonl".to_owned()];
        expected.extend(folders);
        assert_eq!(bench.list(&format!("part-{part}")), expected);
    }
    // Whatever the order in which they are given.
    let merged = bench
        .ragdoll(&["merge", "part-2", "part-0", "part-1", "--out", "merged"])
        .with(0);
    assert_same_tree(&bench, "whole", "merged");
    assert_eq!((merged.stdout, merged.stderr), (said, String::new()));
    assert_eq!(tree(&bench.path("whole")).len(), 2 + 6 * FILES.len());
}

#[test]
fn a_line_of_the_records_is_the_record_of_its_seed_and_names_no_machine() {
    let bench = bench();
    run(&bench, "whole", &[]).with(0);
    let lines = bench.text("whole/repeat.jsonl");
    for (line, seed) in lines.lines().zip(3..) {
        let record: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(
            (&record["seed"], &record["wall"]),
            (&seed.into(), &Value::Null)
        );
        assert_eq!(record, bench.json(&format!("whole/seed-{seed}/run.json")));
        let page = bench.text(&format!("whole/seed-{seed}/report.html"));
        assert!(
            !page.contains("took") && !page.contains("requests/s on"),
            "{seed}"
        );
    }
    assert_eq!(lines.lines().count(), 6);
    let plan = bench.json("whole/repeat.json");
    assert_eq!(
        (&plan["first_seed"], &plan["repeat"]),
        (&3.into(), &6.into())
    );
    assert_eq!(plan["file"], "small.toml");
}

#[test]
fn what_is_missing_is_named_and_can_be_left_out_and_added_later() {
    let (bench, _) = split();
    let ended = bench.ragdoll(&["merge", "part-0", "--out", "some"]).with(2);
    let message = "error: 4 of 6 seeds are missing: 4, 5, 7, 8; run the shares they belong to, or \
                   merge the others with --allow-missing\n";
    assert_eq!((&*ended.stderr, &*ended.stdout), (message, ""));
    assert!(!bench.path("some").exists(), "nothing is written");

    let allowed = [
        "merge",
        "part-0",
        "part-2",
        "--out",
        "some",
        "--allow-missing",
    ];
    let ended = bench.ragdoll(&allowed).with(0);
    assert_eq!(ended.stderr, "note: 2 of 6 seeds are missing: 4, 7\n");
    assert!(
        ended.stdout.contains("4 runs: 4 passed"),
        "{}",
        ended.stdout
    );
    // What came of it is a part itself.
    bench
        .ragdoll(&["merge", "some", "part-1", "--out", "all"])
        .with(0);
    assert_same_tree(&bench, "whole", "all");
}

#[test]
fn no_seed_is_taken_twice() {
    let (bench, _) = split();
    let parts = [
        "merge", "part-0", "part-1", "part-0", "part-2", "--out", "out",
    ];
    let ended = bench.ragdoll(&parts).with(2);
    let message = "error: seed 3 is both in part-0 and in part-0: give each part once\n";
    assert_eq!(ended.stderr, message);
    assert!(!bench.path("out").exists());
}

#[test]
fn parts_of_different_runs_are_not_merged() {
    let bench = bench();
    run(&bench, "one", &["--shard", "0/2"]).with(0);
    let merge = ["merge", "one", "other", "--out", "out"];

    run(&bench, "other", &["--shard", "1/2", "--seed", "4"]).with(0);
    let ended = bench.ragdoll(&merge).with(2);
    let message = "error: one and other are no parts of one run: `first_seed` is `3` in the one \
                   and `4` in the other\n";
    assert_eq!(ended.stderr, message);

    let changed = experiment(FELT, HOLDS).replace("poisson_per_s = 30.0", "poisson_per_s = 31.0");
    bench.write("small.toml", &changed);
    run(&bench, "other", &["--shard", "1/2"]).with(0);
    let ended = bench.ragdoll(&merge).with(2);
    let message = "error: one and other are no parts of one run: the experiments differ in \
                   topology, workload, phases or expectations\n";
    assert_eq!(ended.stderr, message);

    let plan = bench.text("one/repeat.json");
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    bench.write(
        "other/repeat.json",
        &plan.replace(&version, "\"version\": \"0.0.1\""),
    );
    let ended = bench.ragdoll(&merge).with(2);
    assert!(ended.stderr.contains("`version` is"), "{}", ended.stderr);
    assert!(!bench.path("out").exists());
}

/// What a run leaves that was killed while it wrote, or whose disk was full.
#[test]
fn a_part_that_is_damaged_is_not_merged() {
    let bench = bench();
    run(&bench, "one", &["--shard", "0/2"]).with(0);
    let records = bench.text("one/repeat.jsonl");
    let merge = ["merge", "one", "--out", "out", "--allow-missing"];

    bench.write("one/repeat.jsonl", &records[..records.len() - 10]);
    let ended = bench.ragdoll(&merge).with(2);
    let message = "error: one/repeat.jsonl:3 is no record of a run: ";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);

    bench.write("one/repeat.jsonl", &records);
    fs::remove_dir_all(bench.path("one/seed-5")).expect("a folder");
    let ended = bench.ragdoll(&merge).with(3);
    let message = "error: the files of seed 5 are not in one/seed-5\n";
    assert_eq!(ended.stderr, message);

    fs::remove_file(bench.path("one/repeat.json")).expect("a file");
    let ended = bench.ragdoll(&merge).with(3);
    let message = "error: one is no part of a repeated run: cannot read one/repeat.json: ";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);
    assert!(!bench.path("out").exists());
}

#[test]
fn a_whole_is_not_mixed_with_what_lies_there() {
    let bench = bench();
    run(&bench, "one", &["--shard", "0/1"]).with(0);
    let merge = ["merge", "one", "--out", "out"];
    fs::create_dir(bench.path("out")).expect("a writable folder");
    bench.write("out/mine", "a file");
    let ended = bench.ragdoll(&merge).with(2);
    let message = "error: the folder out is not empty: choose another with --out\n";
    assert_eq!(ended.stderr, message);
    fs::remove_file(bench.path("out/mine")).expect("a file");
    bench.ragdoll(&merge).with(0);

    bench.write("taken", "a file");
    let ended = bench
        .ragdoll(&["merge", "one", "--out", "taken/out"])
        .with(3);
    let message = "error: cannot ";
    assert!(ended.stderr.starts_with(message), "{}", ended.stderr);
}

/// The worst run of all parts decides, as it does where they are not split.
#[test]
fn merging_ends_as_the_run_does() {
    let bench = Bench::new();
    let wrong = "\n[[expect]]\nholds = \"faulty.p50_ms < 1.0\"\n";
    bench.write("small.toml", &experiment(FELT, wrong));
    let said = run(&bench, "whole", &[]).with(1).stdout;
    let merged = bench.ragdoll(&["merge", "whole", "--out", "out"]).with(1);
    assert_eq!(merged.stdout, said);
    assert!(
        said.contains("replay: ragdoll run small.toml --seed 3"),
        "{said}"
    );
}

#[test]
fn a_share_without_a_seed_is_a_part_like_any_other() {
    let bench = bench();
    let two = ["run", "small.toml", "--repeat", "2"];
    let shares = ["0/3", "1/3", "2/3"];
    for (share, out) in shares.into_iter().zip(["a", "b", "c"]) {
        let arguments = [&two[..], &["--shard", share, "--out", out]].concat();
        bench.ragdoll(&arguments).with(0);
    }
    assert_eq!(bench.list("c"), ["repeat.json", "repeat.jsonl"]);
    bench
        .ragdoll(&[&two[..], &["--out", "whole"]].concat())
        .with(0);
    bench
        .ragdoll(&["merge", "c", "a", "b", "--out", "merged"])
        .with(0);
    assert_same_tree(&bench, "whole", "merged");
}

#[test]
fn a_share_needs_seeds_to_share_and_must_exist() {
    let bench = bench();
    let mistakes: [&[&str]; 5] = [
        &["run", "small.toml", "--shard", "0/2"],
        &["run", "small.toml", "--repeat", "4", "--shard", "2/2"],
        &["run", "small.toml", "--repeat", "4", "--shard", "1"],
        &["merge", "--out", "out"],
        &["merge", "small.toml"],
    ];
    for arguments in mistakes {
        let ended = bench.ragdoll(arguments).with(2);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(bench.list(""), ["small.toml"]);
}

#[test]
fn a_run_that_cannot_begin_leaves_no_folder() {
    let bench = Bench::new();
    let recorded = r#"arrivals = { file = "load.csv", format = "azure_csv" }"#;
    let replay = experiment(FELT, HOLDS).replace("arrivals = { poisson_per_s = 30.0 }", recorded);
    bench.write("small.toml", &replay);
    run(&bench, "out", &[]).with(3);
    assert!(!bench.path("out").exists());
}
