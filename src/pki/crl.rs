//! Revocation lists: read back, one entry more or less, signed again (RFC 5280 §5).

use const_oid::AssociatedOid;
use der::{
    Decode, Encode,
    asn1::{BitString, Uint},
};
use x509_cert::{
    Version,
    crl::{CertificateList, RevokedCert, TbsCertList},
    ext::pkix::{CrlNumber, CrlReason},
    serial_number::SerialNumber,
};

use super::{
    certificate::{Issuer, asn1_time, authority_key_identifier, extension},
    error::PkiError,
};
use crate::core::der::{tag, writer};
use crate::core::time::Time;

/// How long a list is good for: 7 days, in seconds.
pub const LIFETIME: i64 = 7 * 86_400;

/// Why a certificate is revoked; [`Reason::RemoveFromCrl`] lifts a hold, and the entry leaves the list.
pub use crate::core::x509::crl::RevocationReason as Reason;

/// The reason as `x509-cert` writes it: by its number.
fn crl_reason(reason: Reason) -> Result<CrlReason, PkiError> {
    let encoded = writer::element(tag::ENUMERATED, &[reason.number() as u8]);
    Ok(CrlReason::from_der(&encoded)?)
}

/// The reason an entry states; none stated is unspecified (RFC 5280 §5.3.1).
fn reason_of(entry: &RevokedCert) -> Result<Reason, PkiError> {
    for extension in entry.crl_entry_extensions.iter().flatten() {
        if extension.extn_id == CrlReason::OID {
            let code = CrlReason::from_der(extension.extn_value.as_bytes())?;
            return Ok(Reason::from_number(code as u32).unwrap_or_default());
        }
    }
    Ok(Reason::Unspecified)
}

/// What a revocation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The certificate is revoked now, and was not or was on hold before.
    Revoked,
    /// The hold was lifted: the certificate is good again.
    HoldLifted,
    /// It was revoked before; nothing changed and no list was issued.
    AlreadyRevoked { since: Time, reason: Reason },
}

/// The content of a full CRL of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// CRLNumber (RFC 5280 §5.2.3).
    pub number: u128,
    pub this_update: Time,
    pub next_update: Time,
    /// In the order of revocation.
    pub entries: Vec<RevokedCert>,
}

impl RevocationList {
    /// The first list of an issuer: number 1, no entries.
    pub fn first(now: Time) -> Self {
        Self { number: 1, this_update: now, next_update: now.plus_seconds(LIFETIME), entries: Vec::new() }
    }

    /// Reads a DER list that `issuer` signed itself with [`RevocationList::sign`].
    pub fn decode(bytes: &[u8], issuer: &Issuer) -> Result<Self, PkiError> {
        let list = CertificateList::from_der(bytes).map_err(|_| PkiError::ListNotOurs)?;
        if list.tbs_cert_list.issuer != *issuer.name() || !issuer.signed(bytes, &list.signature) {
            return Err(PkiError::ListNotOurs);
        }
        let TbsCertList { this_update, next_update, revoked_certificates, crl_extensions, .. } = list.tbs_cert_list;
        let number = crl_extensions.iter().flatten().find(|extension| extension.extn_id == CrlNumber::OID);
        let number = number.and_then(|found| CrlNumber::from_der(found.extn_value.as_bytes()).ok());
        Ok(Self {
            number: number.and_then(|CrlNumber(value)| number_value(&value)).ok_or(PkiError::ListNumber)?,
            this_update: time_value(this_update),
            next_update: time_value(next_update.unwrap_or(this_update)),
            entries: revoked_certificates.unwrap_or_default(),
        })
    }

    /// The next list with the same entries: CRLNumber + 1, good for [`LIFETIME`]. A list never claims an earlier
    /// `thisUpdate` than the one before it: whoever remembers that one would refuse it as a step back.
    pub fn next(self, now: Time) -> Result<Self, PkiError> {
        let number = self.number.checked_add(1).filter(|number| number >> 127 == 0).ok_or(PkiError::ListNumber)?;
        let this_update = now.max(self.this_update);
        Ok(Self { number, this_update, next_update: this_update.plus_seconds(LIFETIME), entries: self.entries })
    }

    /// Enters a certificate, makes its hold final, or with [`Reason::RemoveFromCrl`] lifts its hold.
    pub fn revoke(&mut self, serial_number: &SerialNumber, reason: Reason, now: Time) -> Result<Outcome, PkiError> {
        let position = self.entries.iter().position(|entry| entry.serial_number == *serial_number);
        let stated = position.map(|at| reason_of(&self.entries[at])).transpose()?;
        match (position, stated, reason) {
            (Some(at), Some(Reason::CertificateHold), Reason::RemoveFromCrl) => {
                self.entries.remove(at);
                Ok(Outcome::HoldLifted)
            }
            (_, _, Reason::RemoveFromCrl) => Err(PkiError::NotOnHold),
            (Some(at), Some(Reason::CertificateHold), reason) if reason != Reason::CertificateHold => {
                self.entries[at] = entry(serial_number, reason, now)?;
                Ok(Outcome::Revoked)
            }
            (Some(at), Some(stated), _) => {
                let since = time_value(self.entries[at].revocation_date);
                Ok(Outcome::AlreadyRevoked { since, reason: stated })
            }
            (_, _, reason) => {
                self.entries.push(entry(serial_number, reason, now)?);
                Ok(Outcome::Revoked)
            }
        }
    }

    /// The list in DER, signed: version 2, with AuthorityKeyIdentifier and CRLNumber, neither critical.
    pub fn sign(&self, issuer: &Issuer) -> Result<Vec<u8>, PkiError> {
        let tbs_cert_list = TbsCertList {
            version: Version::V2,
            signature: issuer.key().signature_algorithm(),
            issuer: issuer.name().clone(),
            this_update: asn1_time(self.this_update)?,
            next_update: Some(asn1_time(self.next_update)?),
            // Without entries the field must be absent (RFC 5280 §5.1.2.6).
            revoked_certificates: Some(self.entries.clone()).filter(|entries| !entries.is_empty()),
            crl_extensions: Some(vec![
                extension(&authority_key_identifier(issuer.key_identifier()?), false)?,
                extension(&CrlNumber(Uint::new(&self.number.to_be_bytes())?), false)?,
            ]),
        };
        let signature = BitString::from_bytes(&issuer.key().sign(&tbs_cert_list.to_der()?)?)?;
        let signature_algorithm = issuer.key().signature_algorithm();
        Ok(CertificateList { tbs_cert_list, signature_algorithm, signature }.to_der()?)
    }
}

/// An entry; an unspecified reason is left out (RFC 5280 §5.3.1).
fn entry(serial_number: &SerialNumber, reason: Reason, now: Time) -> Result<RevokedCert, PkiError> {
    let crl_entry_extensions = match reason {
        Reason::Unspecified => None,
        stated => Some(vec![extension(&crl_reason(stated)?, false)?]),
    };
    Ok(RevokedCert { serial_number: serial_number.clone(), revocation_date: asn1_time(now)?, crl_entry_extensions })
}

fn time_value(time: x509_cert::time::Time) -> Time {
    Time::from_unix(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

/// A CRLNumber of at most 16 octets.
fn number_value(value: &Uint) -> Option<u128> {
    let octets = value.as_bytes();
    let mut padded = [0; 16];
    padded.get_mut(16_usize.checked_sub(octets.len())?..)?.copy_from_slice(octets);
    Some(u128::from_be_bytes(padded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{
        certificate::self_sign,
        key::{Algorithm, PrivateKey},
        profile::{root, subject},
    };

    const NOW: Time = Time::from_unix(1_800_000_000);

    fn issuer() -> Issuer {
        let profile = root(subject("Cơ quan thử nghiệm", "Gốc").expect("a name"), NOW);
        self_sign(PrivateKey::generate(Algorithm::P256).expect("a key"), &profile).expect("a root")
    }

    fn serial(octet: u8) -> SerialNumber {
        SerialNumber::new(&[octet]).expect("a serial number")
    }

    #[test]
    fn survives_signing_and_reading_with_every_reason() {
        let issuer = issuer();
        let mut list = RevocationList::first(NOW);
        assert_eq!(RevocationList::decode(&list.sign(&issuer).expect("signed"), &issuer).expect("read"), list);
        for (index, reason) in Reason::EVERY.into_iter().enumerate() {
            let outcome = list.revoke(&serial(1 + index as u8), reason, NOW);
            assert_eq!(outcome.is_ok(), reason != Reason::RemoveFromCrl);
        }
        let again = RevocationList::decode(&list.sign(&issuer).expect("signed"), &issuer).expect("read");
        assert_eq!(again, list);
        assert_eq!(again.entries.len(), 9);
        assert_eq!(again.entries[0].crl_entry_extensions, None, "unspecified is not written");
        assert_eq!(reason_of(&again.entries[1]).expect("a reason"), Reason::KeyCompromise);
    }

    #[test]
    fn revoking_again_changes_nothing_and_a_hold_can_end_both_ways() {
        let mut list = RevocationList::first(NOW);
        let later = NOW.plus_seconds(60);
        assert_eq!(list.revoke(&serial(1), Reason::Superseded, NOW).expect("done"), Outcome::Revoked);
        let kept = list.clone();
        assert_eq!(
            list.revoke(&serial(1), Reason::KeyCompromise, later).expect("done"),
            Outcome::AlreadyRevoked { since: NOW, reason: Reason::Superseded }
        );
        assert!(matches!(list.revoke(&serial(1), Reason::RemoveFromCrl, later), Err(PkiError::NotOnHold)));
        assert_eq!(list, kept);

        list.revoke(&serial(2), Reason::CertificateHold, NOW).expect("on hold");
        assert!(matches!(
            list.revoke(&serial(2), Reason::CertificateHold, later).expect("done"),
            Outcome::AlreadyRevoked { .. }
        ));
        assert_eq!(list.revoke(&serial(2), Reason::RemoveFromCrl, later).expect("done"), Outcome::HoldLifted);
        assert_eq!(list, kept);
        list.revoke(&serial(3), Reason::CertificateHold, NOW).expect("on hold");
        assert_eq!(list.revoke(&serial(3), Reason::KeyCompromise, later).expect("done"), Outcome::Revoked);
        assert_eq!(reason_of(&list.entries[1]).expect("a reason"), Reason::KeyCompromise);
        assert_eq!(time_value(list.entries[1].revocation_date), later);
    }

    #[test]
    fn the_next_list_never_steps_back() {
        let next = RevocationList::first(NOW).next(NOW.plus_seconds(-100)).expect("a list");
        assert_eq!((next.number, next.this_update), (2, NOW));
        let next = next.next(NOW.plus_seconds(100)).expect("a list");
        assert_eq!((next.number, next.this_update), (3, NOW.plus_seconds(100)));
        assert_eq!(next.next_update.seconds_since(next.this_update), LIFETIME);
        let last = RevocationList { number: (1 << 127) - 1, ..next };
        assert!(matches!(last.next(NOW), Err(PkiError::ListNumber)));
    }

    #[test]
    fn reads_only_lists_of_its_own() {
        let (first, second) = (issuer(), issuer());
        let mut bytes = RevocationList::first(NOW).sign(&first).expect("signed");
        assert!(matches!(RevocationList::decode(&bytes, &second), Err(PkiError::ListNotOurs)));
        let position = bytes.windows(2).position(|pair| pair == [0x02, 0x01]).expect("the version");
        bytes[position + 2] ^= 2;
        assert!(matches!(RevocationList::decode(&bytes, &first), Err(PkiError::ListNotOurs)));
        assert!(matches!(RevocationList::decode(b"", &first), Err(PkiError::ListNotOurs)));
    }
}
