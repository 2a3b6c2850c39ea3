//! Load whose figures queueing theory knows: Poisson arrivals and exponential service at `c` servers with one
//! queue (M/M/c). Whether the wait is a span of its own, or hidden in the server span, must not matter.

use crate::common::{Book, span, window};
use ragdoll_analyser::{Analysis, Config, LoadChange, Prepared, Saturation, analyse};
use ragdoll_trace::SpanKind;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const MINUTE_S: f64 = 60.0;
const SECOND_WINDOW_S: f64 = 100.0;

/// Whether spans say how long calls wait.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waits {
    Recorded,
    Hidden,
}

/// A queue with its servers. Times are means.
#[derive(Clone, Copy, Debug)]
struct Queue {
    arrivals_per_s: f64,
    service_ms: f64,
    servers: usize,
}

struct Simulation {
    book: Book,
    rng: Xoshiro256PlusPlus,
    waits: Waits,
    traces: u128,
}

impl Simulation {
    fn new(seed: u64, waits: Waits) -> Self {
        Simulation {
            book: Book::default(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            waits,
            traces: 0,
        }
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.rng.random::<f64>()).ln()
    }

    /// Calls that come to one instance from `from_s` to `to_s`, in the order of their coming.
    fn arrivals(&mut self, queue: Queue, from_s: f64, to_s: f64) -> Vec<(f64, f64)> {
        let mut calls = Vec::new();
        let mut at_ms = from_s * 1e3;
        loop {
            at_ms += self.exponential(1e3 / queue.arrivals_per_s);
            if at_ms >= to_s * 1e3 {
                return calls;
            }
            let service_ms = self.exponential(queue.service_ms);
            calls.push((at_ms, service_ms));
        }
    }

    /// Serves calls, each with its time of coming and of service, first come, first served.
    fn serve(&mut self, instance: &str, servers: usize, calls: &[(f64, f64)]) {
        let mut free_from_ms = vec![0.0_f64; servers];
        for &(at_ms, service_ms) in calls {
            let first = free_from_ms
                .iter_mut()
                .min_by(|a, b| a.total_cmp(b))
                .expect("servers");
            let start_ms = first.max(at_ms);
            *first = start_ms + service_ms;
            self.call(instance, at_ms, start_ms, start_ms + service_ms);
        }
    }

    /// One call that waits from `at_ms` to `start_ms`.
    fn call(&mut self, instance: &str, at_ms: f64, start_ms: f64, end_ms: f64) {
        self.traces += 1;
        let service = instance.split('-').next().expect("a name");
        let id = self.book.id();
        let spec = span(service, instance, "Work", at_ms, end_ms).kind(SpanKind::Server);
        self.book.add(self.traces, id, spec);
        if self.waits == Waits::Recorded && start_ms > at_ms {
            let wait = self.book.id();
            let spec = span(service, instance, "queue.wait", at_ms, start_ms).under(id);
            self.book.add(self.traces, wait, spec);
        }
    }

    /// A minute of a queue from `from_s` on.
    fn run(&mut self, instance: &str, queue: Queue, from_s: f64) {
        let calls = self.arrivals(queue, from_s, from_s + MINUTE_S);
        self.serve(instance, queue.servers, &calls);
    }

    fn analyse(&self) -> Analysis {
        let prepared = Prepared::new(&self.book.observations);
        analyse(
            &prepared,
            &window(SECOND_WINDOW_S, SECOND_WINDOW_S + MINUTE_S),
            &window(0.0, MINUTE_S),
            &Config::default(),
        )
    }
}

/// A minute of the first queue, then a minute of the second.
fn compare(before: Queue, now: Queue, seed: u64, waits: Waits) -> Analysis {
    let mut simulation = Simulation::new(seed, waits);
    simulation.run("server-0", before, 0.0);
    simulation.run("server-0", now, SECOND_WINDOW_S);
    simulation.analyse()
}

fn only(analysis: &Analysis) -> &Saturation {
    assert_eq!(analysis.saturation.len(), 1, "one instance");
    &analysis.saturation[0]
}

fn queue(arrivals_per_s: f64, service_ms: f64, servers: usize) -> Queue {
    Queue {
        arrivals_per_s,
        service_ms,
        servers,
    }
}

/// Mean number in an M/M/c system, by Erlang's C formula.
fn erlang_mean(one: Queue) -> f64 {
    let offered = one.arrivals_per_s * one.service_ms / 1e3;
    let busy = offered / one.servers as f64;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..one.servers {
        term *= offered / n as f64;
        sum += term;
    }
    let all_busy = term * offered / one.servers as f64 / (1.0 - busy);
    let waits = all_busy / (sum + all_busy);
    offered + waits * busy / (1.0 - busy)
}

#[test]
fn utilisation_and_littles_law_are_those_of_theory() {
    for waits in [Waits::Recorded, Waits::Hidden] {
        for one in [queue(70.0, 10.0, 1), queue(120.0, 20.0, 3)] {
            let analysis = compare(one, one, 7, waits);
            let load = &only(&analysis).now;
            let busy = one.arrivals_per_s * one.service_ms / 1e3 / one.servers as f64;
            let used = load.utilization.expect("the limit shows");
            assert!((used - busy).abs() < 0.06, "{waits:?} {used} and {busy}");
            let servers = load.servers.expect("the limit shows");
            assert!(
                (servers - one.servers as f64).abs() < 1e-3,
                "{waits:?} {one:?} {servers}"
            );
            assert!(load.is_inferred);
            assert!(load.littles_law_deviation.abs() < 0.03, "{load:?}");
            let open = erlang_mean(one);
            assert!(
                (load.concurrency / open - 1.0).abs() < 0.35,
                "{load:?} and {open}"
            );
        }
    }
}

#[test]
fn without_a_limit_none_is_made_up() {
    for seed in 0..10 {
        for waits in [Waits::Recorded, Waits::Hidden] {
            let one = queue(100.0, 30.0, 1000);
            let analysis = compare(one, one, seed, waits);
            let found = only(&analysis);
            assert_eq!(found.now.utilization, None, "{found:#?}");
            assert!(!found.slows_with_load, "{found:#?}");
        }
    }
}

#[test]
fn more_load_is_told_from_slower_service() {
    let (calm, busy) = (queue(30.0, 10.0, 1), queue(85.0, 10.0, 1));
    let slow = queue(30.0, 26.0, 1);
    let both = queue(45.0, 19.0, 1);
    for seed in 0..10 {
        for waits in [Waits::Recorded, Waits::Hidden] {
            let change = |before, now| only(&compare(before, now, seed, waits)).change;
            assert_eq!(change(calm, busy), LoadChange::MoreLoad, "{waits:?} {seed}");
            assert_eq!(
                change(calm, slow),
                LoadChange::SlowerService,
                "{waits:?} {seed}"
            );
            assert_eq!(change(calm, both), LoadChange::Both, "{waits:?} {seed}");
        }
    }
}

#[test]
fn nothing_is_said_of_queues_that_stay_as_they_are() {
    let kinds = [
        queue(70.0, 10.0, 1),
        queue(27.0, 100.0, 3),
        queue(8.0, 100.0, 1),
    ];
    for seed in 0..15 {
        for waits in [Waits::Recorded, Waits::Hidden] {
            for one in kinds {
                let analysis = compare(one, one, seed, waits);
                let found = only(&analysis);
                let circumstances = format!("{waits:?} {seed} {one:?} {found:#?}");
                assert_eq!(found.change, LoadChange::Same, "{circumstances}");
                assert_eq!(found.now.queue_growth, None, "{circumstances}");
                assert_eq!(analysis.load.first, None, "{circumstances}");
                assert!(!found.slows_with_load, "{circumstances}");
            }
        }
    }
}

#[test]
fn a_queue_grows_where_more_arrive_than_depart() {
    let (calm, flooded) = (queue(50.0, 10.0, 1), queue(130.0, 10.0, 1));
    for seed in 0..10 {
        for waits in [Waits::Recorded, Waits::Hidden] {
            let analysis = compare(calm, flooded, seed, waits);
            let found = only(&analysis);
            let growth = found.now.queue_growth.expect("it grows");
            // 30 calls a second more than can be served, for a minute.
            assert!((growth / 1800.0 - 1.0).abs() < 0.2, "{growth}");
            assert!(found.now.departure_rate_per_s < 0.85 * found.now.arrival_rate_per_s);
            let first = analysis.load.first.as_ref().expect("it saturates");
            assert_eq!((first.service.as_str(), first.by_use), ("server", true));
            assert!(first.from_s < 10.0, "{first:?}");
        }
    }
}

/// Servers that get in each other's way: each call takes longer with every other in service.
fn contended(
    simulation: &mut Simulation,
    from_s: f64,
    arrivals_per_s: f64,
    alone_ms: f64,
    each: f64,
) {
    let calls = simulation.arrivals(
        queue(arrivals_per_s, alone_ms, 1),
        from_s,
        from_s + MINUTE_S,
    );
    let mut ends_ms: Vec<f64> = Vec::new();
    for (at_ms, service_ms) in calls {
        ends_ms.retain(|&end_ms| end_ms > at_ms);
        let end_ms = at_ms + service_ms * (1.0 + each * ends_ms.len() as f64);
        ends_ms.push(end_ms);
        simulation.call("server-0", at_ms, at_ms, end_ms);
    }
}

#[test]
fn service_that_slows_with_load_is_told_from_service_that_does_not() {
    for seed in 0..10 {
        for (each, slows) in [(0.25, true), (0.0, false)] {
            let mut simulation = Simulation::new(seed, Waits::Recorded);
            contended(&mut simulation, 0.0, 60.0, 30.0, each);
            contended(&mut simulation, SECOND_WINDOW_S, 60.0, 30.0, each);
            let analysis = simulation.analyse();
            let found = only(&analysis);
            let limited = found.now.servers.is_some();
            assert_eq!(
                found.slows_with_load || limited,
                slows,
                "{seed} {each} {found:#?}"
            );
        }
    }
}

#[test]
fn the_first_to_saturate_is_the_one_that_does_so_first() {
    for seed in 0..10 {
        let mut simulation = Simulation::new(seed, Waits::Recorded);
        for (instance, full_from_s) in [("early-0", 15.0), ("late-0", 35.0)] {
            simulation.run(instance, queue(50.0, 10.0, 1), 0.0);
            let (from_s, to_s) = (SECOND_WINDOW_S, SECOND_WINDOW_S + MINUTE_S);
            let calm_until_s = from_s + full_from_s;
            let mut calls = simulation.arrivals(queue(50.0, 10.0, 1), from_s, calm_until_s);
            calls.extend(simulation.arrivals(queue(140.0, 10.0, 1), calm_until_s, to_s));
            simulation.serve(instance, 1, &calls);
        }
        let analysis = simulation.analyse();
        let first = analysis.load.first.as_ref().expect("something saturates");
        assert_eq!(first.service, "early", "{first:?}");
        assert!((first.from_s - 15.0).abs() <= 4.5, "{first:?}");
        let (next, next_s) = first.next.as_ref().expect("another follows");
        assert_eq!(next, "late");
        assert!((next_s - 35.0).abs() <= 4.5, "{first:?}");
    }
}

/// Four instances, the first of which gets more, or takes longer.
fn shared(seed: u64, more: f64, longer: f64) -> Analysis {
    let mut simulation = Simulation::new(seed, Waits::Recorded);
    for from_s in [0.0, SECOND_WINDOW_S] {
        for at in 0..4 {
            let (more, longer) = if at == 0 && from_s > 0.0 {
                (more, longer)
            } else {
                (1.0, 1.0)
            };
            let one = queue(20.0 * more, 10.0 * longer, 2);
            simulation.run(&format!("server-{at}"), one, from_s);
        }
    }
    simulation.analyse()
}

#[test]
fn an_instance_that_gets_too_much_is_named() {
    for seed in 0..10 {
        let analysis = shared(seed, 1.8, 1.0);
        let [balance] = &analysis.load.unbalanced[..] else {
            panic!("{:#?}", analysis.load);
        };
        let most = balance.most.as_ref().expect("one gets too much");
        assert_eq!(most.instance, "server-0");
        assert!((most.share - 1.8 / 4.8).abs() < 0.05, "{most:?}");
        let before = most.baseline_share.expect("it was called before");
        assert!((before - 0.25).abs() < 0.05, "{most:?}");
        assert!(most.p_value < 1e-6, "{most:?}");
        assert_eq!(balance.slower, None);
    }
}

#[test]
fn an_instance_that_is_slower_at_the_same_load_is_named() {
    for seed in 0..10 {
        let analysis = shared(seed, 1.0, 2.0);
        let [balance] = &analysis.load.unbalanced[..] else {
            panic!("{:#?}", analysis.load);
        };
        let slower = balance.slower.as_ref().expect("one is slower");
        assert_eq!(slower.instance, "server-0");
        assert!((slower.ratio - 2.0).abs() < 0.4, "{slower:?}");
        assert_eq!(balance.most, None);
    }
}

#[test]
fn instances_that_share_alike_are_not_named() {
    for seed in 0..60 {
        let analysis = shared(seed, 1.0, 1.0);
        assert_eq!(analysis.load.unbalanced, [], "{seed}");
    }
}

#[test]
fn a_service_is_the_sum_of_its_instances() {
    let analysis = shared(3, 1.8, 1.0);
    let [whole] = &analysis.load.services[..] else {
        panic!("{:#?}", analysis.load);
    };
    let sum = |of: fn(&Saturation) -> f64| analysis.saturation.iter().map(of).sum::<f64>();
    let rate = sum(|one| one.now.arrival_rate_per_s);
    let open = sum(|one| one.now.concurrency);
    assert!((whole.now.arrival_rate_per_s - rate).abs() < 1e-9);
    assert!((whole.now.concurrency - open).abs() < 1e-9);
}

#[test]
fn a_gauge_is_believed_before_spans() {
    let mut simulation = Simulation::new(1, Waits::Recorded);
    simulation.run("server-0", queue(50.0, 10.0, 1), 0.0);
    simulation.run("server-0", queue(50.0, 10.0, 1), SECOND_WINDOW_S);
    for second in 0..60 {
        let at_ms = (SECOND_WINDOW_S + f64::from(second)) * 1e3;
        let book = &mut simulation.book;
        book.gauge(at_ms, "server", "worker.utilization", 0.25);
    }
    let analysis = simulation.analyse();
    let found = only(&analysis);
    assert_eq!(found.now.utilization, Some(0.25));
    assert!(!found.now.is_inferred);
    let before = found.before.as_ref().expect("a baseline");
    assert!(before.is_inferred && before.utilization.is_some_and(|used| used > 0.4));
}
