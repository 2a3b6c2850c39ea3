//! One file a command.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod run;
pub(crate) mod schema;
