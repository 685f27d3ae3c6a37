//! `antin sign --format pades`: a signature in a PDF, which stays as it is in front of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::evidence;
use super::exit::{self, CommandError};
use super::raise::{LevelArgument, Raising};
use crate::clock;
use crate::core::cms::document_reference::DocumentReference;
use crate::core::time::Time;
use crate::core::validation::level::Level;
use crate::signing::pades::associated::{self, AssociatedError, AssociatedFile, Relationship};
use crate::signing::pades::check::{self, Before};
use crate::signing::pades::{Appearance, Certification, PadesError, PadesOrder, Prepared, room_for};
use crate::signing::seal::{Position, SealImage};
use crate::signing::{CadesRequest, CadesSigner, IssuingKey as _, SigningError};

/// Times that room for the message is made.
const ATTEMPTS: usize = 3;

/// What of `antin sign` is for PDFs alone.
#[derive(Args, Clone, Debug, Default)]
pub struct PdfArguments {
    /// The signature field to be filled, or the name of a new one
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// Certify the PDF: 1 no changes, 2 filling in forms and signing, 3 and annotating
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(i64).range(1..=3))]
    certify: Option<i64>,
    /// Why it is signed
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Where it is signed
    #[arg(long, value_name = "TEXT")]
    location: Option<String>,
    /// How to reach the signer
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// Embed this file in the PDF before it is signed, as what the PDF was made from
    #[arg(long, value_name = "FILE")]
    embed: Option<PathBuf>,
    /// Media type of the embedded file
    #[arg(long, value_name = "TYPE", requires = "embed", default_value = FHIR)]
    embed_type: String,
    /// Show the signature as a seal on a page
    #[arg(long)]
    visible: bool,
    /// The page of the seal
    #[arg(long, value_name = "N", requires = "visible", default_value_t = 1)]
    page: usize,
    /// Its lower left corner, in points from that of the page; left out: where nothing is
    #[arg(long, value_name = "X,Y", requires = "visible", value_parser = position)]
    at_position: Option<Position>,
    /// PNG of the organisation's seal, its background transparent; left out: a frame
    #[arg(long, value_name = "FILE", requires = "visible")]
    seal_image: Option<PathBuf>,
    /// The organisation that the seal names
    #[arg(long, value_name = "TEXT", requires = "visible")]
    organisation: Option<String>,
    /// Address for a QR code in the seal
    #[arg(long, value_name = "URL", requires = "visible")]
    qr: Option<String>,
}

/// Of a FHIR Bundle.
const FHIR: &str = "application/fhir+json";

/// Two numbers of points.
fn position(text: &str) -> Result<Position, &'static str> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| (0.0..1e5).contains(number));
    let (x, y) = text.split_once(',').ok_or("two numbers with a comma between them")?;
    match (number(x), number(y)) {
        (Some(x), Some(y)) => Ok(Position::At(x, y)),
        _ => Err("each a number from 0 to 99999"),
    }
}

impl PdfArguments {
    /// None was given.
    pub const fn is_empty(&self) -> bool {
        self.field.is_none()
            && self.certify.is_none()
            && self.reason.is_none()
            && self.location.is_none()
            && self.contact.is_none()
            && self.embed.is_none()
            && !self.visible
    }

    /// Files that it reads.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.seal_image.iter().chain(&self.embed).map(PathBuf::as_path)
    }

    /// The update that embeds the file, if one is to be.
    fn embedded(&self, document: &[u8], time: Time) -> Result<Vec<u8>, CommandError> {
        let Some(path) = &self.embed else { return Ok(Vec::new()) };
        let octets = evidence::read(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let file = AssociatedFile {
            name: &name,
            media_type: &self.embed_type,
            relationship: Relationship::Source,
            description: None,
            modified: time,
            octets: &octets,
        };
        associated::embed(document, &file).map_err(|error| match error {
            AssociatedError::Pades(error) => refused(error),
            error => CommandError::about(exit::UNREADABLE, path, &error),
        })
    }

    fn order(&self) -> Result<PadesOrder, CommandError> {
        let image = match &self.seal_image {
            None => None,
            Some(path) => {
                let image = SealImage::read(&evidence::read(path)?);
                Some(Arc::new(image.map_err(|error| CommandError::about(exit::UNREADABLE, path, &error))?))
            }
        };
        let appearance = self.visible.then(|| Appearance {
            page: self.page,
            position: self.at_position.unwrap_or(Position::Free),
            organisation: self.organisation.clone(),
            address: self.qr.clone(),
            image,
            ..Appearance::default()
        });
        Ok(PadesOrder {
            appearance,
            field: self.field.clone(),
            certify: self.certify.and_then(Certification::from_number),
            reason: self.reason.clone(),
            location: self.location.clone(),
            contact: self.contact.clone(),
            ..PadesOrder::default()
        })
    }
}

/// The signed PDF at this level; `raising` is given for those above B-B.
pub fn sign(
    mut document: Vec<u8>,
    arguments: &PdfArguments,
    named: Option<DocumentReference>,
    signer: &CadesSigner,
    level: LevelArgument,
    mut raising: Option<&mut Raising>,
) -> Result<Vec<u8>, CommandError> {
    let time = clock::now();
    let embedded = arguments.embedded(&document, time)?;
    document.reserve_exact(embedded.len());
    document.extend(embedded);
    let before = Before::read(&document, time).map_err(refused)?;
    let order = arguments.order()?.drawn(&document, signer.certificate().display_name(), time).map_err(refused)?;
    let reference = reference(&before, named)?;
    let algorithm = signer.digest_algorithm();
    let is_stamped = level >= LevelArgument::Timestamped;
    let mut room = room_for(signer, reference.as_ref(), is_stamped);
    let mut attempt = 0;
    let signed = loop {
        attempt += 1;
        let prepared = Prepared::signature(&document, &order, time, room).map_err(refused)?;
        let digest = prepared.digest(&document, algorithm);
        let request = CadesRequest {
            digest: (algorithm, &digest),
            content: None,
            signing_time: time,
            document: reference.as_ref(),
        };
        let mut message = signer.sign_in_pdf(&request).map_err(|error| not_signed(&error))?;
        if let Some(raising) = raising.as_deref_mut().filter(|_| is_stamped) {
            message = raising.stamp(message, &[(algorithm, digest)])?;
        }
        match prepared.fill(&message) {
            Err(PadesError::Room { needed, .. }) if attempt < ATTEMPTS => room = needed + needed / 4,
            Err(error) => return Err(refused(error)),
            Ok(update) => {
                let mut whole = document;
                whole.reserve_exact(update.len());
                whole.extend(update);
                break whole;
            }
        }
    };
    let reached = if is_stamped { Level::Timestamped } else { Level::Basic };
    let checked = check::check(&signed, &before, signer.certificate(), reference.as_ref(), reached, clock::now());
    checked.map_err(refused)?;
    match raising {
        Some(raising) if level > LevelArgument::Timestamped => {
            raising.raise(signed, crate::core::validation::Content::None, level)
        }
        _ => Ok(signed),
    }
}

/// What the new signer states: what the others do, unless none does.
fn reference(before: &Before, named: Option<DocumentReference>) -> Result<Option<DocumentReference>, CommandError> {
    match (before.references.as_slice(), named) {
        ([], named) => Ok(named),
        ([stated], None) => Ok(Some(stated.clone())),
        ([stated], Some(named)) if *stated == named => Ok(Some(named)),
        _ => {
            let message = "existing-signature-conflict: the signers of the PDF state another document, or several";
            Err(CommandError::new(exit::USAGE, message))
        }
    }
}

fn refused(error: PadesError) -> CommandError {
    let code = match &error {
        PadesError::Text(_) | PadesError::Field { .. } | PadesError::Appearance(_) => exit::USAGE,
        PadesError::Room { .. } | PadesError::SelfCheck { .. } => exit::INTERNAL,
        PadesError::Encrypted { .. }
        | PadesError::Unreadable(_)
        | PadesError::Ambiguous(_)
        | PadesError::ActiveContent
        | PadesError::NoPage
        | PadesError::TooManySignatures
        | PadesError::Certified
        | PadesError::NotFirst
        | PadesError::Locked(_)
        | PadesError::Existing { .. } => exit::UNREADABLE,
    };
    CommandError::new(code, format!("{}: {error}", error.code()))
}

fn not_signed(error: &SigningError) -> CommandError {
    CommandError::of(exit::UNREADABLE, error)
}
