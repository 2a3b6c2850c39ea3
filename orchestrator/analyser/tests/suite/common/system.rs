//! A small system that leaves traces: a request path with first-come, first-served stations, so
//! that queues are queues and not invented numbers.

use ragdoll_analyser::{Analysis, Config, Prepared, analyse};
use ragdoll_trace::{Severity, SpanKind};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Book, span, window};

/// Servers with one queue, first come, first served.
pub(crate) struct Station {
    free_from_ms: Vec<f64>,
    busy_ms: f64,
}

impl Station {
    pub(crate) fn new(servers: usize) -> Self {
        Station {
            free_from_ms: vec![0.0; servers],
            busy_ms: 0.0,
        }
    }

    /// When service starts for a call that arrives now.
    pub(crate) fn start(&mut self, now_ms: f64, service_ms: f64) -> f64 {
        let first = self
            .free_from_ms
            .iter_mut()
            .min_by(|a, b| a.total_cmp(b))
            .expect("servers");
        let start = first.max(now_ms);
        *first = start + service_ms;
        self.busy_ms += service_ms;
        start
    }

    /// The wait of a call that arrives now.
    pub(crate) fn wait_ms(&self, now_ms: f64) -> f64 {
        let first = self
            .free_from_ms
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        (first - now_ms).max(0.0)
    }
}

/// The system and its load. Times are means in milliseconds.
#[derive(Clone)]
pub(crate) struct System {
    pub(crate) arrivals_per_s: f64,
    pub(crate) metadata_lock_ms: f64,
    pub(crate) embedder_servers: usize,
    pub(crate) embedder_ms: f64,
    pub(crate) shards: usize,
    pub(crate) shard_ms: f64,
    /// Added to the work of one shard.
    pub(crate) slow_shard: Option<(usize, f64)>,
    /// Added to the network of one shard.
    pub(crate) far_shard: Option<(usize, f64)>,
    pub(crate) reranker_ms: f64,
    pub(crate) llm_servers: usize,
    pub(crate) llm_token_ms: f64,
    /// Wait from which the LLM refuses calls.
    pub(crate) llm_refuse_wait_ms: f64,
    /// Times at which a request with a large document set is the next to come.
    pub(crate) out_of_memory: bool,
    /// Share of calls of the embedder that fail at first and are tried again.
    pub(crate) embedder_failures: f64,
}

impl Default for System {
    fn default() -> Self {
        System {
            arrivals_per_s: 10.0,
            metadata_lock_ms: 2.0,
            embedder_servers: 2,
            embedder_ms: 20.0,
            shards: 4,
            shard_ms: 15.0,
            slow_shard: None,
            far_shard: None,
            reranker_ms: 30.0,
            llm_servers: 16,
            llm_token_ms: 8.0,
            llm_refuse_wait_ms: f64::INFINITY,
            out_of_memory: false,
            embedder_failures: 0.0,
        }
    }
}

const DEADLINE_MS: f64 = 6000.0;
const STALL_MS: f64 = 11_000.0;
const RESTART_MS: f64 = 1500.0;

/// What is left to happen after a part of a request: its end, or the error that ends it.
type Outcome = Result<f64, (f64, &'static str)>;

/// One request in the making.
struct Request<'b> {
    book: &'b mut Book,
    trace_id: u128,
    gateway: u64,
}

impl Request<'_> {
    /// A call from the gateway with `parts` one after the other on the callee's side, where the
    /// part "self" leaves no span.
    fn call(&mut self, service: &str, operation: &str, from_ms: f64, parts: &[(&str, f64)]) -> f64 {
        let attribute = ("rag.call", 1);
        let parent = self.gateway;
        let instance = format!("{service}-0");
        let caller = ("gateway", "gateway-0");
        self.call_as(
            parent,
            caller,
            (service, &instance),
            operation,
            from_ms,
            0.2,
            parts,
            attribute,
        )
    }

    #[allow(clippy::too_many_arguments)]
    fn call_as(
        &mut self,
        parent: u64,
        caller: (&str, &str),
        callee: (&str, &str),
        operation: &str,
        from_ms: f64,
        network_ms: f64,
        parts: &[(&str, f64)],
        attribute: (&'static str, i64),
    ) -> f64 {
        let (client, server) = (self.book.id(), self.book.id());
        let total: f64 = parts.iter().map(|part| part.1).sum();
        let (start, end) = (from_ms + network_ms, from_ms + network_ms + total);
        let mut at = start;
        for &(name, ms) in parts {
            if name != "self" && ms > 0.0 {
                let id = self.book.id();
                let spec = span(callee.0, callee.1, name, at, at + ms).under(server);
                self.book.add(self.trace_id, id, spec);
            }
            at += ms;
        }
        let spec = span(callee.0, callee.1, operation, start, end)
            .kind(SpanKind::Server)
            .under(client)
            .int(attribute.0, attribute.1);
        self.book.add(self.trace_id, server, spec);
        let spec = span(caller.0, caller.1, operation, from_ms, end + network_ms)
            .kind(SpanKind::Client)
            .under(parent)
            .text("server.address", callee.0)
            .text("server.instance", callee.1);
        self.book.add(self.trace_id, client, spec);
        end + network_ms
    }

    /// A call by the gateway that gets no answer.
    fn unanswered(
        &mut self,
        service: &str,
        operation: &str,
        from_ms: f64,
        to_ms: f64,
        error: &'static str,
        attribute: (&'static str, i64),
    ) {
        let id = self.book.id();
        let spec = span("gateway", "gateway-0", operation, from_ms, to_ms)
            .kind(SpanKind::Client)
            .under(self.gateway)
            .text("server.address", service)
            .text("server.instance", &format!("{service}-0"))
            .int(attribute.0, attribute.1)
            .failed(Some(error));
        self.book.add(self.trace_id, id, spec);
    }
}

/// The processes of the system during a phase.
struct Running {
    system: System,
    rng: Xoshiro256PlusPlus,
    lock: Station,
    embedder: Station,
    shards: Vec<Station>,
    reranker: Station,
    llm: Station,
    stall_from_ms: f64,
    dies_at_ms: f64,
    next_culprit_ms: f64,
}

impl Running {
    fn exponential(&mut self, mean: f64) -> f64 {
        let uniform: f64 = self.rng.random();
        -mean * (1.0 - uniform).ln()
    }

    /// Between half and one and a half times the mean.
    fn around(&mut self, mean: f64) -> f64 {
        mean * (0.5 + self.rng.random::<f64>())
    }

    fn request(&mut self, book: &mut Book, trace_id: u128, now_ms: f64) {
        let (root, gateway_call) = (book.id(), book.id());
        let mut request = Request {
            book,
            trace_id,
            gateway: gateway_call,
        };
        let outcome = self.steps(&mut request, now_ms + 0.5);
        let (end, error) = match outcome {
            Ok(end) => (end, None),
            Err((end, error)) => (end, Some(error)),
        };
        let user = format!("user-{}", self.rng.random_range(0..50));
        let gateway = span(
            "gateway",
            "gateway-0",
            "POST /v1/query",
            now_ms + 0.2,
            end + 0.3,
        )
        .kind(SpanKind::Server)
        .under(root)
        .text("request.id", &trace_id.to_string())
        .text("user.id", &user)
        .failed(error.map(|_| "502"));
        book.add(trace_id, gateway_call, gateway);
        let client = span("client", "client-0", "POST /v1/query", now_ms, end + 0.5)
            .kind(SpanKind::Client)
            .text("server.address", "gateway")
            .text("request.id", &trace_id.to_string())
            .failed(error.map(|_| "502"));
        book.add(trace_id, root, client);
    }

    fn steps(&mut self, request: &mut Request<'_>, mut now: f64) -> Outcome {
        let hold = self.around(self.system.metadata_lock_ms);
        let wait = self.lock.start(now, hold) - now;
        let parts = [("lock.wait", wait), ("lock.hold", hold), ("self", 1.0)];
        now = request.call("metadata", "ragdoll.v1.Metadata/Lookup", now, &parts);

        if self.rng.random::<f64>() < self.system.embedder_failures {
            let until = now + 40.0;
            request.unanswered("embedder", "Embed", now, until, "UNAVAILABLE", ("try", 1));
            let id = request.book.id();
            let backoff = span("gateway", "gateway-0", "retry.backoff", until, until + 60.0);
            request
                .book
                .add(request.trace_id, id, backoff.under(request.gateway));
            now = until + 60.0;
        }
        let work = self.exponential(self.system.embedder_ms);
        let wait = self.embedder.start(now, work) - now;
        now = request.call(
            "embedder",
            "Embed",
            now,
            &[("queue.wait", wait), ("self", work)],
        );

        now = self.search(request, now);
        now = self.rerank(request, now)?;

        let tokens = self.around(100.0).round();
        let work = tokens * self.around(self.system.llm_token_ms);
        if self.llm.wait_ms(now) > self.system.llm_refuse_wait_ms {
            return Err(self.refuse(request, now));
        }
        let wait = self.llm.start(now, work) - now;
        let parts = [
            ("queue.wait", wait),
            ("gen_ai.prefill", 40.0),
            ("gen_ai.decode", work),
        ];
        let caller = ("gateway", "gateway-0");
        let tokens = ("gen_ai.usage.output_tokens", tokens as i64);
        let path = "POST /v1/chat/completions";
        let gateway = request.gateway;
        Ok(request.call_as(
            gateway,
            caller,
            ("llm", "llm-0"),
            path,
            now,
            0.2,
            &parts,
            tokens,
        ))
    }

    fn refuse(&mut self, request: &mut Request<'_>, now: f64) -> (f64, &'static str) {
        let (client, server) = (request.book.id(), request.book.id());
        let path = "POST /v1/chat/completions";
        let spec = span("llm", "llm-0", path, now + 0.2, now + 0.4)
            .kind(SpanKind::Server)
            .under(client)
            .failed(Some("503"));
        request.book.add(request.trace_id, server, spec);
        let spec = span("gateway", "gateway-0", path, now, now + 0.6)
            .kind(SpanKind::Client)
            .under(request.gateway)
            .text("server.address", "llm")
            .failed(Some("503"));
        request.book.add(request.trace_id, client, spec);
        (now + 0.6, "503")
    }

    fn search(&mut self, request: &mut Request<'_>, now: f64) -> f64 {
        let (client, server) = (request.book.id(), request.book.id());
        let start = now + 0.4;
        let mut last = start;
        for shard in 0..self.system.shards {
            let slow = self.system.slow_shard.filter(|slow| slow.0 == shard);
            let far = self.system.far_shard.filter(|far| far.0 == shard);
            let work = self.around(self.system.shard_ms) + slow.map_or(0.0, |slow| slow.1);
            let network = 0.2 + far.map_or(0.0, |far| self.around(far.1));
            let wait = self.shards[shard].start(start, work) - start;
            let instance = format!("shard-{shard}-0");
            let end = request.call_as(
                server,
                ("vector-db", "vector-db-0"),
                ("shard", &instance),
                "Search",
                start,
                network,
                &[("queue.wait", wait), ("self", work)],
                ("rag.shard", shard as i64),
            );
            last = f64::max(last, end);
        }
        let merge = request.book.id();
        let spec = span("vector-db", "vector-db-0", "fan_in.merge", last, last + 0.5);
        request
            .book
            .add(request.trace_id, merge, spec.under(server));
        let spec = span("vector-db", "vector-db-0", "Query", now + 0.2, last + 0.7);
        request.book.add(
            request.trace_id,
            server,
            spec.kind(SpanKind::Server).under(client),
        );
        let spec = span("gateway", "gateway-0", "Query", now, last + 0.9)
            .kind(SpanKind::Client)
            .under(request.gateway)
            .text("server.address", "vector-db");
        request.book.add(request.trace_id, client, spec);
        last + 0.9
    }

    /// One request in a while has so many documents that the reranker reclaims memory, stalled,
    /// until it is killed; what it was doing is lost.
    fn rerank(&mut self, request: &mut Request<'_>, now: f64) -> Outcome {
        let mut size = (self.exponential(8000.0) + 2000.0).min(60_000.0) as i64;
        let up_again = self.dies_at_ms + RESTART_MS;
        if self.system.out_of_memory && now >= self.next_culprit_ms && now >= up_again {
            size = 400_000 + self.exponential(50_000.0) as i64;
            self.next_culprit_ms = now + 20_000.0;
            self.stall_from_ms = now;
            self.dies_at_ms = now + STALL_MS;
            let book = &mut request.book;
            book.log(
                self.dies_at_ms,
                Severity::Error,
                "reranker",
                "OutOfMemory: process killed",
            );
            book.log(
                self.dies_at_ms + RESTART_MS,
                Severity::Info,
                "reranker",
                "process started",
            );
        }
        let attribute = ("rag.documents.size_bytes", size);
        let work = self.around(self.system.reranker_ms);
        let until = if now < self.stall_from_ms || now >= self.dies_at_ms + RESTART_MS {
            None
        } else if now >= self.dies_at_ms {
            Some((now + 0.4, "UNAVAILABLE"))
        } else if now + DEADLINE_MS <= self.dies_at_ms {
            Some((now + DEADLINE_MS, "DEADLINE_EXCEEDED"))
        } else {
            Some((self.dies_at_ms, "UNAVAILABLE"))
        };
        if let Some((end, error)) = until {
            request.unanswered("reranker", "Rerank", now, end, error, attribute);
            return Err((end, error));
        }
        let wait = self.reranker.start(now, work) - now;
        let parts = [("queue.wait", wait), ("self", work)];
        let (gateway, caller) = (request.gateway, ("gateway", "gateway-0"));
        let callee = ("reranker", "reranker-0");
        Ok(request.call_as(
            gateway, caller, callee, "Rerank", now, 0.2, &parts, attribute,
        ))
    }
}

/// Runs a system for a while from `from_s` on.
pub(crate) fn run(book: &mut Book, system: &System, seed: u64, from_s: f64, seconds: f64) {
    let mut running = Running {
        system: system.clone(),
        rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        lock: Station::new(1),
        embedder: Station::new(system.embedder_servers),
        shards: (0..system.shards).map(|_| Station::new(4)).collect(),
        reranker: Station::new(4),
        llm: Station::new(system.llm_servers),
        stall_from_ms: f64::INFINITY,
        dies_at_ms: f64::NEG_INFINITY,
        next_culprit_ms: from_s * 1e3 + 3000.0,
    };
    let to_ms = (from_s + seconds) * 1e3;
    let mut now_ms = from_s * 1e3;
    for number in 0.. {
        now_ms += running.exponential(1e3 / system.arrivals_per_s);
        if now_ms >= to_ms {
            break;
        }
        let trace_id = (u128::from(from_s as u64 + 1) << 64) | (number + 1);
        running.request(book, trace_id, now_ms);
    }
    for second in 0..seconds as u64 {
        let at_ms = (from_s + second as f64) * 1e3;
        let share = |station: &Station, servers: usize| {
            (station.busy_ms / (seconds * 1e3 * servers as f64)).min(1.0)
        };
        book.gauge(
            at_ms,
            "metadata",
            "lock.utilization",
            share(&running.lock, 1),
        );
        let embedder = share(&running.embedder, system.embedder_servers);
        book.gauge(at_ms, "embedder", "worker.utilization", embedder);
        book.gauge(
            at_ms,
            "llm",
            "worker.utilization",
            share(&running.llm, system.llm_servers),
        );
    }
}

/// A minute of each system, the first of which is the baseline, and what the analyser says of the
/// second.
pub(crate) fn compare(baseline: &System, system: &System, seed: u64) -> Analysis {
    let mut book = Book::default();
    run(&mut book, baseline, seed, 0.0, 60.0);
    run(&mut book, system, seed + 1_000_000, 100.0, 60.0);
    let prepared = Prepared::new(&book.observations);
    analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &Config::default(),
    )
}
