//! The questions that are asked of a window and its baseline, each by itself, and what else is worth
//! telling of a window.

pub(crate) mod case;
pub(crate) mod change_point;
pub(crate) mod comparison;
pub(crate) mod correlated_attributes;
pub(crate) mod errors;
pub(crate) mod evidence;
pub(crate) mod findings;
pub(crate) mod given_up;
pub(crate) mod latency;
pub(crate) mod load;
pub(crate) mod network_owners;
pub(crate) mod outliers;
pub(crate) mod places;
pub(crate) mod population;
pub(crate) mod root_operations;
pub(crate) mod rules;
pub(crate) mod saturation;
pub(crate) mod serial_opportunities;
pub(crate) mod signs;
pub(crate) mod structure;
pub(crate) mod throughput;
