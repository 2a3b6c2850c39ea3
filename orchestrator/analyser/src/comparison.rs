//! Two windows side by side.

use crate::config::Config;
use crate::population::{Place, Population};
use crate::prepared::Prepared;
use crate::sides::Sides;

/// The requests of a window and of its baseline, and where their time went.
#[derive(Clone, Copy)]
pub(crate) struct Comparison<'c, 'p> {
    pub(crate) prepared: &'p Prepared<'p>,
    pub(crate) now: &'c Population<'p>,
    pub(crate) before: &'c Population<'p>,
    pub(crate) sides: &'c Sides,
    /// Largest share of the slow tail first.
    pub(crate) places: &'c [Place],
    pub(crate) config: &'c Config,
}
