//! Kinds that only give requests other parameters of a resource: a row each.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_dist, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Declares kinds: what each is, its parameters with an example and a check each, and what it sets.
macro_rules! patches {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident {
            name: $name:literal,
            summary: $summary:literal,
            resource: $resource:literal,
            needs: $needs:expr,
            causes: [$($cause:literal),+],
            params: { $(
                $(#[doc = $param_doc:literal])+
                $param:ident: $type:ty, example $example:expr, check $check:expr;
            )* },
            sets: |$fault:ident| { $($field:ident: $value:expr),+ },
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $kind {
            $($(#[doc = $param_doc])+ $param: $type,)*
        }

        impl Kind for $kind {
            const INFO: KindInfo = KindInfo {
                name: $name,
                summary: $summary,
                resource: $resource,
                services: &[],
                graph: Some($needs),
                edges: false,
                standing: false,
                callers: false,
                causes: &[$($cause),+],
            };

            fn example() -> Self {
                $kind { $($param: $example),* }
            }

            fn check(&self) -> Result<(), ParamError> {
                $({
                    let check: fn(&str, &$type) -> Result<(), ParamError> = $check;
                    check(stringify!($param), &self.$param)?;
                })*
                Ok(())
            }
        }

        impl Fault for $kind {
            fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
                let $fault = self;
                Decision::overrides(Overrides {
                    $($field: Some($value),)+
                    ..Overrides::default()
                })
            }
        }
    )+ };
}

patches! {
    /// Whatever the disk does takes it so many times as long.
    SlowDisk {
        name: "slow_disk",
        summary: "each operation of the disk takes longer, and those behind it wait",
        resource: "disk",
        needs: Needs::Disk,
        causes: ["io"],
        params: {
            /// Factor on the time of an operation, from 0.001 to 100,000.
            factor: f64, example 8.0, check |key, factor| check_within(key, *factor, 0.001, 1e5);
        },
        sets: |fault| { disk_time_factor: fault.factor },
    }

    /// It takes longer until what was written is on the disk for good.
    FsyncStall {
        name: "fsync_stall",
        summary: "what waits until its writes are on the disk waits for longer",
        resource: "disk",
        needs: Needs::Disk,
        causes: ["io"],
        params: {
            /// Time until what was written is on the disk, beside moving it.
            fsync: Dist, example Dist::fixed(60.0), check check_dist;
        },
        sets: |fault| { disk_fsync: fault.fsync },
    }

    /// The page cache has lost what it had: reads come to the disk.
    PageCacheCold {
        name: "page_cache_cold",
        summary: "the page cache answers fewer reads, so that more of them come to the disk",
        resource: "disk",
        needs: Needs::Disk,
        causes: ["io"],
        params: {
            /// Share of reads that the page cache answers, from 0 to 1.
            cached_share: f64, example 0.0, check |key, share| check_within(key, *share, 0.0, 1.0);
        },
        sets: |fault| { disk_cached_share: fault.cached_share },
    }

    /// The accelerator takes so many times as long: it is too hot, or its power is capped.
    DeviceThrottling {
        name: "device_throttling",
        summary: "an accelerator works more slowly, and those behind it wait",
        resource: "device",
        needs: Needs::Device,
        causes: ["compute", "queue"],
        params: {
            /// Factor on the time of a request, from 0.001 to 100,000.
            factor: f64, example 4.0, check |key, factor| check_within(key, *factor, 0.001, 1e5);
        },
        sets: |fault| { device_time_factor: fault.factor },
    }

    /// Reading and writing messages takes so many times as long.
    SerialisationCost {
        name: "serialisation_cost",
        summary: "reading and writing messages takes more of the processors' time",
        resource: "codec",
        needs: Needs::Codec,
        causes: ["codec", "queue"],
        params: {
            /// Factor on the time a byte, from 0.001 to 100,000.
            factor: f64, example 20.0, check |key, factor| check_within(key, *factor, 0.001, 1e5);
        },
        sets: |fault| { codec_time_factor: fault.factor },
    }

    /// An agent's loop goes on where it should be done.
    RunawayLoop {
        name: "runaway_loop",
        summary: "an agent takes more steps for each request, and calls models and tools again",
        resource: "loop",
        needs: Needs::Loop,
        causes: ["amplification", "queue"],
        params: {
            /// Probability that a further step follows, from 0 to 1.
            again: f64, example 0.95, check |key, share| check_within(key, *share, 0.0, 1.0);
        },
        sets: |fault| { repeat_again: fault.again },
    }

    /// There is no room for what is written.
    DiskFull {
        name: "disk_full",
        summary: "writes fail, since there is no room on the disk",
        resource: "disk",
        needs: Needs::Disk,
        causes: ["errors", "retries"],
        params: {},
        sets: |_fault| { disk_full: true },
    }
}
