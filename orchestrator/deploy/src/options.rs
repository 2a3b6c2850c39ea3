//! How to run.

use std::path::PathBuf;

use ragdoll_stubs::hop::Behaviours;

use crate::ground::Ground;
use crate::progress::Progress;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Folder for telemetry and journal, made where it does not exist. Nothing is written without
    /// one.
    pub out: Option<PathBuf>,
    /// Noted while the run goes on.
    pub progress: Progress,
    /// Where to run.
    pub ground: Ground,
    /// Where telemetry is forwarded to on a real ground, as an OTLP/gRPC endpoint such as
    /// `http://127.0.0.1:4317`; nowhere unless given.
    pub forward: Option<String>,
    /// Whether the instances of a real ground say nothing, which shows what telemetry costs. The
    /// analyser then sees the load generator alone.
    pub without_telemetry: bool,
    /// The functions that serve services of a graph whose description names one. On the virtual ground only.
    pub behaviours: Behaviours,
}
