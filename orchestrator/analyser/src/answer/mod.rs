//! The answer to all questions together: one verdict, and what a reader wants to see beside it.

pub(crate) mod analyse;
pub(crate) mod operations;
pub(crate) mod overview;
pub(crate) mod ranking;
pub(crate) mod scale_up;
pub(crate) mod series;
pub(crate) mod verdict;
pub(crate) mod waterfall;
