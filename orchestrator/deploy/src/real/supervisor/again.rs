//! Processes that are there again, and take part in the run once they are told to.

use ragdoll_fault_layers::{Injector, WitnessReport};
use ragdoll_host::service::Begin;
use ragdoll_model::InstanceId;

use super::{READY_AGAIN_US, Supervisor, WITNESS_INTERVAL_US, merge};
use crate::real::control::Control;
use crate::real::fleet::{Fleet, GroundError};

/// Kind of the fault that takes a process's memory.
const OUT_OF_MEMORY: &str = "oom";

impl<F: Fleet> Supervisor<'_, F> {
    /// Starts a process that ended, and lets it take part in the run again.
    pub(super) async fn bring_back(&self, id: &InstanceId) -> Result<(), GroundError> {
        self.fleet.start(id).await?;
        let control = Control::new(id, self.topology, self.fleet.address(id), self.clock);
        control.ready(READY_AGAIN_US).await?;
        self.state().controls.insert(id.clone(), control.clone());
        self.begin_again(id, &control).await
    }

    /// Lets processes take part in the run again that somebody else started again. One that cannot
    /// be told now is told the next time that it is seen.
    pub(super) async fn begin_restarted(&self, not_begun: Vec<(InstanceId, Control)>) {
        if !self.fleet.is_restarted_by_others() {
            return;
        }
        for (id, control) in not_begun {
            self.keep_witnesses(&id);
            if self.begin_again(&id, &control).await.is_ok() {
                self.note(&id, "started again".to_owned());
            }
        }
    }

    async fn begin_again(&self, id: &InstanceId, control: &Control) -> Result<(), GroundError> {
        let restarts = 1 + self.state().restarts.get(id).copied().unwrap_or(0);
        let begin = Begin {
            restarts,
            faults: self.injector.planned(),
            stopped: self.injector.taken_back(),
            addresses: self.fleet.addresses(),
            ..self.begin.clone()
        };
        control.begin(&begin).await?;
        self.state().restarts.insert(id.clone(), restarts);
        Ok(())
    }

    /// What a process that ended said last counts on, whatever its next life says.
    pub(super) fn keep_witnesses(&self, id: &InstanceId) {
        let mut state = self.state();
        if let Some(last) = state.present.remove(id) {
            merge(&mut state.past, &last);
        }
    }

    /// Counts the death of a process that ran out of memory, where it died before it could say what
    /// led to that.
    pub(super) fn witness_death(&self, id: &InstanceId) {
        let now_us = self.clock.now_us();
        let mut state = self.state();
        let last = state.present.get(id).map_or(&[][..], Vec::as_slice);
        let unwitnessed = unwitnessed_death(self.injector, id, now_us, last);
        merge(&mut state.past, &unwitnessed);
    }
}

/// What a process's death for want of memory adds to what it last said of its faults: one firing of
/// each fault that takes its memory and was in force since it could last be asked, unless one of
/// them is known to have acted in this life.
fn unwitnessed_death(
    injector: &Injector,
    id: &InstanceId,
    now_us: u64,
    last: &[WitnessReport],
) -> Vec<WitnessReport> {
    let since_us = now_us.saturating_sub(WITNESS_INTERVAL_US);
    let planned = injector.planned();
    let taken_back = injector.taken_back();
    let took_memory = |position: usize| {
        let spec = &planned[position].spec;
        let time = injector.next_action(position, since_us);
        spec.kind == OUT_OF_MEMORY
            && spec.probability > 0.0
            && spec.target.matches(id)
            && !taken_back.contains(&position)
            && time.is_some_and(|time| time.start_us <= now_us)
    };
    let of_memory: Vec<bool> = (0..planned.len()).map(took_memory).collect();
    let is_known = std::iter::zip(&of_memory, last).any(|(of, said)| *of && said.firings > 0);
    let reports = of_memory.into_iter().map(|of_memory| {
        let firings = u64::from(of_memory && !is_known);
        WitnessReport {
            opportunities: firings,
            firings,
            ..WitnessReport::default()
        }
    });
    reports.collect()
}

#[cfg(test)]
mod tests;
