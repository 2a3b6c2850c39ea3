//! ragdoll-report
