//! A window against its baseline.

use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::statistics::config::Config;

/// What is compared: two windows of the same observations, and how much of a change counts.
#[derive(Clone, Copy)]
pub(crate) struct Comparison<'p> {
    pub(crate) prepared: &'p Prepared<'p>,
    pub(crate) window: &'p Window,
    pub(crate) baseline: &'p Window,
    pub(crate) config: &'p Config,
}
