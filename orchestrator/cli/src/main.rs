//! The `ragdoll` command.
fn main() {}
