//! The end of the program whose reader went away, as in `ragdoll list | head`.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use crate::exit::Exit;

/// Runs a command. Where nobody reads its output any more it ends without a word, after what it has
/// started was put away: printing panics then, and a panic unwinds. Any other panic goes on.
pub(crate) fn until_nobody_reads(command: impl FnOnce() -> Exit) -> Exit {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !is_of_a_closed_pipe(panic.payload()) {
            report(panic);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(exit) => exit,
        Err(payload) if is_of_a_closed_pipe(payload.as_ref()) => Exit::Environment,
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// The words are those of the standard library's `print!`, which has no other way to say it.
fn is_of_a_closed_pipe(payload: &(dyn Any + Send)) -> bool {
    payload.downcast_ref::<String>().is_some_and(|words| {
        words.starts_with("failed printing to std") && words.contains("Broken pipe")
    })
}
