//! The one table of causes: why time is lost, or requests fail, at a place.
//!
//! A row holds all that is known of a cause besides the rules that find it: its name in files and
//! reports, how sentences read that speak of its time, what it means, and the names of the spans that
//! say it by themselves. Whoever adds a cause adds a row here, and a rule in `questions/rules`; where spans
//! say it, a slot of `Costs` in `server_spans` too.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $cause:ident {
        name: $name:literal,
        words: $words:literal,
        meaning: $meaning:literal,
        spans: $spans:expr,
    })+) => {
        /// Why time is lost, or requests fail, at the place that a verdict names.
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            Serialize,
            Deserialize,
            JsonSchema,
        )]
        pub enum Cause {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $cause,)+
        }

        impl Cause {
            /// Every cause, at the position of its number.
            pub const ALL: [Cause; [$($name),+].len()] = [$(Cause::$cause),+];

            /// The name that experiment files and reports use.
            pub const fn name(self) -> &'static str {
                match self { $(Cause::$cause => $name,)+ }
            }

            /// The cause as a reader would say it after "time of": "queue wait of llm".
            pub const fn words(self) -> &'static str {
                match self { $(Cause::$cause => $words,)+ }
            }

            /// What the cause means, as the end of "because of SERVICE: …".
            pub const fn meaning(self) -> &'static str {
                match self { $(Cause::$cause => $meaning,)+ }
            }

            /// Names of spans that say by themselves that time passes for this cause.
            pub const fn spans(self) -> &'static [&'static str] {
                match self { $(Cause::$cause => &$spans,)+ }
            }
        }
    };
}

causes! {
    /// Waiting for a free server.
    Queue {
        name: "queue",
        words: "queue wait",
        meaning: "waiting for a free server",
        spans: ["queue.wait"],
    }
    /// A limit on how much is taken in a time, with room left behind it.
    RateLimit {
        name: "rate_limit",
        words: "calls beyond a limit",
        meaning: "a rate limit or quota that refuses calls, though there is room",
        spans: [],
    }
    /// Waiting for, or holding, a lock.
    Lock {
        name: "lock",
        words: "lock wait and hold",
        meaning: "waiting for a lock",
        spans: ["lock.wait", "lock.hold"],
    }
    /// Waiting for a connection from a pool.
    ConnectionPool {
        name: "connection_pool",
        words: "wait for a connection",
        meaning: "waiting for a connection from a pool",
        spans: ["pool.acquire"],
    }
    /// The service's own work.
    Compute {
        name: "compute",
        words: "own work",
        meaning: "its own work",
        spans: ["gen_ai.prefill", "gen_ai.decode"],
    }
    /// Waiting for the disk.
    Io {
        name: "io",
        words: "disk reads and writes",
        meaning: "waiting for its disk",
        spans: ["disk.read", "disk.write"],
    }
    /// Reading and writing messages.
    Codec {
        name: "codec",
        words: "reading and writing messages",
        meaning: "reading and writing its messages",
        spans: ["message.serialize"],
    }
    /// A cache that answers less than before, so that its work is done anew.
    Cache {
        name: "cache",
        words: "work that a cache saved before",
        meaning: "a cache that answers fewer look-ups than before",
        spans: [],
    }
    /// More calls of others for one request than before.
    Amplification {
        name: "amplification",
        words: "calls that it did not make before",
        meaning: "calling others more often for each request",
        spans: [],
    }
    /// Waiting for processor time that a quota withholds or others take.
    Cpu {
        name: "cpu",
        words: "withheld processor time",
        meaning: "waiting for processor time that a quota or a neighbour withholds",
        spans: ["cpu.throttled"],
    }
    /// Out of memory, garbage collection, restarts.
    Memory {
        name: "memory",
        words: "memory reclaim",
        meaning: "out of memory, or standing still to reclaim it",
        spans: ["gc.pause"],
    }
    /// KV-cache blocks ran out.
    KvCache {
        name: "kv_cache",
        words: "preemption",
        meaning: "running out of KV-cache blocks",
        spans: ["gen_ai.preempted"],
    }
    /// Between a client span and its server span.
    Network {
        name: "network",
        words: "network time",
        meaning: "time on the network",
        spans: [],
    }
    /// Attempts that failed and the waits between them.
    Retries {
        name: "retries",
        words: "failed attempts and backoff",
        meaning: "failed attempts and the waits between them",
        spans: ["retry.backoff"],
    }
    /// One of several parallel calls is slower than its siblings.
    Straggler {
        name: "straggler",
        words: "slowest parallel call",
        meaning: "one of several parallel calls is slower than its siblings",
        spans: [],
    }
    /// Merging parallel answers.
    FanIn {
        name: "fan_in",
        words: "merging",
        meaning: "merging parallel answers",
        spans: ["fan_in.merge"],
    }
    /// Calls one after the other that could run at the same time.
    SerialCalls {
        name: "serial_calls",
        words: "serial calls",
        meaning: "calls one after the other that could run at the same time",
        spans: [],
    }
    /// Errors whose reason the telemetry does not show.
    Errors {
        name: "errors",
        words: "calls without an answer",
        meaning: "errors whose reason the telemetry does not show",
        spans: [],
    }
}

impl Cause {
    /// The cause that a span of this name says by itself.
    pub fn of_span(name: &str) -> Option<Cause> {
        let mut all = Cause::ALL.into_iter();
        all.find(|cause| cause.spans().contains(&name))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_says_one_cause() {
        let spans = Cause::ALL.iter().flat_map(|cause| cause.spans());
        for &span in spans {
            let causes = Cause::ALL.iter();
            let said = causes.filter(|cause| cause.spans().contains(&span));
            assert_eq!(said.count(), 1, "{span}");
        }
    }
}
