//! The end of the program whose reader went away, as in `ragdoll list | head`.

use std::any::Any;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};

use crate::exit::Exit;

/// How the standard library's `print!` begins to say that it cannot; it has no other way.
const CANNOT_PRINT: &str = "failed printing to std";

/// Runs a command. Where its output cannot be written any more it ends, after what it has started was
/// put away: printing panics then, and a panic unwinds. Where nobody reads the output that is without a
/// word. Any other panic goes on.
pub(crate) fn until_nobody_reads(command: impl FnOnce() -> Exit) -> Exit {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if of_printing(panic.payload()).is_none() {
            report(panic);
        }
    }));
    match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(exit) => exit,
        Err(payload) => match of_printing(payload.as_ref()) {
            Some(words) => {
                if !words.contains("Broken pipe") {
                    let (_, why) = words.split_once(": ").unwrap_or(("", words));
                    // Standard error may be what cannot be written.
                    let _ = writeln!(io::stderr(), "error: the output cannot be written: {why}");
                }
                Exit::Environment
            }
            None => panic::resume_unwind(payload),
        },
    }
}

/// What a panic says, where it is that of printing.
fn of_printing(payload: &(dyn Any + Send)) -> Option<&str> {
    let words = payload.downcast_ref::<String>()?;
    words.starts_with(CANNOT_PRINT).then_some(words)
}
