//! Why are requests slower?

pub(crate) mod slowdown;

use crate::facts::ids::ServiceId;
use crate::facts::request::Part;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::{figure, trace_ids};
use crate::questions::findings::{Bottleneck, Figure, Question};
use crate::questions::latency::slowdown::Scope;
use crate::questions::places::{Place, place_ms};
use crate::questions::population::{Population, mean_ms};
use crate::questions::rules::examine;
use crate::questions::rules::rule::{Guess, Suspect};
use crate::statistics::confidence::Draws;

/// Places that are ranked at most.
const RANKED_MAX: usize = 8;

/// Share of the growth of the first place below which a further one explains nothing, unless it is large
/// by itself and surely no noise.
const FURTHER_MIN: f64 = 0.02;

/// The places that make requests slower, or would if they were: best first. A place whose growth is
/// another service's doing is passed over, with all others of its service.
pub(crate) fn slower_places(case: &Case<'_, '_>, scope: Scope) -> Vec<Bottleneck> {
    let draws = draws(case, scope);
    let places = case.places;
    let requests = match scope {
        Scope::Tail => &case.now.tail,
        Scope::All => &case.now.timed,
    };
    let order = candidates(case, scope, &draws);
    let (mut guesses, mut victims): (Vec<Guess>, Vec<ServiceId>) = (Vec::new(), Vec::new());
    for &at in &order {
        let place = &places[at];
        let is_counted = guesses.iter().any(|guess| guess.counts(place));
        if victims.contains(&place.service) || is_counted || guesses.len() == RANKED_MAX {
            continue;
        }
        let suspect = Suspect {
            case,
            place,
            requests,
        };
        match examine(&suspect) {
            None => victims.push(place.service),
            Some(guess) => {
                let known = guesses
                    .iter_mut()
                    .find(|known| (known.service, known.cause) == (guess.service, guess.cause));
                match known {
                    Some(known) if known.counted_at == guess.counted_at => {
                        known.counted.extend(guess.counted);
                    }
                    Some(_) => {}
                    None => guesses.push(guess),
                }
            }
        }
    }
    if guesses.is_empty() {
        // All are victims of something that is not in the traces: then the first is as good as any.
        guesses.extend(order.first().map(|&at| Guess::of(&places[at])));
        victims.clear();
    }
    let mut open: Vec<usize> = order
        .into_iter()
        .filter(|&at| !victims.contains(&places[at].service))
        .collect();
    let mut ranked = Vec::new();
    for guess in guesses {
        let (own, others) = open
            .iter()
            .partition::<Vec<usize>, _>(|&&at| guess.counts(&places[at]));
        let confidence = draws.first(&own, &others);
        open = others;
        ranked.push(bottleneck(case, scope, guess, confidence));
    }
    ranked
}

fn draws(case: &Case<'_, '_>, scope: Scope) -> Draws {
    let Case {
        compared: Comparison {
            prepared, config, ..
        },
        now,
        before,
        owners,
        places,
        ..
    } = *case;
    let (requests, requests_before) = match scope {
        Scope::Tail => (&now.tail, &before.tail),
        Scope::All => (&now.timed, &before.timed),
    };
    let place_of = |part: &Part| {
        let owner = owners.owner(prepared, part);
        places
            .iter()
            .position(|place| place.service == owner && place.cause == part.cause)
    };
    Draws::new(
        prepared,
        (requests, &now.active),
        (requests_before, &before.active),
        (places.len(), place_of),
        config,
    )
}

/// Positions of the places that grew, those first of which that is surest.
fn candidates(case: &Case<'_, '_>, scope: Scope, draws: &Draws) -> Vec<usize> {
    let places = case.places;
    let mut candidates: Vec<(f64, f64, usize)> = (0..places.len())
        .map(|at| {
            let growth_ms = scope.growth_ms(&places[at]);
            (draws.least_ms(at, growth_ms), growth_ms, at)
        })
        .filter(|&(_, growth_ms, _)| growth_ms > 0.0)
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let most_ms = candidates.first().map_or(0.0, |first| first.1);
    let floor_ms = case.compared.config.growth_floor_ms;
    candidates.retain(|&(least_ms, growth_ms, _)| {
        growth_ms >= FURTHER_MIN * most_ms || (growth_ms >= floor_ms && least_ms > 0.0)
    });
    candidates.into_iter().map(|(_, _, at)| at).collect()
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

/// A guess with the figures that show it.
fn bottleneck(case: &Case<'_, '_>, scope: Scope, guess: Guess, confidence: f64) -> Bottleneck {
    let Case {
        compared: Comparison { prepared, .. },
        now,
        before,
        places,
        ..
    } = *case;
    let counted: Vec<&Place> = places.iter().filter(|place| guess.counts(place)).collect();
    let sum = |f: &dyn Fn(&Place) -> f64| -> f64 { counted.iter().map(|place| f(place)).sum() };
    let total = |f: &dyn Fn(&Place) -> f64| -> f64 { places.iter().map(f).sum() };
    let share = |of: f64, all: f64| {
        if all > 0.0 {
            (of / all).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    let growth = |place: &Place| scope.growth_ms(place);

    let service = prepared.instances.service_name(guess.service);
    let counted_at = prepared.instances.service_name(guess.counted_at);
    let of = scope.words();
    let mut evidence: Vec<Figure> = counted
        .iter()
        .map(|place| {
            let (now_ms, before_ms) = scope.now_and_before_ms(place);
            let what = format!(
                "{} of {counted_at} on the critical path of {of}, mean",
                place.cause.words()
            );
            figure(what, now_ms, before_ms, "ms")
        })
        .collect();
    evidence.extend(guess.figures.iter().cloned());
    evidence.extend(duration_figures(now, before));

    Bottleneck {
        service: service.to_owned(),
        instance: guess
            .instance
            .map(|instance| prepared.instances.instance_name(instance).to_owned()),
        cause: guess.cause,
        question: Question::Latency,
        share: share(sum(&|place| place.tail_ms), total(&|place| place.tail_ms)),
        baseline_share: share(
            sum(&|place| place.baseline_tail_ms),
            total(&|place| place.baseline_tail_ms),
        ),
        explains: share(sum(&growth), total(&growth)),
        confidence,
        evidence,
        example_traces: examples(case, &guess),
    }
}

/// The slowest requests, those that spent most of their time there first.
fn examples(case: &Case<'_, '_>, guess: &Guess) -> Vec<String> {
    let Case {
        compared: Comparison {
            prepared, config, ..
        },
        now,
        owners,
        ..
    } = *case;
    let mut examples: Vec<(f64, u128)> = now
        .tail
        .iter()
        .map(|request| {
            let causes = guess.counted.iter();
            let ms = causes
                .map(|&cause| place_ms(prepared, request, guess.counted_at, cause, owners))
                .sum();
            (ms, request.trace_id)
        })
        .collect();
    examples.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    trace_ids(examples.iter().map(|(_, id)| id), config.examples)
}
