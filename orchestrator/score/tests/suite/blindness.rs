//! A method that is scored must not be able to know what was done to a system.

use std::path::Path;

#[test]
fn scoring_knows_no_fault_and_no_experiment() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    let (dependencies, _) = dependencies.split_once("[dev-dependencies]").unwrap();
    let own: Vec<&str> = dependencies
        .lines()
        .filter_map(|line| line.split(['.', ' ']).next())
        .filter(|name| name.starts_with("ragdoll-"))
        .collect();
    assert_eq!(own, ["ragdoll-analyser", "ragdoll-trace"]);
}
