//! The document security store (EN 319 142-1 §5.4.2): certificates, CRLs and OCSP responses that came with a PDF, and time-stamps that
//! a `VRI` names.

use std::collections::HashSet;
use std::ops::Range;

use super::document::Document;
use super::fault::PdfFault;
use super::object::{Dictionary, Object, Reference, Value};

/// Streams that are looked at, and their octets together.
const ITEMS: usize = 1024;
const OCTETS: usize = 16 << 20;
/// Signatures of which the store says something.
const SIGNATURES: usize = 256;

/// What an item is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    Certificate,
    Crl,
    /// An `OCSPResponse`.
    OcspResponse,
}

/// A stream of the store.
#[derive(Debug)]
pub struct Item {
    pub kind: ItemKind,
    pub octets: Vec<u8>,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

/// What stands in the store of a document, and in its parts for single signatures, each stream once. What cannot be read shows
/// nothing, and is left out; a store that goes on beyond the limits is read up to them.
pub fn read(document: &Document<'_>) -> Result<Vec<Item>, PdfFault> {
    let catalogue = document.catalogue()?;
    let Ok(Some(store)) = document.dictionary(&catalogue, b"DSS") else { return Ok(Vec::new()) };
    let mut reading = Reading { document, seen: HashSet::new(), left: OCTETS, items: Vec::new() };
    reading.lists(&store, [b"Certs", b"CRLs", b"OCSPs"]);
    let of_signatures = document.dictionary(&store, b"VRI").ok().flatten().unwrap_or_default();
    for (_, value) in of_signatures.iter().take(SIGNATURES) {
        if let Ok(Some(found)) = document.resolve(value)
            && let Object::Dictionary(one) = &found.value.object
        {
            reading.lists(one, [b"Cert", b"CRL", b"OCSP"]);
        }
    }
    Ok(reading.items)
}

struct Reading<'a, 'd> {
    document: &'a Document<'d>,
    seen: HashSet<(ItemKind, Reference)>,
    left: usize,
    items: Vec<Item>,
}

impl Reading<'_, '_> {
    fn lists(&mut self, dictionary: &Dictionary, [certificates, crls, responses]: [&[u8]; 3]) {
        for (key, kind) in
            [(certificates, ItemKind::Certificate), (crls, ItemKind::Crl), (responses, ItemKind::OcspResponse)]
        {
            let list = self.document.array(dictionary, key).ok().flatten().unwrap_or_default();
            list.iter().for_each(|value| self.item(kind, value));
        }
    }

    fn item(&mut self, kind: ItemKind, value: &Value) {
        let Object::Reference(reference) = value.object else { return };
        if self.items.len() == ITEMS || !self.seen.insert((kind, reference)) {
            return;
        }
        if let Ok(Some(stream)) = self.document.stream(reference)
            && let Some(left) = self.left.checked_sub(stream.octets.len())
        {
            self.left = left;
            self.items.push(Item { kind, octets: stream.octets, span: stream.span });
        }
    }
}
