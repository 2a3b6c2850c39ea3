//! `ragdoll schema`.

use ragdoll_fault_layers::Faults;

use crate::exit::Exit;

pub(crate) fn print() -> Exit {
    let schema = ragdoll_experiment::schema(&Faults);
    println!("{schema:#}");
    Exit::Success
}
