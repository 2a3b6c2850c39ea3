//! Why a command ends without what it was asked for.

use ragdoll_deploy::RunError;

use crate::exit::Exit;

/// What is told, and how the program ends.
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    /// The command line has a mistake.
    pub(crate) fn usage(message: String) -> Self {
        Failure {
            exit: Exit::Usage,
            message,
        }
    }

    /// The environment is in the way.
    pub(crate) fn environment(message: String) -> Self {
        Failure {
            exit: Exit::Environment,
            message,
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = if error.is_spec() {
            Exit::Usage
        } else {
            Exit::Environment
        };
        Failure {
            exit,
            message: error.to_string(),
        }
    }
}
