//! ragdoll-cli
