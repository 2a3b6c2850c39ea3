//! A limit on how many requests pass: a bucket that tokens come into at a steady rate, until it is full.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::stages::RateLimit as Spec;

use crate::error::ResourceError;
use crate::instance::Instance;

/// A bucket of tokens.
#[derive(Debug)]
pub struct RateLimit {
    instance: Arc<Instance>,
    spec: Spec,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Tokens, in millionths: with `per_s` of them a second, whole numbers of them come in each microsecond.
    tokens_millionths: f64,
    filled_us: u64,
}

const MILLION: f64 = 1e6;

impl RateLimit {
    /// A full bucket.
    pub fn new(instance: &Arc<Instance>, spec: Spec) -> Arc<Self> {
        Arc::new(RateLimit {
            instance: instance.clone(),
            spec,
            bucket: Mutex::new(Bucket {
                tokens_millionths: f64::from(spec.burst) * MILLION,
                filled_us: instance.clock.now_us(),
            }),
        })
    }

    /// Takes a token. Errors with [`ResourceError::RateLimited`] where there is none.
    pub fn pass(&self) -> Result<(), ResourceError> {
        let now_us = self.instance.clock.now_us();
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let came = now_us.saturating_sub(bucket.filled_us) as f64 * self.spec.per_s;
        let full = f64::from(self.spec.burst) * MILLION;
        bucket.tokens_millionths = (bucket.tokens_millionths + came).min(full);
        bucket.filled_us = now_us;
        if bucket.tokens_millionths < MILLION {
            let until_next_ms = (MILLION - bucket.tokens_millionths) / self.spec.per_s / 1000.0;
            return Err(ResourceError::RateLimited {
                per_s: self.spec.per_s.to_string(),
                retry_after_ms: until_next_ms.ceil() as u64,
            });
        }
        bucket.tokens_millionths -= MILLION;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;
    use ragdoll_runtime::run_virtual;

    use super::*;
    use crate::testing::Bench;

    /// Requests of `count` that pass, sent `every_us` after each other.
    fn passed(spec: Spec, count: u32, every_us: u64) -> u32 {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::GATEWAY, 1);
            let limit = RateLimit::new(&bench.instance, spec);
            let mut passed = 0;
            for _ in 0..count {
                passed += u32::from(limit.pass().is_ok());
                clock.sleep_us(every_us).await;
            }
            passed
        })
    }

    #[test]
    fn a_burst_passes_and_then_what_comes_in() {
        let spec = Spec {
            per_s: 10.0,
            burst: 5,
        };
        assert_eq!(passed(spec, 20, 0), 5, "all at once");
        // 100 in two seconds: the burst, and twenty that came in but for the last tenth of a second.
        assert_eq!(passed(spec, 100, 20_000), 5 + 19);
        assert_eq!(passed(spec, 20, 100_000), 20, "as fast as they come in");
    }
}
