//! What the analyser says of load: how busy places are, and were.

use serde::{Deserialize, Serialize};

use crate::facts::cause::Cause;

/// Load of one place in one window. Rates, times and numbers are means over the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Server spans that started, a second.
    pub arrival_rate_per_s: f64,
    /// Server spans that ended, a second.
    pub departure_rate_per_s: f64,
    /// Duration of the spans that started, in milliseconds.
    pub time_ms: f64,
    /// Own work in one span, in milliseconds: waits and calls of others are left out.
    pub own_time_ms: f64,
    /// Server spans that were open.
    pub concurrency: f64,
    /// Those of them that were past the wait for a server.
    pub in_service: f64,
    /// Arrival rate times duration over the number open, less 1 (Little's law). It is far from 0 where
    /// the number open at the window's ends is large beside what came and went, or where spans are missing.
    pub littles_law_deviation: f64,
    /// Share of the resource in use, 0 to 1: from the place's own gauge, else inferred from spans where
    /// they show how many calls are served at once at most.
    pub utilization: Option<f64>,
    /// Whether the share in use was inferred from spans.
    pub is_inferred: bool,
    /// Calls served at once while others wait, where spans show it.
    pub servers: Option<f64>,
    /// How many more were open when the queue was longest than before it began to grow, where
    /// arrivals outran departures by more than chance does.
    pub queue_growth: Option<f64>,
}

/// How busy one instance is, or a service as a whole, and how busy it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`; empty where it is not known, and for a service as a whole.
    pub instance: String,
    /// In the window.
    pub now: Load,
    /// In the baseline, where it was seen there.
    #[serde(default)]
    pub before: Option<Load>,
    /// What became of it.
    #[serde(default)]
    pub change: LoadChange,
    /// Own time of a call in the window over that in the baseline, of calls that found as many others in
    /// service; none where too few did.
    #[serde(default)]
    pub slower_at_same_load: Option<f64>,
    /// Own time of the calls of the window that found many others in service over that of those that
    /// found few; none where the number hardly varies.
    #[serde(default)]
    pub slower_with_load: Option<f64>,
    /// Whether that ratio is beyond noise: what is served at once gets in each other's way.
    #[serde(default)]
    pub slows_with_load: bool,
    /// From when on it was in use as much as it can be, in seconds after the window's start.
    #[serde(default)]
    pub saturated_from_s: Option<f64>,
    /// From when on its queue grew, in seconds after the window's start.
    #[serde(default)]
    pub queue_grows_from_s: Option<f64>,
}

/// How the load of a place differs from the baseline's, beyond noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadChange {
    /// It does not, or the baseline does not tell.
    #[default]
    Same,
    /// More calls come; each of them is as much work as it was with as many beside it.
    MoreLoad,
    /// As many calls come, and each of them is more work than it was with as many beside it.
    SlowerService,
    /// More calls come, and each of them is more work.
    Both,
}

/// What is said of services rather than of instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceLoad {
    /// Load of every service that served calls.
    pub services: Vec<Saturation>,
    /// What saturates before anything else does.
    pub first: Option<FirstSaturated>,
    /// Services whose instances do not share the work alike, beyond noise.
    pub unbalanced: Vec<Balance>,
}

/// What saturates first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstSaturated {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`; empty where it is not known.
    pub instance: String,
    /// When, in seconds after the window's start.
    pub from_s: f64,
    /// Whether it is its use that says so; else its queue does.
    pub by_use: bool,
    /// The next one and when, in seconds after the window's start.
    pub next: Option<(String, f64)>,
}

/// How the instances of one service share its work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// `service.name`.
    pub service: String,
    /// How many instances there are.
    pub instances: u64,
    /// The instance with the most calls, where calls are not shared alike.
    pub most: Option<Uneven>,
    /// The instance that takes longer for a call than its siblings with as many others in service.
    pub slower: Option<SlowerInstance>,
}

/// An instance with more than its share of calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uneven {
    /// `service.instance.id`.
    pub instance: String,
    /// Its share of the service's calls, 0 to 1.
    pub share: f64,
    /// The same in the baseline, where the service was called there.
    pub baseline_share: Option<f64>,
    /// Its share of the service's own time, 0 to 1.
    pub time_share: f64,
    /// Standard deviation of the instances' calls over their mean.
    pub variation: f64,
    /// Probability that equal shares look like this by chance, corrected for the number of services.
    pub p_value: f64,
}

/// An instance that is slower than its siblings at the same load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowerInstance {
    /// `service.instance.id`.
    pub instance: String,
    /// Its own time of a call over its siblings'.
    pub ratio: f64,
    /// Probability that alike instances look like this by chance, corrected for the number of instances.
    pub p_value: f64,
}

/// The place that a verdict names over time, for a plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// `service.name`.
    pub service: String,
    /// The cause whose time it is; none where it is all of the service's time.
    pub cause: Option<Cause>,
    /// The window, in equal parts.
    pub now: Vec<SeriesPoint>,
    /// The baseline, in as many.
    pub before: Vec<SeriesPoint>,
}

/// One part of a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// Its beginning, in seconds after the window's.
    pub from_s: f64,
    /// Requests that started in it.
    pub requests: u64,
    /// Mean milliseconds of those requests' critical paths that the place owns; none without requests.
    pub place_ms: Option<f64>,
    /// Calls of the service that were open, mean; requests, where the service recorded none.
    pub open: f64,
}
