//! How busy every instance and every service is, and was: utilisation, Little's law, own time against
//! load, queues that grow, what saturates first, and how instances share the work.
//!
//! The calls of a process are read once for each window, in the order of time, into a fixed number of
//! sums ([`tally`]); everything else is worked out of those.

mod balance;
mod first;
mod fullness;
mod gauges;
mod growth;
mod levels;
mod place;
mod plateau;
pub(crate) mod tally;
mod usage;

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::load::{Balance, LoadChange, Saturation, ServiceLoad};
use crate::questions::saturation::tally::BINS;
use balance::{Instance, balance};
use first::first;
use place::LoadedPlace;
use plateau::servers;
use tally::Tally;
use usage::Usage;

/// Load of every instance that served calls or has a gauge, by service and instance; and of the services.
pub(crate) fn saturation(compared: &Comparison<'_>) -> (Vec<Saturation>, ServiceLoad) {
    let prepared = compared.prepared;
    let services = (0..prepared.instances.service_count() as u32).map(ServiceId);
    let mut all: Vec<Service> = services
        .map(|service| Service::new(compared, service))
        .filter(|service| !service.instances.is_empty())
        .collect();
    all.sort_by(|a, b| a.whole.service.cmp(&b.whole.service));
    let shared = all
        .iter()
        .filter(|service| service.instances.len() > 1)
        .count();
    let unbalanced: Vec<Balance> = all
        .iter()
        .filter_map(|service| service.balance(shared))
        .collect();
    let services = all.iter().map(|service| service.whole.report()).collect();
    let places: Vec<LoadedPlace> = all
        .into_iter()
        .flat_map(|service| service.instances)
        .collect();
    let load = ServiceLoad {
        services,
        first: first(&places),
        unbalanced,
    };
    (places.iter().map(LoadedPlace::report).collect(), load)
}

/// Mean number of a service's calls that are open, by part of the window; none where it recorded none.
pub(crate) fn open_by_bin(
    prepared: &Prepared<'_>,
    service: ServiceId,
    window: &Window,
) -> Option<[f64; BINS]> {
    let mut whole = Tally::empty(window);
    for instance in prepared.instances.of_service(service) {
        whole.append(&Tally::new(prepared.server_spans(instance), window));
    }
    let bin_s = whole.bin_s();
    let is_seen = whole.arrivals() + whole.open_at_start > 0.0;
    is_seen.then(|| std::array::from_fn(|bin| whole.bins[bin].open_s / bin_s))
}

/// How the load of a service differs from the baseline's, beyond noise.
pub(crate) fn load_change(compared: &Comparison<'_>, service: ServiceId) -> LoadChange {
    let service = Service::new(compared, service);
    service.whole.report().change
}

/// A service with its instances.
struct Service {
    whole: LoadedPlace,
    instances: Vec<LoadedPlace>,
}

impl Service {
    fn new(compared: &Comparison<'_>, service: ServiceId) -> Service {
        let Comparison {
            prepared,
            window,
            baseline,
            ..
        } = *compared;
        let windows = [window, baseline];
        let name = prepared.instances.service_name(service);
        let mut sums = windows.map(Tally::empty);
        let mut instances = Vec::new();
        for instance in prepared.instances.of_service(service) {
            let tallies = windows.map(|window| Tally::new(prepared.server_spans(instance), window));
            for (sum, tally) in sums.iter_mut().zip(&tallies) {
                sum.append(tally);
            }
            let names = (name, prepared.instances.instance_name(instance));
            let place = process(prepared, names, instance, windows, tallies);
            if place.is_seen() {
                instances.push(place);
            }
        }
        instances.sort_by(|a, b| a.instance.cmp(&b.instance));
        let together = |at: usize| {
            let used: Vec<Option<Usage>> = instances.iter().map(|one| one.used[at]).collect();
            Usage::of_all(&used)
        };
        let servers = [0, 1].map(|at| sum(instances.iter().map(|one| one.servers[at])));
        Service {
            whole: LoadedPlace::new((name, ""), sums, [together(0), together(1)], servers),
            instances,
        }
    }

    fn balance(&self, services: usize) -> Option<Balance> {
        let instances: Vec<Instance<'_>> = self
            .instances
            .iter()
            .filter(|one| one.now.arrivals() + one.before.arrivals() > 0.0)
            .map(|one| Instance {
                name: &one.instance,
                now: &one.now,
                before: &one.before,
            })
            .collect();
        balance(&self.whole.service, &instances, services)
    }
}

fn process(
    prepared: &Prepared<'_>,
    names: (&str, &str),
    instance: InstanceId,
    windows: [&Window; 2],
    tallies: [Tally; 2],
) -> LoadedPlace {
    let [now, before] = [0, 1].map(|at| servers(&tallies[at]));
    // What one window does not show, the other may.
    let servers = [now.or(before), before.or(now)];
    let used = [0, 1]
        .map(|at| Usage::of_process(prepared, instance, windows[at], &tallies[at], servers[at]));
    LoadedPlace::new(names, tallies, used, servers)
}

/// The sum, where there is something to add and all of it is known.
fn sum(mut values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let first = values.next()??;
    values.try_fold(first, |sum, value| Some(sum + value?))
}
