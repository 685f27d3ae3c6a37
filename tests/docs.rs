//! What `docs/` promises to be complete about, held against the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use antin::core::report::message;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// What stands between single backticks in Markdown, fenced blocks left out.
fn code_words(markdown: &str) -> BTreeSet<&str> {
    let fenced = markdown.split("```").step_by(2);
    fenced.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_code_is_named_in_the_api() {
    let api = read("docs/api.md");
    let named = code_words(&api);
    let missing: Vec<&str> = message::codes().filter(|code| !named.contains(code)).collect();
    assert!(missing.is_empty(), "docs/api.md names no {missing:?}");
}

#[test]
fn every_problem_is_named_in_the_api() {
    let (api, words) = (read("docs/api.md"), read("config/problems.toml"));
    let named = code_words(&api);
    let codes = words.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    let codes: Vec<&str> = codes.collect();
    assert!(codes.len() > 45, "{codes:?}");
    let missing: Vec<&&str> = codes.iter().filter(|code| !named.contains(**code)).collect();
    assert!(missing.is_empty(), "docs/api.md names no {missing:?}");
}

/// Each row of the table of codes names a code that exists.
#[test]
fn the_table_of_codes_names_no_others() {
    let api = read("docs/api.md");
    let known: BTreeSet<&str> = message::codes().collect();
    let (_, table) = api.split_once("| code | indication | sub-indication |").expect("the table");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 40, "{} rows", rows.len());
    for row in rows {
        let code = row.split('`').nth(1).expect(row);
        assert!(known.contains(code), "{code} is no code of config/messages.toml");
    }
}

#[test]
fn every_dependency_has_its_line() {
    let manifest = read("Cargo.toml");
    let documented = read("docs/dependencies.md");
    let named = code_words(&documented);
    let mut in_dependencies = false;
    let mut found = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = matches!(line, "[dependencies]" | "[dev-dependencies]");
        } else if in_dependencies && let Some((name, _)) = line.split_once('=') {
            if line.starts_with('#') {
                continue;
            }
            found += 1;
            assert!(named.contains(name.trim()), "docs/dependencies.md has no line for {}", name.trim());
        }
    }
    assert!(found > 20, "{found} dependencies found");
}
