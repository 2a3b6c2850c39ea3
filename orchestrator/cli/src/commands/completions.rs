//! `ragdoll completions`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::exit::Exit;

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell that reads it, such as `source <(ragdoll completions bash)`
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn print(arguments: &Arguments, mut command: Command) -> Exit {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, name, &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Exit::Success
}
