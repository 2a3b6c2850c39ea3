//! What the calls of one process add up to in one window: one pass over them in the order of time, into
//! a number of sums that does not depend on how many calls there are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::facts::server_spans::ServerSpan;
use crate::facts::time::Window;
use crate::questions::saturation::levels::{BLOCKS, LEVELS, Table, level_of};

/// Equal parts of a window in which sums are kept; a multiple of the blocks.
pub(crate) const BINS: usize = 40;

/// Which of `count` equal parts of a window a time is in; the first or the last for one outside.
pub(crate) fn part_of(window: &Window, time_ns: u64, count: usize) -> usize {
    let length_ns = part_ns(window, count);
    let part = time_ns.saturating_sub(window.start_ns) / length_ns;
    (part as usize).min(count - 1)
}

fn part_ns(window: &Window, count: usize) -> u64 {
    let length_ns = window.end_ns.saturating_sub(window.start_ns);
    length_ns.div_ceil(count as u64).max(1)
}

/// Sums of one part of a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bin {
    pub(super) arrivals: u32,
    pub(super) departures: u32,
    /// Seconds times calls that were open.
    pub(super) open_s: f64,
    /// Seconds times calls that were past the wait for a server.
    pub(super) serving_s: f64,
    /// Open when the part ends.
    pub(super) open_at_end: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) seconds: f64,
    pub(super) bins: [Bin; BINS],
    pub(super) open_at_start: f64,
    /// Sums over the calls that arrived, in milliseconds.
    pub(super) duration_ms: f64,
    pub(super) own_ms: f64,
    pub(super) downstream_ms: f64,
    pub(super) queue_ms: f64,
    /// Calls that waited for a server, as their spans say.
    pub(super) waited: u64,
    /// By number of others in service.
    pub(super) times: Table,
    /// Seconds with so many in service, by part of the window.
    pub(super) level_s: Vec<[f64; LEVELS]>,
    /// Seconds in which somebody waited, and those times the calls in service then.
    pub(super) waiting_s: f64,
    pub(super) serving_while_waiting_s: f64,
}

/// Ends come before beginnings at the same moment: whoever leaves makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ends,
    BeginsService { server_span: usize },
}

struct Pass<'v> {
    server_spans: &'v [ServerSpan],
    window: Window,
    tally: Tally,
    coming: BinaryHeap<Reverse<(u64, Event)>>,
    at_ns: u64,
    bin: usize,
    open: usize,
    serving: usize,
}

impl Tally {
    /// The sums of `server_spans`, which are in the order of their start; those that began before the window
    /// and are still open count as open.
    pub(super) fn new(server_spans: &[ServerSpan], window: &Window) -> Tally {
        let mut pass = Pass {
            server_spans,
            window: *window,
            tally: Tally::empty(window),
            coming: BinaryHeap::new(),
            at_ns: window.start_ns,
            bin: 0,
            open: 0,
            serving: 0,
        };
        for (number, server_span) in server_spans.iter().enumerate() {
            if server_span.start_ns >= window.end_ns {
                break;
            }
            if server_span.start_ns >= window.start_ns || server_span.end_ns() > window.start_ns {
                pass.arrives(number, server_span);
            }
        }
        pass.happens_until(window.end_ns);
        pass.moves_on(window.end_ns);
        pass.tally
    }

    pub(super) fn empty(window: &Window) -> Tally {
        Tally {
            seconds: window.seconds().max(1e-9),
            bins: [Bin::default(); BINS],
            open_at_start: 0.0,
            duration_ms: 0.0,
            own_ms: 0.0,
            downstream_ms: 0.0,
            queue_ms: 0.0,
            waited: 0,
            times: Table::new(),
            level_s: vec![[0.0; LEVELS]; BINS],
            waiting_s: 0.0,
            serving_while_waiting_s: 0.0,
        }
    }

    /// Adds the sums of another process in the same window.
    pub(super) fn append(&mut self, other: &Tally) {
        for (own, more) in self.bins.iter_mut().zip(&other.bins) {
            own.arrivals += more.arrivals;
            own.departures += more.departures;
            own.open_s += more.open_s;
            own.serving_s += more.serving_s;
            own.open_at_end += more.open_at_end;
        }
        self.open_at_start += other.open_at_start;
        self.duration_ms += other.duration_ms;
        self.own_ms += other.own_ms;
        self.downstream_ms += other.downstream_ms;
        self.queue_ms += other.queue_ms;
        self.waited += other.waited;
        self.times.append(&other.times);
        let more = other.level_s.iter().flatten();
        for (own, more) in self.level_s.iter_mut().flatten().zip(more) {
            *own += more;
        }
        self.waiting_s += other.waiting_s;
        self.serving_while_waiting_s += other.serving_while_waiting_s;
    }

    pub(super) fn bin_s(&self) -> f64 {
        self.seconds / BINS as f64
    }

    pub(super) fn arrivals(&self) -> f64 {
        self.bins.iter().map(|bin| f64::from(bin.arrivals)).sum()
    }

    pub(super) fn departures(&self) -> f64 {
        self.bins.iter().map(|bin| f64::from(bin.departures)).sum()
    }

    pub(super) fn open_mean(&self) -> f64 {
        self.bins.iter().map(|bin| bin.open_s).sum::<f64>() / self.seconds
    }

    pub(super) fn serving_mean(&self) -> f64 {
        self.bins.iter().map(|bin| bin.serving_s).sum::<f64>() / self.seconds
    }

    /// Mean over the calls that arrived; 0 of none.
    pub(super) fn a_call(&self, sum_ms: f64) -> f64 {
        sum_ms / self.arrivals().max(1.0)
    }

    /// Share of a call's time in which it waits for calls of others.
    pub(super) fn downstream_share(&self) -> f64 {
        self.downstream_ms / self.duration_ms.max(1e-9)
    }
}

/// Milliseconds of a server span's own work.
fn own_ms(server_span: &ServerSpan) -> f64 {
    let costs = &server_span.costs;
    let own =
        costs.compute + costs.codec + costs.cpu + costs.memory + costs.kv_cache + costs.fan_in;
    f64::from(own).max(0.0)
}

impl Pass<'_> {
    fn arrives(&mut self, number: usize, server_span: &ServerSpan) {
        let began_before = server_span.start_ns < self.window.start_ns;
        let arrives_ns = server_span.start_ns.max(self.window.start_ns);
        self.happens_until(arrives_ns);
        self.moves_on(arrives_ns);
        self.open += 1;
        let end_ns = server_span.end_ns();
        // A call that waits until its end is served for its last moment, so that it begins before it ends.
        let serves_ns = server_span.served_from_ns().min(end_ns.saturating_sub(1));
        self.coming.push(Reverse((end_ns, Event::Ends)));
        if serves_ns > arrives_ns {
            let begins = Event::BeginsService {
                server_span: number,
            };
            self.coming.push(Reverse((serves_ns, begins)));
        } else {
            self.begins_service(server_span, serves_ns);
        }
        if began_before {
            self.tally.open_at_start += 1.0;
            return;
        }
        let tally = &mut self.tally;
        tally.bins[part_of(&self.window, arrives_ns, BINS)].arrivals += 1;
        tally.duration_ms += f64::from(server_span.duration_ms);
        tally.own_ms += own_ms(server_span);
        tally.downstream_ms += f64::from(server_span.costs.downstream);
        tally.queue_ms += f64::from(server_span.costs.queue);
        tally.waited += u64::from(serves_ns > arrives_ns);
    }

    fn begins_service(&mut self, server_span: &ServerSpan, at_ns: u64) {
        if at_ns >= self.window.start_ns {
            let block = part_of(&self.window, at_ns, BLOCKS);
            self.tally
                .times
                .add(block, self.serving, own_ms(server_span));
        }
        self.serving += 1;
    }

    /// Lets everything happen that is due at this moment or before.
    fn happens_until(&mut self, to_ns: u64) {
        while let Some(&Reverse((at_ns, event))) = self.coming.peek() {
            let is_late = at_ns > to_ns || at_ns >= self.window.end_ns;
            if is_late {
                return;
            }
            self.coming.pop();
            self.moves_on(at_ns);
            match event {
                Event::Ends => {
                    self.open -= 1;
                    self.serving -= 1;
                    self.tally.bins[part_of(&self.window, at_ns, BINS)].departures += 1;
                }
                Event::BeginsService { server_span } => {
                    let server_span = &self.server_spans[server_span];
                    self.begins_service(server_span, at_ns);
                }
            }
        }
    }

    /// Lets time pass in which nothing happens.
    fn moves_on(&mut self, to_ns: u64) {
        let to_ns = to_ns.min(self.window.end_ns);
        let (open, serving) = (self.open as f64, self.serving as f64);
        while self.at_ns < to_ns {
            let bin_end_ns = self.bin_end_ns();
            let until_ns = bin_end_ns.min(to_ns);
            let passed_s = (until_ns - self.at_ns) as f64 / 1e9;
            let tally = &mut self.tally;
            let bin = &mut tally.bins[self.bin];
            bin.open_s += passed_s * open;
            bin.serving_s += passed_s * serving;
            bin.open_at_end = open;
            tally.level_s[self.bin][level_of(self.serving)] += passed_s;
            if self.open > self.serving {
                tally.waiting_s += passed_s;
                tally.serving_while_waiting_s += passed_s * serving;
            }
            self.at_ns = until_ns;
            if until_ns == bin_end_ns && self.bin + 1 < BINS {
                self.bin += 1;
            }
        }
    }

    /// The first nanosecond after the present part of the window.
    fn bin_end_ns(&self) -> u64 {
        let length_ns = part_ns(&self.window, BINS);
        let end_ns = self.window.start_ns + length_ns * (self.bin as u64 + 1);
        if self.bin + 1 == BINS {
            end_ns.max(self.window.end_ns)
        } else {
            end_ns
        }
    }
}
