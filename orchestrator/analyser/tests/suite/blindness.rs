//! The analyser can see only what a production system would emit.

use std::fs;
use std::path::Path;

#[test]
fn it_depends_on_neither_the_answers_nor_the_questions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    let ours: Vec<&str> = manifest
        .lines()
        .filter(|line| line.starts_with("ragdoll-"))
        .map(|line| line.split('.').next().unwrap_or(line))
        .collect();
    assert_eq!(ours, ["ragdoll-trace"]);

    let forbidden = [
        "inj".to_owned() + "ect",
        "ragdoll_fault".to_owned(),
        "journal".to_owned(),
    ];
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).expect("a source file");
            for word in &forbidden {
                assert!(
                    !source.contains(word.as_str()),
                    "{} has `{word}`",
                    path.display()
                );
            }
        }
    }
}
