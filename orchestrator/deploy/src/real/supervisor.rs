//! Carries out what faults do to whole processes, and looks after processes that end.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::future::{join_all, try_join_all};
use futures_util::stream::FuturesUnordered;
use ragdoll_experiment::JournalEvent;
use ragdoll_fault_layers::{Action, Injector, TimedAction, WitnessReport};
use ragdoll_host::service::Begin;
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_runtime::random::ms_to_us;
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::{Exporter, Telemetry, log_process, log_subscriber, tracing};

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
    /// Goes on until something happens that no fault explains.
    pub(crate) async fn run(&self) -> GroundError {
        let actions = self.injector.actions(self.topology);
        let timeline = async {
            let actions = actions.iter().map(|action| self.carry_out(action));
            match try_join_all(actions).await {
                Ok(_) => std::future::pending().await,
                Err(error) => error,
            }
        };
        tokio::select! {
            error = timeline => error,
            error = self.watch_exits() => error,
            never = self.poll_witnesses() => match never {},
        }
    }

    async fn carry_out(&self, timed: &TimedAction) -> Result<(), GroundError> {
        self.clock.sleep_until_us(timed.start_us).await;
        let id = &timed.instance;
        match timed.action {
            Action::Crash { .. } => {
                self.state().killed.push(id.clone());
                self.fleet.kill(id).await?;
            }
            Action::Hang | Action::Pause => {
                self.state().paused.push(id.clone());
                self.fleet.pause(id).await?;
            }
            Action::Partition => self.fleet.disconnect(id).await?,
            Action::CpuQuota { quota_ms } => self.fleet.set_cpu_quota(id, Some(quota_ms)).await?,
        }
        self.injector.witness_action(timed.fault);
        self.note(id, done(timed.action));
        self.clock.sleep_until_us(timed.healed_us()).await;
        match timed.action {
            Action::Crash { .. } => self.bring_back(id).await?,
            Action::Hang | Action::Pause => {
                self.fleet.resume(id).await?;
                self.state().paused.retain(|paused| paused != id);
            }
            Action::Partition => self.fleet.reconnect(id).await?,
            Action::CpuQuota { .. } => self.fleet.set_cpu_quota(id, None).await?,
        }
        self.note(id, undone(timed.action));
        Ok(())
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
        let restart_ms = match id.service() {
            Service::Reranker => self.topology.reranker.memory.restart_ms,
            other => panic!("{other} has no memory to run out of"),
        };
        let restart_ms = overrides.memory_restart_ms.unwrap_or(restart_ms);
        self.clock.sleep_us(ms_to_us(restart_ms)).await;
        self.bring_back(&id).await?;
        self.note(&id, "started again".to_owned());
        Ok(())
    }

    /// Starts a process that ended, and lets it take part in the run again.
    async fn bring_back(&self, id: &InstanceId) -> Result<(), GroundError> {
        self.fleet.start(id).await?;
        let control = Control::new(id, self.fleet.address(id), self.clock);
        control.ready(READY_AGAIN_US).await?;
        let restarts = {
            let mut state = self.state();
            state.controls.insert(id.clone(), control.clone());
            let restarts = state.restarts.entry(id.clone()).or_default();
            *restarts += 1;
            *restarts
        };
        let begin = Begin {
            restarts,
            addresses: self.fleet.addresses(),
            ..self.begin.clone()
        };
        control.begin(&begin).await
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
            self.ask_witnesses().await;
        }
    }

    /// Asks every process that can answer what the faults did there. One that does not, because it is
    /// about to end, has said so a second ago.
    async fn ask_witnesses(&self) {
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
            Some((id, answer))
        });
        for (id, answer) in join_all(answers).await.into_iter().flatten() {
            let mut state = self.state();
            if state.controls.contains_key(id) {
                state.present.insert(id.clone(), answer);
            }
        }
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

    /// What befell the processes so far.
    pub(crate) fn events(&self) -> Vec<JournalEvent> {
        self.state().events.clone()
    }

    fn forget(&self, id: &InstanceId) {
        let mut state = self.state();
        state.controls.remove(id);
        if let Some(last) = state.present.remove(id) {
            merge(&mut state.past, &last);
        }
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
