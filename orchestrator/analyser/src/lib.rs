//! ragdoll-analyser
