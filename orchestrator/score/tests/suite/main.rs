//! Methods and their grades on cases that are written here.

mod common;

mod blindness;
mod dataset;
mod incidents;
mod methods;
