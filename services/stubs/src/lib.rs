//! ragdoll-stubs
