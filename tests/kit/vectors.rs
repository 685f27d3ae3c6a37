//! Where foreign test vectors lie: `$ANTIN_VECTORS`, by default `../shared/vectors`. They are no part of this project.

use std::io::Write;
use std::path::PathBuf;

/// A folder or file of foreign vectors; where it is missing this is said, and the test returns.
pub fn find(name: &str) -> Option<PathBuf> {
    look(name).or_else(|| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("?");
        say(&format!("SKIPPED {thread}: no {} (ANTIN_VECTORS)", place(name).display()));
        None
    })
}

/// The same for a test that has another place to look; nothing is said.
pub fn look(name: &str) -> Option<PathBuf> {
    Some(place(name)).filter(|place| place.exists())
}

fn place(name: &str) -> PathBuf {
    let given = std::env::var_os("ANTIN_VECTORS").map(PathBuf::from);
    given.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors")).join(name)
}

/// A line that the test harness does not hide, as it would `eprintln!`.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
