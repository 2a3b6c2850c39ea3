//! The requests of one window, and where their time goes.

use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::{Window, ms};
use crate::questions::comparison::Comparison;
use crate::questions::root_operations::Root;
use crate::statistics::blocks::Active;
use crate::statistics::config::Config;

/// The requests of one operation in one window.
pub(crate) struct Population<'p> {
    pub(crate) window: Window,
    /// The time of the window as blocks cut it.
    pub(crate) active: Active,
    pub(crate) all: Vec<&'p Request>,
    pub(crate) failed: Vec<&'p Request>,
    /// Requests whose latency counts: those that succeeded, else, where too few did, all.
    pub(crate) timed: Vec<&'p Request>,
    /// The slowest of those, slowest first.
    pub(crate) tail: Vec<&'p Request>,
}

impl<'p> Population<'p> {
    pub(crate) fn new(
        prepared: &'p Prepared<'_>,
        window: &Window,
        root: Option<Root>,
        config: &Config,
    ) -> Self {
        let mut population = Population::without_tail(prepared, window, root, config);
        population.take_tail(tail_share([&population], config));
        population
    }

    /// A window and its baseline. The slow tail is the same share of both: that of fewer requests would
    /// else be a larger one, and faster.
    pub(crate) fn pair(compared: &Comparison<'p>, root: Option<Root>) -> (Self, Self) {
        let Comparison {
            prepared,
            window,
            baseline,
            config,
        } = *compared;
        let of = |window| Population::without_tail(prepared, window, root, config);
        let (mut now, mut before) = (of(window), of(baseline));
        let share = tail_share([&now, &before], config);
        now.take_tail(share);
        before.take_tail(share);
        (now, before)
    }

    fn without_tail(
        prepared: &'p Prepared<'_>,
        window: &Window,
        root: Option<Root>,
        config: &Config,
    ) -> Self {
        let all: Vec<&Request> = prepared
            .requests(window)
            .iter()
            .filter(|request| root.is_some_and(|root| root.has(request)))
            .collect();
        let starts = all.iter().map(|request| request.start_ns);
        let active = Active::new(window, starts, config.blocks);
        let (failed, succeeded): (Vec<_>, Vec<_>) =
            all.iter().copied().partition(|request| request.failed);
        let timed = if succeeded.len() >= config.requests_min {
            succeeded
        } else {
            all.clone()
        };
        Population {
            window: *window,
            active,
            all,
            failed,
            timed,
            tail: Vec::new(),
        }
    }

    fn take_tail(&mut self, share: f64) {
        // A share that is a number of requests by a number of requests may be off by a rounding.
        let wanted = (share * self.timed.len() as f64 - 1e-6).ceil().max(0.0) as usize;
        self.tail.clone_from(&self.timed);
        self.tail
            .sort_by_key(|request| (!request.duration_ns, request.start_ns, request.trace_id));
        self.tail.truncate(wanted);
    }

    pub(crate) fn error_rate(&self) -> f64 {
        self.failed.len() as f64 / self.all.len().max(1) as f64
    }

    pub(crate) fn tail_share(&self) -> f64 {
        self.tail.len() as f64 / self.timed.len().max(1) as f64
    }
}

/// Share of the requests that are the slow tail: enough for the smallest population's to have a number
/// of them, up to half of it.
fn tail_share<const N: usize>(populations: [&Population<'_>; N], config: &Config) -> f64 {
    let least = populations.map(|population| population.timed.len());
    let least = least.into_iter().min().unwrap_or(0);
    let enough = config.tail_requests_min.min(least / 2) as f64 / least.max(1) as f64;
    config.tail_share.max(enough)
}

pub(crate) fn mean_ms(requests: &[&Request]) -> f64 {
    // A sum of numbers, since spans without a start last for decades.
    let total_ms: f64 = requests.iter().map(|request| ms(request.duration_ns)).sum();
    total_ms / requests.len().max(1) as f64
}
