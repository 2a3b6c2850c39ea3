//! Queueing theory in closed form. Rates are per millisecond, times are milliseconds.

/// Arrivals at `arrival_rate` to `servers` servers, each of which serves at `service_rate`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Markovian {
    pub(crate) arrival_rate: f64,
    pub(crate) service_rate: f64,
    pub(crate) servers: u32,
}

impl Markovian {
    /// A system with a mean service time of `service_ms` of which each server is busy for a share
    /// of `utilization`.
    pub(crate) fn loaded(utilization: f64, service_ms: f64, servers: u32) -> Self {
        Markovian {
            arrival_rate: utilization * f64::from(servers) / service_ms,
            service_rate: 1.0 / service_ms,
            servers,
        }
    }

    /// Offered load in Erlang: the servers that would be busy if there were enough.
    fn offered(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// Share of the time in which a server is busy where nothing is lost.
    pub(crate) fn utilization(&self) -> f64 {
        self.offered() / f64::from(self.servers)
    }

    /// Erlang B: the probability of n requests in service, relative to that of none, is a^n / n!;
    /// B is the share of the last of these among all.
    fn erlang_b(&self) -> f64 {
        (1..=self.servers).fold(1.0, |blocked, servers| {
            let carried = self.offered() * blocked;
            carried / (f64::from(servers) + carried)
        })
    }

    /// Erlang C: the probability of having to wait, in M/M/c.
    pub(crate) fn erlang_c(&self) -> f64 {
        let blocked = self.erlang_b();
        blocked / (1.0 - self.utilization() * (1.0 - blocked))
    }

    /// Mean wait in M/M/c, over those too that do not wait.
    pub(crate) fn mean_wait(&self) -> f64 {
        self.erlang_c() / (f64::from(self.servers) * self.service_rate - self.arrival_rate)
    }

    /// Share of the requests that M/M/c/K loses, where `waiting` may wait (K is that and the
    /// servers): the probability of finding the system full.
    pub(crate) fn loss(&self, waiting: u32) -> f64 {
        let mut probability = 1.0;
        let mut total = 1.0;
        for present in 1..=self.servers + waiting {
            probability *= self.offered() / f64::from(present.min(self.servers));
            total += probability;
        }
        probability / total
    }

    /// Share of the requests that give up in M/M/c+D, where each waits for `patience_ms` at most.
    ///
    /// Below c requests the states are Erlang's. Past that, work in the queue has the density
    /// λ p(c-1) e^(-(cμ-λ)x) while arrivals still join, and falls like e^(-cμx) past the patience.
    pub(crate) fn abandonment(&self, patience_ms: f64) -> f64 {
        let capacity = f64::from(self.servers) * self.service_rate;
        let drain = capacity - self.arrival_rate;
        let mut probability = 1.0;
        let mut below = 1.0;
        for present in 1..self.servers {
            probability *= self.offered() / f64::from(present);
            below += probability;
        }
        let entry = self.arrival_rate * probability;
        let at_patience = (-drain * patience_ms).exp();
        let patient = entry * (1.0 - at_patience) / drain;
        let impatient = entry * at_patience / capacity;
        impatient / (below + patient + impatient)
    }

    /// Standard error of the mean wait of `requests` requests through M/M/1, as a share of it: the
    /// asymptotic variance of the wait is ρ(2 + 5ρ - 4ρ² + ρ³) / (1-ρ)⁴ squared service times
    /// (D. J. Daley, "The serial correlation coefficients of waiting times in a stationary single
    /// server queue", 1968). M/M/c at the same high utilization is close to it.
    pub(crate) fn relative_error_of_mean_wait(&self, requests: u64) -> f64 {
        let rho = self.utilization();
        let numerator = rho * (2.0 + 5.0 * rho - 4.0 * rho * rho + rho * rho * rho);
        let variance = numerator / (1.0 - rho).powi(4);
        let mean = rho / (1.0 - rho);
        (variance / requests as f64).sqrt() / mean
    }
}

/// Pollaczek and Khinchine: mean wait in M/G/1, from the first two moments of the service time.
pub(crate) fn pollaczek_khinchine(arrival_rate: f64, mean: f64, second_moment: f64) -> f64 {
    arrival_rate * second_moment / (2.0 * (1.0 - arrival_rate * mean))
}

/// Mean and second moment of a lognormal time.
pub(crate) fn lognormal_moments(median: f64, sigma: f64) -> (f64, f64) {
    let mean = median * (sigma * sigma / 2.0).exp();
    let second_moment = median * median * (2.0 * sigma * sigma).exp();
    (mean, second_moment)
}

#[test]
fn the_closed_forms_agree_with_published_values_and_with_each_other() {
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-3;
    // 2 Erlang offered to 3 servers: B = 4/19, C = 4/9.
    let system = Markovian::loaded(2.0 / 3.0, 1.0, 3);
    assert!(near(system.erlang_b(), 4.0 / 19.0));
    assert!(near(system.erlang_c(), 4.0 / 9.0));
    assert!(near(system.loss(0), system.erlang_b()));
    // M/M/1 is M/G/1 with a second moment of twice the squared mean.
    let single = Markovian::loaded(0.8, 10.0, 1);
    assert!(near(single.mean_wait(), 40.0));
    assert!(near(pollaczek_khinchine(0.08, 10.0, 200.0), 40.0));
    // Without patience nobody waits, and with much of it nobody gives up.
    assert!(near(system.abandonment(0.0), system.erlang_b()));
    assert!(system.abandonment(1000.0) < 1e-9);
}
