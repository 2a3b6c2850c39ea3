//! Log lines by process, in the order of time.

use ragdoll_trace::{LogEvent, Observations};

use crate::facts::ids::InstanceId;
use crate::facts::instances::Instances;
use crate::facts::time::Window;

/// The index. It takes four bytes a line.
#[derive(Debug)]
pub(crate) struct LogIndex {
    positions: Vec<Vec<u32>>,
}

impl LogIndex {
    pub(crate) fn new(observations: &Observations, instances: &Instances<'_>) -> Self {
        let mut positions = vec![Vec::new(); instances.len()];
        for (position, log) in observations.logs.iter().enumerate() {
            positions[instances.of(log.resource).0 as usize].push(position as u32);
        }
        for own in &mut positions {
            own.sort_by_key(|&at| observations.logs[at as usize].time_ns);
        }
        LogIndex { positions }
    }

    /// What a process said within a window.
    pub(crate) fn within<'o>(
        &self,
        observations: &'o Observations,
        instance: InstanceId,
        window: &Window,
    ) -> impl Iterator<Item = &'o LogEvent> {
        let all = &self.positions[instance.0 as usize];
        let logs = &observations.logs;
        let own = window.part_of(all, |&at| logs[at as usize].time_ns);
        own.iter().map(|&at| &logs[at as usize])
    }
}
