//! A service that is being described, and its calls.

use bytes::Bytes;
use ragdoll_model::Dist;
use ragdoll_stubs::hop::{Behaviours, Failure, Request};
use toml::{Table, Value};

use crate::text::{below, push, value};

/// A service that is being described. What a request passes there (`work`, `disk_read_bytes`, `lock`, `calls` and the
/// like) is passed in the order of these methods. A service that says nothing of it works for 5 ms in the median.
#[derive(Debug)]
pub struct ServiceBuilder {
    pub(crate) table: Table,
    pub(crate) registry: Behaviours,
    pub(crate) name: String,
}

impl ServiceBuilder {
    /// Copies of it, from 1 to 100; 1 unless given.
    #[must_use]
    pub fn instances(self, count: u32) -> Self {
        self.with("instances", count)
    }

    /// Requests in progress at once in one copy, at least 1; 200 unless given. A request keeps its worker while it
    /// waits for others.
    #[must_use]
    pub fn workers(self, count: u32) -> Self {
        self.with("workers", count)
    }

    /// Requests that may wait for a worker; more are refused. 100 unless given.
    #[must_use]
    pub fn queue_bound(self, requests: u32) -> Self {
        self.with("queue_bound", requests)
    }

    /// Processors of one copy, which all of its work shares; as many as it has workers unless given.
    #[must_use]
    pub fn cpu_cores(self, cores: u32) -> Self {
        self.with("cpu_cores", cores)
    }

    /// Processor time that one copy may use in each 100 ms.
    #[must_use]
    pub fn cpu_quota_ms(self, ms: f64) -> Self {
        self.with("cpu_quota_ms", ms)
    }

    /// Serves requests by a function, in place of all that a request would pass. `calls` then says whom the function
    /// may call.
    #[must_use]
    pub fn behaviour<F, A>(mut self, serve: F) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Bytes, Failure>> + Send + 'static,
    {
        self.registry.register(self.name.clone(), serve);
        let name = self.name.clone();
        self.with("behaviour", name)
    }

    /// Work for this long.
    #[must_use]
    pub fn work_ms(self, ms: f64) -> Self {
        self.work(Dist::fixed(ms))
    }

    /// Work for a time that is drawn for each request.
    #[must_use]
    pub fn work(self, time: Dist) -> Self {
        self.stage("work", value(time))
    }

    /// A lock that one request at a time holds, for this long.
    #[must_use]
    pub fn lock(self, hold: Dist) -> Self {
        let lock = Table::from_iter([("hold".to_owned(), value(hold))]);
        self.stage("lock", lock.into())
    }

    /// A read of the copy's disk, of at most 1 GiB. One in ten is not in the page cache.
    #[must_use]
    pub fn disk_read_bytes(self, bytes: u32) -> Self {
        let disk = Table::from_iter([("read_bytes".to_owned(), value(bytes))]);
        self.stage("disk", disk.into())
    }

    /// A write to the copy's disk, of at most 1 GiB, until it is there for good.
    #[must_use]
    pub fn disk_write_bytes(self, bytes: u32) -> Self {
        let disk = [("write_bytes", value(bytes)), ("fsync", true.into())];
        let disk = disk.map(|(key, given)| (key.to_owned(), given));
        self.stage("disk", Table::from_iter(disk).into())
    }

    /// Share of reads that the page cache answers, from 0 to 1; 0.9 unless given.
    #[must_use]
    pub fn disk_cached_share(mut self, share: f64) -> Self {
        below(&mut self.table, &["disk"]).insert("cached_share".to_owned(), share.into());
        self
    }

    /// A limit of so many requests a second, above 0, which refuses the others.
    #[must_use]
    pub fn rate_limit_per_s(self, rate: f64) -> Self {
        let limit = Table::from_iter([("per_s".to_owned(), rate.into())]);
        self.stage("rate_limit", limit.into())
    }

    /// A call of another service: its name, or a [`Call`] that says more.
    #[must_use]
    pub fn calls(self, call: impl Into<Call>) -> Self {
        self.calls_at_once([call.into()])
    }

    /// Calls of several services at once, all of which are waited for.
    #[must_use]
    pub fn calls_at_once<C: Into<Call>>(mut self, calls: impl IntoIterator<Item = C>) -> Self {
        let calls = calls
            .into_iter()
            .map(|call| Value::Table(call.into().table));
        push(
            &mut self.table,
            "stages",
            stage("calls", Value::Array(calls.collect())),
        );
        self
    }

    fn stage(mut self, kind: &str, given: Value) -> Self {
        push(&mut self.table, "stages", stage(kind, given));
        self
    }

    fn with(mut self, key: &str, given: impl Into<Value>) -> Self {
        self.table.insert(key.to_owned(), given.into());
        self
    }

    /// The table of the service. One with a behaviour lists its calls outside of the stages.
    pub(crate) fn finish(mut self) -> (Table, Behaviours) {
        if self.table.contains_key("behaviour") {
            let stages = self.table.remove("stages");
            let stages = stages.and_then(|stages| stages.as_array().cloned());
            for stage in stages.unwrap_or_default() {
                match stage.get("calls").and_then(Value::as_array) {
                    None => push(&mut self.table, "stages", stage),
                    Some(calls) => {
                        for call in calls {
                            push(&mut self.table, "calls", call.clone());
                        }
                    }
                }
            }
        }
        (self.table, self.registry)
    }
}

fn stage(kind: &str, given: Value) -> Table {
    Table::from_iter([(kind.to_owned(), given)])
}

/// A call of another service, and how it is made.
#[derive(Clone, Debug)]
pub struct Call {
    table: Table,
}

impl Call {
    /// A call of this service, made once, with no time-out but the request's own.
    pub fn to(service: &str) -> Call {
        let table = Table::from_iter([("service".to_owned(), service.into())]);
        Call { table }
    }

    /// Attempts at most, at least 1, after waits that start at 100 ms in the mean and double.
    #[must_use]
    pub fn attempts(self, count: u32) -> Call {
        self.plan("attempts", count)
    }

    /// Time-out of one attempt.
    #[must_use]
    pub fn timeout_ms(self, ms: f64) -> Call {
        self.plan("timeout_ms", ms)
    }

    /// Time after which a second copy of the call is sent, and the first answer taken.
    #[must_use]
    pub fn hedge_after_ms(self, ms: f64) -> Call {
        self.plan("hedge_after_ms", ms)
    }

    /// Connections that one copy of the caller keeps, at least 1, of which each call takes one.
    #[must_use]
    pub fn pool(mut self, connections: u32) -> Call {
        below(&mut self.table, &["pool"]).insert("size".to_owned(), connections.into());
        self
    }

    fn plan(mut self, key: &str, given: impl Into<Value>) -> Call {
        below(&mut self.table, &["plan"]).insert(key.to_owned(), given.into());
        self
    }
}

impl From<&str> for Call {
    fn from(service: &str) -> Call {
        Call::to(service)
    }
}
