//! The update that holds a signature or a document time-stamp, with room for its message (ISO 32000-2 §12.8.1).

use std::ops::Range;

use super::error::{FieldFault, LONGEST_TEXT};
use super::form::{self, Place};
use super::{PadesError, PadesOrder, date, permission};
use crate::core::algorithm::DigestAlgorithm;
use crate::core::crypto::Hasher;
use crate::core::pdf::archival;
use crate::core::pdf::changes::foundation;
use crate::core::pdf::document::Document;
use crate::core::pdf::object::{Dictionary, Object, Reference};
use crate::core::pdf::page;
use crate::core::pdf::signature::SIGNATURES;
use crate::core::pdf::survey::survey;
use crate::core::pdf::syntax::Cursor;
use crate::core::pdf::update::Update;
use crate::core::time::Time;

/// As wide as any offset is written.
const PLACEHOLDER: i64 = 9_999_999_999;
/// Digits of the placeholder.
const WIDTH: usize = 10;
/// `F` of the widget (table 167): printed, and not to be moved.
const PRINT_LOCKED: i64 = 4 | 128;

/// An update to be put behind a document once there is a message for it.
#[derive(Clone)]
pub struct Prepared {
    appended: Vec<u8>,
    /// Where the string with its delimiters stands in `appended`.
    contents: Range<usize>,
    /// Of the document before it.
    before: usize,
    field: String,
}

impl Prepared {
    /// For a signature made at `time`, whose message has at most `room` octets.
    pub fn signature(octets: &[u8], order: &PadesOrder, time: Time, room: usize) -> Result<Self, PadesError> {
        let texts = [
            ("Name", &order.name),
            ("M", &Some(date(time))),
            ("Location", &order.location),
            ("Reason", &order.reason),
            ("ContactInfo", &order.contact),
        ];
        let mut dictionary = signature_dictionary("Sig", "ETSI.CAdES.detached", room);
        for (key, text) in texts {
            let Some(text) = text else { continue };
            if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
                return Err(PadesError::Text(key));
            }
            dictionary = dictionary.with(key, Object::of_text(text));
        }
        Self::new(octets, order, dictionary, "Signature")
    }

    /// For a document time-stamp (EN 319 142-1 §5.4.3) whose token has at most `room` octets.
    pub fn time_stamp(octets: &[u8], room: usize) -> Result<Self, PadesError> {
        let dictionary = signature_dictionary("DocTimeStamp", "ETSI.RFC3161", room);
        Self::new(octets, &PadesOrder::default(), dictionary, "Timestamp")
    }

    fn new(octets: &[u8], order: &PadesOrder, mut value: Dictionary, prefix: &str) -> Result<Self, PadesError> {
        let is_time_stamp = value.name(b"Type") == Some(b"DocTimeStamp");
        let document = Document::read(octets)?;
        foundation::allows_additions(&document).map_err(PadesError::Ambiguous)?;
        let fields = form::fields(&document)?;
        if fields.iter().filter(|field| field.is_signature && field.value.is_some()).count() >= SIGNATURES {
            return Err(PadesError::TooManySignatures);
        }
        let place = form::place(&fields, order.field.as_deref(), prefix)?;
        let name = match &place {
            Place::Existing { .. } => order.field.clone().unwrap_or_default(),
            Place::New(name) => name.clone(),
        };
        // A certification allows time-stamps whatever else it forbids (table 257).
        if !is_time_stamp {
            permission::check(&document, &fields, &name, order.certify.is_some())?;
            if survey(&document)?.is_active {
                return Err(PadesError::ActiveContent);
            }
        }
        let mut update = Update::new(&document);
        let own = update.reserve();
        let mut references = Vec::new();
        if let Some(certification) = order.certify {
            let parameters = parameters().with("P", Object::Integer(certification.number()));
            references.push(transform("DocMDP", parameters));
        }
        if let Place::Existing { dictionary, .. } = &place
            && let Some(lock) = document.dictionary(dictionary, b"Lock")?
        {
            references.push(lock_of(&document, &name, &lock)?);
        }
        if !references.is_empty() {
            value.set(b"Reference", Object::of_array(references));
        }
        update.put(own, Object::Dictionary(value));
        let field = place_widget(&document, &mut update, place, order, own)?;
        form::list(&document, &mut update, field)?;
        if order.certify.is_some() {
            let (root, catalogue) = form::catalogue(&document, &update)?;
            let permissions = document.dictionary(&catalogue, b"Perms")?.unwrap_or_default();
            let permissions = permissions.with("DocMDP", Object::Reference(own));
            update.put(root, Object::Dictionary(catalogue.with("Perms", Object::Dictionary(permissions))));
        }
        let appended = update.finish()?;
        let rewritten = appended.places.keys().copied();
        foundation::allows_again(&document, rewritten).map_err(PadesError::Ambiguous)?;
        Self::filled(octets.len(), appended.octets, appended.places[&own.number], name)
    }

    /// Writes the byte range over its placeholder.
    fn filled(before: usize, mut appended: Vec<u8>, at: usize, field: String) -> Result<Self, PadesError> {
        let mut cursor = Cursor::new(&appended, at);
        cursor.object_header()?;
        let value = cursor.value()?;
        let dictionary = value.object.as_dictionary();
        let span = |key: &[u8]| dictionary.and_then(|dictionary| dictionary.get(key)).map(|value| value.span.clone());
        let (Some(contents), Some(range)) = (span(b"Contents"), span(b"ByteRange")) else {
            return Err(PadesError::SelfCheck { code: "pdf-byte-range" });
        };
        let numbers = [before + contents.start, before + contents.end, appended.len() - contents.end];
        let written: Vec<String> = numbers.iter().map(|number| format!(" {number:<WIDTH$}")).collect();
        let written = format!("[0{}]", written.concat());
        if written.len() != range.len() {
            return Err(PadesError::SelfCheck { code: "pdf-byte-range" });
        }
        appended[range].copy_from_slice(written.as_bytes());
        Ok(Self { appended, contents, before, field })
    }

    /// Octets that a message may have.
    pub const fn room(&self) -> usize {
        (self.contents.end - self.contents.start - 2) / 2
    }

    /// The full name of the field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Of what is signed: the document it was prepared for, and the update but for the message.
    pub fn digest(&self, document: &[u8], algorithm: DigestAlgorithm) -> Vec<u8> {
        let (first, second) = (&self.appended[..self.contents.start], &self.appended[self.contents.end..]);
        let mut hasher = Hasher::new(algorithm);
        [document, first, second].iter().for_each(|part| hasher.update(part));
        hasher.finish()
    }

    /// The update with the message in it, to be put behind the document.
    ///
    /// # Errors
    /// [`PadesError::Room`]: prepare it again with more, and sign again, for the digest is another then.
    pub fn fill(&self, message: &[u8]) -> Result<Vec<u8>, PadesError> {
        if message.len() > self.room() {
            return Err(PadesError::Room { needed: message.len(), room: self.room() });
        }
        let mut filled = self.appended.clone();
        let from = self.contents.start + 1;
        filled[from..from + message.len() * 2].copy_from_slice(hex::encode(message).as_bytes());
        Ok(filled)
    }

    /// [`Self::fill`] behind the document.
    pub fn complete(&self, document: Vec<u8>, message: &[u8]) -> Result<Vec<u8>, PadesError> {
        debug_assert_eq!(document.len(), self.before);
        let mut whole = document;
        whole.extend(self.fill(message)?);
        Ok(whole)
    }
}

/// What every signature dictionary has (table 255).
fn signature_dictionary(kind: &str, sub_filter: &str, room: usize) -> Dictionary {
    let range = [0, PLACEHOLDER, PLACEHOLDER, PLACEHOLDER].map(Object::Integer);
    Dictionary::default()
        .with("Type", Object::of_name(kind))
        .with("Filter", Object::of_name("Adobe.PPKLite"))
        .with("SubFilter", Object::of_name(sub_filter))
        .with("ByteRange", Object::of_array(range))
        .with("Contents", Object::of_octets(vec![0; room]))
}

fn parameters() -> Dictionary {
    Dictionary::default().with("Type", Object::of_name("TransformParams")).with("V", Object::of_name("1.2"))
}

fn transform(method: &str, parameters: Dictionary) -> Object {
    let reference = Dictionary::default()
        .with("Type", Object::of_name("SigRef"))
        .with("TransformMethod", Object::of_name(method))
        .with("TransformParams", Object::Dictionary(parameters));
    Object::Dictionary(reference)
}

/// Who fills a field with a `Lock` locks what it says (table 236).
fn lock_of(document: &Document<'_>, name: &str, lock: &Dictionary) -> Result<Object, PadesError> {
    if lock.get(b"P").is_some() {
        return Err(PadesError::Field { name: name.to_owned(), fault: FieldFault::Locking });
    }
    let mut locked = parameters();
    for key in ["Action", "Fields"] {
        if let Some(object) = document.get(lock, key.as_bytes())? {
            locked = locked.with(key, object);
        }
    }
    Ok(transform("FieldMDP", locked))
}

/// A form without content.
fn nothing() -> Dictionary {
    Dictionary::default()
        .with("Type", Object::of_name("XObject"))
        .with("Subtype", Object::of_name("Form"))
        .with("BBox", Object::of_array([0; 4].map(Object::Integer)))
        .with("Resources", Object::Dictionary(Dictionary::default()))
}

/// Writes the field; gives it if it is a new one.
fn place_widget(
    document: &Document<'_>,
    update: &mut Update<'_, '_>,
    place: Place,
    order: &PadesOrder,
    value: Reference,
) -> Result<Option<Reference>, PadesError> {
    let look = order.look.as_ref().and_then(|look| update.take(&look.form).first().copied());
    let with_value = |field: Dictionary, look: Option<Reference>| {
        let field = field.with("V", Object::Reference(value));
        let appearance = look.map(|form| Dictionary::default().with("N", Object::Reference(form)));
        match appearance {
            Some(appearance) => field.with("AP", Object::Dictionary(appearance)),
            None => field,
        }
    };
    let name = match place {
        Place::Existing { reference, dictionary } => {
            update.put(reference, Object::Dictionary(with_value(dictionary, look)));
            return Ok(None);
        }
        Place::New(name) => name,
    };
    // PDF/A-1 wants an appearance of every widget, though there is nothing to be seen (ISO 19005-1 §6.9). Others do without: some readers
    // take a document time-stamp with an appearance for more than one.
    let is_wanted = look.is_none() && archival::claimed_part(document)? == Some(1);
    let look = if is_wanted { Some(update.add_stream(nothing(), Vec::new())) } else { look };
    let rectangle = order.look.as_ref().map_or([0.0; 4], |look| look.rectangle);
    let number = order.look.as_ref().map_or(0, |look| look.page);
    let page = *page::pages(document)?.get(number).ok_or(PadesError::NoPage)?;
    let field = Dictionary::default()
        .with("Type", Object::of_name("Annot"))
        .with("Subtype", Object::of_name("Widget"))
        .with("FT", Object::of_name("Sig"))
        .with("T", Object::of_text(&name))
        .with("F", Object::Integer(PRINT_LOCKED))
        .with("Rect", Object::of_array(rectangle.map(Object::Real)))
        .with("P", Object::Reference(page));
    let field = update.add(Object::Dictionary(with_value(field, look)));
    let mut annotated = update.dictionary(page)?;
    let before = annotated.clone();
    form::append(document, update, &mut annotated, b"Annots", field)?;
    if annotated != before {
        update.put(page, Object::Dictionary(annotated));
    }
    Ok(Some(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::pdf::signature;

    const PAPER: &[u8] = include_bytes!("../../../testvectors/documents/judicial-certificate.pdf");

    fn prepared(room: usize) -> Prepared {
        Prepared::signature(PAPER, &PadesOrder::default(), Time::from_unix(1_800_000_000), room).expect("prepared")
    }

    #[test]
    fn the_byte_range_leaves_out_the_string_and_nothing_else() {
        for room in [1, 5000, 60_000] {
            let prepared = prepared(room);
            assert_eq!((prepared.room(), prepared.field()), (room, "Signature1"));
            let message = vec![0xAB; room];
            let whole = prepared.complete(PAPER.to_vec(), &message).expect("room");
            let document = Document::read(&whole).expect("readable");
            let fields = signature::fields(&document).expect("readable");
            let dictionary = fields[0].dictionary.as_ref().expect("sound");
            let range = dictionary.byte_range;
            assert_eq!(range.end, whole.len());
            assert_eq!(&whole[range.first..range.second], format!("<{}>", "ab".repeat(room)).as_bytes());
            let parts = [&whole[..range.first], &whole[range.second..]].concat();
            let digest = prepared.digest(PAPER, DigestAlgorithm::Sha256);
            assert_eq!(digest, crate::core::crypto::digest(DigestAlgorithm::Sha256, &parts));
        }
    }

    #[test]
    fn a_message_has_zeros_behind_it_or_no_room() {
        let prepared = prepared(8);
        let update = prepared.fill(&[0x30, 1, 2]).expect("room");
        assert!(memchr::memmem::find(&update, b"/Contents <3001020000000000>").is_some());
        assert_eq!(prepared.fill(&[1; 9]), Err(PadesError::Room { needed: 9, room: 8 }));
    }

    #[test]
    fn the_same_order_is_the_same_update() {
        let (one, other) = (prepared(64), prepared(64));
        assert_eq!(one.fill(&[]), other.fill(&[]));
        let order = PadesOrder { reason: Some("vì".to_owned()), ..PadesOrder::default() };
        let third = Prepared::signature(PAPER, &order, Time::from_unix(1_800_000_000), 64).expect("prepared");
        assert_ne!(one.fill(&[]), third.fill(&[]));
        assert_ne!(order.fields(), PadesOrder { location: order.reason.clone(), ..PadesOrder::default() }.fields());
    }

    #[test]
    fn a_time_stamp_has_a_name_of_its_own() {
        let stamped = Prepared::time_stamp(PAPER, 64).expect("prepared");
        assert_eq!(stamped.field(), "Timestamp1");
        let whole = stamped.complete(PAPER.to_vec(), &[]).expect("room");
        assert_eq!(Prepared::time_stamp(&whole, 64).expect("prepared").field(), "Timestamp2");
    }
}
