//! ragdoll-runtime
