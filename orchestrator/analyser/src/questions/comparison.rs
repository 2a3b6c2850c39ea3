//! Two windows side by side.

use crate::facts::prepared::Prepared;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::places::Place;
use crate::questions::population::Population;
use crate::statistics::config::Config;

/// The requests of a window and of its baseline, and where their time went.
#[derive(Clone, Copy)]
pub(crate) struct Comparison<'c, 'p> {
    pub(crate) prepared: &'p Prepared<'p>,
    pub(crate) now: &'c Population<'p>,
    pub(crate) before: &'c Population<'p>,
    pub(crate) owners: &'c NetworkOwners,
    /// Largest share of the slow tail first.
    pub(crate) places: &'c [Place],
    pub(crate) config: &'c Config,
}
