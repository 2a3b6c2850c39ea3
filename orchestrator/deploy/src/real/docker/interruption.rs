//! The wish that a run ends, while the engine is at work that is not to be left in the middle.

use super::super::fleet::GroundError;
use super::super::interrupted::interrupted;

/// Listens for it until it is dropped.
pub(crate) struct Interruption {
    listening: tokio::task::JoinHandle<()>,
}

impl Interruption {
    pub(crate) fn listen() -> Interruption {
        Interruption {
            listening: tokio::spawn(interrupted()),
        }
    }

    /// Errors where it was heard.
    pub(crate) fn check(&self) -> Result<(), GroundError> {
        if self.listening.is_finished() {
            return Err(GroundError::Interrupted { at_s: 0.0 });
        }
        Ok(())
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
