//! The reports on records of runs and of analyses.

mod common;

mod agree;
mod analysis;
mod analysis_load;
mod html;
mod machines;
mod repeat;
mod terminal;
