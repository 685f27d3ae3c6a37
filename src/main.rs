//! The `antin` program: parse arguments, call a command, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    antin::cli::main()
}
