//! ragdoll-collector
