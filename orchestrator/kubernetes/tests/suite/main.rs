//! Manifests of a system: what fits together, what options change, and how they read.

mod common;

mod options;
mod structure;
mod text;
