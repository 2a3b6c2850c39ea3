//! Systems of a user's own, built, broken and judged as a user's test does.

mod behaviours;
mod builders;
mod files;
mod verdicts;
