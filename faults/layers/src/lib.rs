//! ragdoll-fault-layers
