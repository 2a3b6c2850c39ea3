//! ragdoll-fault-spec
