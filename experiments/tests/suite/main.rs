//! Every experiment of this folder, and what holds for the whole workspace.

mod circles;
mod combinations;
mod common;
mod documents;
mod faults;
mod mitigations;
mod tidy;
mod verdicts;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
