use std::future::Future;

use ragdoll_model::Service;
use ragdoll_runtime::{Clock, Overrides, run_virtual};
use ragdoll_telemetry::metrics::EMBEDDING_CACHE_HIT_RATIO;

use super::*;
use crate::testing::Bench;

const SPEC: mitigation::Cache = mitigation::Cache {
    entries: 2,
    ttl_ms: 10.0,
    ttl_jitter: 0.0,
};

fn cache(bench: &Bench, spec: mitigation::Cache) -> Arc<Cache<u32>> {
    Cache::new(&bench.instance, spec, EMBEDDING_CACHE_HIT_RATIO).expect("is on")
}

fn scenario<F: Future>(
    spec: mitigation::Cache,
    act: impl FnOnce(Clock, Bench, Arc<Cache<u32>>) -> F,
) {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::GATEWAY, 1);
        let cache = cache(&bench, spec);
        act(clock, bench, cache).await;
    });
}

#[test]
fn the_least_recently_used_answer_makes_room() {
    scenario(SPEC, |_, bench, cache| async move {
        let context = Bench::request(1);
        cache.put(&context, "a", &1);
        cache.put(&context, "b", &2);
        assert_eq!(cache.get(&context, "a"), Some(1));
        cache.put(&context, "c", &3);
        let found = ["a", "b", "c"].map(|key| cache.get(&context, key));
        assert_eq!(found, [Some(1), None, Some(3)]);
        let ratio = bench.gauges()[EMBEDDING_CACHE_HIT_RATIO.name];
        assert_eq!(ratio, 0.75);
        assert!(!bench.gauges().contains_key(EMBEDDING_CACHE_HIT_RATIO.name));
    });
}

#[test]
fn an_answer_is_good_for_its_time_and_no_longer() {
    scenario(SPEC, |clock, _, cache| async move {
        let context = Bench::request(1);
        cache.put(&context, "a", &1);
        clock.sleep_until_us(9_999).await;
        assert_eq!(cache.get(&context, "a"), Some(1));
        clock.sleep_until_us(10_000).await;
        assert_eq!(cache.get(&context, "a"), None);
    });
}

#[test]
fn without_a_time_an_answer_is_good_as_long_as_it_is_kept() {
    let spec = mitigation::Cache {
        ttl_ms: 0.0,
        ..SPEC
    };
    scenario(spec, |clock, _, cache| async move {
        let context = Bench::request(1);
        cache.put(&context, "a", &1);
        clock.sleep_us(3_600_000_000).await;
        assert_eq!(cache.get(&context, "a"), Some(1));
    });
}

/// Answers that came together are good for uniform times between half of the time and all of it.
#[test]
fn jitter_spreads_the_ends_of_answers_that_came_together() {
    let answers = 2_000;
    let spec = mitigation::Cache {
        entries: answers,
        ttl_jitter: 0.5,
        ..SPEC
    };
    scenario(spec, |clock, _, cache| async move {
        for number in 0..answers {
            cache.put(&Bench::request(number.into()), &number.to_string(), &number);
        }
        for (at_us, share_left) in [(4_999, 1.0), (7_500, 0.5), (9_000, 0.2), (10_000, 0.0)] {
            clock.sleep_until_us(at_us).await;
            let context = Bench::request(0);
            let is_kept = |number: &u32| cache.get(&context, &number.to_string()).is_some();
            let kept = (0..answers).filter(is_kept).count();
            let share = kept as f64 / f64::from(answers);
            // Three standard errors of a share of one half.
            assert!((share - share_left).abs() < 0.034, "{share} at {at_us}");
        }
    });
}

#[test]
fn a_cache_that_is_out_of_reach_answers_nothing_and_keeps_nothing() {
    scenario(SPEC, |clock, bench, cache| async move {
        let context = Bench::request(1);
        let controls = &bench.instance.controls;
        cache.put(&context, "a", &1);
        let down = controls.apply(Overrides {
            cache_down: Some(true),
            ..Overrides::default()
        });
        assert_eq!(cache.get(&context, "a"), None);
        cache.put(&context, "b", &2);
        controls.revert(down);
        assert_eq!(cache.get(&context, "a"), Some(1));
        assert_eq!(cache.get(&context, "b"), None);

        clock.sleep_us(5).await;
        cache.put(&context, "c", &3);
        controls.apply(Overrides {
            cache_expired_us: Some(5),
            ..Overrides::default()
        });
        assert_eq!(cache.get(&context, "a"), None);
        assert_eq!(cache.get(&context, "c"), Some(3));
    });
}

#[test]
fn a_process_that_is_started_again_has_an_empty_cache() {
    scenario(SPEC, |clock, bench, cache| async move {
        let context = Bench::request(1);
        cache.put(&context, "a", &1);
        bench.instance.crash(1_000);
        clock.sleep_us(2_000).await;
        assert_eq!(cache.get(&context, "a"), None);
        cache.put(&context, "a", &2);
        assert_eq!(cache.get(&context, "a"), Some(2));
    });
}
