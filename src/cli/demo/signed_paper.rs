//! The papers of the story: signed by the service, verified, changed on the way.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::office::{Failure, Office};

/// A paper with its signature.
pub struct Paper {
    pub id: String,
    pub kind: &'static str,
    pub content: Vec<u8>,
    /// The message; the whole document, if it stands in that.
    pub signature: Vec<u8>,
    pub place: Place,
}

/// Where a signature stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Of a document of this media type.
    Beside(&'static str),
    InPdf,
}

impl Place {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Beside(_) => "CAdES beside it",
            Self::InPdf => "PAdES inside it",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Beside(media_type) => media_type,
            Self::InPdf => "application/pdf",
        }
    }
}

impl Paper {
    /// Signed by the service, for the issuing system.
    pub async fn sign(office: &Office, kind: &'static str, content: &[u8], place: Place) -> Result<Self, Failure> {
        let answer = office.sign(&sign_request(kind, content, place)).await?;
        let text = |name: &str| answer[name].as_str().ok_or_else(|| format!("unexpected answer to sign: {answer}"));
        let signature = text(if place == Place::InPdf { "document" } else { "signature" })?;
        Ok(Self {
            id: text("id")?.to_owned(),
            kind,
            content: content.to_vec(),
            signature: STANDARD.decode(signature)?,
            place,
        })
    }

    /// The service's answer about it, or about a copy with one byte of the content flipped.
    pub async fn verify(&self, office: &Office, flipped: bool) -> Result<Value, Failure> {
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            if flipped {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            STANDARD.encode(bytes)
        };
        office
            .verify(&match self.place {
                Place::InPdf => json!({ "document": flip(&self.signature) }),
                Place::Beside(_) => {
                    json!({ "document": flip(&self.content), "signature": STANDARD.encode(&self.signature) })
                }
            })
            .await
    }

    pub fn keep(&self, directory: &Path, name: &str) -> Result<(), Failure> {
        match self.place {
            Place::InPdf => std::fs::write(directory.join(format!("{name}.pdf")), &self.signature)?,
            Place::Beside(_) => {
                std::fs::write(directory.join(format!("{name}.json")), &self.content)?;
                std::fs::write(directory.join(format!("{name}.p7s")), &self.signature)?;
            }
        }
        let request = sign_request(self.kind, &self.content, self.place);
        std::fs::write(directory.join(format!("sign-{name}.json")), request.to_string())?;
        Ok(())
    }
}

/// A member of the answer that is named in a failure; all of it, if there is none.
pub fn field_of(failure: &str, name: &str) -> String {
    let json = failure.find('{').map(|at| &failure[at..]);
    let parsed = json.and_then(|json| serde_json::from_str::<Value>(json).ok());
    parsed.and_then(|answer| answer[name].as_str().map(str::to_owned)).unwrap_or_else(|| failure.to_owned())
}

fn sign_request(kind: &str, content: &[u8], place: Place) -> Value {
    let mut request = json!({
        "kind": kind,
        "document": STANDARD.encode(content),
        "mediaType": place.media_type(),
        "level": "B-B",
    });
    match place {
        Place::InPdf => request["format"] = "pades".into(),
        Place::Beside(_) => {
            request["format"] = "cades".into();
            request["packaging"] = "detached".into();
        }
    }
    request
}
