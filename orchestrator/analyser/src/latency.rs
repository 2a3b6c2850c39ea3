//! Why are requests slower?

use crate::config::Config;
use crate::evidence::{figure, trace_ids};
use crate::names::words;
use crate::noise::Noise;
use crate::parties::{Party, ServiceId};
use crate::population::{Place, Population, main_party, mean_ms, place_ms};
use crate::prepared::Prepared;
use crate::rules::{
    WaitExplained, calls_became_serial, explain_wait, kv_cache_is_full, pool_leads_to_slower,
    process_paused, processors_were_stolen, standout,
};
use crate::verdict::{Bottleneck, Cause, Figure, Question};

/// What is compared: the slow tail where it moved, else all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    Tail,
    All,
}

impl Basis {
    fn growth_ms(self, place: &Place) -> f64 {
        match self {
            Basis::Tail => place.tail_growth_ms(),
            Basis::All => place.mean_growth_ms(),
        }
    }

    fn now_and_before_ms(self, place: &Place) -> (f64, f64) {
        match self {
            Basis::Tail => (place.tail_ms, place.baseline_tail_ms),
            Basis::All => (place.mean_ms, place.baseline_mean_ms),
        }
    }
}

/// A place with what the rules made of it.
struct Guess {
    service: ServiceId,
    cause: Cause,
    /// The service whose time counts as the bottleneck's: itself, or one that it calls.
    counted_at: ServiceId,
    /// Causes whose time there counts.
    counted: Vec<Cause>,
    party: Option<Party>,
    figures: Vec<Figure>,
}

/// The bottleneck that makes requests slower, where they are slower beyond noise.
pub(crate) fn latency(
    prepared: &Prepared<'_>,
    now: &Population<'_>,
    before: &Population<'_>,
    places: &[Place],
    config: &Config,
) -> Option<Bottleneck> {
    if now.timed.len() < config.requests_min || before.timed.len() < config.requests_min {
        return None;
    }
    let basis = moved(now, before, config)?;
    let guess = best_guess(prepared, now, before, places, basis, config)?;
    Some(bottleneck(
        prepared, now, before, places, basis, guess, config,
    ))
}

/// Mean durations of tail and of all requests, now and before.
pub(crate) fn duration_figures(now: &Population<'_>, before: &Population<'_>) -> [Figure; 2] {
    let share = 100.0 * now.tail_share();
    [
        figure(
            format!("duration of the slowest {share:.0} % of requests, mean"),
            mean_ms(&now.tail),
            mean_ms(&before.tail),
            "ms",
        ),
        figure(
            "duration of requests, mean",
            mean_ms(&now.timed),
            mean_ms(&before.timed),
            "ms",
        ),
    ]
}

fn moved(now: &Population<'_>, before: &Population<'_>, config: &Config) -> Option<Basis> {
    let enough = |now_ms: f64, before_ms: f64, share: f64| {
        now_ms - before_ms >= (share * before_ms).max(config.growth_floor_ms)
    };
    let tail = enough(
        mean_ms(&now.tail),
        mean_ms(&before.tail),
        config.tail_growth_min,
    );
    let mean = enough(
        mean_ms(&now.timed),
        mean_ms(&before.timed),
        config.mean_growth_min,
    );
    if !tail && !mean {
        return None;
    }
    let noise = Noise::new(
        (&now.timed, &now.window),
        (&before.timed, &before.window),
        config,
    );
    if tail && noise.tail_grew(now.tail_share(), before.tail_share()) {
        Some(Basis::Tail)
    } else if mean && noise.mean_grew() {
        Some(Basis::All)
    } else {
        None
    }
}

/// The place that grew most, after the rules. A place whose growth is another service's doing is
/// passed over, with all others of its service.
fn best_guess(
    prepared: &Prepared<'_>,
    now: &Population<'_>,
    before: &Population<'_>,
    places: &[Place],
    basis: Basis,
    config: &Config,
) -> Option<Guess> {
    let mut candidates: Vec<&Place> = places
        .iter()
        .filter(|place| basis.growth_ms(place) > 0.0)
        .collect();
    candidates.sort_by(|a, b| basis.growth_ms(b).total_cmp(&basis.growth_ms(a)));
    let mut victims: Vec<ServiceId> = Vec::new();
    for place in &candidates {
        if victims.contains(&place.service) {
            continue;
        }
        match examine(prepared, now, before, place, basis, config) {
            Some(guess) => return Some(guess),
            None => victims.push(place.service),
        }
    }
    // All are victims of something that is not in the traces: then the first is as good as any.
    candidates.first().map(|place| Guess {
        service: place.service,
        cause: place.cause,
        counted_at: place.service,
        counted: vec![place.cause],
        party: None,
        figures: Vec::new(),
    })
}

fn examine(
    prepared: &Prepared<'_>,
    now: &Population<'_>,
    before: &Population<'_>,
    place: &Place,
    basis: Basis,
    config: &Config,
) -> Option<Guess> {
    let mut guess = Guess {
        service: place.service,
        cause: place.cause,
        counted_at: place.service,
        counted: vec![place.cause],
        party: None,
        figures: Vec::new(),
    };
    let requests = if basis == Basis::Tail {
        &now.tail
    } else {
        &now.timed
    };
    let (window, baseline) = (&now.window, &before.window);
    let growth_ms = place.mean_growth_ms();
    if let Some(serial) =
        calls_became_serial(prepared, place.service, growth_ms, window, baseline, config)
    {
        guess.service = serial.caller;
        guess.cause = Cause::SerialCalls;
        guess.counted = vec![Cause::Compute, Cause::Network, Cause::Queue, Cause::Lock];
        guess.figures = serial.figures;
        return Some(guess);
    }
    if place.cause == Cause::ConnectionPool
        && pool_leads_to_slower(prepared, requests, place.service, window, baseline, config)
    {
        return None;
    }
    while matches!(guess.cause, Cause::Queue | Cause::ConnectionPool) {
        let Some((party, _)) = main_party(prepared, requests, guess.service, place.cause) else {
            break;
        };
        let (explained, figures) = explain_wait(
            prepared,
            party,
            guess.cause,
            &now.window,
            &before.window,
            config,
        );
        guess.figures.extend(figures);
        match explained {
            WaitExplained::Slower(cause) => {
                guess.cause = cause;
                guess.counted.push(cause);
            }
            WaitExplained::Downstream => return None,
            WaitExplained::Wait => {
                if guess.cause == Cause::Queue && kv_cache_is_full(prepared, party, &now.window) {
                    guess.cause = Cause::KvCache;
                    guess.counted.push(Cause::KvCache);
                }
                break;
            }
        }
    }
    if let Some((party, figure)) =
        standout(prepared, guess.service, guess.cause, now, before, config)
    {
        guess.party = Some(party);
        guess.figures.insert(0, figure);
    }
    let (service, party) = (guess.service, guess.party);
    let reason = match guess.cause {
        Cause::Compute | Cause::Network | Cause::Queue | Cause::Lock => {
            process_paused(prepared, service, party, growth_ms, window, baseline)
                .map(|(alone, figure)| (Cause::Memory, alone, figure))
        }
        _ => None,
    };
    let stolen = || {
        let is_work = guess.cause == Cause::Compute;
        let found = is_work
            .then(|| processors_were_stolen(prepared, service, party, window, baseline))
            .flatten();
        found.map(|(alone, figure)| (Cause::Cpu, alone, figure))
    };
    if let Some((cause, alone, figure)) = reason.or_else(stolen) {
        guess.cause = cause;
        guess.party = guess.party.or(alone);
        guess.figures.insert(0, figure);
    } else if let Some(party) = guess.party
        && matches!(guess.cause, Cause::Compute | Cause::Network)
        && prepared.is_parallel(party)
    {
        guess.cause = Cause::Straggler;
    }
    Some(guess)
}

fn bottleneck(
    prepared: &Prepared<'_>,
    now: &Population<'_>,
    before: &Population<'_>,
    places: &[Place],
    basis: Basis,
    guess: Guess,
    config: &Config,
) -> Bottleneck {
    let counted: Vec<&Place> = places
        .iter()
        .filter(|place| place.service == guess.counted_at && guess.counted.contains(&place.cause))
        .collect();
    let sum = |f: &dyn Fn(&Place) -> f64| -> f64 { counted.iter().map(|place| f(place)).sum() };
    let total = |f: &dyn Fn(&Place) -> f64| -> f64 { places.iter().map(f).sum() };
    let share = |of: f64, all: f64| {
        if all > 0.0 {
            (of / all).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    let growth = |place: &Place| basis.growth_ms(place);

    let service = prepared.parties.service_name(guess.service);
    let counted_at = prepared.parties.service_name(guess.counted_at);
    let of = if basis == Basis::Tail {
        "the slowest requests"
    } else {
        "requests"
    };
    let mut evidence: Vec<Figure> = counted
        .iter()
        .map(|place| {
            let (now_ms, before_ms) = basis.now_and_before_ms(place);
            let what = format!(
                "{} of {counted_at} on the critical path of {of}, mean",
                words(place.cause)
            );
            figure(what, now_ms, before_ms, "ms")
        })
        .collect();
    evidence.extend(guess.figures);
    evidence.extend(duration_figures(now, before));

    let mut examples: Vec<(f64, u128)> = now
        .tail
        .iter()
        .map(|request| {
            let causes = guess.counted.iter();
            let ms = causes
                .map(|&cause| place_ms(prepared, request, guess.counted_at, cause))
                .sum();
            (ms, request.trace_id)
        })
        .collect();
    examples.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));

    Bottleneck {
        service: service.to_owned(),
        instance: guess
            .party
            .map(|party| prepared.parties.instance_name(party).to_owned()),
        cause: guess.cause,
        question: Question::Latency,
        share: share(sum(&|place| place.tail_ms), total(&|place| place.tail_ms)),
        baseline_share: share(
            sum(&|place| place.baseline_tail_ms),
            total(&|place| place.baseline_tail_ms),
        ),
        explains: share(sum(&growth), total(&growth)),
        evidence,
        example_traces: trace_ids(examples.iter().map(|(_, id)| id), config.examples),
    }
}
