//! The visible seal that is wanted of a signature, drawn once it is known who signs and when.

use std::sync::Arc;

use super::{Look, PadesError};
use crate::core::pdf::document::Document;
use crate::core::pdf::geometry::Rectangle;
use crate::core::pdf::occupied::{occupied, overlaps};
use crate::core::pdf::signature;
use crate::core::time::Time;
use crate::signing::seal::{Ink, PlaceError, Position, Seal, SealError, SealImage, draw, place};

/// What the seal shows beside the signer and the time.
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance {
    /// Counted from 1.
    pub page: usize,
    pub position: Position,
    pub organisation: Option<String>,
    /// For the QR code.
    pub address: Option<String>,
    pub image: Option<Arc<SealImage>>,
    pub ink: Ink,
}

impl Default for Appearance {
    /// On the first page, where nothing is.
    fn default() -> Self {
        Self { page: 1, position: Position::Free, organisation: None, address: None, image: None, ink: Ink::Black }
    }
}

/// Why there is no such seal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppearanceError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("there the seal would hide what an earlier signature covers; name another position, or none")]
    Hides,
}

impl Appearance {
    /// The look of a signature by this signer at this time on this document.
    ///
    /// # Errors
    /// [`PadesError::Appearance`]: it cannot be drawn or placed, or would hide what was signed; others as for reading the document.
    pub fn look(&self, octets: &[u8], signer: &str, time: Time) -> Result<Look, PadesError> {
        let document = Document::read(octets)?;
        let seal = Seal {
            signer,
            organisation: self.organisation.as_deref(),
            signing_time: time,
            image: self.image.as_deref(),
            address: self.address.as_deref(),
            ink: self.ink,
        };
        let drawn = draw(&seal).map_err(AppearanceError::from)?;
        let placed = place(&document, self.page, &drawn, self.position).map_err(AppearanceError::from)?;
        let is_signed = !signature::fields(&document)?.is_empty();
        if is_signed && overlaps(&occupied(&document, placed.page)?, &placed.rectangle) {
            return Err(AppearanceError::Hides.into());
        }
        let Rectangle { left, bottom, right, top } = placed.rectangle;
        Ok(Look { page: self.page - 1, rectangle: [left, bottom, right, top], form: placed.form })
    }

    /// What makes one order another: page, position, texts, ink; the image is that of the key.
    pub(super) fn fields(&self) -> Vec<Vec<u8>> {
        let position = match self.position {
            Position::Free => Vec::new(),
            Position::At(x, y) => [x.to_be_bytes(), y.to_be_bytes()].concat(),
        };
        let text = |text: &Option<String>| text.as_ref().map_or_else(Vec::new, |text| [b"+", text.as_bytes()].concat());
        let ink = vec![u8::from(self.ink == Ink::Blue)];
        vec![self.page.to_be_bytes().to_vec(), position, text(&self.organisation), text(&self.address), ink]
    }
}
