//! Carries out what faults do to whole processes, and looks after processes that end.

mod again;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::future::{join_all, try_join_all};
use futures_util::stream::FuturesUnordered;
use ragdoll_experiment::JournalEvent;
use ragdoll_fault_layers::{Action, Injector, WitnessReport};
use ragdoll_host::service::{Begin, Change};
use ragdoll_model::{InstanceId, Topology};
use ragdoll_runtime::random::ms_to_us;
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::{Exporter, Telemetry, log_process, log_subscriber, tracing};
use tokio::sync::mpsc;

use super::control::Control;
use super::fleet::{Exit, Fleet, GroundError};

/// How long an instance may take until it serves again.
const READY_AGAIN_US: u64 = 30_000_000;
/// How often the processes are asked what the faults did there.
const WITNESS_INTERVAL_US: u64 = 1_000_000;
/// How often a process may run out of memory before it is given up.
const MOST_RESTARTS: u64 = 10_000;

/// Looks after the processes of one run.
pub(crate) struct Supervisor<'a, F> {
    pub(crate) fleet: &'a F,
    pub(crate) topology: &'a Topology,
    pub(crate) injector: &'a Injector,
    /// The run's clock.
    pub(crate) clock: &'a Clock,
    /// Where what is said in place of a dead process goes.
    pub(crate) exporter: &'a Exporter,
    /// What every process was told.
    pub(crate) begin: &'a Begin,
    pub(crate) state: Mutex<State>,
}

/// What a supervisor knows of the processes.
#[derive(Default)]
pub(crate) struct State {
    controls: BTreeMap<InstanceId, Control>,
    /// Killed on purpose, whose end is yet to be heard of.
    killed: Vec<InstanceId>,
    paused: Vec<InstanceId>,
    restarts: BTreeMap<InstanceId, u64>,
    /// What each process last said of its faults; of earlier lives in `past`.
    present: BTreeMap<InstanceId, Vec<WitnessReport>>,
    past: Vec<WitnessReport>,
    events: Vec<JournalEvent>,
}

impl State {
    pub(crate) fn new(controls: BTreeMap<InstanceId, Control>) -> Self {
        State {
            controls,
            ..State::default()
        }
    }
}

type Restart<'a> = Pin<Box<dyn Future<Output = Result<(), GroundError>> + Send + 'a>>;

impl<F: Fleet> Supervisor<'_, F> {
    /// Goes on until something happens that no fault explains. Positions of faults that are added
    /// meanwhile come through `added`.
    pub(crate) async fn run(&self, added: mpsc::UnboundedReceiver<usize>) -> GroundError {
        tokio::select! {
            error = self.act_on_faults(added) => error,
            error = self.watch_exits() => error,
            never = self.poll_witnesses() => match never {},
        }
    }

    async fn act_on_faults(&self, mut added: mpsc::UnboundedReceiver<usize>) -> GroundError {
        let faults = 0..self.injector.count();
        let mut acting: FuturesUnordered<_> = faults.map(|fault| self.act(fault)).collect();
        loop {
            tokio::select! {
                Some(fault) = added.recv() => acting.push(self.act(fault)),
                Some(acted) = acting.next() => {
                    if let Err(error) = acted {
                        return error;
                    }
                }
                else => return std::future::pending().await,
            }
        }
    }

    async fn act(&self, fault: usize) -> Result<(), GroundError> {
        let actions = self.injector.actions_of(fault, self.topology).into_iter();
        let acting = actions.map(|(id, action)| self.act_on(fault, id, action));
        try_join_all(acting).await.map(drop)
    }

    /// Carries out an action on an instance each time that its fault comes into force.
    async fn act_on(
        &self,
        fault: usize,
        id: InstanceId,
        action: Action,
    ) -> Result<(), GroundError> {
        while let Some(time) = self.injector.next_action(fault, self.clock.now_us()) {
            if self.is_stopped_before(fault, time.start_us).await {
                return Ok(());
            }
            self.carry_out(&id, action).await?;
            self.injector.witness_action(fault);
            self.note(&id, done(action));
            let stopped = self.is_stopped_before(fault, time.healed_us).await;
            self.take_back(&id, action).await?;
            self.note(&id, undone(action));
            if stopped || self.is_stopped_before(fault, time.stop_us).await {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until a time, or until the fault is taken back, which it says.
    async fn is_stopped_before(&self, fault: usize, until_us: u64) -> bool {
        tokio::select! {
            biased;
            () = self.injector.stopped(fault) => true,
            () = self.clock.sleep_until_us(until_us) => false,
        }
    }

    async fn carry_out(&self, id: &InstanceId, action: Action) -> Result<(), GroundError> {
        match action {
            Action::Crash { .. } => {
                self.state().killed.push(id.clone());
                self.fleet.kill(id).await
            }
            Action::Hang | Action::Pause => {
                self.state().paused.push(id.clone());
                self.fleet.pause(id).await
            }
            Action::Partition => self.fleet.disconnect(id).await,
            Action::CpuQuota { quota_ms } => self.fleet.set_cpu_quota(id, Some(quota_ms)).await,
        }
    }

    async fn take_back(&self, id: &InstanceId, action: Action) -> Result<(), GroundError> {
        match action {
            Action::Crash { .. } => self.bring_back(id).await,
            Action::Hang | Action::Pause => {
                self.fleet.resume(id).await?;
                self.state().paused.retain(|paused| paused != id);
                Ok(())
            }
            Action::Partition => self.fleet.reconnect(id).await,
            Action::CpuQuota { .. } => self.fleet.set_cpu_quota(id, None).await,
        }
    }

    async fn watch_exits(&self) -> GroundError {
        let mut restarts: FuturesUnordered<Restart<'_>> = FuturesUnordered::new();
        loop {
            tokio::select! {
                exit = self.fleet.next_exit() => match self.attend_to(exit) {
                    Ok(Some(restart)) => restarts.push(restart),
                    Ok(None) => {}
                    Err(error) => return error,
                },
                Some(restarted) = restarts.next() => {
                    if let Err(error) = restarted {
                        return error;
                    }
                }
            }
        }
    }

    /// What is to be done about a process that ended.
    fn attend_to(&self, exit: Exit) -> Result<Option<Restart<'_>>, GroundError> {
        if exit.out_of_memory {
            self.witness_death(&exit.instance);
        }
        self.forget(&exit.instance);
        let was_killed = {
            let mut state = self.state();
            let position = state.killed.iter().position(|id| *id == exit.instance);
            position
                .map(|position| state.killed.remove(position))
                .is_some()
        };
        if was_killed {
            return Ok(None);
        }
        let restarts = self.state().restarts.get(&exit.instance).copied();
        if !exit.out_of_memory || restarts.unwrap_or(0) >= MOST_RESTARTS {
            return Err(GroundError::Died {
                instance: exit.instance.name().to_owned(),
                at_s: self.clock.now_us() as f64 / 1e6,
                code: exit.code_in_words(),
                said: exit.said,
            });
        }
        let code = exit.code_in_words();
        self.note(&exit.instance, format!("killed for want of memory:{code}"));
        self.report_death(&exit.instance);
        Ok(Some(Box::pin(self.restart(exit.instance))))
    }

    async fn restart(&self, id: InstanceId) -> Result<(), GroundError> {
        let now_us = self.clock.now_us();
        let overrides = self.injector.overrides_in_force(&id, now_us);
        let memory = self.topology.memory(id.service());
        let memory = memory.unwrap_or_else(|| panic!("{id} has no memory to run out of"));
        let restart_ms = memory.restart_ms;
        let restart_ms = overrides.memory_restart_ms.unwrap_or(restart_ms);
        self.clock.sleep_us(ms_to_us(restart_ms)).await;
        self.bring_back(&id).await?;
        self.note(&id, "started again".to_owned());
        Ok(())
    }

    /// Says in the dead process's place what the platform of a production system would: that it was
    /// killed, and for want of what.
    fn report_death(&self, id: &InstanceId) {
        let telemetry = Telemetry::new(
            self.clock.clone(),
            id.clone(),
            0,
            Streams::new(self.begin.seed).stream("supervisor"),
            self.exporter.clone(),
        );
        let subscriber = log_subscriber(self.clock.clone(), self.exporter.clone());
        tracing::subscriber::with_default(subscriber, || {
            log_process!(
                error,
                telemetry,
                "OutOfMemory: process killed",
                exit_code = 137
            );
        });
        self.exporter.flush();
    }

    async fn poll_witnesses(&self) -> std::convert::Infallible {
        loop {
            self.clock.sleep_us(WITNESS_INTERVAL_US).await;
            let not_begun = self.ask_witnesses().await;
            self.begin_restarted(not_begun).await;
        }
    }

    /// Asks every process that can answer what the faults did there. One that does not, because it is
    /// about to end, has said so a second ago. Returns those that answer that no run has begun there.
    async fn ask_witnesses(&self) -> Vec<(InstanceId, Control)> {
        let asked: Vec<(InstanceId, Control)> = {
            let state = self.state();
            let controls = state.controls.iter();
            let answering = controls.filter(|(id, _)| !state.paused.contains(id));
            answering
                .map(|(id, control)| (id.clone(), control.clone()))
                .collect()
        };
        let answers = asked.iter().map(|(id, control)| async move {
            let answer = control.witnesses().await.ok()?;
            Some((id, control, answer))
        });
        let mut not_begun = Vec::new();
        for (id, control, answer) in join_all(answers).await.into_iter().flatten() {
            let mut state = self.state();
            match answer {
                Some(answer) if state.controls.contains_key(id) => {
                    state.present.insert(id.clone(), answer);
                }
                Some(_) => {}
                None => not_begun.push((id.clone(), control.clone())),
            }
        }
        not_begun
    }

    /// What the faults did, all processes and this one taken together, in the order of the faults.
    pub(crate) async fn witnesses(&self) -> Vec<WitnessReport> {
        self.ask_witnesses().await;
        let mut total = self.injector.witnesses();
        let state = self.state();
        merge(&mut total, &state.past);
        for witnesses in state.present.values() {
            merge(&mut total, witnesses);
        }
        total
    }

    /// Lets every process deliver what it has said; returns how many spans never arrived.
    pub(crate) async fn drain(&self) -> u64 {
        let controls: Vec<Control> = self.state().controls.values().cloned().collect();
        let drained = join_all(controls.iter().map(Control::drain)).await;
        drained
            .into_iter()
            .flatten()
            .map(|drained| drained.lost_spans)
            .sum()
    }

    /// Tells every process that can hear it which faults there are.
    pub(crate) async fn tell_faults(&self) {
        let change = Change {
            faults: self.injector.planned(),
            stopped: self.injector.taken_back(),
        };
        let hearing: Vec<Control> = {
            let state = self.state();
            let controls = state.controls.iter();
            let hearing = controls.filter(|(id, _)| !state.paused.contains(id));
            hearing.map(|(_, control)| control.clone()).collect()
        };
        // One that does not hear it now hears it the next time.
        join_all(hearing.iter().map(|control| control.change(&change))).await;
    }

    /// What befell the processes so far.
    pub(crate) fn events(&self) -> Vec<JournalEvent> {
        self.state().events.clone()
    }

    fn forget(&self, id: &InstanceId) {
        self.state().controls.remove(id);
        self.keep_witnesses(id);
    }

    fn note(&self, id: &InstanceId, what: String) {
        let event = JournalEvent {
            at_s: self.clock.now_us() as f64 / 1e6,
            instance: id.name().to_owned(),
            what,
        };
        self.state().events.push(event);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn merge(total: &mut Vec<WitnessReport>, more: &[WitnessReport]) {
    total.resize_with(total.len().max(more.len()), WitnessReport::default);
    for (sum, report) in total.iter_mut().zip(more) {
        sum.merge(report);
    }
}

fn done(action: Action) -> String {
    match action {
        Action::Crash { .. } => "killed".to_owned(),
        Action::Hang | Action::Pause => "paused".to_owned(),
        Action::Partition => "disconnected".to_owned(),
        Action::CpuQuota { quota_ms } => format!("limited to {quota_ms} ms in each 100 ms"),
    }
}

fn undone(action: Action) -> String {
    let words = match action {
        Action::Crash { .. } => "started again",
        Action::Hang | Action::Pause => "resumed",
        Action::Partition => "connected again",
        Action::CpuQuota { .. } => "limit lifted",
    };
    words.to_owned()
}
