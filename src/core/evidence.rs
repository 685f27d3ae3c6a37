//! What a validation may use beside the document: certificates and revocation data, collected by the caller.

use std::collections::HashMap;
use std::sync::Arc;

use super::x509::ocsp::OcspResponse;
use super::x509::{Certificate, CertificateList, Name};

/// Certificates, CRLs and OCSP responses at hand. Nothing in it is trusted: every item is verified where it is used.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Certificates offered as links to an anchor or as the signer's own.
    pub certificates: Vec<Arc<Certificate>>,
    pub crls: CrlSet,
    pub ocsp_responses: Vec<Arc<OcspResponse>>,
}

/// CRLs by issuer.
#[derive(Clone, Debug, Default)]
pub struct CrlSet {
    by_issuer: HashMap<Vec<u8>, Vec<Arc<CertificateList>>>,
    /// Lists that were replaced: they can reveal a revocation, and show nothing good.
    revealing: HashMap<Vec<u8>, Vec<Arc<CertificateList>>>,
    /// Lists that came with a document: they can reveal a revocation, and show something good only where `embedded_counts`, as long as
    /// they are fresh.
    embedded: HashMap<Vec<u8>, Vec<Arc<CertificateList>>>,
    embedded_counts: bool,
    /// Names this very set where it lives long enough to be worth remembering answers about it; `None` for a set made for
    /// one request.
    snapshot: Option<u64>,
}

impl CrlSet {
    pub fn new(crls: impl IntoIterator<Item = Arc<CertificateList>>) -> Self {
        let mut set = Self::default();
        for crl in crls {
            set.insert(crl);
        }
        set
    }

    /// The same set under a name that no other set of this process has.
    pub fn with_snapshot(mut self, snapshot: u64) -> Self {
        self.snapshot = Some(snapshot);
        self
    }

    pub const fn snapshot(&self) -> Option<u64> {
        self.snapshot
    }

    /// Adds a CRL; the set is then no longer the one that was named.
    pub fn insert(&mut self, crl: Arc<CertificateList>) {
        self.snapshot = None;
        add(&mut self.by_issuer, crl);
    }

    /// Adds a CRL that only reveals; the set is then no longer the one that was named.
    pub fn insert_revealing(&mut self, crl: Arc<CertificateList>) {
        self.snapshot = None;
        add(&mut self.revealing, crl);
    }

    /// The CRLs that only reveal and whose issuer field is `issuer`.
    pub fn revealing(&self, issuer: &Name) -> &[Arc<CertificateList>] {
        self.revealing.get(issuer.comparable()).map_or(&[], Vec::as_slice)
    }

    /// Adds a CRL that came with a document; the set is then no longer the one that was named.
    pub fn insert_embedded(&mut self, crl: Arc<CertificateList>) {
        self.snapshot = None;
        add(&mut self.embedded, crl);
    }

    /// What came with the document counts, too, as long as it is fresh.
    pub fn let_embedded_count(&mut self) {
        self.embedded_counts = true;
    }

    pub const fn embedded_counts(&self) -> bool {
        self.embedded_counts
    }

    /// The CRLs that came with the document and whose issuer field is `issuer`.
    pub fn embedded(&self, issuer: &Name) -> &[Arc<CertificateList>] {
        self.embedded.get(issuer.comparable()).map_or(&[], Vec::as_slice)
    }

    /// The CRLs whose issuer field is `issuer`.
    pub fn issued_by(&self, issuer: &Name) -> &[Arc<CertificateList>] {
        self.by_issuer.get(issuer.comparable()).map_or(&[], Vec::as_slice)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<CertificateList>> {
        self.by_issuer.values().flatten()
    }
}

fn add(lists: &mut HashMap<Vec<u8>, Vec<Arc<CertificateList>>>, crl: Arc<CertificateList>) {
    let crls = lists.entry(crl.issuer.comparable().to_vec()).or_default();
    if !crls.iter().any(|held| held.fingerprint() == crl.fingerprint()) {
        crls.push(crl);
    }
}
