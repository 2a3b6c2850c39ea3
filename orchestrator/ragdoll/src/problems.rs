//! Mistakes of what was built, in the builder's names: of phases and services, and not of places in a file.

use ragdoll_experiment::{SpecError, SpecErrors};
use toml::{Table, Value};

use crate::error::Error;
use crate::text::shown;

/// The mistakes in a file, each with its line.
pub(crate) fn of_file(errors: &SpecErrors) -> Error {
    Error::new(errors.errors.iter().map(SpecError::to_string).collect())
}

/// The mistakes in `built`, which has no lines that anybody wrote. `whole` is what messages call it.
pub(crate) fn of_built(errors: &SpecErrors, built: &Table, whole: &str) -> Error {
    let problems = errors.errors.iter().map(|error| {
        let (place, key) = place_of(&error.key, built, whole);
        let (message, fix) = (&error.message, &error.fix);
        match key {
            "" => format!("{place} {message}; {fix}"),
            key => format!("{place}: `{key}` {message}; {fix}"),
        }
    });
    Error::new(problems.collect())
}

/// Something that cannot be read at all.
pub(crate) fn of_unreadable(path: &std::path::Path, why: &std::io::Error) -> Error {
    let path = shown(path);
    Error::one(format!(
        "{path}: the file cannot be read: {why}; give the path of an experiment file"
    ))
}

/// The service or phase that a key lies in, and what is left of the key.
fn place_of<'k>(key: &'k str, built: &Table, whole: &str) -> (String, &'k str) {
    let graph = || built.get("topology")?.get("graph")?.get("services");
    let kinds = [
        ("service", "topology.graph.services[", graph()),
        ("phase", "phases[", built.get("phases")),
    ];
    for (kind, before, list) in kinds {
        let numbered = key
            .strip_prefix(before)
            .and_then(|rest| rest.split_once(']'));
        let Some((number, rest)) = numbered else {
            continue;
        };
        let item = number
            .parse()
            .ok()
            .and_then(|number: usize| list?.get(number));
        let name = item
            .and_then(|item| item.get("name"))
            .and_then(Value::as_str);
        if let Some(name) = name {
            return (format!("{kind} `{name}`"), rest.trim_start_matches('.'));
        }
    }
    (whole.to_owned(), key)
}
