#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
use ragdoll_deploy::{run, RunOptions};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let experiment = match ragdoll_experiment::Experiment::load(path.as_ref(), &ragdoll_fault_layers::Faults) { Ok(e) => e, Err(e) => { println!("{e}"); return; } };
    let out = std::env::args().nth(2).map(std::path::PathBuf::from);
    if let Some(out) = &out { std::fs::create_dir_all(out).unwrap(); }
    let record = run(&experiment, &RunOptions { out, ..Default::default() }).unwrap();
    println!("{:?}", record.wall);
    for p in &record.phases { println!("{} {:?} util {:?}", p.name, p.stats, p.utilization); if let Some(a)=&p.analysis { println!("{:#?}", a.verdict);} }
    println!("{:?}", record.outcome);
}
