//! ragdoll-load
