//! The document security store (EN 319 142-1 §5.4.2): evidence put behind a PDF.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};

use super::form;
use crate::core::algorithm::DigestAlgorithm;
use crate::core::cms::add_evidence::Evidence;
use crate::core::crypto;
use crate::core::pdf::document::Document;
use crate::core::pdf::fault::{PdfFault, PdfFaultKind};
use crate::core::pdf::object::{Dictionary, Object, Reference};
use crate::core::pdf::signature;
use crate::core::pdf::update::Update;

/// Octets from which a stream is compressed: CRLs repeat themselves, certificates do not.
const COMPRESSED_FROM: usize = 4096;

/// The update that puts `evidence` into the store, as far as it is not there, and names it for each signature and time-stamp that the
/// store says nothing of yet. `None`: there is nothing to add.
pub fn add(octets: &[u8], evidence: &Evidence) -> Result<Option<Vec<u8>>, PdfFault> {
    let document = Document::read(octets)?;
    let mut update = Update::new(&document);
    let (root, catalogue) = form::catalogue(&document, &update)?;
    let own = match catalogue.get(b"DSS").map(|value| &value.object) {
        Some(Object::Reference(reference)) => Some(*reference),
        _ => None,
    };
    let mut store = document.dictionary(&catalogue, b"DSS")?.unwrap_or_default();
    let mut is_changed = false;
    let mut of_signature = Dictionary::default();
    for (list, own_list, encodings) in [
        ("Certs", "Cert", &evidence.certificates),
        ("CRLs", "CRL", &evidence.crls),
        ("OCSPs", "OCSP", &evidence.ocsp_responses),
    ] {
        if encodings.is_empty() {
            continue;
        }
        let mut members = members(&document, &store, list)?;
        let mut named = Vec::new();
        for encoding in encodings {
            let known = members.iter().find(|(_, octets)| octets.as_ref() == Some(encoding));
            let reference = match known {
                Some((Object::Reference(reference), _)) => *reference,
                _ => {
                    let reference = add_stream(&mut update, encoding);
                    members.push((Object::Reference(reference), Some(encoding.clone())));
                    is_changed = true;
                    reference
                }
            };
            named.push(Object::Reference(reference));
        }
        store.set(list.as_bytes(), Object::of_array(members.into_iter().map(|(object, _)| object)));
        of_signature.set(own_list.as_bytes(), Object::of_array(named));
    }
    let mut by_signature = document.dictionary(&store, b"VRI")?.unwrap_or_default();
    if of_signature.keys().next().is_some() {
        for key in keys(&document)? {
            if by_signature.get(key.as_bytes()).is_none() {
                let entry = update.add(Object::Dictionary(of_signature.clone()));
                by_signature.set(key.as_bytes(), Object::Reference(entry));
                is_changed = true;
            }
        }
    }
    if !is_changed {
        return Ok(None);
    }
    store.set(b"Type", Object::of_name("DSS"));
    store.set(b"VRI", Object::Dictionary(by_signature));
    match own {
        Some(own) => update.put(own, Object::Dictionary(store)),
        None => {
            let own = update.add(Object::Dictionary(store));
            update.put(root, Object::Dictionary(catalogue.with("DSS", Object::Reference(own))));
        }
    }
    Ok(Some(update.finish()?.octets))
}

/// A member of a list of the store, and its octets if it is a stream that can be read.
type Member = (Object, Option<Vec<u8>>);

fn members(document: &Document<'_>, store: &Dictionary, key: &str) -> Result<Vec<Member>, PdfFault> {
    let list = document.array(store, key.as_bytes())?.unwrap_or_default();
    let read = |object: Object| {
        let stream = object.as_reference().and_then(|reference| document.stream(reference).ok().flatten());
        (object, stream.map(|stream| stream.octets))
    };
    Ok(list.into_iter().map(|value| read(value.object)).collect())
}

fn add_stream(update: &mut Update<'_, '_>, octets: &[u8]) -> Reference {
    if octets.len() >= COMPRESSED_FROM {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        if encoder.write_all(octets).is_ok()
            && let Ok(compressed) = encoder.finish()
            && compressed.len() < octets.len()
        {
            let dictionary = Dictionary::default().with("Filter", Object::of_name("FlateDecode"));
            return update.add_stream(dictionary, compressed);
        }
    }
    update.add_stream(Dictionary::default(), octets.to_vec())
}

/// Of every signature and time-stamp: SHA-1 of `Contents`, with the zeros behind the message, in upper-case digits.
fn keys(document: &Document<'_>) -> Result<Vec<String>, PdfFault> {
    let mut keys = Vec::new();
    for field in signature::fields(document)? {
        let Ok(dictionary) = field.dictionary else { continue };
        let digits = &document.octets()[dictionary.contents.start + 1..dictionary.contents.end - 1];
        let fault = PdfFault { at: dictionary.contents.start, kind: PdfFaultKind::Syntax };
        let contents = hex::decode(digits).map_err(|_| fault)?;
        keys.push(hex::encode_upper(crypto::digest(DigestAlgorithm::Sha1, &contents)));
    }
    Ok(keys)
}
