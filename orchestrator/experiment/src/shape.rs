//! Checks a file against the schema: keys, types and ranges, all mistakes at once. What the schema
//! cannot say, such as that a phase exists, is checked afterwards.

use std::collections::BTreeMap;

use ragdoll_model::names::NAME_RULES;
use ragdoll_model::{Dist, Service, TokenDist};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::document::{Content, KeyPath, Node, Problems};
use crate::schema::resolve;
use crate::spec_error::{NAMES_SHOWN, closest, suggest};

/// Adds to `problems` every place where `node` does not have the shape of `schema`.
pub(crate) fn check_shape(schema: &Value, node: &Node, problems: &mut Problems<'_, '_>) {
    Shape {
        root: schema,
        problems,
    }
    .check(schema, node, &KeyPath::default());
}

struct Shape<'s, 'p, 'd, 't> {
    root: &'s Value,
    problems: &'p mut Problems<'d, 't>,
}

impl<'s> Shape<'s, '_, '_, '_> {
    fn check(&mut self, schema: &'s Value, node: &Node, path: &KeyPath) {
        let (name, schema) = resolve(self.root, schema);
        let before = self.problems.len();
        if name == Some("Service") {
            self.check_service(node, path);
        } else if let Some(variants) = schema["oneOf"].as_array() {
            self.check_variants(variants, node, path);
        } else if let Some(values) = schema["enum"].as_array() {
            self.check_name(values.iter().filter_map(Value::as_str), node, path);
        } else {
            self.check_type(schema, node, path);
        }
        if self.problems.len() == before {
            match name {
                Some("Dist") => self.check_parameters::<Dist>(node, path, Dist::problem),
                Some("TokenDist") => {
                    self.check_parameters::<TokenDist>(node, path, TokenDist::problem);
                }
                _ => {}
            }
        }
    }

    fn check_type(&mut self, schema: &'s Value, node: &Node, path: &KeyPath) {
        match (schema["type"].as_str(), &node.content) {
            (Some("object"), Content::Table(entries)) => self.check_table(schema, entries, path),
            (Some("array"), Content::Array(items)) => self.check_array(schema, items, path),
            (Some("number"), Content::Integer(value)) => {
                self.check_range(schema, *value as f64, node, path);
            }
            (Some("number"), Content::Float(value)) => {
                self.check_range(schema, *value, node, path);
            }
            (Some("integer"), Content::Integer(value)) => {
                self.check_integer(schema, *value, node, path);
            }
            (Some("string"), Content::String(text)) => {
                if text.is_empty() && schema["minLength"].as_u64() > Some(0) {
                    self.problems.add(path, "is empty", "write something");
                }
            }
            (Some("boolean"), Content::Boolean(_)) => {}
            _ => {
                let fix = format!("give {}", self.expected(schema, path));
                self.wrong(path, node, fix);
            }
        }
    }

    fn wrong(&mut self, path: &KeyPath, node: &Node, fix: impl Into<String>) {
        let message = format!("is {}", node.content.describe());
        self.problems.add(path, message, fix);
    }

    /// What a value of the right type is, in words that follow "give".
    fn expected(&self, schema: &'s Value, path: &KeyPath) -> String {
        let (_, schema) = resolve(self.root, schema);
        if schema.get("anyOf").is_some() {
            return "a name in quotes".to_owned();
        }
        if let Some(variants) = schema["oneOf"].as_array() {
            return describe_variants(variants);
        }
        if let Some(values) = schema["enum"].as_array() {
            return one_of(values.iter().filter_map(Value::as_str));
        }
        match schema["type"].as_str() {
            Some("object") if path.has_index() => "a table, { … }".to_owned(),
            Some("object") => format!("a table, [{path}]"),
            Some("array") => {
                let (_, items) = resolve(self.root, &schema["items"]);
                match (items["oneOf"].as_array(), items["type"].as_str()) {
                    (Some(variants), _) => {
                        format!("an array, each element {}", describe_variants(variants))
                    }
                    (None, Some("object")) => {
                        format!("an array of tables, [[{}]]", path.header())
                    }
                    (None, Some("string")) => "an array of names in quotes".to_owned(),
                    (None, _) => "an array of numbers".to_owned(),
                }
            }
            Some("number") => "a number".to_owned(),
            Some("integer") => "a whole number".to_owned(),
            Some("string") => "a string in quotes".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            other => unreachable!("the schema has no type {other:?} ({path})"),
        }
    }

    fn check_table(&mut self, schema: &'s Value, entries: &BTreeMap<String, Node>, path: &KeyPath) {
        let Some(properties) = schema["properties"].as_object() else {
            let closed = schema["additionalProperties"] == false;
            for key in entries.keys().filter(|_| closed) {
                self.problems
                    .add(&path.key(key), "is not a key here", "remove it");
            }
            return;
        };
        let mut misspelt = Vec::new();
        for (key, node) in entries {
            match properties.get(key) {
                Some(property) => self.check(property, node, &path.key(key)),
                None => {
                    let names = || properties.keys().map(String::as_str);
                    misspelt.extend(closest(key, names()));
                    let fix = suggest(key, names());
                    self.problems.add(&path.key(key), "is not a key here", fix);
                }
            }
        }
        self.check_required(schema, entries, &misspelt, path);
        for rule in schema["allOf"].as_array().into_iter().flatten() {
            if applies(&rule["if"], entries) {
                let then = &rule["then"];
                for (key, property) in then["properties"].as_object().into_iter().flatten() {
                    if let Some(node) = entries.get(key) {
                        self.check(property, node, &path.key(key));
                    }
                }
                self.check_required(then, entries, &misspelt, path);
            }
        }
    }

    /// A key that is there under a wrong name is one mistake, not two.
    fn check_required(
        &mut self,
        schema: &'s Value,
        entries: &BTreeMap<String, Node>,
        misspelt: &[&str],
        path: &KeyPath,
    ) {
        let required = schema["required"].as_array().into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            if !entries.contains_key(key) && !misspelt.contains(&key) {
                let path = path.key(key);
                let noun = self.expected(&schema["properties"][key], &path);
                self.problems
                    .add(&path, "is missing", format!("add it: {noun}"));
            }
        }
    }

    fn check_array(&mut self, schema: &'s Value, items: &[Node], path: &KeyPath) {
        let least = schema["minItems"].as_u64().unwrap_or(0);
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        let length = items.len() as u64;
        if length < least || length > most {
            let fix = if least == most {
                format!("give exactly {least}")
            } else if length > most {
                format!("give at most {most}")
            } else {
                format!("give at least {least}")
            };
            let noun = if length == 1 { "element" } else { "elements" };
            self.problems.add(path, format!("has {length} {noun}"), fix);
        }
        for (index, item) in items.iter().enumerate() {
            self.check(&schema["items"], item, &path.index(index));
        }
    }

    fn check_integer(&mut self, schema: &'s Value, value: i128, node: &Node, path: &KeyPath) {
        let largest = match schema["format"].as_str() {
            Some("uint32") => u32::MAX.into(),
            _ => i128::from(u64::MAX),
        };
        if value > largest {
            self.wrong(
                path,
                node,
                format!("use a whole number of at most {largest}"),
            );
        } else {
            self.check_range(schema, value as f64, node, path);
        }
    }

    fn check_range(&mut self, schema: &'s Value, value: f64, node: &Node, path: &KeyPath) {
        let low = schema["minimum"].as_f64();
        let above = schema["exclusiveMinimum"].as_f64();
        let high = schema["maximum"].as_f64();
        let divisor = schema["multipleOf"].as_f64();
        let inside = value.is_finite()
            && low.is_none_or(|low| value >= low)
            && above.is_none_or(|above| value > above)
            && high.is_none_or(|high| value <= high);
        if !inside {
            let range = match (low, above, high) {
                (Some(low), _, Some(high)) => format!("from {low} to {high}"),
                (_, Some(above), Some(high)) => format!("above {above} and at most {high}"),
                (Some(low), _, None) => format!("of at least {low}"),
                (_, Some(above), None) => format!("above {above}"),
                (None, None, Some(high)) => format!("of at most {high}"),
                (None, None, None) => "that is finite".to_owned(),
            };
            self.wrong(path, node, format!("use a number {range}"));
        } else if let Some(divisor) = divisor.filter(|divisor| value % divisor != 0.0) {
            self.wrong(path, node, format!("use a multiple of {divisor}"));
        }
    }

    /// One of several names, or a table with exactly one of several keys, or either.
    fn check_variants(&mut self, variants: &'s [Value], node: &Node, path: &KeyPath) {
        if variants
            .iter()
            .all(|variant| variant_word(variant).is_some())
        {
            let names = variants.iter().filter_map(variant_word);
            return self.check_name(names, node, path);
        }
        let names: Vec<&str> = variants.iter().filter_map(variant_name).collect();
        let fix = || format!("give {}", describe_variants(variants));
        let words: Vec<&str> = variants.iter().filter_map(variant_word).collect();
        if let Content::String(text) = &node.content
            && !words.is_empty()
        {
            return self.check_word(text, &words, fix(), path);
        }
        let Content::Table(entries) = &node.content else {
            return self.wrong(path, node, fix());
        };
        let mut keys = entries.iter();
        let (Some((key, inner)), None) = (keys.next(), keys.next()) else {
            let message = format!("is a table of {} keys", entries.len());
            return self.problems.add(path, message, fix());
        };
        let chosen = variants
            .iter()
            .find(|variant| variant_name(variant) == Some(key));
        match chosen {
            Some(variant) => {
                let path = path.key(key);
                self.check(&variant["properties"][key], inner, &path);
            }
            None => {
                let fix = suggest(key, names.iter().copied());
                self.problems.add(&path.key(key), "is not a key here", fix);
            }
        }
    }

    /// One of the names where a table would do as well.
    fn check_word(&mut self, text: &str, words: &[&str], otherwise: String, path: &KeyPath) {
        if words.contains(&text) {
            return;
        }
        let fix = match closest(text, words.iter().copied()) {
            Some(_) => suggest(text, words.iter().copied()),
            None => otherwise,
        };
        self.problems
            .add(path, format!("is {text:?}, which is no valid value"), fix);
    }

    fn check_name<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str> + Clone,
        node: &Node,
        path: &KeyPath,
    ) {
        match &node.content {
            Content::String(text) if names.clone().any(|name| name == text) => {}
            Content::String(text) => {
                let is_near = closest(text, names.clone()).is_some();
                let fix = match is_near || names.clone().count() <= NAMES_SHOWN {
                    true => suggest(text, names),
                    false => format!("use {}", one_of(names)),
                };
                self.problems
                    .add(path, format!("is {text:?}, which is no valid value"), fix);
            }
            _ => self.wrong(path, node, format!("give {}", one_of(names))),
        }
    }

    /// The name of a service. Whether there is such a service is checked later.
    fn check_service(&mut self, node: &Node, path: &KeyPath) {
        let Content::String(text) = &node.content else {
            return self.wrong(path, node, "give a name in quotes");
        };
        if Service::from_name(text).is_none() {
            let message = format!("is {text:?}, which no service can be called");
            self.problems
                .add(path, message, format!("use {NAME_RULES}"));
        }
    }

    fn check_parameters<T: DeserializeOwned>(
        &mut self,
        node: &Node,
        path: &KeyPath,
        problem: fn(&T) -> Option<(&'static str, &'static str)>,
    ) {
        let Ok(distribution) = serde_json::from_value::<T>(node.to_json()) else {
            return self.wrong(path, node, "give a distribution");
        };
        let Some((parameter, must)) = problem(&distribution) else {
            return;
        };
        let variant = node
            .content
            .as_table()
            .and_then(|entries| entries.iter().next());
        let (name, inner) = variant.expect("a distribution is a table of one key");
        let value = inner.get(parameter).expect("every parameter is required");
        self.wrong(&path.key(name).key(parameter), value, format!("use {must}"));
    }
}

/// Whether the condition of a rule (properties that are constants) is met.
fn applies(condition: &Value, entries: &BTreeMap<String, Node>) -> bool {
    let mut properties = condition["properties"].as_object().into_iter().flatten();
    properties.all(|(key, property)| {
        let given = entries.get(key).and_then(|node| node.content.as_str());
        given == property["const"].as_str()
    })
}

/// Key of a variant that is written as a table of one key.
fn variant_name(variant: &Value) -> Option<&str> {
    let properties = variant["properties"].as_object()?;
    properties.keys().next().map(String::as_str)
}

/// The name of a variant that is written as a string.
fn variant_word(variant: &Value) -> Option<&str> {
    variant["const"].as_str()
}

/// The variants in words that follow "give".
fn describe_variants(variants: &[Value]) -> String {
    let words = variants.iter().filter_map(variant_word);
    let tables = variants.iter().filter_map(variant_name);
    match (words.clone().next(), tables.clone().next()) {
        (Some(_), None) => one_of(words),
        (Some(_), Some(_)) => {
            let words: Vec<&str> = words.collect();
            let words = words.join("`, `");
            format!("`{words}`, or a table, such as {}", example(variants))
        }
        (None, _) => format!("{}, such as {}", one_of(tables), example(variants)),
    }
}

/// The names; of very many the first.
fn one_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let (shown, more) = match names.len() {
        0..=NAMES_SHOWN => (names.as_slice(), ""),
        _ => (&names[..NAMES_SHOWN], ", …"),
    };
    format!("one of `{}`{more}", shown.join("`, `"))
}

/// The first variant that is a table, written out with every parameter 1.
fn example(variants: &[Value]) -> String {
    let first = variants
        .iter()
        .find(|variant| variant_name(variant).is_some());
    let name = first.and_then(variant_name).unwrap_or_default();
    let properties =
        first.and_then(|variant| variant["properties"][name]["properties"].as_object());
    let parameters: Vec<String> = properties
        .into_iter()
        .flat_map(|properties| properties.keys().map(|key| format!("{key} = 1")))
        .collect();
    format!("{{ {name} = {{ {} }} }}", parameters.join(", "))
}
