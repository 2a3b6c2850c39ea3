//! The faults of a running system by name, and how they change.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use ragdoll_experiment::Journal;
use ragdoll_fault_layers::{Injector, Planned, WitnessReport};
use ragdoll_fault_spec::FaultSpec;
use ragdoll_model::{Service, Topology};
use ragdoll_runtime::Clock;
use ragdoll_runtime::random::s_to_us;
use tokio::sync::{Notify, mpsc, watch};

use super::options::{Served, UpOptions};
use super::views::{Changed, FaultState, FaultView, Refused};
use crate::error::RunError;
use crate::judgement::write_journal;
use crate::plan;
use crate::real::fleet::Fleet;
use crate::real::supervisor::Supervisor;

/// Faults that one system can have had: each stays in every process's list.
const MOST_FAULTS: usize = 1000;
/// How often the processes are told what there is, and asked what it did.
const TELL_INTERVAL_US: u64 = 1_000_000;
/// How long a change is waited for until every process has heard of it.
const HEARD_US: u64 = 5_000_000;

/// A running system and its faults.
pub(super) struct Session {
    options: UpOptions,
    served: Served,
    injector: Injector,
    clock: Clock,
    added: mpsc::UnboundedSender<usize>,
    state: Mutex<State>,
    changed: Notify,
    /// Number of the last change that every process was told of.
    told: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Every fault so far; its position is the injector's.
    faults: Vec<Named>,
    /// Positions of those that are not taken back, by name.
    present: BTreeMap<String, usize>,
    witnesses: Vec<WitnessReport>,
    changes: u64,
}

struct Named {
    id: String,
    planned: Planned,
    taken_back_us: Option<u64>,
}

impl Session {
    pub(super) fn new(
        options: &UpOptions,
        served: Served,
        injector: Injector,
        clock: Clock,
        added: mpsc::UnboundedSender<usize>,
    ) -> Self {
        Session {
            options: options.clone(),
            served,
            injector,
            clock,
            added,
            state: Mutex::default(),
            changed: Notify::new(),
            told: watch::Sender::new(0),
        }
    }

    pub(super) fn topology(&self) -> &Topology {
        &self.options.topology
    }

    pub(super) fn served(&self) -> &Served {
        &self.served
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.options.token.as_deref()
    }

    /// Adds a fault, or makes it another. Where it is as asked already it goes on undisturbed.
    pub(super) async fn put(&self, id: &str, fault: FaultSpec) -> Result<Changed, Refused> {
        let (changed, number) = {
            let mut state = self.state();
            let earlier = state.present.get(id).copied();
            if earlier.is_some_and(|position| state.faults[position].planned.spec == fault) {
                return Ok(Changed::Unchanged);
            }
            let faults = [(id.to_owned(), fault)].into();
            self.change(&mut state, earlier.into_iter().collect(), faults)?;
            let changed = match earlier {
                None => Changed::Added,
                Some(_) => Changed::Changed,
            };
            (changed, state.changes)
        };
        self.wait_told(number).await;
        Ok(changed)
    }

    /// Makes these the faults, all at once.
    pub(super) async fn replace(
        &self,
        mut wanted: BTreeMap<String, FaultSpec>,
    ) -> Result<Changed, Refused> {
        let number = {
            let mut state = self.state();
            let mut stop = Vec::new();
            for (id, &position) in &state.present {
                let spec = &state.faults[position].planned.spec;
                if wanted.get(id) == Some(spec) {
                    wanted.remove(id);
                } else {
                    stop.push(position);
                }
            }
            if stop.is_empty() && wanted.is_empty() {
                return Ok(Changed::Unchanged);
            }
            self.change(&mut state, stop, wanted)?;
            state.changes
        };
        self.wait_told(number).await;
        Ok(Changed::Changed)
    }

    /// Takes a fault back. False where there is none of that name.
    pub(super) async fn remove(&self, id: &str) -> bool {
        let number = {
            let mut state = self.state();
            let Some(position) = state.present.get(id).copied() else {
                return false;
            };
            let removed = self.change(&mut state, vec![position], BTreeMap::new());
            removed.unwrap_or_else(|refused| panic!("{id} cannot be taken back: {refused}"));
            state.changes
        };
        self.wait_told(number).await;
        true
    }

    fn change(
        &self,
        state: &mut State,
        stop: Vec<usize>,
        add: BTreeMap<String, FaultSpec>,
    ) -> Result<(), Refused> {
        for fault in add.values() {
            refuse_clients(fault)?;
        }
        if state.faults.len() + add.len() > MOST_FAULTS {
            return Err(Refused::because(
                format!("the system has had {} faults", state.faults.len()),
                "start it again: it keeps a list of all of them",
            ));
        }
        let now_us = self.clock.now_us();
        let named = add.into_iter().map(|(id, spec)| Named {
            id,
            planned: planned(spec, now_us),
            taken_back_us: None,
        });
        let named: Vec<Named> = named.collect();
        let all = named.iter().map(|named| named.planned.clone()).collect();
        self.injector
            .change(&stop, all)
            .map_err(|error| Refused::because(error.to_string(), "see `ragdoll schema`"))?;
        for position in stop {
            let gone = &mut state.faults[position];
            gone.taken_back_us = Some(now_us);
            state.present.remove(&gone.id);
        }
        for named in named {
            let position = state.faults.len();
            state.present.insert(named.id.clone(), position);
            state.faults.push(named);
            // Nobody carries out actions any more where the system is about to end.
            let _ = self.added.send(position);
        }
        state.changes += 1;
        self.changed.notify_one();
        Ok(())
    }

    async fn wait_told(&self, number: u64) {
        let mut told = self.told.subscribe();
        let heard = told.wait_for(|told| *told >= number);
        // A process that stands still hears of it when it goes on.
        let _ = self.clock.timeout_us(HEARD_US, heard).await;
    }

    /// Tells the processes of every change, and keeps count of what faults do.
    pub(super) async fn keep_told<F: Fleet>(&self, supervisor: &Supervisor<'_, F>) -> Infallible {
        let mut written = 0;
        loop {
            let number = self.state().changes;
            supervisor.tell_faults().await;
            self.told.send_replace(number);
            self.note_witnesses(supervisor.witnesses().await);
            if written != number {
                let mut journal = self.journal();
                journal.events = supervisor.events();
                // What cannot be written now is tried again with the next change, and at the end.
                if keep_journal(&self.options, &journal).is_ok() {
                    written = number;
                }
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.clock.sleep_us(TELL_INTERVAL_US) => {}
            }
        }
    }

    pub(super) fn note_witnesses(&self, witnesses: Vec<WitnessReport>) {
        self.state().witnesses = witnesses;
    }

    /// The faults that are not taken back, by name.
    pub(super) fn list(&self) -> Vec<FaultView> {
        let state = self.state();
        let present = state.present.values();
        present
            .map(|&position| self.view(&state, position))
            .collect()
    }

    /// The fault of this name.
    pub(super) fn get(&self, id: &str) -> Option<FaultView> {
        let state = self.state();
        let position = *state.present.get(id)?;
        Some(self.view(&state, position))
    }

    fn view(&self, state: &State, position: usize) -> FaultView {
        let named = &state.faults[position];
        let none = WitnessReport::default();
        let witness = state.witnesses.get(position).unwrap_or(&none);
        let now_us = self.clock.now_us();
        FaultView {
            id: named.id.clone(),
            fault: named.planned.spec.clone(),
            state: if now_us < named.planned.start_us {
                FaultState::Pending
            } else if now_us < named.planned.stop_us {
                FaultState::Active
            } else {
                FaultState::Over
            },
            start_s: named.planned.start_us as f64 / 1e6,
            opportunities: witness.opportunities,
            firings: witness.firings,
            injected_ms: witness.injected_us as f64 / 1e3,
            requests_touched: witness.requests_touched,
        }
    }

    /// The ground truth so far.
    pub(super) fn journal(&self) -> Journal {
        let state = self.state();
        let now_us = self.clock.now_us();
        let none = WitnessReport::default();
        let entries = state.faults.iter().enumerate().map(|(index, named)| {
            let mut planned = named.planned.clone();
            let stop_us = named.taken_back_us.unwrap_or(now_us).min(planned.stop_us);
            planned.stop_us = stop_us.max(planned.start_us);
            let witness = state.witnesses.get(index).unwrap_or(&none);
            plan::entry(named.id.clone(), index, &planned, witness)
        });
        Journal {
            seed: self.options.seed,
            faults: entries.collect(),
            ..Journal::default()
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault that begins with its request, and ends when it says or is taken back.
fn planned(spec: FaultSpec, now_us: u64) -> Planned {
    let start_us = now_us + s_to_us(spec.at_s);
    let once_s = spec.for_s.filter(|_| spec.every_s.is_none());
    let stop_us = once_s.map_or(u64::MAX, |length_s| start_us + s_to_us(length_s));
    Planned {
        spec,
        start_us,
        stop_us,
    }
}

/// What acts on clients needs clients of ours.
fn refuse_clients(fault: &FaultSpec) -> Result<(), Refused> {
    let target = &fault.target;
    let is_client = target.service == Some(Service::CLIENT)
        || target.instance.as_deref() == Some("client-0")
        || target.edge.is_some_and(|edge| edge.from == Service::CLIENT);
    if is_client {
        return Err(Refused::because(
            "the clients of this system are yours, and no fault can act on them",
            "choose another target",
        ));
    }
    Ok(())
}

/// Writes the journal where the system keeps one.
pub(super) fn keep_journal(options: &UpOptions, journal: &Journal) -> Result<(), RunError> {
    match &options.out {
        Some(folder) => Ok(write_journal(folder, journal)?),
        None => Ok(()),
    }
}
