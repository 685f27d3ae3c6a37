//! The story that `antin demo` tells is told to its end, and is the one that the README shows.

use std::process::{Command, Output};

/// A port may be taken between the moment it was found free and the one the service wants it; other tests open ports meanwhile.
const ATTEMPTS: usize = 3;

fn demo() -> Output {
    let directory = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
    command.arg("demo").env("LANG", "C").env_remove("LC_ALL").env_remove("LC_MESSAGES").env("TMPDIR", directory.path());
    command.output().expect("it runs")
}

/// What differs from run to run is replaced: ids and roots, ports, the folder, and where the log put each entry.
fn alike(line: &str) -> String {
    let folder = line.find("CRLs: /").map_or(line.len(), |at| at + "CRLs: ".len());
    let words = line[..folder].split(' ').map(|word| {
        let bare = word.trim_end_matches(['…', ',', '\n']);
        let is_hex = bare.len() >= 16 && bare.bytes().all(|octet| octet.is_ascii_hexdigit());
        let is_address = bare.contains("://127.0.0.1:");
        if is_hex || is_address { "…" } else { word }
    });
    let mut words: Vec<&str> = words.collect();
    if let Some(at) = words.windows(3).position(|three| three[0] == "entry" && three[2] == "of") {
        words[at + 1] = "…";
        words[at + 3] = "…";
        words[at + 4] = "…";
    }
    words.join(" ")
}

#[test]
fn the_whole_story_is_told_and_is_the_one_in_the_readme() {
    let told = (0..ATTEMPTS).map(|_| demo()).find(|output| !String::from_utf8_lossy(&output.stderr).contains("in use"));
    let told = told.expect("free ports");
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    let told: Vec<String> =
        told.split("\nGo on by hand").next().expect("a story").trim_end().lines().map(alike).collect();
    assert!(told.iter().any(|line| line.starts_with("11 ")), "{told:#?}");
    let readme = include_str!("../README.md");
    let from = readme.find("```\nantin: from the office").expect("the story") + 4;
    let shown = &readme[from..from + readme[from..].find("\n```").expect("its end")];
    let shown: Vec<String> = shown.lines().map(alike).collect();
    for (told, shown) in told.iter().zip(&shown) {
        assert_eq!(told, shown, "the README shows another line");
    }
    assert_eq!(told.len(), shown.len(), "the README shows another number of lines");
}
