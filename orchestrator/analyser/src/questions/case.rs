//! The requests of one operation in both windows: what the questions are asked of.

use crate::questions::comparison::Comparison;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::places::Place;
use crate::questions::population::Population;

/// The requests of a window and of its baseline, and where their time went.
#[derive(Clone, Copy)]
pub(crate) struct Case<'c, 'p> {
    pub(crate) compared: Comparison<'p>,
    pub(crate) now: &'c Population<'p>,
    pub(crate) before: &'c Population<'p>,
    pub(crate) owners: &'c NetworkOwners,
    /// Largest share of the slow tail first.
    pub(crate) places: &'c [Place],
}
