//! ragdoll-deploy
