//! Walking through a batch of OTLP's JSON that is broken somewhere, so that each span, metric and
//! log record before and beside the fault is still read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::otlp_json_items::{read_item, read_resource, resource};
use super::scalar::Text;
use crate::oddities::Dropped;
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::resource::ResourceId;
use crate::signal::Signal;

pub(super) const EXPECTED: &str =
    "an OTLP JSON object with `resourceSpans`, `resourceMetrics` or `resourceLogs`";

/// Reads what can be read, and says whether the text has a field that a batch has: if it has not it
/// is something else.
pub(super) fn walk(part: &mut Part, text: &str) -> Result<bool, (bool, ReadProblem)> {
    let mut is_batch = false;
    let mut json = serde_json::Deserializer::from_str(text);
    let result = Walk {
        part,
        is_batch: &mut is_batch,
        place: Place::Batch,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    match result {
        Ok(()) => Ok(is_batch),
        Err(error) => Err((is_batch, ReadProblem::json(EXPECTED)(error))),
    }
}

/// Where in a batch something stands.
#[derive(Clone, Copy)]
enum Place {
    Batch,
    /// The list of resources, each with what it said.
    Groups(Signal),
    Group(Signal),
    Scopes(Signal, ResourceId),
    Scope(Signal, ResourceId),
    Items(Signal, ResourceId),
}

struct Walk<'p> {
    part: &'p mut Part,
    is_batch: &'p mut bool,
    place: Place,
}

impl Walk<'_> {
    fn at(&mut self, place: Place) -> Walk<'_> {
        Walk {
            part: self.part,
            is_batch: self.is_batch,
            place,
        }
    }

    /// Scopes that stood before the resource that they belong to.
    fn scopes_of(&mut self, signal: Signal, id: ResourceId, texts: &[&RawValue]) {
        for text in texts {
            let mut json = serde_json::Deserializer::from_str(text.get());
            let scopes = self.at(Place::Scopes(signal, id));
            if let Err(error) = scopes.deserialize(&mut json) {
                let problem = ReadProblem::json(EXPECTED)(error);
                self.part.fault(Dropped::BadLine, problem);
            }
        }
    }

    fn group<'de, M: MapAccess<'de>>(
        &mut self,
        signal: Signal,
        mut map: M,
    ) -> Result<(), M::Error> {
        let mut id = None;
        let mut early = Vec::new();
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            match (key.as_ref(), id) {
                ("resource", _) => {
                    let text: &RawValue = map.next_value()?;
                    id = Some(read_resource(self.part, text.get()));
                }
                (key, Some(id)) if is_scopes(key) => {
                    map.next_value_seed(self.at(Place::Scopes(signal, id)))?;
                }
                (key, None) if is_scopes(key) => early.push(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !early.is_empty() {
            let id = id.unwrap_or_else(|| resource(self.part, Default::default()));
            self.scopes_of(signal, id, &early);
        }
        Ok(())
    }
}

fn is_scopes(key: &str) -> bool {
    ["scope", "instrumentation"]
        .iter()
        .any(|start| key.starts_with(start))
        && ["pans", "etrics", "ogs"]
            .iter()
            .any(|end| key.ends_with(end))
}

fn is_items(key: &str, signal: Signal) -> bool {
    match signal {
        Signal::Spans => key == "spans",
        Signal::Metrics => key == "metrics",
        Signal::Logs => matches!(key, "logRecords" | "log_records" | "logs"),
    }
}

fn signal(key: &str) -> Option<Signal> {
    Some(match key {
        "resourceSpans" | "resource_spans" => Signal::Spans,
        "resourceMetrics" | "resource_metrics" => Signal::Metrics,
        "resourceLogs" | "resource_logs" => Signal::Logs,
        _ => return None,
    })
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.place {
            Place::Batch | Place::Group(_) | Place::Scope(..) => "an object",
            Place::Groups(_) | Place::Scopes(..) | Place::Items(..) => "a list",
        })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut list: S) -> Result<(), S::Error> {
        let each = match self.place {
            Place::Groups(signal) => Place::Group(signal),
            Place::Scopes(signal, id) => Place::Scope(signal, id),
            Place::Items(signal, id) => {
                while let Some(text) = list.next_element::<&RawValue>()? {
                    read_item(self.part, signal, id, text.get());
                }
                return Ok(());
            }
            _ => return Err(S::Error::custom("a list where an object is expected")),
        };
        while list.next_element_seed(self.at(each))?.is_some() {}
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        if let Place::Group(signal) = self.place {
            return self.group(signal, map);
        }
        if !matches!(self.place, Place::Batch | Place::Scope(..)) {
            return Err(M::Error::custom("an object where a list is expected"));
        }
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let inner = match self.place {
                Place::Batch => signal(&key).map(Place::Groups),
                Place::Scope(signal, id) if is_items(&key, signal) => {
                    Some(Place::Items(signal, id))
                }
                _ => None,
            };
            match inner {
                Some(place) => {
                    *self.is_batch = true;
                    map.next_value_seed(self.at(place))?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
