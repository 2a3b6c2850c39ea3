//! Figures of all traces, from those of an even share of them.

use crate::answer::verdict::{Analysis, Verdict};
use crate::questions::findings::{Bottleneck, Figure};
use crate::questions::load::{Load, Saturation};

/// Unit of the evidence that is counted over traces.
const PER_SECOND: &str = "1/s";

/// Scales what is told a second, and what is open at once, up to what it is of all traces, where this
/// share of them was held. Shares, times and comparisons are as they are; numbers of requests and of
/// calls stay those that were counted, which a note says.
pub(crate) fn scale_up(analysis: &mut Analysis, share: f64) {
    if share >= 1.0 {
        return;
    }
    let factor = 1.0 / share;
    match &mut analysis.verdict {
        Verdict::Bottleneck(bottleneck) => of_bottleneck(bottleneck, factor),
        Verdict::NoBottleneck { evidence } => of_evidence(evidence, factor),
        Verdict::NotEnoughData { .. } => {}
    }
    let answers = [
        &mut analysis.latency,
        &mut analysis.errors,
        &mut analysis.throughput,
    ];
    let answers = answers.into_iter().flatten();
    for bottleneck in answers.chain(&mut analysis.ranked) {
        of_bottleneck(bottleneck, factor);
    }
    for place in analysis
        .saturation
        .iter_mut()
        .chain(&mut analysis.load.services)
    {
        of_place(place, factor);
    }
    if let Some(series) = &mut analysis.series {
        for point in series.now.iter_mut().chain(&mut series.before) {
            point.open *= factor;
        }
    }
    analysis.notes.insert(
        0,
        format!(
            "one trace in {factor} was analysed: requests and calls are those that were counted, while \
             rates and what is open at once are scaled up to all"
        ),
    );
}

fn of_bottleneck(bottleneck: &mut Bottleneck, factor: f64) {
    of_evidence(&mut bottleneck.evidence, factor);
}

fn of_evidence(evidence: &mut [Figure], factor: f64) {
    for figure in evidence.iter_mut().filter(|one| one.unit == PER_SECOND) {
        figure.value *= factor;
        figure.baseline = figure.baseline.map(|rate| rate * factor);
    }
}

fn of_place(place: &mut Saturation, factor: f64) {
    of_load(&mut place.now, factor);
    if let Some(before) = &mut place.before {
        of_load(before, factor);
    }
}

/// The servers that were counted are those that were seen busy, which is the same share of all.
fn of_load(load: &mut Load, factor: f64) {
    load.arrival_rate_per_s *= factor;
    load.departure_rate_per_s *= factor;
    load.concurrency *= factor;
    load.in_service *= factor;
    load.servers = load.servers.map(|servers| servers * factor);
    load.queue_growth = load.queue_growth.map(|growth| growth * factor);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questions::evidence::figure;

    #[test]
    fn rates_are_scaled_and_times_are_not() {
        let mut evidence = [
            figure("arrivals", 10.0, 5.0, "1/s"),
            figure("time", 10.0, None, "ms"),
        ];
        of_evidence(&mut evidence, 8.0);
        let seen = evidence.each_ref().map(|one| (one.value, one.baseline));
        assert_eq!(seen, [(80.0, Some(40.0)), (10.0, None)]);
        let mut place = Saturation {
            now: Load {
                arrival_rate_per_s: 2.0,
                time_ms: 500.0,
                concurrency: 1.0,
                utilization: Some(0.5),
                servers: Some(2.0),
                ..Load::default()
            },
            before: Some(Load::default()),
            ..Saturation::default()
        };
        of_place(&mut place, 4.0);
        let now = place.now;
        assert_eq!((now.arrival_rate_per_s, now.time_ms), (8.0, 500.0));
        assert_eq!((now.concurrency, now.servers), (4.0, Some(8.0)));
        assert_eq!(now.utilization, Some(0.5));
    }
}
