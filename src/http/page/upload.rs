//! What somebody sends to be checked: files, perhaps with a signature in a file of its own, or the digests of one that stays where it is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
};
use futures_util::TryStreamExt;

use super::super::{
    App,
    auth::Caller,
    field::{FieldError, FieldFault},
    limits::{BodyLimits, Reservation},
    multipart::Part,
    parts::buffer,
    problem::Problem,
    verify::{Digests, GivenContent, Question},
};
use crate::core::algorithm::DigestAlgorithm;

/// The most files of one request.
pub const MOST_FILES: usize = 10;
/// Octets of a text part.
const LONGEST_TEXT: usize = 1024;
/// Parts of a request, those of no use too.
const MOST_PARTS: usize = 32;
const PARTS: &[&str] = &["document", "signature", "name", "sha-256", "sha-384", "sha-512", "purpose", "receipt"];

/// All that came with a request.
pub struct Sent {
    /// In the order in which they came; none: nothing was chosen.
    pub files: Vec<GivenFile>,
    /// What they are to be used for, if that was said.
    pub purpose: Option<String>,
    pub wants_receipt: bool,
    _room: Reservation,
}

/// One of them.
pub struct GivenFile {
    /// As its sender calls it, without folders; may be empty.
    pub name: String,
    /// `None`: it has no octets.
    pub question: Option<Question>,
}

#[derive(Default)]
struct Parts {
    documents: Vec<(String, Bytes)>,
    signature: Option<(String, Bytes)>,
    name: Option<String>,
    purpose: Option<String>,
    digests: Digests,
    wants_receipt: bool,
}

/// Reads a form.
pub async fn read(app: &App, caller: &Caller, request: Request) -> Result<Sent, Problem> {
    let limits = app.body_limits(caller);
    let mut room = app.room(caller).reserve();
    let mut parts = Parts::default();
    let received = Arc::new(AtomicUsize::new(0));
    let request = counted(request, Arc::clone(&received));
    let reading = async {
        let mut body = limits.multipart(request).await?;
        for _ in 0..MOST_PARTS {
            let Some(part) = body.next_part().await? else { return Ok(()) };
            parts.take(part, &mut room, limits).await?;
        }
        Err(too_many())
    };
    limits.at_pace::<_, Problem>(&received, reading).await?;
    let (wants_receipt, purpose) = (parts.wants_receipt, parts.purpose.take());
    let mut files = parts.files()?;
    files.iter_mut().filter_map(|file| file.question.as_mut()).for_each(|question| question.purpose = purpose.clone());
    Ok(Sent { files, purpose, wants_receipt, _room: room })
}

/// The request, of whose body the octets are counted as they come.
fn counted(request: Request, received: Arc<AtomicUsize>) -> Request {
    request.map(|body| {
        Body::from_stream(body.into_data_stream().inspect_ok(move |piece| {
            received.fetch_add(piece.len(), Ordering::Relaxed);
        }))
    })
}

fn too_many() -> Problem {
    FieldError::new("document", FieldFault::TooMany(MOST_FILES)).into()
}

impl Parts {
    async fn take(&mut self, part: Part<'_>, room: &mut Reservation, limits: BodyLimits) -> Result<(), Problem> {
        let (name, file) = (part.name().to_owned(), file_name(part.file_name().unwrap_or_default()));
        let is_file = ["document", "signature"].contains(&name.as_str());
        let octets = buffer(part, room, if is_file { usize::MAX } else { LONGEST_TEXT }, limits).await?;
        // A field for a file in which none was chosen.
        let is_absent = is_file && file.is_empty() && octets.is_empty();
        match name.as_str() {
            _ if is_absent => {}
            "document" if self.documents.len() == MOST_FILES => return Err(too_many()),
            "document" => self.documents.push((file, octets)),
            "signature" => self.signature = Some((file, octets)),
            "name" => self.name = Some(file_name(&String::from_utf8_lossy(&octets))),
            "purpose" if octets.is_empty() => {}
            "purpose" => self.purpose = Some(String::from_utf8_lossy(&octets).into_owned()),
            "receipt" => self.wants_receipt = true,
            "sha-256" => self.digest("sha-256", DigestAlgorithm::Sha256, &octets)?,
            "sha-384" => self.digest("sha-384", DigestAlgorithm::Sha384, &octets)?,
            "sha-512" => self.digest("sha-512", DigestAlgorithm::Sha512, &octets)?,
            _ => return Err(FieldError::new(&name, FieldFault::Unknown(PARTS)).into()),
        }
        Ok(())
    }

    fn digest(&mut self, name: &str, algorithm: DigestAlgorithm, text: &[u8]) -> Result<(), Problem> {
        let octets = hex::decode(text).ok().filter(|octets| octets.len() == algorithm.length());
        let rule = FieldFault::Text("a digest is given in hexadecimal digits");
        self.digests.push((algorithm, octets.ok_or_else(|| FieldError::new(name, rule))?));
        Ok(())
    }

    fn files(self) -> Result<Vec<GivenFile>, Problem> {
        let Self { mut documents, signature, name, digests, .. } = self;
        let given = |name, document: Bytes, content| {
            let question = (!document.is_empty()).then(|| Question { document, content, ..Question::default() });
            GivenFile { name, question }
        };
        let Some((file, signature)) = signature else {
            return Ok(documents.into_iter().map(|(name, octets)| given(name, octets, GivenContent::None)).collect());
        };
        if documents.len() > 1 {
            return Err(FieldError::new("document", FieldFault::Conflict("a signature is about one file")).into());
        }
        Ok(vec![match documents.pop() {
            Some((name, content)) => given(name, signature, GivenContent::Bytes(content)),
            None if digests.is_empty() => given(file, signature, GivenContent::None),
            None => given(name.unwrap_or(file), signature, GivenContent::Digests(digests)),
        }])
    }
}

/// Without the folders that some browsers send along.
fn file_name(text: &str) -> String {
    text.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}
