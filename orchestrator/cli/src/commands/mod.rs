//! One file a command.

pub(crate) mod agree;
pub(crate) mod analyze;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod dataset;
pub(crate) mod export;
pub(crate) mod failure;
pub(crate) mod fault;
pub(crate) mod ground;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod repeat;
pub(crate) mod reports;
mod resources;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod score;
pub(crate) mod show;
pub(crate) mod suite;
pub(crate) mod up;

/// A number of things, in words.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}
