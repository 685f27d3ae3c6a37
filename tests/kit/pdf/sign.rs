//! Signatures in PDF files (ISO 32000-2 §12.8, EN 319 142-1): every part is free to be wrong.

use antin::core::der::{tag, writer};
use antin::core::oid;

use super::base::{CATALOGUE, PAGE};
use super::{Objects, Pdf, find, replaced, stream};
use crate::kit::message::{Message, SignerInfo};
use crate::kit::timestamp::Token;
use crate::kit::tree::tree;

/// Octets that a byte range may take.
const ROOM: usize = 72;
/// 07:10 UTC of the day of [`crate::kit::tree::NOW`], fifty minutes before it.
pub const CLAIMED: &str = "(D:20270115141000+07'00')";

/// A signature to be added. `{sig}` in entries is the number of the signature dictionary, `{field}` that of the field.
#[derive(Clone)]
pub struct Signing {
    /// `T` of a new field.
    pub name: String,
    /// The empty field that is filled; `None`: a new one.
    pub field: Option<u32>,
    /// The whole entry.
    pub kind: &'static str,
    /// The whole entry.
    pub filter: &'static str,
    pub sub_filter: &'static str,
    /// The whole entry.
    pub claimed: String,
    /// Further entries of the dictionary.
    pub entries: String,
    /// Octets that `Contents` has room for.
    pub room: usize,
    /// A digit more.
    pub is_odd: bool,
    /// The four numbers as text, of where the string begins, where it ended, and where the file ends.
    pub byte_range: fn([usize; 3]) -> String,
    /// What stands around the string.
    pub around: (&'static str, &'static str),
    /// The message over the octets.
    pub message: fn(&[u8]) -> Vec<u8>,
    /// Behind the message, and the digits that fill up.
    pub padding: (&'static [u8], u8),
    /// Further entries of the field.
    pub field_entries: String,
    pub rect: &'static str,
    /// What it looks like: the content of a form.
    pub appearance: Option<&'static str>,
    /// It stands among the annotations of the page.
    pub is_on_page: bool,
    /// Further entries of the catalogue.
    pub catalogue: String,
    /// What else the revision writes.
    pub more: Objects,
}

impl Default for Signing {
    /// PAdES B-B.
    fn default() -> Self {
        Self {
            name: "Signature".to_owned(),
            field: None,
            kind: "/Type /Sig",
            filter: "/Filter /Adobe.PPKLite",
            sub_filter: "/SubFilter /ETSI.CAdES.detached",
            claimed: format!("/M {CLAIMED}"),
            entries: String::new(),
            room: 1400,
            is_odd: false,
            byte_range: |[first, second, end]| format!("[0 {first} {second} {}]", end - second),
            around: ("", ""),
            message: cades,
            padding: (&[], b'0'),
            field_entries: String::new(),
            rect: "[0 0 0 0]",
            appearance: None,
            is_on_page: true,
            catalogue: String::new(),
            more: Objects::new(),
        }
    }
}

impl Signing {
    /// A signature with a field of this name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Not by PAdES.
    pub fn pkcs7() -> Self {
        Self { sub_filter: "/SubFilter /adbe.pkcs7.detached", message: pkcs7, ..Self::default() }
    }

    /// A time-stamp of the whole document.
    pub fn time_stamp() -> Self {
        Self {
            name: "Stamp".to_owned(),
            kind: "/Type /DocTimeStamp",
            sub_filter: "/SubFilter /ETSI.RFC3161",
            claimed: String::new(),
            message: |octets| Token::over(octets).encode(),
            ..Self::default()
        }
    }

    /// A certification that allows so much (§12.8.2.2).
    pub fn certifying(permission: u8) -> Self {
        let parameters = format!("<< /Type /TransformParams /P {permission} /V /1.2 >>");
        let reference = format!("<< /Type /SigRef /TransformMethod /DocMDP /TransformParams {parameters} >>");
        Self {
            name: "Certification".to_owned(),
            entries: format!("/Reference [{reference}]"),
            catalogue: "/Perms << /DocMDP {sig} 0 R >>".to_owned(),
            ..Self::default()
        }
    }

    /// A signature that locks fields (§12.8.2.4): the whole entries but for the names of their types.
    pub fn locking(fields: &str) -> Self {
        let parameters = format!("<< /Type /TransformParams /V /1.2 {fields} >>");
        let reference = format!("<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams {parameters} >>");
        Self {
            entries: format!("/Reference [{reference}]"),
            field_entries: format!("/Lock << /Type /SigFieldLock {fields} >>"),
            ..Self::default()
        }
    }

    fn digits(&self) -> usize {
        self.room * 2 + usize::from(self.is_odd)
    }

    /// With zeros where the message will stand, and no byte range.
    pub fn dictionary(&self) -> String {
        let Self { kind, filter, sub_filter, claimed, entries, around: (before, after), .. } = self;
        let (digits, room) = ("0".repeat(self.digits()), " ".repeat(ROOM));
        format!(
            "<< {kind} {filter} {sub_filter} {claimed} {entries} /ByteRange{room} /Contents {before}<{digits}>{after} >>"
        )
    }
}

impl Pdf {
    /// Signed, in a revision of its own.
    pub fn signed(&self, how: &Signing) -> Self {
        let mut pdf = self.with_placeholder(how);
        fill(&mut pdf.octets, self.octets.len(), how);
        pdf
    }

    /// The same with zeros where the message will stand, and no byte range.
    pub fn with_placeholder(&self, how: &Signing) -> Self {
        let signature = self.next();
        let field = how.field.unwrap_or(signature + 1);
        let named = |text: &str| text.replace("{sig}", &signature.to_string()).replace("{field}", &field.to_string());
        let mut objects = how.more.clone();
        objects.insert(signature, named(&how.dictionary()).into_bytes());
        let mut look = String::new();
        if let Some(content) = how.appearance {
            let number = signature + 3;
            look = format!("/AP << /N {number} 0 R >>");
            let entries = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]";
            objects.insert(number, stream(entries, content.as_bytes()));
        }
        let filled = named(&format!("/V {{sig}} 0 R {look} {}", how.field_entries));
        let current =
            |objects: &Objects, number: u32| objects.get(&number).unwrap_or_else(|| &self.objects[&number]).clone();
        if how.field.is_some() {
            objects.insert(field, with_entry(&current(&objects, field), &filled));
        } else {
            let (name, rect) = (&how.name, how.rect);
            let page = if how.is_on_page { format!("/P {PAGE} 0 R") } else { String::new() };
            let body =
                format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T ({name}) /F 132 /Rect {rect} {page} {filled} >>");
            objects.insert(field, body.into_bytes());
            self.list(&mut objects, field, signature + 2, how.is_on_page);
        }
        if !how.catalogue.is_empty() {
            let mut catalogue = current(&objects, CATALOGUE);
            let text = String::from_utf8_lossy(&catalogue);
            if let Some(old) = text.split("/Perms << ").nth(1).and_then(|rest| rest.split(" >>").next()) {
                catalogue = replaced(&catalogue, &format!("/Perms << {old} >>"), "");
            }
            let catalogue = with_entry(&catalogue, &named(&how.catalogue));
            objects.insert(CATALOGUE, catalogue);
        }
        self.with(objects)
    }

    /// The field into the form, a new one at need, and among the annotations of the page.
    fn list(&self, objects: &mut Objects, field: u32, form: u32, is_on_page: bool) {
        let current =
            |objects: &Objects, number: u32| objects.get(&number).unwrap_or_else(|| &self.objects[&number]).clone();
        let catalogue = current(objects, CATALOGUE);
        match reference_after(&catalogue, "/AcroForm ") {
            Some(form) => {
                let old = current(objects, form);
                let listed = replaced(&old, "/Fields [", &format!("/Fields [{field} 0 R "));
                // New fields come last.
                let text = String::from_utf8(old).expect("text");
                let fields = text.split("/Fields [").nth(1).and_then(|rest| rest.split(']').next()).expect("fields");
                let wanted = format!("/Fields [{fields} {field} 0 R");
                let listed = replaced(&listed, &format!("/Fields [{field} 0 R {fields}"), &wanted);
                objects.insert(form, listed);
            }
            None => {
                objects.insert(form, format!("<< /Fields [{field} 0 R] /SigFlags 3 >>").into_bytes());
                objects.insert(CATALOGUE, with_entry(&catalogue, &format!("/AcroForm {form} 0 R")));
            }
        }
        if is_on_page {
            let page = current(objects, PAGE);
            let text = String::from_utf8(page.clone()).expect("text");
            let annotated = match text.split("/Annots [").nth(1).and_then(|rest| rest.split(']').next()) {
                Some(there) => replaced(&page, &format!("/Annots [{there}"), &format!("/Annots [{there} {field} 0 R")),
                None => with_entry(&page, &format!("/Annots [{field} 0 R]")),
            };
            objects.insert(PAGE, annotated);
        }
    }

    /// With a document security store (EN 319 142-1 §5.4.2.2).
    pub fn with_store(&self, certificates: &[&[u8]], crls: &[&[u8]], responses: &[&[u8]]) -> Self {
        let mut objects = Objects::new();
        let mut next = self.next();
        let catalogue = &self.objects[&CATALOGUE];
        // What is there is named still.
        let store = reference_after(catalogue, "/DSS ");
        let older = store.map(|store| String::from_utf8_lossy(&self.objects[&store]).into_owned());
        let mut lists = String::new();
        for (key, values) in [("Certs", certificates), ("CRLs", crls), ("OCSPs", responses)] {
            let there = older.as_ref().and_then(|older| older.split(&format!("/{key} [")).nth(1)?.split(']').next());
            let mut numbers = there.unwrap_or_default().to_owned();
            for value in values {
                objects.insert(next, stream("", value));
                numbers += &format!("{next} 0 R ");
                next += 1;
            }
            if !numbers.is_empty() {
                lists += &format!(" /{key} [{numbers}]");
            }
        }
        objects.insert(store.unwrap_or(next), format!("<<{lists} >>").into_bytes());
        if store.is_none() {
            objects.insert(CATALOGUE, with_entry(catalogue, &format!("/DSS {next} 0 R")));
        }
        self.with(objects)
    }

    /// With the store of the tree: the CA and the CRLs.
    pub fn with_usual_store(&self) -> Self {
        let crls: Vec<Vec<u8>> = tree().crls.iter().map(|list| list.der().to_vec()).collect();
        let crls: Vec<&[u8]> = crls.iter().map(Vec::as_slice).collect();
        self.with_store(&[tree().ca_certificate.der()], &crls, &[])
    }
}

/// Puts the byte range and the message into the last signature dictionary behind `from`.
pub fn fill(octets: &mut [u8], from: usize, how: &Signing) {
    let range = from + find(&octets[from..], b"/ByteRange") + "/ByteRange".len();
    let first = range + find(&octets[range..], b"<0000");
    let second = first + how.digits() + 2;
    let text = (how.byte_range)([first, second, octets.len()]);
    assert!(text.len() < ROOM, "{text}");
    octets[range + 1..=range + text.len()].copy_from_slice(text.as_bytes());
    let mut message = (how.message)(&covered(octets, &text, first, second));
    message.extend_from_slice(how.padding.0);
    let digits = hex::encode(message);
    assert!(digits.len() <= how.digits(), "{} octets need more room", digits.len() / 2);
    octets[first + 1..=first + digits.len()].copy_from_slice(digits.as_bytes());
    octets[first + 1 + digits.len()..second - 1].fill(how.padding.1);
}

/// What the text says, if it says four numbers of octets that are there; else all but the string.
fn covered(octets: &[u8], text: &str, first: usize, second: usize) -> Vec<u8> {
    let numbers = text.trim_matches(['[', ']']).split_whitespace().map(str::parse::<usize>);
    if let Ok([from, length, next, rest]) = numbers.collect::<Result<Vec<_>, _>>().as_deref()
        && let (Some(one), Some(other)) = (
            from.checked_add(*length).and_then(|end| octets.get(*from..end)),
            next.checked_add(*rest).and_then(|end| octets.get(*next..end)),
        )
    {
        return [one, other].concat();
    }
    [&octets[..first], &octets[second..]].concat()
}

/// A dictionary with an entry more.
pub fn with_entry(body: &[u8], entry: &str) -> Vec<u8> {
    let end = body.strip_suffix(b">>").unwrap_or_else(|| panic!("no dictionary"));
    [end, entry.as_bytes(), b" >>"].concat()
}

fn reference_after(body: &[u8], key: &str) -> Option<u32> {
    let text = std::str::from_utf8(body).ok()?;
    text.split(key).nth(1)?.split(' ').next()?.parse().ok()
}

/// What PAdES has: no signing-time in the message (EN 319 142-1 §6.3).
pub fn signer(octets: &[u8]) -> SignerInfo {
    let mut info = SignerInfo::new(&tree().signer, octets);
    info.remove(oid::SIGNING_TIME);
    info
}

fn cades(octets: &[u8]) -> Vec<u8> {
    Message::detached(signer(octets)).encode()
}

fn pkcs7(octets: &[u8]) -> Vec<u8> {
    Message::detached(SignerInfo::new(&tree().signer, octets)).encode()
}

/// A message that was never signed, of the usual form.
pub fn forged(octets: &[u8]) -> Vec<u8> {
    let mut info = signer(octets);
    info.signature = Some(writer::sequence(&[&writer::unsigned(&[1]), &writer::element(tag::INTEGER, &[1])]));
    Message::detached(info).encode()
}
