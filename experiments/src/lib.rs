//! ragdoll-experiments
