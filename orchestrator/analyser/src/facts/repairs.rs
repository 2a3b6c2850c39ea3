//! What was wrong with traces and was put right.

use std::collections::BTreeMap;

use crate::facts::ids::ServiceId;
use crate::facts::instances::Instances;
use crate::facts::time::ms;

/// Services that a note names.
const SERVICES_MAX: usize = 5;

/// How often each kind of fault occurred.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Repairs {
    /// Spans whose parent is not in the trace, roots left out.
    pub(crate) orphans: u64,
    /// Traces whose root names a parent that is not in the trace.
    pub(crate) roots_lost: u64,
    /// Spans that name no parent, besides the first of their trace and those that have a link to a
    /// span of it.
    pub(crate) further_roots: u64,
    /// Circles of spans that were each other's ancestors.
    pub(crate) circles: u64,
    clocks: BTreeMap<ServiceId, Moved>,
}

/// Spans of a service whose clock was wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moved {
    spans: u64,
    /// The largest distance by which any was moved.
    largest_ns: u64,
}

impl Repairs {
    /// Adds spans of a service that were moved by this much.
    pub(crate) fn moved(&mut self, service: ServiceId, spans: u64, shift_ns: u64) {
        let moved = self.clocks.entry(service).or_default();
        moved.spans += spans;
        moved.largest_ns = moved.largest_ns.max(shift_ns);
    }

    pub(crate) fn add(&mut self, other: &Repairs) {
        self.orphans += other.orphans;
        self.roots_lost += other.roots_lost;
        self.further_roots += other.further_roots;
        self.circles += other.circles;
        for (&service, moved) in &other.clocks {
            self.moved(service, moved.spans, moved.largest_ns);
        }
    }

    /// What is to be said of it, a sentence each.
    pub(crate) fn notes(&self, instances: &Instances<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.orphans > 0 {
            notes.push(format!(
                "{} spans name a parent that is missing; they were put under the call that they \
                 belong to, or under the root",
                self.orphans
            ));
        }
        if self.roots_lost > 0 {
            let have = match self.roots_lost {
                1 => "trace has",
                _ => "traces have",
            };
            notes.push(format!("{} {have} lost the root span", self.roots_lost));
        }
        if self.further_roots > 0 {
            let are = match self.further_roots {
                1 => "span names no parent and is not the first such of its trace; it was",
                _ => "spans name no parent and are not the first such of their trace; they were",
            };
            notes.push(format!(
                "{} {are} put under the call that was open, or under the first",
                self.further_roots
            ));
        }
        if self.circles > 0 {
            let are = match self.circles {
                1 => "circle of spans that are each other's ancestors was",
                _ => "circles of spans that are each other's ancestors were",
            };
            notes.push(format!("{} {are} cut", self.circles));
        }
        notes.extend(self.clocks_note(instances));
        notes
    }

    fn clocks_note(&self, instances: &Instances<'_>) -> Option<String> {
        let largest_ns = self.clocks.values().map(|moved| moved.largest_ns).max()?;
        let spans: u64 = self.clocks.values().map(|moved| moved.spans).sum();
        let mut farthest: Vec<(&ServiceId, &Moved)> = self.clocks.iter().collect();
        farthest.sort_by_key(|(service, moved)| (std::cmp::Reverse(moved.largest_ns), **service));
        let names = farthest.iter().take(SERVICES_MAX);
        let names: Vec<&str> = names
            .map(|moved| instances.service_name(*moved.0))
            .collect();
        let more = match farthest.len().saturating_sub(SERVICES_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let are = if spans == 1 { "span was" } else { "spans were" };
        Some(format!(
            "clocks differ: {spans} {are} moved into the calls that they serve, by up to {:.1} ms \
             ({}{more})",
            ms(largest_ns),
            names.join(", ")
        ))
    }
}
