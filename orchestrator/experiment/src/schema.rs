//! JSON schema of the experiment file, from the Rust types, the model's limits and the catalogue
//! of faults. Editors complete from it, and `shape` checks files against it.

use ragdoll_fault_spec::Catalog;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::file::ExperimentFile;
use crate::limits::add_limits;

/// JSON schema (draft 2020-12) of an experiment file whose faults come from `catalog`.
pub fn schema(catalog: &dyn Catalog) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = Value::from(generator.into_root_schema_for::<ExperimentFile>());
    root["title"] = json!("ragdoll experiment");
    let mut definitions = root["$defs"].take();
    add_fault_kinds(&mut definitions, catalog);
    root["$defs"] = definitions;
    let untidy = root.clone();
    tidy(&mut root, &untidy);
    add_limits(&mut root["$defs"]);
    for (name, definition) in root["$defs"].as_object_mut().into_iter().flatten() {
        definition["title"] = json!(name);
    }
    root
}

/// Says which kinds there are, and ties the parameters of a fault to its kind.
fn add_fault_kinds(definitions: &mut Value, catalog: &dyn Catalog) {
    let mut kinds = Vec::new();
    let mut rules = Vec::new();
    for kind in catalog.kinds() {
        let mut params = Value::from(catalog.params_schema(kind.name));
        let name = format!("params_{}", kind.name);
        if let Some(object) = params.as_object_mut() {
            object.shift_remove("$schema");
            let inner = object.shift_remove("$defs").unwrap_or_default();
            for (name, definition) in inner.as_object().into_iter().flatten() {
                if definitions.get(name).is_none() {
                    definitions[name] = definition.clone();
                }
            }
        }
        let required = params["required"]
            .as_array()
            .is_some_and(|keys| !keys.is_empty());
        definitions[&name] = params;
        kinds.push(json!({ "const": kind.name, "description": kind.summary, "type": "string" }));
        let mut then = json!({ "properties": { "params": reference(&name) } });
        if required {
            then["required"] = json!(["params"]);
        }
        let condition = json!({ "properties": { "kind": { "const": kind.name } } });
        rules.push(json!({ "if": condition, "then": then }));
    }
    let fault = &mut definitions["FaultSpec"];
    let description = fault["properties"]["kind"]["description"].take();
    fault["properties"]["kind"] = json!({ "description": description, "oneOf": kinds });
    fault["allOf"] = Value::Array(rules);
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Follows a reference; gives the name of the definition beside it.
pub(crate) fn resolve<'s>(root: &'s Value, schema: &'s Value) -> (Option<&'s str>, &'s Value) {
    let target = schema.get("$ref").and_then(Value::as_str);
    match target.and_then(|target| target.strip_prefix("#/$defs/")) {
        Some(name) => (Some(name), &root["$defs"][name]),
        None => (None, schema),
    }
}

/// Whether a schema describes a table with named keys of its own, as opposed to one value that is
/// written as a table, such as a distribution.
pub(crate) fn is_table_of_keys(schema: &Value) -> bool {
    schema.get("properties").is_some() && schema.get("oneOf").is_none()
}

/// Removes what TOML cannot say (null), and defaults that repeat those of the keys inside.
fn tidy(schema: &mut Value, root: &Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    remove_null(object);
    if let Some(default) = object.get("default") {
        let as_value = Value::Object(object.clone());
        if default.is_null() || is_table_of_keys(resolve(root, &as_value).1) {
            object.shift_remove("default");
        }
    }
    for keyword in ["properties", "$defs"] {
        let inner = object.get_mut(keyword).and_then(Value::as_object_mut);
        inner
            .into_iter()
            .flatten()
            .for_each(|(_, schema)| tidy(schema, root));
    }
    for keyword in ["oneOf", "anyOf"] {
        let inner = object.get_mut(keyword).and_then(Value::as_array_mut);
        inner
            .into_iter()
            .flatten()
            .for_each(|schema| tidy(schema, root));
    }
    if let Some(items) = object.get_mut("items") {
        tidy(items, root);
    }
}

/// Turns "this or null" into "this".
fn remove_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice["type"] != "null");
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        object.shift_remove("anyOf");
        object.extend(only);
    }
}
