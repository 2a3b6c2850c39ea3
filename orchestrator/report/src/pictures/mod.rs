//! What sections draw: functions of a record to SVG.

mod axis;
mod svg;

pub(crate) mod distribution;
pub(crate) mod series;
pub(crate) mod system;
pub(crate) mod tail;
pub(crate) mod timeline;
pub(crate) mod waterfall;
