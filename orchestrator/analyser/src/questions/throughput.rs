//! Why are fewer requests answered in the same time?
//!
//! What is answered is what arrives less what fails and less what is still open at the end. Where
//! failures explain most of what is lost, the answer is that of the errors; where requests pile up, it
//! is that of the latency: what makes each of them slower keeps the rest waiting. Where fewer arrive, and
//! none of either is lost, nobody in the traces is to blame.

use crate::facts::request::Request;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::{Bottleneck, Figure, Question};
use crate::questions::population::Population;
use crate::statistics::noise::Noise;

/// Fall of the rate of answers from which it counts, as a share of the baseline's.
const FALL_MIN: f64 = 0.10;

/// Share of the fall that failures or open requests must explain.
const EXPLAINED_MIN: f64 = 0.5;

/// Requests of a window by what became of them, a second.
struct Rates {
    arrived: f64,
    answered: f64,
    failed: f64,
    /// Answered only after the window's end.
    open: f64,
}

impl Rates {
    fn of(population: &Population<'_>) -> Self {
        let seconds = population.window.seconds().max(f64::MIN_POSITIVE);
        let rate = |count: usize| count as f64 / seconds;
        let is_open = |request: &&&Request| {
            request.start_ns.saturating_add(request.duration_ns) > population.window.end_ns
        };
        let all = &population.all;
        let open = all
            .iter()
            .filter(|request| !request.failed)
            .filter(is_open)
            .count();
        Rates {
            arrived: rate(all.len()),
            answered: rate(all.len() - population.failed.len() - open),
            failed: rate(population.failed.len()),
            open: rate(open),
        }
    }
}

/// The answer, which is that of the errors or of the latency with the figures of throughput before its
/// own; none where no fewer requests are answered beyond noise, or where fewer arrive.
pub(crate) fn throughput(
    case: &Case<'_, '_>,
    errors: Option<&Bottleneck>,
    latency: Option<&Bottleneck>,
) -> Option<Bottleneck> {
    let Case {
        compared: Comparison { config, .. },
        now,
        before,
        ..
    } = *case;
    let (rates, rates_before) = (Rates::of(now), Rates::of(before));
    let lost = rates_before.answered - rates.answered;
    if lost < FALL_MIN * rates_before.answered {
        return None;
    }
    let noise = Noise::new(
        (&now.all, &now.active),
        (&before.all, &before.active),
        config,
    );
    if !noise.answers_fell() {
        return None;
    }
    let by_failing = rates.failed - rates_before.failed;
    let by_waiting = rates.open - rates_before.open;
    let explains = |part: f64| part >= EXPLAINED_MIN * lost;
    let answer = match (errors, latency) {
        (Some(errors), _) if explains(by_failing) => errors,
        (_, Some(latency)) if explains(by_waiting) => latency,
        _ => return None,
    };
    let mut answer = answer.clone();
    answer.question = Question::Throughput;
    answer.explains = (by_failing.max(by_waiting) / lost).clamp(0.0, 1.0);
    answer.evidence.splice(0..0, figures(&rates, &rates_before));
    Some(answer)
}

fn figures(now: &Rates, before: &Rates) -> [Figure; 4] {
    let rate = |what: &str, now: f64, before: f64| figure(what, now, before, "1/s");
    [
        rate("requests answered", now.answered, before.answered),
        rate("requests that arrive", now.arrived, before.arrived),
        rate("requests that fail", now.failed, before.failed),
        rate("requests still open at the end", now.open, before.open),
    ]
}
