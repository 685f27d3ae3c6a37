//! The house rules of `src/`, read from the source itself: layers, purity of the core, file length, no `unwrap`.
//!
//! `layers/scan.rs` blanks comments, literals and `#[cfg(test)]` items and reads the paths in what is left.
//! Test code is free of these rules: a unit test may borrow its material from any room.

mod scan;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scan::{blank_comments_and_literals, blank_test_items, line_of, paths_in, test_items};

/// From left to right; a room uses itself and rooms of the rows above its own, never a sibling of its row.
///
/// Inside `core` the reading order is `time, der <- algorithm, crypto <- x509, cms, pdf <- path <- validation <- verdict,
/// report`; it is a habit, not held here.
const LAYERS: &[&[&str]] = &[
    &["core"],
    &["clock", "config", "disk", "net", "typesetting"],
    &["audit", "issuance_log", "kinds", "revocation", "signing", "registry", "pki", "recent", "trust"],
    &["service"],
    &["http"],
    &["cli"],
];

/// What the core may not name: everything that reads the world or writes to it.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
    "axum",
    "getrandom",
    "hyper",
    "metrics",
    "openssl::rand",
    "rand",
    "rand_core",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "time::OffsetDateTime::now_local",
    "time::OffsetDateTime::now_utc",
    "tokio",
    "tower",
    "tracing",
];

const LONGEST_FILE: usize = 500;

#[test]
fn the_source_keeps_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect_rust_files(&root, &mut files);
    assert!(files.len() >= 3, "found only {files:?}");

    let sources: Vec<(String, String)> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&root).expect("below src").to_str().expect("UTF-8 name").to_owned();
            (name, fs::read_to_string(file).expect("a readable source file"))
        })
        .collect();
    let test_files: BTreeSet<String> = sources.iter().flat_map(|(name, text)| test_only_files(name, text)).collect();
    let objections: Vec<String> =
        sources.iter().flat_map(|(name, text)| objections(name, text, test_files.contains(name.as_str()))).collect();
    assert!(objections.is_empty(), "\n{}\n", objections.join("\n"));
}

fn collect_rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect_rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// What is wrong with one file, each as `src/file:line: what`. `name` is relative to `src/`, with `/`.
fn objections(name: &str, text: &str, is_test_only: bool) -> Vec<String> {
    let mut found = Vec::new();
    let length = text.lines().count();
    if length > LONGEST_FILE {
        found.push(format!("src/{name}: {length} lines, more than {LONGEST_FILE}: give each subject its own file"));
    }
    if is_test_only {
        return found;
    }
    let code = blank_test_items(&blank_comments_and_literals(text));
    for forbidden in [".unwrap()", "todo!", "unimplemented!", "dbg!"] {
        for (at, _) in code.match_indices(forbidden) {
            found.push(format!("src/{name}:{}: {forbidden} outside tests", line_of(&code, at)));
        }
    }
    if name == "lib.rs" || name == "main.rs" {
        return found;
    }
    let segments = module_segments(name);
    let room = segments[0];
    if rank(room).is_none() {
        found.push(format!("src/{name}: room `{room}` has no place in LAYERS (tests/layers.rs)"));
        return found;
    }
    for path in paths_in(&code) {
        let line = line_of(&code, path.at);
        if let Some(used) = room_named_by(&path.segments, segments.len()) {
            let allowed = used == room || (rank(used).is_some() && rank(used) < rank(room));
            if !allowed {
                let why = if rank(used).is_none() { "not a room" } else { "a sibling or to the right" };
                found.push(format!("src/{name}:{line}: `{room}` uses `crate::{used}`, {why}"));
            }
        }
        if room == "core"
            && let Some(impure) = IMPURE.iter().find(|impure| reaches(&path.segments, impure))
        {
            found.push(format!("src/{name}:{line}: the core is pure, yet names `{impure}`"));
        }
    }
    found
}

fn rank(room: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&room))
}

/// `core/x509/mod.rs` -> `[core, x509]`, `clock.rs` -> `[clock]`.
fn module_segments(name: &str) -> Vec<&str> {
    name.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect()
}

/// The top-level module that a path names: after `crate::`, or after as many `super::` as lead to the crate's root.
fn room_named_by(path: &[String], depth: usize) -> Option<&str> {
    let supers = path.iter().take_while(|segment| *segment == "super").count();
    let at = match path.first().map(String::as_str) {
        Some("crate") => 1,
        Some("super") if supers == depth => supers,
        _ => return None,
    };
    path.get(at).map(String::as_str)
}

/// Whether a path names `target` or something below it, or takes it in by a glob or by naming its parent alone.
fn reaches(path: &[String], target: &str) -> bool {
    let target: Vec<&str> = target.split("::").collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.split_last() {
        Some((&("*" | "self"), parent)) if !parent.is_empty() => {
            target.starts_with(parent) || parent.starts_with(&target)
        }
        _ => path.starts_with(&target) || (path == ["std", "time"] && target.starts_with(&path)),
    }
}

/// The files that `#[cfg(test)] mod name;` in this file declares, relative to `src/`.
fn test_only_files(name: &str, text: &str) -> Vec<String> {
    let code = blank_comments_and_literals(text);
    let folder = match module_segments(name).as_slice() {
        ["lib" | "main"] => String::new(),
        segments => format!("{}/", segments.join("/")),
    };
    let declared = test_items(&code).into_iter().filter_map(|item| {
        let words: Vec<&str> = code[item].split_whitespace().collect();
        words
            .windows(2)
            .find(|pair| pair[0] == "mod" && pair[1].ends_with(';'))
            .map(|pair| pair[1].trim_end_matches(';'))
    });
    declared.flat_map(|module| [format!("{folder}{module}.rs"), format!("{folder}{module}/mod.rs")]).collect()
}

/// Each rule objects to what it should, and to nothing else.
mod rules {
    use super::{objections, test_only_files};

    fn assert_objects(name: &str, text: &str, lines: &[usize]) {
        let found = objections(name, text, false);
        let expected: Vec<String> = lines.iter().map(|line| format!("src/{name}:{line}: ")).collect();
        let matches =
            found.len() == lines.len() && found.iter().zip(&expected).all(|(got, want)| got.starts_with(want));
        assert!(matches, "{text}\nwanted objections at lines {lines:?}, got {found:#?}");
    }

    #[test]
    fn a_layer_uses_only_what_stands_to_its_left() {
        assert_objects("service/verify.rs", "use crate::{core::time::Time, registry::Record};\nuse crate::net;", &[]);
        assert_objects("core/time.rs", "use crate::core::der;\nuse crate::clock::now;", &[2]);
        assert_objects("core/x509/mod.rs", "fn f() {\n    let now = crate::clock::now();\n}", &[2]);
        assert_objects("service/verify.rs", "use crate::{core::time::Time, http::{Problem, router}};", &[1, 1]);
        assert_objects("signing/software.rs", "use crate::registry::Registry;", &[1]);
        assert_objects("net.rs", "use crate::config::Config;", &[1]);
        assert_objects("http/mod.rs", "use crate\n    ::cli::run as go;", &[1]);
        assert_objects("cli/serve.rs", "use crate::http::router;\nuse crate::cli::verify;", &[]);
    }

    #[test]
    fn the_way_through_super_is_seen() {
        assert_objects("signing/software.rs", "use super::Signer;\nuse super::super::registry;", &[2]);
        assert_objects("clock.rs", "use super::http::Problem;", &[1]);
        assert_objects("core/cms/mod.rs", "use super::http; // core::http, a room of its own", &[]);
    }

    #[test]
    fn a_room_without_a_place_is_refused() {
        assert_eq!(objections("helpers/mod.rs", "", false).len(), 1);
        assert_objects("service/mod.rs", "use crate::helpers::join;\nuse crate::*;", &[1, 2]);
        assert_eq!(objections("lib.rs", "pub mod core;\npub use crate::http::router;", false), [""; 0]);
    }

    #[test]
    fn the_core_is_pure() {
        for line in [
            "use std::net::IpAddr;",
            "use std::{fmt, fs};",
            "use std::{fmt, collections::{BTreeMap, HashMap}, time::{Duration, SystemTime}};",
            "use std::time;",
            "use std::time::*;",
            "use ::std::time::{self, Duration};",
            "fn f() -> u8 { return ::std::process::id(); }",
            "fn f() { std::thread::yield_now(); }",
            "fn f() { let at = std::time::Instant::now(); }",
            "fn f() { let x = openssl::rand::rand_bytes(&mut buffer); }",
            "use rand;",
            "use tokio::sync::Mutex;",
            "fn f() { tracing::info!(\"x\"); }",
            "pub(crate) use reqwest::Client;",
        ] {
            let found = objections("core/time.rs", line, false);
            assert!(!found.is_empty(), "{line}");
        }
        let pure = "use std::{fmt, time::Duration};\nuse time::OffsetDateTime;\nfn f(rand: u8) -> u8 { rand }\nuse core::net::IpAddr;";
        assert_objects("core/time.rs", pure, &[]);
        assert_objects("net.rs", "use std::net::IpAddr;\nuse tokio::net::TcpStream;", &[]);
    }

    #[test]
    fn unfinished_and_unwrapped_code_is_refused() {
        assert_objects("core/der.rs", "fn f() {\n    g().unwrap();\n    todo!();\n}", &[2, 3]);
        assert_objects("main.rs", "fn main() { dbg!(1).unwrap(); }", &[1, 1]);
        assert_objects("core/der.rs", "fn f() { g().unwrap_or(0); }", &[]);
    }

    #[test]
    fn comments_literals_and_tests_are_passed_over() {
        let text = r###"
// use crate::http::x; .unwrap()
/* use crate::http; /* nested */ todo!() */
/// `crate::cli::run().unwrap()`
fn f<'a>(text: &'a str, quote: char) -> bool {
    let _ = ("crate::http::x \" .unwrap()", r#"dbg!(".unwrap()")"#, b"todo!", br"\", '"', '\'', '\u{1F600}', 'ấ');
    quote == '{' || text == "//"
}
#[cfg(test)]
fn only_for_tests(x: [u8; 4]) -> u8 { f().unwrap() }
#[cfg(test)]
mod tests {
    use crate::http::router;
    #[test]
    fn g() { std::fs::read("}").unwrap(); }
}
fn after() { h().unwrap(); }
"###;
        assert_objects("core/der.rs", text, &[17]);
    }

    #[test]
    fn a_test_module_in_its_own_file_is_test_code() {
        let text = "mod parse;\n#[cfg(test)]\nmod tests;\n";
        assert_eq!(test_only_files("core/cms/mod.rs", text), ["core/cms/tests.rs", "core/cms/tests/mod.rs"]);
        assert_eq!(test_only_files("core/der.rs", text)[0], "core/der/tests.rs");
        assert_eq!(test_only_files("lib.rs", text)[0], "tests.rs");
        assert_eq!(objections("core/cms/tests.rs", "fn f() { g().unwrap(); }", true), [""; 0]);
        assert_eq!(objections("core/cms/tests.rs", &"\n".repeat(501), true).len(), 1);
    }

    #[test]
    fn a_long_file_is_refused() {
        assert_eq!(objections("core/der.rs", &"\n".repeat(500), false), [""; 0]);
        assert_eq!(objections("core/der.rs", &"\n".repeat(501), false).len(), 1);
    }
}
