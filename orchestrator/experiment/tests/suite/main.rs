//! Files of experiments, from their text to the judgement of a run.

mod common;

mod bad_files;
mod counterfactual;
mod good_files;
mod graphs;
mod judging;
mod schema;
mod zones;
