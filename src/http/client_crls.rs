//! The CRLs of the client authorities never go back: an older list, genuine as it may be, would let a revoked client in again.
//!
//! Marks live as long as the process. Across a restart the lists of `[revocation]` help, whose marks are durable: whom one of them
//! lists is not let in either ([`is_listed`]).

use std::{collections::HashMap, sync::Arc};

use crate::core::{
    evidence::Evidence,
    time::Time,
    x509::{Certificate, CertificateList, crl::CrlNumber},
};

/// Why lists do not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientCrlError {
    #[error("the CRL of {issuer} is not signed by the client authority of that name: forged or damaged")]
    Signature { issuer: String },
    #[error(
        "the CRL of {issuer} ({this_update}) has a lower CRLNumber, or an earlier thisUpdate, than one seen before: give the newest"
    )]
    WentBack { issuer: String, this_update: Time },
}

/// Of what a list speaks: lists of one scope replace each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scope {
    issuer: Issuer,
    /// The encoding of the IssuingDistributionPoint.
    partition: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Issuer {
    /// Fingerprint of the client authority that signed.
    Authority([u8; 32]),
    /// The name of an issuer whose certificate is not in the settings, or whose key only the handshake can use; the handshake
    /// verifies the signature.
    Name(Vec<u8>),
}

/// The highest seen of one scope. A missing number is lower than any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    number: Option<CrlNumber>,
    this_update: Time,
}

impl Mark {
    fn of(list: &CertificateList) -> Self {
        Self { number: list.extensions.crl_number.clone(), this_update: list.this_update }
    }

    fn reaches(&self, other: &Self) -> bool {
        self.number >= other.number && self.this_update >= other.this_update
    }
}

/// The highest CRLNumber and `thisUpdate` seen of each scope.
#[derive(Clone, Debug, Default)]
pub struct ClientCrlMarks(HashMap<Scope, Mark>);

impl ClientCrlMarks {
    /// The newest list of each scope among `lists`; raises the marks. All count, or none.
    pub fn admit(
        &mut self,
        lists: Vec<Arc<CertificateList>>,
        authorities: &[Certificate],
    ) -> Result<Vec<Arc<CertificateList>>, ClientCrlError> {
        let mut newest: HashMap<Scope, Arc<CertificateList>> = HashMap::new();
        for list in lists {
            let scope = scope(&list, authorities)?;
            match newest.get(&scope) {
                Some(other) if Mark::of(other).reaches(&Mark::of(&list)) => {}
                // Newer in one respect and older in the other: neither can be told to be the newest.
                Some(other) if !Mark::of(&list).reaches(&Mark::of(other)) => return Err(went_back(&list)),
                _ => drop(newest.insert(scope, list)),
            }
        }
        let behind = |(scope, list): &(&Scope, &Arc<CertificateList>)| {
            self.0.get(*scope).is_some_and(|mark| !Mark::of(list).reaches(mark))
        };
        if let Some((_, list)) = newest.iter().find(behind) {
            return Err(went_back(list));
        }
        self.0.extend(newest.iter().map(|(scope, list)| (scope.clone(), Mark::of(list))));
        Ok(newest.into_values().collect())
    }
}

fn went_back(list: &CertificateList) -> ClientCrlError {
    ClientCrlError::WentBack { issuer: list.issuer.to_string(), this_update: list.this_update }
}

/// A forged list must not raise a mark: it would shut out the genuine ones.
fn scope(list: &CertificateList, authorities: &[Certificate]) -> Result<Scope, ClientCrlError> {
    let partition = list.extensions.issuing_distribution_point.as_ref().map(|point| point.der.clone());
    let mut named = false;
    let mut judged_by_all = true;
    for authority in authorities.iter().filter(|authority| authority.subject.comparable() == list.issuer.comparable()) {
        named = true;
        match (authority.public_key(), &list.signature_algorithm) {
            (Ok(key), Ok(_)) => {
                if list.verify(key).is_ok() {
                    return Ok(Scope { issuer: Issuer::Authority(*authority.fingerprint()), partition });
                }
            }
            _ => judged_by_all = false,
        }
    }
    if named && judged_by_all {
        return Err(ClientCrlError::Signature { issuer: list.issuer.to_string() });
    }
    Ok(Scope { issuer: Issuer::Name(list.issuer.comparable().to_vec()), partition })
}

/// The client CRLs in force.
pub type ClientCrls = Arc<Vec<Arc<CertificateList>>>;

/// One of the lists names one of the certificates that a client presented.
pub fn names_one_of(lists: &[Arc<CertificateList>], certificates: &[Certificate]) -> bool {
    let named = |certificate: &Certificate| {
        lists.iter().any(|list| list.entry(&certificate.issuer, &certificate.serial_number).is_some())
    };
    certificates.iter().any(named)
}

/// A list of the revocation cache, each of which a held authority signed, names the certificate.
pub fn is_listed(evidence: &Evidence, certificate: &Certificate) -> bool {
    let lists = evidence.crls.issued_by(&certificate.issuer);
    lists.iter().any(|list| list.entry(&certificate.issuer, &certificate.serial_number).is_some())
}
