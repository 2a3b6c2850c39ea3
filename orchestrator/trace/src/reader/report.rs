//! What was read from where, and what was not as it should be.

use std::collections::BTreeMap;
use std::fmt;

use super::separate::Mark;
use super::thinned::{Thinned, ThinnedKind};
use crate::oddities::{Dropped, Repair};
use crate::part::MAX_FAULTS;
use crate::read_error::ReadError;

/// Compression of a source, as its first bytes told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// Not compressed.
    #[default]
    None,
    /// gzip, of one member or several.
    Gzip,
    /// zstd, of one frame or several.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::None => "plain",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

/// What was read from one source.
#[derive(Debug, Default)]
pub struct SourceReport {
    /// What it is called, usually a path.
    pub name: String,
    /// The name of its format, such as `OTLP JSON`; none where it is empty or in none that is known.
    pub format: Option<&'static str>,
    /// Its compression.
    pub compression: Compression,
    /// Its size after decompression.
    pub bytes: u64,
    /// Its lines; 0 for a binary source.
    pub lines: u64,
    /// Spans that were read, also where not all are held.
    pub spans: u64,
    /// Log events that were read, also where not all are held.
    pub log_events: u64,
    /// Metric points that were read, also where not all are held.
    pub metric_points: u64,
    /// What was put right, by kind; only kinds that occurred.
    pub repaired: BTreeMap<Repair, u64>,
    /// What was left out, by kind; only kinds that occurred.
    pub dropped: BTreeMap<Dropped, u64>,
    /// The first few faults, at most [`SourceReport::MAX_ERRORS`].
    pub errors: Vec<ReadError>,
    /// How many faults there were.
    pub error_count: u64,
    /// Why the source was not read at all, where it was not.
    pub skipped: Option<String>,
}

impl SourceReport {
    /// How many faults of a source are kept with their text.
    pub const MAX_ERRORS: usize = MAX_FAULTS;

    /// Whether anything was read from it.
    pub fn is_fruitful(&self) -> bool {
        self.spans + self.log_events + self.metric_points > 0
    }
}

impl fmt::Display for SourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        let Some(format) = self.format else {
            return f.write_str(match &self.skipped {
                Some(why) => why,
                None => "empty",
            });
        };
        write!(f, "{format}, ")?;
        if self.compression != Compression::None {
            write!(f, "{}, ", self.compression)?;
        }
        let counts = [
            (self.spans, "span"),
            (self.log_events, "log event"),
            (self.metric_points, "metric point"),
        ];
        let words: Vec<String> = counts
            .into_iter()
            .filter(|&(count, _)| count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        match words.is_empty() {
            true => f.write_str("nothing to analyse"),
            false => f.write_str(&words.join(", ")),
        }
    }
}

/// What was read, source by source, in the order of reading.
#[derive(Debug, Default)]
pub struct ReadReport {
    /// The sources, those that were skipped among them.
    pub sources: Vec<SourceReport>,
    /// Where the last part begins; all zero where there is one part only.
    pub mark: Mark,
    /// What is held in part only, since there is more of it than is held at once.
    pub thinned: BTreeMap<ThinnedKind, Thinned>,
}

/// How many faults are told with their text in all.
const MAX_FAULTS_TOLD: usize = 8;

impl ReadReport {
    /// Spans of all sources, also where not all are held.
    pub fn spans(&self) -> u64 {
        self.sources.iter().map(|source| source.spans).sum()
    }

    /// How often something was put right, over all sources.
    pub fn repaired(&self) -> BTreeMap<Repair, u64> {
        sum(self.sources.iter().map(|source| &source.repaired))
    }

    /// How much was left out, over all sources.
    pub fn dropped(&self) -> BTreeMap<Dropped, u64> {
        sum(self.sources.iter().map(|source| &source.dropped))
    }

    /// Sentences about what is not as it should be, each of which stands alone; none where all is
    /// well.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.thinned_notes();
        for source in &self.sources {
            match &source.skipped {
                Some(why) => notes.push(format!("{} was skipped: {why}.", source.name)),
                None if source.bytes == 0 && source.errors.is_empty() => {
                    notes.push(format!("{} is empty.", source.name));
                }
                None if !source.is_fruitful() => {
                    notes.push(format!("{} holds nothing to analyse.", source.name));
                }
                None => {}
            }
        }
        for (kind, count) in self.dropped() {
            let places = self.places(|source| source.dropped.contains_key(&kind));
            notes.push(format!(
                "{count} {} left out ({places}).",
                kind.subject(count == 1)
            ));
        }
        for (kind, count) in self.repaired() {
            let places = self.places(|source| source.repaired.contains_key(&kind));
            notes.push(format!(
                "{count} {} ({places}).",
                kind.predicate(count == 1)
            ));
        }
        let errors: Vec<&ReadError> = self
            .sources
            .iter()
            .flat_map(|source| &source.errors)
            .collect();
        let told = errors.iter().take(MAX_FAULTS_TOLD);
        notes.extend(told.map(|error| format!("{error}.")));
        let total: u64 = self.sources.iter().map(|source| source.error_count).sum();
        let untold = total - errors.len().min(MAX_FAULTS_TOLD) as u64;
        if untold > 0 {
            notes.push(format!(
                "{untold} further faults of that sort are not listed."
            ));
        }
        notes
    }

    /// Those of [`ReadReport::notes`] that say what is held in part only.
    pub fn thinned_notes(&self) -> Vec<String> {
        let thinned = self.thinned.iter();
        thinned.map(|(&kind, one)| one.note(kind)).collect()
    }

    /// The first source of which something is true, and how many more there are.
    fn places(&self, is_so: impl Fn(&SourceReport) -> bool) -> String {
        let mut names = self.sources.iter().filter(|source| is_so(source));
        let first = names.next().map_or("", |source| source.name.as_str());
        match names.count() {
            0 => first.to_owned(),
            1 => format!("{first} and another source"),
            more => format!("{first} and {more} other sources"),
        }
    }
}

fn sum<'a, K: Copy + Ord + 'a>(
    counts: impl Iterator<Item = &'a BTreeMap<K, u64>>,
) -> BTreeMap<K, u64> {
    let mut sum = BTreeMap::new();
    for (&kind, &count) in counts.flatten() {
        *sum.entry(kind).or_default() += count;
    }
    sum
}
