//! Exit codes (`docs/api.md`), and the one way a command ends with an error.

use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// An exit code of its own type, so that it cannot be mixed up with a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u8);

pub const ACCEPT: Code = Code(0);
pub const REJECT: Code = Code(1);
pub const UNDETERMINED: Code = Code(2);
pub const NO_SIGNATURE: Code = Code(3);
/// Wrong use of the command line (`EX_USAGE`).
pub const USAGE: Code = Code(64);
/// Input that cannot be read (`EX_DATAERR`).
pub const UNREADABLE: Code = Code(65);
/// A failure inside, or of the machine (`EX_SOFTWARE`).
pub const INTERNAL: Code = Code(70);

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.0)
    }
}

/// Why a command stops: what to say, and the exit code.
#[derive(Debug)]
pub struct CommandError {
    pub code: Code,
    message: String,
}

impl CommandError {
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// An error with the causes behind it.
    pub fn of(code: Code, error: &dyn Error) -> Self {
        Self { code, message: with_causes(error) }
    }

    /// About a file; the causes behind the error are said too.
    pub fn about(code: Code, path: &Path, error: &dyn Error) -> Self {
        Self { code, message: format!("{}: {}", path.display(), with_causes(error)) }
    }
}

/// An error and what lies behind it, in one line. Errors that pass another on say its words already.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        let words = below.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = below.source();
    }
    text
}

/// Ends a command: the code of its result, or the error said on standard error.
pub fn finish(result: Result<Code, CommandError>) -> ExitCode {
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "antin: {}", error.message);
            error.code.into()
        }
    }
}

/// JSON for people and machines: indented throughout, what is kept rendered too.
pub fn json(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).expect("reports are made of texts, numbers and lists");
    format!("{value:#}\n")
}

/// Writes to standard output; a reader that went away is no error of ours.
pub fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
