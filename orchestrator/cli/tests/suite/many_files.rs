//! `ragdoll run` of a folder of experiments.

use crate::common::{Bench, FELT, FILES, HOLDS, experiment};

#[test]
fn a_folder_is_run_as_a_whole_and_the_worst_decides() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("set/inner")).expect("the bench can be written to");
    bench.write("set/small.toml", &experiment(FELT, HOLDS));
    let wrong = "\n[[expect]]\nholds = \"faulty.p50_ms < 1.0\"\n";
    bench.write("set/inner/wrong.toml", &experiment(FELT, wrong));
    let ended = bench.ragdoll(&["run", "set"]).with(1);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(
        lines[0].starts_with("FAILED        set/inner/wrong"),
        "{lines:?}"
    );
    assert!(lines[1].contains("faulty.p50_ms < 1.0"), "why: {lines:?}");
    assert!(lines[2].starts_with("PASSED        set/small"), "{lines:?}");
    assert_eq!(lines[3], "1 of 2 experiments ended as expected");
    assert_eq!(bench.list("out/set/small"), FILES);
    assert_eq!(bench.list("out/set/inner/wrong"), FILES);
}

#[test]
fn a_folder_without_an_experiment_is_a_mistake() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("empty")).expect("the bench can be written to");
    let ended = bench.ragdoll(&["run", "empty"]).with(2);
    assert!(
        ended
            .stderr
            .contains("the folder empty holds no experiment"),
        "{}",
        ended.stderr
    );
}
