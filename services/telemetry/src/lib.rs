//! ragdoll-telemetry
