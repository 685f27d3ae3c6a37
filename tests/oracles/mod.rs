//! Foreign implementations to agree with: where they are, and what happens when one is not there.
//!
//! `make oracles` installs them all and sets `ANTIN_ORACLES=1`: a missing one is then a failure. Otherwise a test that
//! lacks its oracle says so plainly and returns. Tests that use one live in a module below this one, or have `oracles` in
//! their own module's name: that is the filter of `make oracles`.
//!
//! ```ignore
//! let Some(python) = oracles::python_with_pyhanko() else { return };
//! ```

mod adding;
mod archival;
mod bouncy_castle;
mod chains;
mod issuance_log;
mod long_term;
mod ocsp;
mod openssl_cms;
mod openssl_ts;
mod pades;
mod pades_theirs;
mod path;
mod pyhanko;
mod real;
mod rustcrypto;
mod status_lists;
mod time_stamping;
mod tree;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The Python that has pyHanko at the version of `tests/oracles/requirements.txt`.
pub fn python_with_pyhanko() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracles/venv");
    // Written last: a half-installed environment does not count.
    let is_of_this_tree = |installed: String| installed == include_str!("requirements.txt");
    if std::fs::read_to_string(venv.join("installed")).is_ok_and(is_of_this_tree) {
        Some(venv.join("bin/python"))
    } else {
        missing("pyHanko")
    }
}

/// NIST's PKITS as the package of `tests/pkits/requirements.txt` holds it: `certs/*.crt` and `crls/*.crl`.
pub fn pkits() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracles/pkits");
    if folder.join("installed").exists() { Some(folder) } else { missing("PKITS") }
}

/// The class path of Bouncy Castle, for `java -cp` and `javac -cp`; asks for a JDK too.
pub fn bouncy_castle() -> Option<String> {
    command("javac")?;
    let jars = ["bcprov", "bcutil", "bcpkix"].map(|name| format!("/usr/share/java/{name}.jar"));
    if jars.iter().all(|jar| Path::new(jar).exists()) { Some(jars.join(":")) } else { missing("Bouncy Castle") }
}

/// The class path of PDFBox's preflight.
pub fn preflight() -> Option<String> {
    command("java")?;
    let jars = ["preflight", "pdfbox2", "fontbox2", "xmpbox", "commons-logging", "javax.activation", "jaxb-api"]
        .map(|name| format!("/usr/share/java/{name}.jar"));
    if jars.iter().all(|jar| Path::new(jar).exists()) { Some(jars.join(":")) } else { missing("PDFBox's preflight") }
}

/// A program on the `PATH`: `openssl`, `pdfsig`, `javac`.
pub fn command(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file());
    found.or_else(|| missing(name))
}

fn missing<T>(what: &str) -> Option<T> {
    if std::env::var_os("ANTIN_ORACLES").is_some_and(|value| value == "1") {
        panic!("{what} is not installed, and ANTIN_ORACLES=1 demands it: run `make oracles`");
    }
    notice(&format!("{what} is not installed (`make oracles` installs it)"));
    None
}

/// Says that the running test is skipped, and why.
fn notice(why: &str) {
    let thread = std::thread::current();
    // Not `eprintln!`: the test harness would hide it.
    let notice = format!("SKIPPED {}: {why}\n", thread.name().unwrap_or("?"));
    let _ = std::io::stderr().write_all(notice.as_bytes());
}

/// Runs an oracle to its end, whatever its exit code.
pub fn run(program: impl AsRef<OsStr>, arguments: &[&str]) -> Output {
    let program = program.as_ref();
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()))
}

#[test]
fn pyhanko_answers_at_its_pinned_version() {
    let Some(python) = python_with_pyhanko() else { return };
    let said =
        run(python, &["-c", "import pyhanko.version, pyhanko_certvalidator; print(pyhanko.version.__version__)"]);
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let pinned = format!("\npyHanko=={version}\n");
    assert!(include_str!("requirements.txt").contains(&pinned), "{said:?}");
}

#[test]
fn bouncy_castle_answers() {
    let Some(class_path) = bouncy_castle() else { return };
    let said = run("javap", &["-cp", &class_path, "org.bouncycastle.cms.CMSSignedData"]);
    assert!(said.status.success(), "{said:?}");
}

#[test]
fn openssl_answers() {
    let Some(openssl) = command("openssl") else { return };
    let said = run(openssl, &["version"]);
    assert!(String::from_utf8_lossy(&said.stdout).starts_with("OpenSSL 3."), "{said:?}");
}
