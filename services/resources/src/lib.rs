//! ragdoll-resources
