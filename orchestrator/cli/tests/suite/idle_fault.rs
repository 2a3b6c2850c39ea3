//! A fault that does nothing leaves no trace: the telemetry is that of the run without it, byte for
//! byte.

use crate::common::{Bench, FELT, TELEMETRY, experiment};

/// What holds with any fault and without.
const ALWAYS: &str = r#"
[[expect]]
holds = "faulty.p50_ms > 0.0"
"#;

/// Runs the small experiment with these faults, and gives the files that say what services said.
fn telemetry(bench: &Bench, name: &str, faults: &str) -> [Vec<u8>; 3] {
    let file = format!("{name}.toml");
    bench.write(&file, &experiment(faults, ALWAYS));
    let ended = bench.ragdoll(&["run", &file, "--out", name]);
    // A fault that nobody feels makes the run inconclusive, which is beside the point.
    assert!(
        ended.code.is_some_and(|code| [0, 4].contains(&code)),
        "{ended:?}"
    );
    TELEMETRY.map(|telemetry| bench.read(&format!("{name}/{telemetry}")))
}

#[track_caller]
fn assert_same(name: &str, one: &[Vec<u8>; 3], other: &[Vec<u8>; 3]) {
    for (file, (one, other)) in TELEMETRY.iter().zip(one.iter().zip(other)) {
        assert!(!one.is_empty(), "{file} is empty");
        // Without the contents, which fill a screen.
        assert!(one == other, "{name}: {file} differs");
    }
}

/// The fault that everybody feels, with one more key.
fn felt_with(key: &str) -> String {
    FELT.replace("params", &format!("{key}, params"))
}

#[test]
fn a_fault_that_never_comes_up_leaves_the_bytes_as_they_are() {
    let bench = Bench::new();
    let without = telemetry(&bench, "without", "");
    let edge = r#"edge = { from = "vector-db", to = "shard" }"#;
    let idle = [
        ("improbable", felt_with("probability = 0.0")),
        ("for-nobody", felt_with(r#"only = { user = "nobody" }"#)),
        (
            "for-nobody-on-an-edge",
            felt_with(r#"only = { user = "nobody" }"#).replace(r#"service = "shard""#, edge),
        ),
    ];
    for (name, fault) in &idle {
        assert_same(name, &telemetry(&bench, name, fault), &without);
    }
    let felt = telemetry(&bench, "felt", FELT);
    assert!(felt[0] != without[0], "a fault that acts is seen");
}
