//! Every file in `tests/bad` is refused with messages that name file, line, key and fix.

use std::path::{Path, PathBuf};

use ragdoll_experiment::{Experiment, SpecErrors};

use crate::common::TestCatalog;

fn bad_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    files
}

/// Loads a bad file under its bare name, so that messages do not depend on where it lies.
fn refusal(path: &Path) -> SpecErrors {
    let text = std::fs::read_to_string(path).expect("a readable file");
    let name = Path::new(path.file_name().expect("a file"));
    match Experiment::parse(&text, name, &TestCatalog) {
        Ok(_) => panic!("{} was accepted", path.display()),
        Err(errors) => errors,
    }
}

#[test]
fn each_bad_file_is_refused_with_these_words() {
    let messages: Vec<String> = bad_files()
        .iter()
        .map(|path| refusal(path).to_string())
        .collect();
    assert!(messages.len() >= 40, "only {} files", messages.len());
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn each_message_names_file_line_key_and_fix() {
    for path in bad_files() {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a plain name");
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let lines = text.lines().count();
        for error in refusal(&path).errors {
            assert_eq!(error.file, name);
            let (line, column) = error.position.unwrap_or_else(|| panic!("{error}: no line"));
            assert!((1..=lines).contains(&line) && column >= 1, "{error}");
            assert!(!error.key.is_empty(), "{error}: no key");
            assert!(
                !error.message.is_empty() && !error.fix.is_empty(),
                "{error}"
            );
            assert!(
                !error.to_string().contains('\n'),
                "{error}: more than one line"
            );
        }
    }
}

#[test]
fn a_file_that_does_not_exist_is_refused_by_name() {
    let errors = Experiment::load(Path::new("no_such.toml"), &TestCatalog).expect_err("no file");
    let message = errors.to_string();
    assert!(
        message.starts_with("no_such.toml: the file cannot be read: "),
        "{message}"
    );
}
