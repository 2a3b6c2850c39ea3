//! One instance, or a service as a whole, in both windows.

use crate::questions::load::{Load, LoadChange, Saturation};
use crate::questions::saturation::fullness::{bins_wanted, full_from};
use crate::questions::saturation::growth::{Growth, PASSED_ON, growth};
use crate::questions::saturation::levels::{
    BLOCKS, LEVELS, at_same_load, jackknife, level_of, with_load,
};
use crate::questions::saturation::tally::{BINS, Tally};
use crate::questions::saturation::usage::Usage;

/// Ratio from which load, or own time at the same load, has grown.
const GROWN_MIN: f64 = 1.2;

/// Standard errors beyond which it is no noise. There are many places, so that they are many.
const Z_MIN: f64 = 4.0;

pub(super) struct LoadedPlace {
    pub(super) service: String,
    pub(super) instance: String,
    pub(super) now: Tally,
    pub(super) before: Tally,
    /// In the window and in the baseline.
    pub(super) used: [Option<Usage>; 2],
    /// Servers that spans show, in the window and in the baseline.
    pub(super) servers: [Option<f64>; 2],
    pub(super) full_from: Option<usize>,
    pub(super) was_full: bool,
    pub(super) growth: Option<Growth>,
    growth_before: Option<Growth>,
}

impl LoadedPlace {
    /// A place from its sums, use and servers in the window and in the baseline.
    pub(super) fn new(
        (service, instance): (&str, &str),
        [now, before]: [Tally; 2],
        used: [Option<Usage>; 2],
        servers: [Option<f64>; 2],
    ) -> LoadedPlace {
        let [wanted, wanted_before] = bins_wanted(now.bin_s(), now.a_call(now.own_ms));
        let full = |used: &Option<Usage>, bins: usize| full_from(&used.as_ref()?.by_bin, bins);
        let own_growth =
            |tally: &Tally| growth(tally).filter(|_| tally.downstream_share() <= PASSED_ON);
        LoadedPlace {
            service: service.to_owned(),
            instance: instance.to_owned(),
            full_from: full(&used[0], wanted),
            was_full: full(&used[1], wanted_before).is_some(),
            growth: own_growth(&now),
            growth_before: own_growth(&before),
            now,
            before,
            used,
            servers,
        }
    }

    pub(super) fn is_seen(&self) -> bool {
        was_called(&self.now) || was_called(&self.before) || self.used[0].is_some()
    }

    pub(super) fn grew_before(&self) -> bool {
        self.growth_before.is_some()
    }

    pub(super) fn use_now(&self) -> f64 {
        self.used[0].map_or(0.0, |used| used.mean)
    }

    fn load(&self, window: usize, tally: &Tally, growth: Option<Growth>) -> Load {
        let arrival_rate_per_s = tally.arrivals() / tally.seconds;
        let time_ms = tally.a_call(tally.duration_ms);
        let concurrency = tally.open_mean();
        let predicted = arrival_rate_per_s * time_ms / 1e3;
        Load {
            arrival_rate_per_s,
            departure_rate_per_s: tally.departures() / tally.seconds,
            time_ms,
            own_time_ms: tally.a_call(tally.own_ms),
            concurrency,
            in_service: tally.serving_mean(),
            littles_law_deviation: if concurrency > 0.0 {
                predicted / concurrency - 1.0
            } else {
                0.0
            },
            utilization: self.used[window].map(|used| used.mean),
            is_inferred: self.used[window].is_some_and(|used| used.is_inferred),
            servers: self.servers[window],
            queue_growth: growth.map(|growth| growth.rise),
        }
    }

    pub(super) fn report(&self) -> Saturation {
        let same_load = at_same_load(&self.now.times, &self.before.times);
        let with_load = with_load(&self.now.times, self.levels_without_wait());
        let is_beyond = |ratio: f64, z: f64| ratio >= GROWN_MIN && z >= Z_MIN;
        let slower = same_load.is_some_and(|one| is_beyond(one.ratio, one.z));
        let more = self.more_arrive();
        let from_s = |bin: usize| bin as f64 * self.now.bin_s();
        let known_before = was_called(&self.before) || self.used[1].is_some();
        Saturation {
            service: self.service.clone(),
            instance: self.instance.clone(),
            now: self.load(0, &self.now, self.growth),
            before: known_before.then(|| self.load(1, &self.before, self.growth_before)),
            change: match (more, slower) {
                (true, true) => LoadChange::Both,
                (true, false) => LoadChange::MoreLoad,
                (false, true) => LoadChange::SlowerService,
                (false, false) => LoadChange::Same,
            },
            slower_at_same_load: same_load.map(|one| one.ratio),
            slower_with_load: with_load.map(|one| one.ratio),
            slows_with_load: with_load.is_some_and(|one| is_beyond(one.ratio, one.z)),
            saturated_from_s: self.full_from.map(from_s),
            queue_grows_from_s: self.growth.map(|growth| from_s(growth.from_bin)),
        }
    }

    /// Where a wait is not recorded and looks like work, only calls that found a free server tell how
    /// long the work takes.
    fn levels_without_wait(&self) -> usize {
        match self.servers[0] {
            Some(servers) if self.now.waited == 0 => level_of(servers as usize),
            _ => LEVELS,
        }
    }

    /// Whether more calls arrive, beyond what the parts of both windows differ by anyway.
    fn more_arrive(&self) -> bool {
        let (now, before) = (self.now.arrivals(), self.before.arrivals());
        if now <= 0.0 || before <= 0.0 {
            return false;
        }
        let log = libm::log(now / self.now.seconds * self.before.seconds / before);
        let variance = |tally: &Tally| {
            let by_block = tally.bins.chunks(BINS / BLOCKS).map(|bins| {
                let arrivals = bins.iter().map(|bin| f64::from(bin.arrivals));
                arrivals.sum::<f64>()
            });
            let all = tally.arrivals();
            let without: Vec<f64> = by_block
                .map(|calls| libm::log(f64::max(all - calls, 0.5)))
                .collect();
            jackknife(&without)
        };
        let (Some(of_now), Some(of_before)) = (variance(&self.now), variance(&self.before)) else {
            return false;
        };
        let z = log / libm::sqrt(of_now + of_before).max(1e-9);
        libm::exp(log) >= GROWN_MIN && z >= Z_MIN
    }
}

fn was_called(tally: &Tally) -> bool {
    tally.arrivals() > 0.0 || tally.open_at_start > 0.0
}
