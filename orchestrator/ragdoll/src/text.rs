//! What builders make: the tables of an experiment file, so that one reader checks both.

use std::path::Path;

use serde::Serialize;
use toml::{Table, Value};

/// A table's text.
pub(crate) fn text_of(table: &Table) -> String {
    toml::to_string(table).expect("a table that was built has a text")
}

/// A value of a table.
///
/// # Panics
/// Of what a TOML file cannot hold, such as a number above `i64::MAX`.
pub(crate) fn value(given: impl Serialize) -> Value {
    Value::try_from(given).unwrap_or_else(|error| panic!("no value of an experiment: {error}"))
}

/// A value that a table may lack at first: a list, to which an item is added.
pub(crate) fn push(table: &mut Table, key: &str, item: impl Into<Value>) {
    let list = table.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    let list = list.as_array_mut();
    let list = list.unwrap_or_else(|| panic!("`{key}` is a list"));
    list.push(item.into());
}

/// A table below others that may not be there yet.
pub(crate) fn below<'t>(table: &'t mut Table, path: &[&str]) -> &'t mut Table {
    path.iter().fold(table, |table, key| {
        let entry = table.entry(*key);
        let below = entry.or_insert_with(|| Value::Table(Table::new()));
        let below = below.as_table_mut();
        below.unwrap_or_else(|| panic!("`{key}` is a table"))
    })
}

/// Whether the text of a file describes a graph of services. One that cannot be read describes none.
pub(crate) fn has_graph(text: &str) -> bool {
    let table: Option<Table> = text.parse().ok();
    let topology = table.as_ref().and_then(|table| table.get("topology"));
    topology.is_some_and(|topology| topology.get("graph").is_some())
}

/// A file's name as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
