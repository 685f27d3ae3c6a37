//! The visible seal of a signature (Decree 30/2020/ND-CP, appendix I): the image of an organisation's seal in its true size, who signed,
//! for whom and when, and a QR code with the address at which the document can be verified.
//!
//! What is drawn here says nothing about whether a signature is valid; it is signed with the rest of the page. It is fit for PDF/A-1 and
//! later: fonts embedded, colours device-independent, nothing transparent.

mod form;
mod image;
mod layout;
mod place;
mod qr;

pub use image::{SealImage, SealImageError};
pub use place::{PlaceError, PlacedSeal, Position, place};

use crate::core::pdf::update::NewObject;
use crate::core::time::Time;
use crate::typesetting::typeface::RenderError;

/// What a seal shows.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// Whose signature it is, as it is to be read.
    pub signer: &'a str,
    pub organisation: Option<&'a str>,
    /// Shown as a wall clock in Vietnam shows it.
    pub signing_time: Time,
    /// Without it, a red frame is drawn around the text.
    pub image: Option<&'a SealImage>,
    /// Address for the QR code.
    pub address: Option<&'a str>,
    pub ink: Ink,
}

/// Colour of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    #[default]
    Black,
    Blue,
}

/// The look of a seal, to be put on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnSeal {
    /// In 1/72 inch.
    pub width: f64,
    pub height: f64,
    /// The first one is the form (ISO 32000-2 §8.10), whose box is from the origin to `width` and `height`.
    pub form: Vec<NewObject>,
}

/// Why a seal could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the {what} of the seal has {length} characters, more than {limit}: shorten it")]
    TooLong { what: &'static str, length: usize, limit: usize },
    #[error("what was drawn cannot be read again; the program was built with a damaged PDF writer")]
    Form,
}

/// Draws a seal. The same seal gives the same octets.
///
/// # Errors
/// [`SealError::Render`]: a character that the embedded fonts do not have. [`SealError::TooLong`]: text for which there is no room.
pub fn draw(seal: &Seal<'_>) -> Result<DrawnSeal, SealError> {
    for (what, text, limit) in [
        ("signer", Some(seal.signer), 200),
        ("organisation", seal.organisation, 200),
        ("verification address", seal.address, 300),
    ] {
        let length = text.map_or(0, |text| text.chars().count());
        if length > limit {
            return Err(SealError::TooLong { what, length, limit });
        }
    }
    let drawn = layout::draw(seal)?;
    let form = form::form(&drawn.file, (drawn.width, drawn.height), drawn.image).ok_or(SealError::Form)?;
    Ok(DrawnSeal { width: drawn.width, height: drawn.height, form })
}
