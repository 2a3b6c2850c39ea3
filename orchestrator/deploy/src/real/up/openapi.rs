//! The control API's own description, in OpenAPI 3.1.

use ragdoll_experiment::fault_schema;
use ragdoll_fault_layers::Faults;
use serde_json::{Map, Value, json};

/// The whole document. The schema of a fault is that of experiment files.
pub(super) fn document() -> Value {
    let mut fault = fault_schema(&Faults);
    let definitions = fault["$defs"].take();
    if let Some(object) = fault.as_object_mut() {
        object.shift_remove("$defs");
    }
    let mut schemas = definitions.as_object().cloned().unwrap_or_default();
    schemas.insert("Fault".to_owned(), fault);
    schemas.insert("FaultView".to_owned(), fault_view());
    schemas.insert("Refused".to_owned(), refused());
    let mut schemas = Value::Object(schemas);
    move_references(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ragdoll control API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Faults of a running system: list them, add, change and remove them. \
                Every change is made at once and as a whole, and to ask for the same twice changes \
                nothing.",
        },
        "paths": paths(),
        "security": [{}, { "token": [] }],
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn paths() -> Value {
    let one = "/v1/faults/{id}";
    json!({
        "/readyz": { "get": operation("ready", "Whether the system serves", text("ready")) },
        "/openapi.json": { "get": operation("describe", "This document", any("The document")) },
        "/v1/status": { "get": operation("status", "Instances and their addresses", any("The system")) },
        "/v1/kinds": { "get": operation("kinds", "Kinds of fault and their parameters", any("The kinds")) },
        "/v1/faults": {
            "get": operation("list", "Every fault there is", list_of("FaultView")),
            "put": with_body(
                operation("replace", "Make these the faults, all at once", any("The faults")),
                table_of("Fault"),
            ),
        },
        one: {
            "parameters": [parameter("id", "Name of the fault: lower-case letters, digits, `-` and `_`")],
            "get": operation("show", "One fault", reference_to("FaultView")),
            "put": with_body(
                operation("put", "Add a fault, or make it another", any("The fault, and what changed")),
                json!({ "$ref": "#/components/schemas/Fault" }),
            ),
            "delete": operation("remove", "Take a fault back", json!({ "204": { "description": "It is gone" } })),
        },
        "/v1/targets/{target}/{verb}": {
            "parameters": [
                parameter("target", "A service or an instance, such as `shard-2-0`"),
                parameter("verb", "`crash` or `restart`, `hang` or `resume`, `partition` or `heal`"),
            ],
            "post": operation("verb", "Bring a lasting state about, or end it", any("The fault")),
        },
    })
}

fn operation(id: &str, summary: &str, responses: Value) -> Value {
    let mut responses = responses;
    if let Some(all) = responses.as_object_mut() {
        let refused = json!({ "$ref": "#/components/schemas/Refused" });
        let content = json!({ "application/json": { "schema": refused } });
        all.insert(
            "4XX".to_owned(),
            json!({ "description": "Refused, with the key that is wrong and what to do", "content": content }),
        );
    }
    json!({ "operationId": id, "summary": summary, "responses": responses })
}

fn with_body(mut operation: Value, schema: Value) -> Value {
    operation["requestBody"] = json!({
        "required": true,
        "content": {
            "application/json": { "schema": schema },
            "application/toml": { "schema": { "type": "string" } },
        },
    });
    operation
}

fn parameter(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": { "type": "string" },
    })
}

fn answer(description: &str, kind: &str, schema: Value) -> Value {
    let mut content = Map::new();
    content.insert(kind.to_owned(), json!({ "schema": schema }));
    json!({ "200": { "description": description, "content": content } })
}

fn text(description: &str) -> Value {
    answer(description, "text/plain", json!({ "type": "string" }))
}

fn any(description: &str) -> Value {
    answer(description, "application/json", json!({}))
}

fn reference_to(name: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    answer("The fault", "application/json", schema)
}

fn list_of(name: &str) -> Value {
    let items = json!({ "$ref": format!("#/components/schemas/{name}") });
    answer(
        "The faults",
        "application/json",
        json!({ "type": "array", "items": items }),
    )
}

fn table_of(name: &str) -> Value {
    let values = json!({ "$ref": format!("#/components/schemas/{name}") });
    json!({ "type": "object", "additionalProperties": values })
}

fn fault_view() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "fault": { "$ref": "#/components/schemas/Fault" },
            "state": { "enum": ["pending", "active", "over"] },
            "start_s": { "type": "number", "description": "Seconds since the system began to serve" },
            "opportunities": { "type": "integer" },
            "firings": { "type": "integer" },
            "injected_ms": { "type": "number" },
            "requests_touched": { "type": "integer" },
        },
    })
}

fn refused() -> Value {
    let reason = json!({
        "type": "object",
        "properties": {
            "key": { "type": "string" },
            "message": { "type": "string" },
            "fix": { "type": "string" },
        },
    });
    json!({ "type": "object", "properties": { "errors": { "type": "array", "items": reason } } })
}

/// Definitions of JSON schema become components of OpenAPI.
fn move_references(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/components/schemas/{name}");
            }
            object.values_mut().for_each(move_references);
        }
        Value::Array(items) => items.iter_mut().for_each(move_references),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference of a document that leads nowhere within it.
    fn dangling(value: &Value, root: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(target)) = object.get("$ref") {
                    let pointer = target.strip_prefix('#').unwrap_or(target);
                    if root.pointer(pointer).is_none() {
                        found.push(target.clone());
                    }
                }
                object
                    .values()
                    .for_each(|value| dangling(value, root, found));
            }
            Value::Array(items) => items.iter().for_each(|value| dangling(value, root, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = Vec::new();
        dangling(&document, &document, &mut found);
        assert_eq!(found, Vec::<String>::new());
        assert!(
            document
                .pointer("/components/schemas/params_latency")
                .is_some()
        );
    }
}
