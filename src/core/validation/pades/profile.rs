//! What a message in a PDF keeps to beyond one that stands alone. Nothing covers the message itself: octets that could be others without
//! any difference would be a place to write to.

use crate::core::cms::{SignedData, SignerIdentifier};
use crate::core::der::tag;
use crate::core::oid;
use crate::core::validation::format::FormatFault;
use crate::core::x509::Certificate;

/// Its versions are those that its parts demand (RFC 5652 §5.1, §5.3), it carries its signer's certificate (EN 319 142-1 §6.3; ISO 32000-2
/// §12.8.3.3.1), and names that one's issuer as it does.
pub fn check(message: &SignedData<'_>, signer: Option<&Certificate>) -> Result<(), FormatFault> {
    let Some(signer_info) = message.signer_infos.first() else { return Err(FormatFault::PdfMessage) };
    let of_signer = match &signer_info.identifier {
        SignerIdentifier::IssuerAndSerialNumber { .. } => 1,
        SignerIdentifier::SubjectKeyIdentifier(_) => 3,
    };
    if signer_info.version != Some(of_signer) || message.version != Some(version(message, of_signer)) {
        return Err(FormatFault::Version);
    }
    let Some(signer) = signer else { return Ok(()) };
    let is_named = match &signer_info.identifier {
        SignerIdentifier::IssuerAndSerialNumber { issuer, .. } => issuer.raw == signer.issuer.der(),
        SignerIdentifier::SubjectKeyIdentifier(_) => true,
    };
    if is_named && message.certificates.contains(&signer.der()) { Ok(()) } else { Err(FormatFault::PdfMessage) }
}

/// RFC 5652 §5.1.
fn version(message: &SignedData<'_>, of_signer: u32) -> u32 {
    let has = |set: Option<crate::core::der::Tlv<'_>>, kind: u8| {
        let Some(set) = set else { return false };
        let mut members = set.reader();
        while let Ok(member) = members.read() {
            if member.tag == kind {
                return true;
            }
        }
        false
    };
    let (certificates, crls) = (message.certificate_set, message.crl_set);
    if has(certificates, tag::context(3)) || has(crls, tag::context(1)) {
        5
    } else if has(certificates, tag::context(2)) {
        4
    } else if has(certificates, tag::context(1)) || of_signer == 3 || message.content_type != oid::DATA {
        3
    } else {
        1
    }
}
