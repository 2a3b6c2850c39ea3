//! A TOML file as a tree whose every node knows where it stands in the text.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::spec_error::{SpecError, SpecErrors};

/// Path of a node from the root of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
}

impl KeyPath {
    pub(crate) fn key(&self, name: &str) -> Self {
        self.with(Segment::Key(name.to_owned()))
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// Appends a dotted path, such as `delay.fixed.ms`.
    pub(crate) fn dotted(&self, path: &str) -> Self {
        path.split('.')
            .fold(self.clone(), |path, name| path.key(name))
    }

    /// Whether the path leads through an array.
    pub(crate) fn has_index(&self) -> bool {
        self.0
            .iter()
            .any(|segment| matches!(segment, Segment::Index(_)))
    }

    /// The path as the header of a table writes it: keys only.
    pub(crate) fn header(&self) -> String {
        let keys = self.0.iter().filter_map(|segment| match segment {
            Segment::Key(name) => Some(name.as_str()),
            Segment::Index(_) => None,
        });
        keys.collect::<Vec<_>>().join(".")
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        KeyPath(segments)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(name) if depth == 0 => f.write_str(name)?,
                Segment::Key(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A value and the offset of its key in the text; of an array's element, its own offset.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    offset: usize,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Table(BTreeMap<String, Node>),
    Array(Vec<Node>),
    String(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Datetime(String),
}

impl Content {
    /// What the value is, in words that follow "is".
    pub(crate) fn describe(&self) -> String {
        match self {
            Content::Table(_) => "a table".to_owned(),
            Content::Array(_) => "an array".to_owned(),
            Content::String(text) => format!("the string {text:?}"),
            Content::Integer(value) => format!("the integer {value}"),
            Content::Float(value) => format!("the number {value:?}"),
            Content::Boolean(value) => format!("the boolean {value}"),
            Content::Datetime(text) => format!("the date {text}"),
        }
    }

    pub(crate) fn as_table(&self) -> Option<&BTreeMap<String, Node>> {
        match self {
            Content::Table(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Node]> {
        match self {
            Content::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Content::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.content.as_table()?.get(key)
    }

    /// The same value without its places. A number that JSON cannot hold becomes null.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Table(entries) => entries
                .iter()
                .map(|(key, node)| (key.clone(), node.to_json()))
                .collect(),
            Content::Array(items) => items.iter().map(Node::to_json).collect(),
            Content::String(text) | Content::Datetime(text) => text.as_str().into(),
            Content::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => value.into(),
                (_, Ok(value)) => value.into(),
                _ => Value::Null,
            },
            Content::Float(value) => (*value).into(),
            Content::Boolean(value) => (*value).into(),
        }
    }
}

/// A parsed file.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    file: String,
    text: &'t str,
    pub(crate) root: Node,
}

impl<'t> Document<'t> {
    pub(crate) fn parse(file: &str, text: &'t str) -> Result<Self, SpecErrors> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Document {
                file: file.to_owned(),
                text,
                root: Node {
                    offset: 0,
                    content: table_content(table.into_inner()),
                },
            }),
            Err(error) => Err(SpecErrors {
                errors: vec![syntax_error(file, text, &error)],
            }),
        }
    }

    /// Line and column of the key at `path`, or of the closest table around it that exists.
    fn position(&self, path: &KeyPath) -> (usize, usize) {
        let mut node = &self.root;
        for segment in &path.0 {
            let child = match segment {
                Segment::Key(name) => node.get(name),
                Segment::Index(index) => {
                    node.content.as_array().and_then(|items| items.get(*index))
                }
            };
            match child {
                Some(child) => node = child,
                None => break,
            }
        }
        line_and_column(self.text, node.offset)
    }
}

/// Line and column, both from 1, of a byte offset.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Collects the mistakes in one document.
#[derive(Debug)]
pub(crate) struct Problems<'d, 't> {
    document: &'d Document<'t>,
    errors: Vec<SpecError>,
}

impl<'d, 't> Problems<'d, 't> {
    pub(crate) fn new(document: &'d Document<'t>) -> Self {
        Problems {
            document,
            errors: Vec::new(),
        }
    }

    /// Adds a mistake at `path`. The message follows the key's name.
    pub(crate) fn add(
        &mut self,
        path: &KeyPath,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.errors.push(SpecError {
            file: self.document.file.clone(),
            position: Some(self.document.position(path)),
            key: path.to_string(),
            message: message.into(),
            fix: fix.into(),
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.errors.len()
    }

    /// All that was found, in the order of lines.
    pub(crate) fn into_result(mut self) -> Result<(), SpecErrors> {
        self.errors.sort_by_key(|error| error.position);
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(SpecErrors {
                errors: self.errors,
            })
        }
    }
}

fn syntax_error(file: &str, text: &str, error: &toml::de::Error) -> SpecError {
    let offset = error.span().map_or(text.len(), |span| span.start);
    let (line, column) = line_and_column(text, offset);
    let source = text.lines().nth(line - 1).unwrap_or_default();
    let key = source.split(['=', '#']).next().unwrap_or_default().trim();
    SpecError {
        file: file.to_owned(),
        position: Some((line, column)),
        key: key.to_owned(),
        message: format!("is not valid TOML: {}", error.message()),
        fix: "correct this line; toml.io describes the syntax".to_owned(),
    }
}

fn table_content(table: DeTable<'_>) -> Content {
    let entries = table.into_iter().map(|(key, value)| {
        let offset = key.span().start;
        let content = content(value.into_inner());
        (key.into_inner().into_owned(), Node { offset, content })
    });
    Content::Table(entries.collect())
}

fn content(value: DeValue<'_>) -> Content {
    match value {
        DeValue::Table(table) => table_content(table),
        DeValue::Array(items) => {
            let element = |item: Spanned<DeValue<'_>>| Node {
                offset: item.span().start,
                content: content(item.into_inner()),
            };
            Content::Array(items.into_iter().map(element).collect())
        }
        DeValue::String(text) => Content::String(text.into_owned()),
        DeValue::Boolean(value) => Content::Boolean(value),
        DeValue::Datetime(value) => Content::Datetime(value.to_string()),
        // Integers past 64 bits saturate: no key takes one, and the range check says so.
        DeValue::Integer(value) => Content::Integer(
            i128::from_str_radix(value.as_str(), value.radix()).unwrap_or(i128::MAX),
        ),
        // The parser has checked the syntax, and what overflows parses as infinite.
        DeValue::Float(value) => Content::Float(value.as_str().parse().unwrap_or(f64::NAN)),
    }
}
