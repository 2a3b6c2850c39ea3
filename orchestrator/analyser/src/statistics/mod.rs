//! Whether a difference is more than chance. This floor knows requests and their time, and no cause.

pub(crate) mod blocks;
pub(crate) mod chi_square;
pub(crate) mod confidence;
pub(crate) mod config;
pub(crate) mod energy;
pub(crate) mod line;
pub(crate) mod noise;
pub(crate) mod significance;
pub(crate) mod slope;
pub(crate) mod summary;
