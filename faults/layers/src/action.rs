//! Faults that befall a process or its network as a whole: what is done to whom and when, and who
//! does it on which ground.

use serde::{Deserialize, Serialize};

/// Something that is done to an instance as a whole, and taken back when the fault stops.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Its process is killed, and started again later.
    Crash {
        /// Time from the kill to the start. `None`, and what would outlast the fault: when the
        /// fault stops.
        down_us: Option<u64>,
    },
    /// Its process stands still, and goes on later.
    Hang,
    /// Its process stands still of itself, as for a collection of garbage, on every ground.
    Pause,
    /// Nothing passes between it and everybody else, in neither direction, until it is connected
    /// again.
    Partition,
    /// All of its work together gets only so much processor time, until the quota is lifted.
    CpuQuota {
        /// Processor time in each period of 100 ms, at least 1.
        quota_ms: f64,
    },
}

/// When an action is carried out once, in microseconds of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionTime {
    /// When it is done.
    pub start_us: u64,
    /// When it is taken back.
    pub healed_us: u64,
    /// When the fault is over, this time.
    pub stop_us: u64,
}

/// When an action is taken back, in microseconds of the run: at the fault's stop, or before where a
/// killed process is to come back sooner.
pub(crate) fn healed_us(action: Action, start_us: u64, stop_us: u64) -> u64 {
    match action {
        Action::Crash {
            down_us: Some(down_us),
        } => start_us.saturating_add(down_us).min(stop_us),
        _ => stop_us,
    }
}

/// By what means a ground carries out actions: which of them the process that holds an
/// [`Injector`](crate::Injector) does itself, and which are left to whoever started it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// All instances live in this process, and it does everything: the virtual ground.
    #[default]
    InProcess,
    /// A process an instance. A supervisor kills, stops and continues processes by signals; the
    /// layer around the wire holds messages, and the model of the processors keeps the quota: the
    /// loopback ground.
    Signals,
    /// A container an instance. The engine kills, pauses, disconnects and throttles containers. The
    /// layer still holds messages on edges, in one direction only, and of the load generator, which
    /// is not on the engine's network: the docker ground.
    Engine {
        /// Whether work keeps processors busy. Where it only waits, the engine's quota has nothing
        /// to withhold, and the model of the processors keeps it too.
        burns: bool,
    },
}

impl Means {
    /// Whether an action is a supervisor's to carry out.
    pub(crate) fn leave_to_supervisor(self, action: Action) -> bool {
        if action == Action::Pause {
            return false;
        }
        match self {
            Means::InProcess => false,
            Means::Signals => matches!(action, Action::Crash { .. } | Action::Hang),
            Means::Engine { .. } => true,
        }
    }

    /// Whether a change of the processors' quota is the model's to keep.
    pub(crate) fn model_quotas(self) -> bool {
        self != Means::Engine { burns: true }
    }
}

/// What can be done to the process of an instance that lives in this one.
pub trait Power: Send + Sync + 'static {
    /// Kills the process; it comes back after `down_us`.
    fn crash(&self, down_us: u64);

    /// Lets the process stand still. Each call wants one of [`Power::thaw`].
    fn freeze(&self);

    /// Lets it go on.
    fn thaw(&self);

    /// Notes that the process stood still of itself for `paused_us` until now.
    fn paused(&self, paused_us: u64);
}
