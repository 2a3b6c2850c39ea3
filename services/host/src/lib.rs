//! ragdoll-host
