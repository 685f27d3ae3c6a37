//! By what the holder of a paper will ask for it, told before the paper is signed: by the document itself where its kind says where, else by
//! the order.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::existing::Stated;
use super::lookup::GivenFields;
use super::sign::{SignError, SignRequest, SignService};
use crate::core::lookup::{FieldFault, LookupFields};
use crate::kinds::DocumentKind;
use crate::registry::LookupEntry;

/// Why a paper cannot be asked for as the order says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupOrderError {
    #[error("nobody can ask for documents here: the settings have no [lookup] key; leave lookup out")]
    NotKept,
    #[error("of documents of kind {0:?} the public is told nothing: leave lookup out")]
    NotTold(String),
    #[error("this paper was first signed elsewhere, where its standing is told: leave lookup out")]
    Elsewhere,
    #[error("{0}")]
    Field(FieldFault),
    #[error("the document says other fields than the order")]
    Differs,
    #[error("the digests cannot be computed; ask again")]
    Digest,
}

impl SignService {
    /// The digests under which the document will be found; none where nobody asks, or where its standing is told elsewhere.
    pub(super) async fn lookup_entries(
        &self,
        request: &SignRequest,
        document: Option<Bytes>,
        stated: Option<&Stated>,
    ) -> Result<Vec<LookupEntry>, SignError> {
        let given = request.lookup.clone();
        let Some(keys) = &self.lookup else {
            return if given.is_some() { Err(LookupOrderError::NotKept.into()) } else { Ok(Vec::new()) };
        };
        let (keys, kinds, name) = (Arc::clone(keys), Arc::clone(&self.described), request.kind.clone());
        if kinds.get(&name).is_none_or(|kind| kind.disclosure.public.is_empty()) {
            return if given.is_some() { Err(LookupOrderError::NotTold(name).into()) } else { Ok(Vec::new()) };
        }
        if stated.is_some_and(|stated| !stated.is_here) {
            return if given.is_some() { Err(LookupOrderError::Elsewhere.into()) } else { Ok(Vec::new()) };
        }
        let media_type = request.media_type.clone();
        // Each digest takes milliseconds of a processor.
        let turn = Arc::clone(&self.checking).acquire_owned().await.map_err(|_| SignError::Interrupted)?;
        let computed = spawn_blocking(move || {
            let _turn = turn;
            let fields = match kinds.get(&name) {
                Some(kind) => agreed(kind, &media_type, document.as_deref(), given.as_ref())?,
                None => Vec::new(),
            };
            keys.entries(&fields).map_err(|_| LookupOrderError::Digest.into())
        });
        computed.await.map_err(|_| SignError::Interrupted)?
    }
}

/// What the document says, or else the order; both, if both say it.
fn agreed(
    kind: &DocumentKind,
    media_type: &str,
    document: Option<&[u8]>,
    given: Option<&GivenFields>,
) -> Result<Vec<LookupFields>, SignError> {
    let own = match document {
        Some(document) if kind.has_lookup(media_type) => kind.lookup_fields(media_type, document)?,
        _ => Vec::new(),
    };
    let given = given.map(GivenFields::normalise).transpose().map_err(LookupOrderError::Field)?;
    match given {
        Some(given) if own.is_empty() => Ok(vec![given]),
        Some(given) if !own.iter().any(|own| own.agree(&given)) => Err(LookupOrderError::Differs.into()),
        _ => Ok(own),
    }
}
