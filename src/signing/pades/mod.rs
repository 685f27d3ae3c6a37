//! PAdES (EN 319 142-1): signatures and time-stamps put behind a PDF as incremental updates, none of whose own octets changes.
//!
//! [`prepare`] writes the update with room for the message, [`IssuingKey::sign_in_pdf`] makes it,
//! [`check`] judges the finished document before it leaves; [`store`] keeps evidence in the document, [`level`] raises it.

pub mod appearance;
pub mod associated;
pub mod check;
mod error;
mod form;
pub mod level;
mod permission;
pub mod prepare;
pub mod store;

pub use appearance::{Appearance, AppearanceError};
pub use error::{FieldFault, PadesError};
pub use prepare::Prepared;

use super::IssuingKey;
use super::seal::PlacedSeal;
use crate::core::cms::SignedData;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::pdf;
use crate::core::pdf::geometry::Rectangle;
use crate::core::pdf::object::Reference;
use crate::core::pdf::update::NewObject;
use crate::core::time::Time;
use crate::core::validation::pades::contents;

/// What is to be put into a PDF beside the signature itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PadesOrder {
    /// The full name of its field: an empty signature field that is there, or a new one at the top of the form. `None`: a name that is
    /// free.
    pub field: Option<String>,
    /// It certifies the document, as its first signature.
    pub certify: Option<Certification>,
    pub reason: Option<String>,
    pub location: Option<String>,
    pub contact: Option<String>,
    /// `Name`: only of use to who does not read certificates.
    pub name: Option<String>,
    /// The seal that is wanted, to become the [look](Self::drawn).
    pub appearance: Option<Appearance>,
    /// `None`: it cannot be seen.
    pub look: Option<Look>,
}

impl PadesOrder {
    /// Every field but the look, in an order that stays: whether it is given, and what it is.
    pub fn fields(&self) -> Vec<Vec<u8>> {
        let texts = [&self.field, &self.reason, &self.location, &self.contact, &self.name];
        let text = |text: &Option<String>| match text {
            Some(text) => [b"+", text.as_bytes()].concat(),
            None => Vec::new(),
        };
        let certify = self.certify.map(|certification| certification.number().to_string());
        let seal = self.appearance.iter().flat_map(Appearance::fields);
        texts.into_iter().chain([&certify]).map(text).chain(seal).collect()
    }

    /// The order with its seal drawn, for a signature on this document by this signer at this time.
    pub fn drawn(mut self, document: &[u8], signer: &str, time: Time) -> Result<Self, PadesError> {
        if let Some(appearance) = &self.appearance {
            self.look = Some(appearance.look(document, signer, time)?);
        }
        Ok(self)
    }
}

/// What may be changed in a certified document (ISO 32000-2 table 257: `P`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certification {
    /// 1: nothing but validation data and time-stamps.
    Nothing,
    /// 2: forms filled in, and signatures.
    Forms,
    /// 3: and annotations.
    Annotations,
}

impl Certification {
    /// By its number.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Nothing),
            2 => Some(Self::Forms),
            3 => Some(Self::Annotations),
            _ => None,
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Nothing => 1,
            Self::Forms => 2,
            Self::Annotations => 3,
        }
    }
}

/// How the signature looks on its page.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub page: Reference,
    /// In default user space. A field that is there keeps its own.
    pub rectangle: Rectangle,
    /// The form XObject that is drawn there, and all that it refers to; the first is the form itself.
    pub form: Vec<NewObject>,
}

/// The first message in an update that [`Prepared`] made: the signature's, detached.
pub fn message_in(update: &[u8]) -> Option<Vec<u8>> {
    const BEGIN: &[u8] = b"/Contents <";
    memchr::memmem::find_iter(update, BEGIN).find_map(|at| {
        let digits = &update[at + BEGIN.len()..];
        let end = memchr::memchr(b'>', digits)?;
        contents::message(&digits[..end]).filter(|message| SignedData::decode(message).is_ok())
    })
}

/// Octets of the room for the message of this key, with a time-stamp in it or without. An authority's token may be longer yet.
pub fn room_for(key: &dyn IssuingKey, document: Option<&DocumentReference>, is_stamped: bool) -> usize {
    key.room(document) + if is_stamped { level::TOKEN } else { 0 }
}

/// Is this judged as a PDF? A CMS that carries one is none.
pub fn is_pdf(message: &[u8]) -> bool {
    pdf::is_pdf(message) && SignedData::decode(message).is_err()
}

impl From<PlacedSeal> for Look {
    fn from(seal: PlacedSeal) -> Self {
        let PlacedSeal { page, rectangle, form } = seal;
        Self { page, rectangle, form }
    }
}

/// `D:YYYYMMDDHHmmSS+07'00'` (ISO 32000-2 §7.9.4), as a clock in Vietnam shows it.
fn date(time: Time) -> String {
    let digits: String = time.in_vietnam().chars().take(19).filter(char::is_ascii_digit).collect();
    format!("D:{digits}+07'00'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::pdf::text;

    #[test]
    fn a_date_is_read_as_it_was_meant() {
        let time = Time::parse_rfc3339("2026-11-22T20:40:05Z").expect("a time");
        assert_eq!(date(time), "D:20261123034005+07'00'");
        assert_eq!(text::date(date(time).as_bytes()), Some(time));
    }
}
