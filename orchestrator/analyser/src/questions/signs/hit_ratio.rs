//! Whether a service's cache answers less than it did.

use crate::facts::ids::ServiceId;
use crate::facts::names::metrics::METRIC_HIT_RATIO;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::signs::samples::gauge_mean;
use crate::statistics::summary::mean;

/// By how much the share of look-ups that are answered must fall: less is what questions differ by.
const FALL_MIN: f64 = 0.1;

/// The figure of a cache of `service` whose hit ratio fell; of several, the first of the list of names.
pub(crate) fn hit_ratio_fell(compared: &Comparison<'_>, service: ServiceId) -> Option<Figure> {
    let Comparison {
        prepared,
        window,
        baseline,
        ..
    } = *compared;
    METRIC_HIT_RATIO.into_iter().find_map(|name| {
        let share = |window| {
            let instances = prepared.instances.of_service(service);
            let means = instances.filter_map(|id| gauge_mean(prepared, id, name, window));
            let means: Vec<f64> = means.collect();
            (!means.is_empty()).then(|| mean(means.into_iter()))
        };
        let (now, before) = (share(window)?, share(baseline)?);
        let what = format!(
            "look-ups that the cache of {} answers",
            prepared.instances.service_name(service)
        );
        (before - now >= FALL_MIN).then(|| figure(what, 100.0 * now, 100.0 * before, "%"))
    })
}
