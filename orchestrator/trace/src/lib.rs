//! ragdoll-trace
