//! All faults of a run: who meets them, when they are in force, and who carries them out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use ragdoll_fault_spec::ParamError;
use ragdoll_model::{InstanceId, Service, Topology, Zone};
use ragdoll_runtime::{Clock, Controls, Overrides, Stream, Streams};
use tokio::task::AbortHandle;

use crate::action::{Action, ActionTime, Means, Power};
use crate::armed::Armed;
use crate::cut::Cut;
use crate::decision::LoadChange;
use crate::facts::Facts;
use crate::met::{Met, Place, Where};
use crate::planned::Planned;
use crate::schedule;
use crate::witness::WitnessReport;

/// A change of the load, and when it is in force.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedLoadChange {
    /// Position of the fault among those that the injector was given.
    pub fault: usize,
    /// What changes.
    pub change: LoadChange,
    /// Times of the run at which it is in force, as first microsecond and first microsecond after.
    pub windows: Vec<(u64, u64)>,
}

/// An instance of this process on which faults are put in force.
#[derive(Clone)]
struct Site {
    clock: Clock,
    instance: InstanceId,
    controls: Controls,
    power: Arc<dyn Power>,
}

/// A fault and what carries it out.
struct Entry {
    armed: Arc<Armed>,
    tasks: Vec<AbortHandle>,
}

/// All faults of a run. Copies share them.
#[derive(Clone)]
pub struct Injector {
    shared: Arc<Shared>,
    means: Means,
    zones: Arc<[Zone]>,
}

struct Shared {
    /// In the order in which they act.
    faults: RwLock<Vec<Entry>>,
    /// Changes with the list of faults.
    version: AtomicU64,
    random: Stream,
    /// Whether faults may come and go while the system runs.
    open: bool,
    sites: Mutex<Vec<Site>>,
}

impl Default for Injector {
    fn default() -> Self {
        let streams = Streams::new(0);
        Injector::new(Vec::new(), &streams).expect("no fault has a mistake")
    }
}

impl Injector {
    /// Readies faults; they act in the order in which they are given. All of them are carried out
    /// in this process unless [`Injector::carried_out_by`] says otherwise.
    ///
    /// # Errors
    /// The first parameter that its kind does not take.
    pub fn new(planned: Vec<Planned>, streams: &Streams) -> Result<Self, ParamError> {
        Injector::with(planned, streams, false)
    }

    /// The same with faults that may come and go while the system runs: see [`Injector::change`].
    ///
    /// # Errors
    /// As [`Injector::new`].
    pub fn open(planned: Vec<Planned>, streams: &Streams) -> Result<Self, ParamError> {
        Injector::with(planned, streams, true)
    }

    fn with(planned: Vec<Planned>, streams: &Streams, open: bool) -> Result<Self, ParamError> {
        let injector = Injector {
            shared: Arc::new(Shared {
                faults: RwLock::default(),
                version: AtomicU64::new(0),
                random: streams.stream("faults"),
                open,
                sites: Mutex::default(),
            }),
            means: Means::default(),
            zones: Arc::default(),
        };
        injector.change(&[], planned)?;
        Ok(injector)
    }

    /// The same faults on a ground that carries them out by other means. To be said before a layer
    /// or a schedule is made.
    #[must_use]
    pub fn carried_out_by(mut self, means: Means) -> Self {
        self.means = means;
        self
    }

    /// The same faults in a system with these zones. To be said before a layer is made.
    #[must_use]
    pub fn in_zones(mut self, zones: &[Zone]) -> Self {
        self.zones = zones.into();
        self
    }

    /// Whether faults may come and go while the system runs.
    pub fn is_open(&self) -> bool {
        self.shared.open
    }

    /// Takes back the faults at the positions `stop` and adds others, all at once. A fault keeps its
    /// position, and what it counted, when it is taken back. One that is already, or that there is
    /// not, changes nothing.
    ///
    /// # Errors
    /// The first parameter that its kind does not take; nothing is changed then.
    pub fn change(&self, stop: &[usize], add: Vec<Planned>) -> Result<(), ParamError> {
        let mut faults = write(&self.shared.faults);
        let mut added = Vec::with_capacity(add.len());
        for (position, planned) in (faults.len()..).zip(add) {
            let random = self.shared.random.child(&planned.spec.kind);
            added.push(Armed::new(planned, random.child(&position.to_string()))?);
        }
        for entry in stop.iter().filter_map(|&position| faults.get(position)) {
            entry.armed.stopped.set();
            entry.tasks.iter().for_each(AbortHandle::abort);
        }
        let sites = lock(&self.shared.sites);
        for armed in added {
            let tasks = sites
                .iter()
                .flat_map(|site| self.put_in_force(&armed, site));
            let tasks = tasks.collect();
            faults.push(Entry { armed, tasks });
        }
        self.shared.version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Faults so far, those that were taken back among them.
    pub fn count(&self) -> usize {
        read(&self.shared.faults).len()
    }

    /// Every fault so far, those that were taken back among them, in the order in which they came.
    pub fn planned(&self) -> Vec<Planned> {
        let armed = self.armed();
        armed.iter().map(|armed| armed.planned.clone()).collect()
    }

    /// Positions of the faults that were taken back.
    pub fn taken_back(&self) -> Vec<usize> {
        let armed = self.armed().into_iter().enumerate();
        let stopped = armed.filter(|(_, armed)| armed.stopped.is_set());
        stopped.map(|(position, _)| position).collect()
    }

    /// Waits until the fault at a position is taken back before its time; for ever where it never
    /// is. Panics where there is no such fault.
    pub async fn stopped(&self, fault: usize) {
        let armed = read(&self.shared.faults)[fault].armed.clone();
        armed.stopped().await;
    }

    pub(crate) fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Acquire)
    }

    fn armed(&self) -> Vec<Arc<Armed>> {
        let faults = read(&self.shared.faults);
        faults.iter().map(|entry| entry.armed.clone()).collect()
    }

    /// What is met at a place, without those that were taken back, and the version of the list of
    /// faults that this follows from.
    pub(crate) fn place(&self, at: &Where) -> (u64, Place) {
        let version = self.version();
        let mut armed = self.armed();
        armed.retain(|armed| !armed.stopped.is_set());
        let met = armed.iter().filter(|armed| at.meets(armed, &self.zones));
        let faults = met.map(Met::new).collect();
        let cuts = match at {
            Where::Server(..) => Arc::default(),
            Where::Edge(from, to, _) => {
                let cutting = armed.iter().filter(|armed| {
                    from.service() == Service::CLIENT || !self.is_disconnected(armed)
                });
                cutting
                    .filter_map(|armed| Cut::of(armed, from, to))
                    .collect()
            }
        };
        (version, Place { faults, cuts })
    }

    /// Whether a partition's target is taken off the network, so that no layer need hold anything
    /// of those who are on it.
    fn is_disconnected(&self, armed: &Armed) -> bool {
        let whole = armed.action() == Some(Action::Partition);
        whole
            && armed.planned.spec.target.edge.is_none()
            && self.means.leave_to_supervisor(Action::Partition)
    }

    /// Puts what befalls one instance as a whole in force, each for its time: changes of its
    /// resources, and what this process does to its process. One task for each, which ends with
    /// it; a task that is aborted takes back what it did, save that a killed process comes back in
    /// its own time. Faults that come later do so too.
    pub fn schedule<P: Power>(
        &self,
        clock: &Clock,
        instance: &InstanceId,
        controls: &Controls,
        power: &Arc<P>,
    ) -> Vec<AbortHandle> {
        let site = Site {
            clock: clock.clone(),
            instance: instance.clone(),
            controls: controls.clone(),
            power: power.clone(),
        };
        let mut faults = write(&self.shared.faults);
        let mut tasks = Vec::new();
        for entry in faults.iter_mut() {
            let begun = self.put_in_force(&entry.armed, &site);
            tasks.extend(begun.iter().cloned());
            entry.tasks.extend(begun);
        }
        lock(&self.shared.sites).push(site);
        tasks
    }

    /// The way to the process of an instance that lives here.
    pub(crate) fn power(&self, instance: &InstanceId) -> Option<Arc<dyn Power>> {
        let sites = lock(&self.shared.sites);
        let site = sites.iter().find(|site| site.instance == *instance);
        site.map(|site| site.power.clone())
    }

    fn put_in_force(&self, armed: &Arc<Armed>, site: &Site) -> Vec<AbortHandle> {
        let Site {
            clock,
            instance,
            controls,
            power,
        } = site;
        let mut tasks = Vec::new();
        if !armed.planned.spec.target.matches(instance) {
            return tasks;
        }
        if let Some(overrides) = self.standing(armed) {
            tasks.push(schedule::standing(clock, controls, armed, overrides));
        }
        let action = armed.action();
        match action.filter(|&action| !self.means.leave_to_supervisor(action)) {
            Some(Action::Crash { .. }) => tasks.push(schedule::crash(clock, power, armed)),
            Some(Action::Hang | Action::Pause) => tasks.push(schedule::hang(clock, power, armed)),
            // A layer holds messages, and a quota is a change of the processors.
            Some(Action::Partition | Action::CpuQuota { .. }) | None => {}
        }
        tasks
    }

    /// The change of its target's resources for as long as a fault lasts, where it is this
    /// process's to make.
    fn standing(&self, armed: &Armed) -> Option<Overrides> {
        let probability = armed.planned.spec.probability;
        if probability <= 0.0 {
            return None;
        }
        let is_quota = matches!(armed.action(), Some(Action::CpuQuota { .. }));
        if is_quota && !self.means.model_quotas() {
            return None;
        }
        armed.fault.standing(probability)
    }

    /// What is left to a supervisor to do to whole instances of `topology` because of the fault at a
    /// position, each time that it comes into force. Each that is done wants a call of
    /// [`Injector::witness_action`]. Empty where all is done in this process. Panics where there is
    /// no such fault.
    pub fn actions_of(&self, fault: usize, topology: &Topology) -> Vec<(InstanceId, Action)> {
        let armed = read(&self.shared.faults)[fault].armed.clone();
        let action = armed.action();
        let action = action.filter(|&action| self.means.leave_to_supervisor(action));
        let instances = armed.planned.spec.target.instances(topology);
        let both = action.map(|action| instances.into_iter().map(move |id| (id, action)));
        both.into_iter().flatten().collect()
    }

    /// The time in force of the fault at a position that `now_us` lies in, or else the next. `None`
    /// once there is none any more. Panics where there is no such fault.
    pub fn next_action(&self, fault: usize, now_us: u64) -> Option<ActionTime> {
        let armed = read(&self.shared.faults)[fault].armed.clone();
        let (start_us, stop_us) = armed.timing.next(now_us)?;
        Some(ActionTime {
            start_us,
            healed_us: armed.healed_us(start_us, stop_us),
            stop_us,
        })
    }

    /// How the load changes, in the order of the faults.
    pub fn load_changes(&self) -> Vec<TimedLoadChange> {
        let armed = self.armed();
        let changes = armed.iter().enumerate().filter_map(|(fault, armed)| {
            let change = armed.fault.load();
            let change = change.filter(|_| armed.planned.spec.probability > 0.0)?;
            Some(TimedLoadChange {
                fault,
                change,
                windows: armed.timing.windows().collect(),
            })
        });
        changes.collect()
    }

    /// Counts an action that a supervisor carried out as an opportunity and a firing of the fault at
    /// position `fault`. Panics where there is no such fault.
    pub fn witness_action(&self, fault: usize) {
        read(&self.shared.faults)[fault].armed.witness.action();
    }

    /// Counts a request that the load generator sent while the fault at position `fault` changed
    /// the load. Panics where there is no such fault.
    pub fn witness_load(&self, fault: usize) {
        read(&self.shared.faults)[fault].armed.witness.load();
    }

    /// The parameters that a request to `instance` would meet at `now_us` if every fault in force
    /// came up, such as the time after which a process that ran out of memory is started again.
    pub fn overrides_in_force(&self, instance: &InstanceId, now_us: u64) -> Overrides {
        let mut all = Overrides::default();
        for armed in self.armed() {
            let spec = &armed.planned.spec;
            let acts =
                armed.in_force(now_us) && spec.probability > 0.0 && spec.target.matches(instance);
            if !acts {
                continue;
            }
            let facts = Facts::default();
            let decision = armed.fault.decide(&facts, &mut armed.random.rng());
            for overrides in [self.standing(&armed), decision.overrides] {
                all = all.merged(&overrides.unwrap_or_default());
            }
        }
        all
    }

    /// What each fault did so far, in the order in which they were given, as far as this process
    /// carries them out.
    pub fn witnesses(&self) -> Vec<WitnessReport> {
        let armed = self.armed();
        armed.iter().map(|armed| armed.witness.report()).collect()
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
