//! The schema: what it describes, and what it refuses.

use std::path::Path;

use ragdoll_experiment::{Experiment, schema};
use ragdoll_model::{Topology, Workload};
use serde_json::{Map, Value, json};

use crate::common::TestCatalog;

/// Follows a reference.
fn definition<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let name = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| {
        let found = root["$defs"].get(name);
        found.unwrap_or_else(|| panic!("no definition of {name}"))
    })
}

/// The keys of a table; none of a value that is only written as one, such as a distribution.
fn keys_of(schema: &Value) -> Option<&Map<String, Value>> {
    let keys = schema.get("properties").and_then(Value::as_object);
    keys.filter(|_| schema.get("oneOf").is_none())
}

fn within(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// Checks the keys of a value that the model gives against those of the schema.
fn assert_described(root: &Value, schema: &Value, value: &Value, path: &str) {
    let keys = keys_of(schema).unwrap_or_else(|| panic!("{path} has no keys"));
    for (key, value) in value.as_object().expect("a table") {
        let path = within(path, key);
        let property = keys
            .get(key)
            .unwrap_or_else(|| panic!("{path} is not in the schema"));
        let described = definition(root, property);
        if value.is_object() && keys_of(described).is_some() {
            assert_described(root, described, value, &path);
            continue;
        }
        // Of the keys that say how requests arrive one is given, which by itself is no default.
        if path.starts_with("workload.arrivals.") {
            continue;
        }
        let default = property.get("default");
        let default = default.unwrap_or_else(|| panic!("{path} has no default"));
        let same = default.as_f64().zip(value.as_f64());
        let same = same.map_or(default == value, |(default, value)| default == value);
        assert!(
            same,
            "{path} is {value} by default and {default} in the schema"
        );
    }
}

#[test]
fn every_reference_in_the_schema_leads_somewhere_and_every_key_is_described() {
    let schema = schema(&TestCatalog);
    let text = schema.to_string();
    for part in text.split("\"#/$defs/").skip(1) {
        let name = part.split('"').next().expect("a closing quote");
        assert!(
            schema["$defs"].get(name).is_some(),
            "no definition of {name}"
        );
    }
    assert!(!text.contains("\"null\""), "TOML has no null");
    let definitions = schema["$defs"].as_object().expect("definitions");
    for (name, definition) in definitions.iter().chain([(&"root".to_owned(), &schema)]) {
        assert!(definition.get("title").is_some(), "{name} has no title");
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(
                property.get("description").is_some(),
                "{name}.{key} is not described"
            );
        }
    }
}

#[test]
fn every_key_of_a_system_and_its_load_is_there_with_the_default_that_holds() {
    let root = schema(&TestCatalog);
    let topology = serde_json::to_value(Topology::default()).expect("plain data");
    let workload = serde_json::to_value(Workload::default()).expect("plain data");
    for (part, value) in [("topology", topology), ("workload", workload)] {
        let described = definition(&root, &root["properties"][part]);
        assert_described(&root, described, &value, part);
    }
}

/// A part of a file each of whose plain values is what `make` makes of its schema, and the paths of
/// these values.
fn made(
    root: &Value,
    schema: &Value,
    path: &str,
    make: fn(&Value) -> Option<Value>,
    paths: &mut Vec<String>,
) -> Option<Value> {
    let schema = definition(root, schema);
    if let Some(keys) = keys_of(schema) {
        let entries = keys.iter().filter_map(|(key, property)| {
            let value = made(root, property, &within(path, key), make, paths)?;
            Some((key.clone(), value))
        });
        let table: Map<String, Value> = entries.collect();
        return (!table.is_empty()).then_some(Value::Object(table));
    }
    let items = schema.get("items").map(|items| definition(root, items));
    if items.is_some_and(|items| keys_of(items).is_some()) {
        let one = made(root, &schema["items"], &format!("{path}[0]"), make, paths)?;
        return Some(json!([one]));
    }
    let value = make(schema)?;
    paths.push(path.to_owned());
    Some(value)
}

/// A value of another type.
fn of_another_type(schema: &Value) -> Option<Value> {
    let is_number = ["number", "integer"]
        .iter()
        .any(|name| schema["type"] == *name);
    Some(if is_number { json!("many") } else { json!(1.5) })
}

/// A number just below the least.
fn too_small(schema: &Value) -> Option<Value> {
    if let Some(above) = schema.get("exclusiveMinimum") {
        return Some(above.clone());
    }
    let least = schema.get("minimum")?.as_f64()?;
    Some(match schema["type"] == "integer" {
        true => json!(least as i64 - 1),
        false => json!(least - 0.5),
    })
}

/// A number just above the most.
fn too_large(schema: &Value) -> Option<Value> {
    let most = schema.get("maximum")?.as_f64()?;
    Some(match schema["type"] == "integer" {
        true => json!(most as i64 + 1),
        false => json!(most + 0.5),
    })
}

#[test]
fn what_the_schema_excludes_is_refused_wherever_it_stands() {
    let root = schema(&TestCatalog);
    for (make, least) in [
        (of_another_type as fn(&Value) -> Option<Value>, 200),
        (too_small, 100),
        (too_large, 30),
    ] {
        let mut paths = Vec::new();
        let file = made(&root, &root, "", make, &mut paths).expect("some values");
        assert!(paths.len() >= least, "only {paths:?}");
        let text = toml::to_string(&file).expect("what TOML can say");
        let errors = Experiment::parse(&text, Path::new("wrong.toml"), &TestCatalog);
        let errors = errors.expect_err("all of it is wrong").errors;
        for path in paths {
            let refused = errors.iter().any(|error| error.key == path);
            assert!(refused, "{path} is accepted in\n{text}");
        }
    }
}
