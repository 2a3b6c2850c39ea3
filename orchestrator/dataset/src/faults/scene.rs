//! What faults are drawn for: a kind and a system, and what the kind can act on there.

use ragdoll_fault_spec::{FaultSpec, KindInfo, Target};
use ragdoll_model::{Dist, Service};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::{chance, unit};
use ragdoll_score::Cause;
use serde_json::Value;

use super::injection::{Injection, Strength};
use crate::draw::{between, log_between, pick, rounded};
use crate::systems::{Impatience, Place, System};

/// Everything that a fault is drawn from.
pub(super) struct Scene<'a> {
    pub(super) info: &'a KindInfo,
    pub(super) system: &'a System,
    pub(super) phase_s: f64,
    pub(super) strength: Strength,
    pub(super) rng: &'a mut Rng,
}

/// Where a fault acts, and what is known of the place.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) target: Target,
    pub(super) place: Place,
    /// The one instance of several that is met.
    pub(super) instance: Option<String>,
    /// Whether it acts on calls, and not on the service itself.
    pub(super) on_edge: bool,
}

impl Scene<'_> {
    /// Services on the way of requests that the kind can act on and that are `fit`.
    pub(super) fn services(&self, fit: impl Fn(&Place) -> bool) -> Vec<Place> {
        let topology = &self.system.topology;
        let places = self.system.places().iter();
        places
            .filter(|place| self.info.fits(place.service, topology).is_ok())
            .filter(|place| fit(place))
            .cloned()
            .collect()
    }

    /// A service that is `fit`, as a whole.
    pub(super) fn service(&mut self, fit: impl Fn(&Place) -> bool) -> Option<Spot> {
        let fit = self.services(fit);
        if fit.is_empty() {
            return None;
        }
        let place = pick(&fit, self.rng);
        Some(Spot {
            target: Target::service(place.service),
            place,
            instance: None,
            on_edge: false,
        })
    }

    /// A service that is `fit`, or one of its instances.
    pub(super) fn somewhere(&mut self, fit: impl Fn(&Place) -> bool) -> Option<Spot> {
        let spot = self.service(fit)?;
        if chance(0.5, self.rng) {
            return Some(spot);
        }
        Some(self.one_instance(spot))
    }

    /// One instance of several of a service that is `fit`.
    pub(super) fn instance(&mut self, fit: impl Fn(&Place) -> bool) -> Option<Spot> {
        let topology = &self.system.topology;
        let several = |place: &Place| topology.instances_of(place.service).len() > 1;
        let spot = self.service(|place| several(place) && fit(place))?;
        Some(self.one_instance(spot))
    }

    fn one_instance(&mut self, spot: Spot) -> Spot {
        let instances = self.system.topology.instances_of(spot.place.service);
        if instances.len() < 2 {
            return spot;
        }
        let name = pick(&instances, self.rng).name().to_owned();
        Spot {
            target: Target::instance(name.clone()),
            instance: Some(name),
            ..spot
        }
    }

    /// As [`Scene::somewhere`], or the calls from one service to another where the kind acts on
    /// those.
    pub(super) fn anywhere(&mut self, fit: impl Fn(&Place) -> bool) -> Option<Spot> {
        if !self.info.edges || !chance(0.3, self.rng) {
            return self.somewhere(fit);
        }
        let edges = self.system.edges();
        let edges: Vec<(Service, Service)> = edges
            .into_iter()
            .filter(|(_, to)| self.system.place(*to).is_some_and(&fit))
            .collect();
        if edges.is_empty() {
            return None;
        }
        let (from, to) = pick(&edges, self.rng);
        Some(Spot {
            target: Target::edge(from, to),
            place: self.system.place(to)?.clone(),
            instance: None,
            on_edge: true,
        })
    }

    /// A time that matters beside what a request takes, in milliseconds.
    pub(super) fn felt_ms(&mut self) -> f64 {
        let share = match self.strength {
            Strength::Alone => log_between(0.5, 2.5, self.rng),
            Strength::OneOfSeveral => log_between(0.6, 1.4, self.rng),
        };
        rounded((self.system.request_ms * share).max(15.0))
    }

    /// A delay that is felt.
    pub(super) fn delay(&mut self) -> Dist {
        let median_ms = self.felt_ms();
        Dist::lognormal(median_ms, rounded(between(0.1, 0.5, self.rng)))
    }

    /// A share of requests that is felt where each of them is.
    pub(super) fn most(&mut self) -> f64 {
        if chance(0.7, self.rng) {
            return 1.0;
        }
        rounded(between(0.4, 0.9, self.rng))
    }

    /// A share of requests that is felt where they fail.
    pub(super) fn some(&mut self) -> f64 {
        rounded(match self.strength {
            Strength::Alone => log_between(0.08, 0.6, self.rng),
            Strength::OneOfSeveral => log_between(0.1, 0.3, self.rng),
        })
    }

    /// How many times as long something must take that takes `ms`, for it to be felt.
    pub(super) fn felt_factor(&mut self, ms: f64) -> f64 {
        rounded(1.0 + self.felt_ms() / ms.max(0.01))
    }

    pub(super) fn impatience(&self, spot: &Spot) -> Impatience {
        self.system.impatience(spot.place.service)
    }

    /// The fault itself: every request meets it for the whole phase.
    pub(super) fn spec(&self, spot: &Spot, params: Value) -> FaultSpec {
        FaultSpec::new(self.info.name, spot.target.clone(), params)
    }

    /// Lets a fault come and go.
    pub(super) fn pulsed(&mut self, spec: &mut FaultSpec) {
        let for_s = between(2.0, 3.5, self.rng);
        spec.at_s = rounded(unit(self.rng) * 1.5);
        spec.for_s = Some(rounded(for_s));
        let every_s = for_s + between(2.0, 4.0, self.rng);
        spec.every_s = Some(rounded(every_s.min(self.phase_s / 3.0)));
    }

    pub(super) fn injection(&self, spot: &Spot, spec: FaultSpec, causes: &[Cause]) -> Injection {
        Injection {
            specs: vec![spec],
            kind: self.info.name,
            service: spot.place.service,
            instance: spot.instance.clone(),
            causes: causes.to_vec(),
        }
    }

    /// Causes of a fault that makes calls late: where callers do not wait for it, they fail or call
    /// again.
    pub(super) fn late(&self, spot: &Spot, causes: &[Cause]) -> Vec<Cause> {
        let mut causes = causes.to_vec();
        let impatience = self.impatience(spot);
        if impatience.gives_up {
            causes.push(Cause::Errors);
            causes.push(Cause::Retries);
        }
        causes
    }

    /// Causes of a fault that makes calls fail: where callers try again, that is what takes time.
    pub(super) fn failing(&self, spot: &Spot) -> Vec<Cause> {
        let mut causes = vec![Cause::Errors];
        if self.impatience(spot).calls_again {
            causes.push(Cause::Retries);
        }
        causes
    }

    /// Causes of failures whose reason telemetry shows.
    pub(super) fn failing_with(&self, spot: &Spot, own: &[Cause]) -> Vec<Cause> {
        let retries = self.failing(spot).into_iter();
        let retries = retries.filter(|cause| *cause == Cause::Retries);
        own.iter().copied().chain(retries).collect()
    }

    /// Causes of work that takes longer at a place: where it is one of several calls at once, it is
    /// the one that the others wait for.
    pub(super) fn slower(&self, spot: &Spot) -> Vec<Cause> {
        let mut causes = vec![Cause::Compute];
        if spot.place.siblings > 1 {
            let first = if spot.instance.is_some() { 0 } else { 1 };
            causes.insert(first, Cause::Straggler);
        }
        causes
    }

    /// Causes of a wire that takes longer.
    pub(super) fn farther(&self, spot: &Spot) -> Vec<Cause> {
        let mut causes = vec![Cause::Network];
        if spot.place.siblings > 1 {
            causes.push(Cause::Straggler);
        }
        causes
    }
}
