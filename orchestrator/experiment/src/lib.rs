//! ragdoll-experiment
