//! Signature fields and their dictionaries (ISO 32000-2 §12.7.5.5, §12.8.1; EN 319 142-1 §5.3, §6.3).

use std::collections::HashSet;
use std::ops::Range;

use super::document::{Document, Indirect};
use super::fault::{PdfFault, PdfFaultKind};
use super::object::{Dictionary, Object, Reference, Value};
use super::permissions::{self, Permissions};

/// Fields that are looked at, and how deep they stand in each other.
const FIELDS: usize = 10_000;
const FIELD_DEPTH: usize = 32;
/// Signatures of one document.
pub const SIGNATURES: usize = 64;

/// A signature field with a value.
#[derive(Clone, Debug)]
pub struct SignatureField {
    /// Its partial names from the top, joined by full stops (§12.7.4.2).
    pub name: String,
    /// The object that is its value; `None`: it stands in the field itself.
    pub value: Option<Reference>,
    pub dictionary: Result<SignatureDictionary, SignatureFault>,
    /// What it says may still be changed.
    pub permissions: Permissions,
}

/// What a signature dictionary says, as far as a verdict depends on it.
#[derive(Clone, Debug)]
pub struct SignatureDictionary {
    pub sub_filter: SubFilter,
    /// Where the string with its delimiters stands.
    pub contents: Range<usize>,
    pub byte_range: ByteRange,
    /// `M`, as written: a claim.
    pub claimed_time: Option<Vec<u8>>,
    /// `Reason` and `Location`, as written.
    pub reason: Option<Vec<u8>>,
    pub location: Option<Vec<u8>>,
    /// Its `Type` is neither left out nor what its field demands.
    pub has_other_type: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubFilter {
    /// `ETSI.CAdES.detached`: PAdES.
    Cades,
    /// `adbe.pkcs7.detached`.
    Pkcs7,
    /// `ETSI.RFC3161`: a document time-stamp.
    TimeStamp,
}

/// The four numbers: two ranges of octets, the gap between which is `Contents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    pub first: usize,
    pub second: usize,
    /// Behind the last octet.
    pub end: usize,
}

/// Why a dictionary is no signature that could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// It is no dictionary, or stands where nothing can be left out of what is signed.
    Dictionary,
    /// `Contents` is not one string of hexadecimal digits, an even number of them.
    Contents,
    /// `ByteRange` is not four numbers of octets from the beginning that are in the file.
    ByteRange,
    /// What is left out is not `Contents` with its delimiters and nothing else.
    Gap,
    /// The signature is of a kind that is not judged here.
    SubFilter,
    /// Another field has the same signature.
    Shared,
    /// It does not end where a revision of the document does.
    End,
    /// It certifies the document, and is not the first that signed it (ISO 32000-2 §12.8.2.2.1).
    Certification,
    /// What it covers is not all that another covers, and more: two cannot have been made one after the other.
    Overlap,
}

impl SignatureFault {
    /// Stable code of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dictionary => "pdf-signature-dictionary",
            Self::Contents => "pdf-signature-contents",
            Self::ByteRange => "pdf-byte-range",
            Self::Gap => "pdf-byte-range-gap",
            Self::SubFilter => "pdf-signature-kind",
            Self::Shared => "pdf-signature-shared",
            Self::End => "pdf-byte-range-end",
            Self::Certification => "pdf-certification-not-first",
            Self::Overlap => "pdf-byte-range-overlap",
        }
    }

    #[cfg(test)]
    pub(in crate::core) fn every() -> Vec<Self> {
        crate::core::every::every!(Self {
            Self::Dictionary => [Self::Dictionary],
            Self::Contents => [Self::Contents],
            Self::ByteRange => [Self::ByteRange],
            Self::Gap => [Self::Gap],
            Self::SubFilter => [Self::SubFilter],
            Self::Shared => [Self::Shared],
            Self::End => [Self::End],
            Self::Certification => [Self::Certification],
            Self::Overlap => [Self::Overlap],
        })
    }
}

/// Every signature field that has a value, in the order of the form; the faults of a signature are its own.
pub fn fields(document: &Document<'_>) -> Result<Vec<SignatureField>, PdfFault> {
    let catalogue = document.catalogue()?;
    let Some(form) = document.dictionary(&catalogue, b"AcroForm")? else { return Ok(Vec::new()) };
    let Some(fields) = document.array(&form, b"Fields")? else { return Ok(Vec::new()) };
    let mut walk = Walk { document, seen: HashSet::new(), left: FIELDS, found: Vec::new() };
    for field in &fields {
        walk.field(field, &Inherited::default(), FIELD_DEPTH)?;
    }
    let mut found = walk.found;
    let values: Vec<Option<Reference>> = found.iter().map(|field| field.value).collect();
    for field in &mut found {
        if field.value.is_some() && values.iter().filter(|value| **value == field.value).count() > 1 {
            field.dictionary = Err(SignatureFault::Shared);
        }
    }
    refuse_overlaps(&mut found);
    Ok(found)
}

/// Each signature covers the whole of those before it.
fn refuse_overlaps(fields: &mut [SignatureField]) {
    let ranges: Vec<Option<ByteRange>> =
        fields.iter().map(|field| field.dictionary.as_ref().ok().map(|dictionary| dictionary.byte_range)).collect();
    for (place, field) in fields.iter_mut().enumerate() {
        let Some(own) = ranges[place] else { continue };
        let others = ranges.iter().enumerate().filter(|(other, _)| *other != place).filter_map(|(_, range)| *range);
        if others.into_iter().any(|other| other.end > own.first && own.end > other.first) {
            field.dictionary = Err(SignatureFault::Overlap);
        }
    }
}

/// What a field has of those above it (§12.7.4.1).
#[derive(Clone, Default)]
struct Inherited {
    name: String,
    is_signature: bool,
    value: Option<Value>,
}

struct Walk<'a, 'd> {
    document: &'a Document<'d>,
    seen: HashSet<Reference>,
    left: usize,
    found: Vec<SignatureField>,
}

impl Walk<'_, '_> {
    fn field(&mut self, field: &Value, above: &Inherited, depth: usize) -> Result<(), PdfFault> {
        let fault = |kind| PdfFault { at: field.span.start, kind };
        self.left = self.left.checked_sub(1).ok_or(fault(PdfFaultKind::Limit))?;
        let depth = depth.checked_sub(1).ok_or(fault(PdfFaultKind::Depth))?;
        if let Object::Reference(reference) = field.object
            && !self.seen.insert(reference)
        {
            return Err(fault(PdfFaultKind::Circle));
        }
        let Some(found) = self.document.resolve(field)? else { return Ok(()) };
        let Object::Dictionary(dictionary) = found.value.object else { return Err(fault(PdfFaultKind::Type)) };
        let mut own = above.clone();
        if let Some(part) = self.document.get(&dictionary, b"T")? {
            let Object::String { octets, .. } = part else { return Err(fault(PdfFaultKind::Type)) };
            let part = super::text::string(&octets);
            own.name = if own.name.is_empty() { part } else { format!("{}.{part}", own.name) };
        }
        if let Some(kind) = self.document.get(&dictionary, b"FT")? {
            own.is_signature = kind == Object::Name(b"Sig".to_vec());
        }
        if let Some(value) = dictionary.get(b"V") {
            own.value = Some(value.clone());
        }
        if let Some(kids) = self.document.array(&dictionary, b"Kids")? {
            let mut has_fields = false;
            for kid in &kids {
                // A kid without a name of its own is a widget of this field.
                let is_field = match self.document.resolve(kid)? {
                    Some(Indirect { value: Value { object: Object::Dictionary(kid), .. }, .. }) => {
                        kid.get(b"T").is_some()
                    }
                    _ => false,
                };
                if is_field {
                    has_fields = true;
                    self.field(kid, &own, depth)?;
                }
            }
            if has_fields {
                return Ok(());
            }
        }
        if !own.is_signature {
            return Ok(());
        }
        let Some(value) = own.value else { return Ok(()) };
        let Some(signature) = self.document.resolve(&value)? else { return Ok(()) };
        if self.found.len() == SIGNATURES {
            return Err(fault(PdfFaultKind::Limit));
        }
        let is_in_file = signature.is_in_file || value.object.as_reference().is_none() && found.is_in_file;
        let permissions = match &signature.value.object {
            Object::Dictionary(value) => permissions::of(self.document, value, &dictionary)?,
            _ => Permissions::default(),
        };
        self.found.push(SignatureField {
            name: own.name,
            permissions,
            value: value.object.as_reference(),
            dictionary: match &signature.value.object {
                Object::Dictionary(dictionary) if is_in_file => read(self.document.octets(), dictionary),
                _ => Err(SignatureFault::Dictionary),
            },
        });
        Ok(())
    }
}

/// Reads a signature dictionary that stands in the file itself. What decides stands in it directly.
fn read(octets: &[u8], dictionary: &Dictionary) -> Result<SignatureDictionary, SignatureFault> {
    let contents = dictionary.get(b"Contents").ok_or(SignatureFault::Contents)?;
    if !matches!(contents.object, Object::String { is_hex: true, .. }) {
        return Err(SignatureFault::Contents);
    }
    let contents = contents.span.clone();
    let byte_range = byte_range(octets, dictionary)?;
    if (byte_range.first, byte_range.second) != (contents.start, contents.end) {
        return Err(SignatureFault::Gap);
    }
    // Nothing but digits, so that no reader finds another string there.
    let digits = &octets[contents.start + 1..contents.end - 1];
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(SignatureFault::Contents);
    }
    let sub_filter = match dictionary.name(b"SubFilter") {
        Some(b"ETSI.CAdES.detached") => SubFilter::Cades,
        Some(b"adbe.pkcs7.detached") => SubFilter::Pkcs7,
        Some(b"ETSI.RFC3161") => SubFilter::TimeStamp,
        _ => return Err(SignatureFault::SubFilter),
    };
    let wanted: &[u8] = if sub_filter == SubFilter::TimeStamp { b"DocTimeStamp" } else { b"Sig" };
    let text = |key: &[u8]| match dictionary.get(key).map(|value| &value.object) {
        Some(Object::String { octets, .. }) => Some(octets.clone()),
        _ => None,
    };
    let (claimed_time, reason, location) = (text(b"M"), text(b"Reason"), text(b"Location"));
    let has_other_type = dictionary.get(b"Type").is_some() && dictionary.name(b"Type") != Some(wanted);
    Ok(SignatureDictionary { sub_filter, contents, byte_range, claimed_time, reason, location, has_other_type })
}

/// Four direct integers, the first 0, that do not overlap and are in the file.
fn byte_range(octets: &[u8], dictionary: &Dictionary) -> Result<ByteRange, SignatureFault> {
    let values = dictionary.get(b"ByteRange").and_then(|value| value.object.as_array());
    let numbers: Option<Vec<usize>> = values.and_then(|values| {
        let number = |value: &Value| match value.object {
            Object::Integer(number) => usize::try_from(number).ok(),
            _ => None,
        };
        values.iter().map(number).collect()
    });
    let Some([0, first, second, length]) = numbers.as_deref() else { return Err(SignatureFault::ByteRange) };
    let end = second.checked_add(*length).filter(|end| *end <= octets.len());
    match end {
        Some(end) if first < second && *length > 0 => Ok(ByteRange { first: *first, second: *second, end }),
        _ => Err(SignatureFault::ByteRange),
    }
}
