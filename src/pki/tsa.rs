//! The time-stamping authority of a development PKI (RFC 3161): from the octets of a request to those of an answer.

use std::{path::Path, sync::Arc};

use const_oid::{ObjectIdentifier, db::rfc5912};

use super::{error::PkiError, file, key::PrivateKey, layout::Member};
use crate::core::{
    algorithm::{DigestAlgorithm, SignatureAlgorithm},
    cms::{
        build::{self, MessageToAssemble, SignedAttributesToSign, SignerParts},
        timestamp_exchange::{self, FailureInfo, TimeStampRequest},
    },
    crypto,
    der::{tag, writer},
    oid,
    time::Time,
    x509::Certificate,
};

/// The policy of every token: an arc under the enterprise number for examples (RFC 5612).
pub const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.2");
/// Octets of a serial number (RFC 3161 §2.4.2: up to 160 bits).
const SERIAL_NUMBER: usize = 20;
/// Octets of the longest nonce that is repeated.
const NONCE_LIMIT: usize = 64;

/// A key, its certificate and the chain that is embedded beside it.
pub struct TimeStampingAuthority {
    key: PrivateKey,
    parts: SignerParts,
}

impl TimeStampingAuthority {
    /// Of the PKI in `directory`, with the certificate of its CA.
    pub fn load(directory: &Path) -> Result<Self, PkiError> {
        let certificate = |member: Member| {
            let path = member.certificate_path(directory);
            let found = file::read_certificate(&path)?;
            let undecodable = |_| PkiError::Undecodable { path, expected: "certificate", der_allowed: true };
            Certificate::decode(&found.der).map(Arc::new).map_err(undecodable)
        };
        let key = file::read_key(&Member::Tsa.key_path(directory))?;
        Ok(Self::new(key, &*certificate(Member::Tsa)?, &[&*certificate(Member::Ca)?]))
    }

    pub fn new(key: PrivateKey, certificate: &Certificate, chain: &[&Certificate]) -> Self {
        Self { key, parts: SignerParts::new(certificate, chain) }
    }

    /// The `TimeStampResp` to a `TimeStampReq`: a token of the second `now`, or a rejection that says why there is none.
    ///
    /// # Errors
    /// The key does not sign, or no random number could be had.
    pub fn answer(&self, request: &[u8], now: Time) -> Result<Vec<u8>, PkiError> {
        let refused = |failure| Ok(timestamp_exchange::encode_refusal(failure));
        let request = match TimeStampRequest::decode(request) {
            Ok(request) => request,
            Err(fault) => return refused(fault.failure()),
        };
        if !request.algorithm.is_acceptable() {
            return refused(FailureInfo::BadAlgorithm);
        }
        if request.nonce.is_some_and(|nonce| nonce.len() > NONCE_LIMIT) {
            return refused(FailureInfo::BadRequest);
        }
        if request.policy.is_some_and(|policy| policy != POLICY.as_bytes()) {
            return refused(FailureInfo::UnacceptedPolicy);
        }
        let statement = statement(&request, &serial_number()?, now);
        Ok(timestamp_exchange::encode_granted(&self.token(&statement, request.wants_certificate, now)?))
    }

    /// The `TimeStampToken` around a `TSTInfo`.
    fn token(&self, statement: &[u8], with_certificates: bool, now: Time) -> Result<Vec<u8>, PkiError> {
        let digest_algorithm = DigestAlgorithm::Sha256;
        let signed_attributes = SignedAttributesToSign {
            content_type: oid::TST_INFO,
            signing_certificate: self.parts.signing_certificate(),
            message_digest: &crypto::digest(digest_algorithm, statement),
            signing_time: Some(now),
            document: None,
        }
        .encode();
        let signature_algorithm = match self.key.signature_algorithm().oid {
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION => SignatureAlgorithm::RsaPkcs1(digest_algorithm),
            _ => SignatureAlgorithm::Ecdsa(digest_algorithm),
        };
        let message = MessageToAssemble {
            content_type: oid::TST_INFO,
            content: Some(statement),
            digest_algorithm,
            signature_algorithm,
            signed_attributes: &signed_attributes,
            signature: &self.key.sign(&signed_attributes)?,
            with_certificates,
        };
        Ok(build::assemble(&self.parts, &message))
    }
}

/// 158 random bits, positive and of full length: drawn anew for each token, so that no restart and no second process repeats one.
fn serial_number() -> Result<[u8; SERIAL_NUMBER], PkiError> {
    let mut octets = [0; SERIAL_NUMBER];
    openssl::rand::rand_bytes(&mut octets)?;
    octets[0] = (octets[0] & 0x3F) | 0x40;
    Ok(octets)
}

/// `TSTInfo` (RFC 3161 §2.4.2), right to the second.
fn statement(request: &TimeStampRequest<'_>, serial_number: &[u8], now: Time) -> Vec<u8> {
    let mut time = Vec::with_capacity(15);
    now.push_asn1(tag::GENERALIZED_TIME, &mut time);
    let nonce = request.nonce.map(|nonce| writer::element(tag::INTEGER, nonce));
    writer::sequence(&[
        &writer::unsigned(&[1]),
        &writer::object_identifier(POLICY.as_bytes()),
        &timestamp_exchange::imprint(request.algorithm, request.digest),
        &writer::element(tag::INTEGER, serial_number),
        &writer::element(tag::GENERALIZED_TIME, &time),
        // Accuracy: one second.
        &writer::sequence(&[&writer::unsigned(&[1])]),
        &nonce.unwrap_or_default(),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::core::cms::SignedData;
    use crate::core::cms::timestamp::statement as stated;
    use crate::core::cms::timestamp_exchange::{Refusal, ResponseFault, decode_response};
    use crate::core::validation::timestamp_answer::{self, AnswerFault};
    use crate::core::verdict::Indication;
    use crate::pki::{Algorithm, InitOptions, init};

    const NOW: Time = Time::from_unix(1_800_000_000);
    const REQUEST: TimeStampRequest<'_> = TimeStampRequest {
        algorithm: DigestAlgorithm::Sha256,
        digest: &[7; 32],
        policy: None,
        nonce: Some(&[0x40, 9]),
        wants_certificate: true,
    };

    fn authority(algorithm: Algorithm) -> TimeStampingAuthority {
        let directory = tempfile::tempdir().expect("a directory");
        let options = InitOptions { algorithm, ..InitOptions::default() };
        init(&directory.path().join("pki"), &options, NOW.plus_seconds(-60)).expect("a PKI");
        TimeStampingAuthority::load(&directory.path().join("pki")).expect("an authority")
    }

    #[test]
    fn tokens_answer_what_was_asked() {
        for algorithm in [Algorithm::P256, Algorithm::Rsa2048] {
            let authority = authority(algorithm);
            for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha3_512] {
                let value = vec![7; digest.length()];
                for (policy, nonce) in [(None, REQUEST.nonce), (Some(POLICY.as_bytes()), None)] {
                    let request = TimeStampRequest { algorithm: digest, digest: &value, policy, nonce, ..REQUEST };
                    let answer = authority.answer(&request.encode(), NOW).expect("an answer");
                    let checked = timestamp_answer::check(&answer, &request, NOW, NOW);
                    let checked = checked.unwrap_or_else(|fault| panic!("{algorithm:?} {digest}: {fault:?}"));
                    assert_eq!((checked.gen_time, checked.certificates.len()), (NOW, 2));
                }
            }
        }
    }

    #[test]
    fn serial_numbers_never_repeat_and_certificates_come_when_asked_for() {
        let authority = authority(Algorithm::P256);
        let request = TimeStampRequest { wants_certificate: false, ..REQUEST };
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let answer = authority.answer(&request.encode(), NOW).expect("an answer");
            let message = SignedData::decode(decode_response(&answer).expect("a token")).expect("a message");
            assert!(message.certificates.is_empty());
            assert!(seen.insert(stated(&message).expect("a statement").serial_number.to_vec()));
            let fault = timestamp_answer::check(&answer, &request, NOW, NOW).expect_err("no certificate");
            assert!(matches!(fault, AnswerFault::CertificateMissing));
        }
    }

    #[test]
    fn what_cannot_be_met_is_refused_with_its_reason() {
        let authority = authority(Algorithm::P256);
        let refused = |request: &[u8]| match decode_response(&authority.answer(request, NOW).expect("an answer")) {
            Err(ResponseFault::Refused(Refusal::Rejection, Some(failure))) => failure,
            other => panic!("{other:?}"),
        };
        let weak = TimeStampRequest { algorithm: DigestAlgorithm::Sha1, digest: &[7; 20], ..REQUEST };
        assert_eq!(refused(&weak.encode()), FailureInfo::BadAlgorithm);
        let policy = TimeStampRequest { policy: Some(oid::ANY_POLICY), ..REQUEST };
        assert_eq!(refused(&policy.encode()), FailureInfo::UnacceptedPolicy);
        let nonce = TimeStampRequest { nonce: Some(&[1; NONCE_LIMIT + 1]), ..REQUEST };
        assert_eq!(refused(&nonce.encode()), FailureInfo::BadRequest);
        assert_eq!(refused(b"no request"), FailureInfo::BadDataFormat);
    }

    #[test]
    fn t05_an_answer_to_another_request_does_not_count() {
        let authority = authority(Algorithm::P256);
        let answer = authority.answer(&REQUEST.encode(), NOW).expect("an answer");
        let code = |request: &TimeStampRequest<'_>, now: Time| {
            timestamp_answer::check(&answer, request, now, now).map(|_| "").unwrap_or_else(|fault| fault.code())
        };
        assert_eq!(code(&REQUEST, NOW), "");
        for nonce in [None, Some(&[0x40, 8][..]), Some(&[9][..])] {
            assert_eq!(code(&TimeStampRequest { nonce, ..REQUEST }, NOW), "other-nonce");
        }
        assert_eq!(code(&TimeStampRequest { digest: &[8; 32], ..REQUEST }, NOW), "other-imprint");
        let other = TimeStampRequest { algorithm: DigestAlgorithm::Sha3_256, ..REQUEST };
        assert_eq!(code(&other, NOW), "other-imprint");
        assert_eq!(code(&TimeStampRequest { policy: Some(oid::ANY_POLICY), ..REQUEST }, NOW), "other-policy");
        let far = timestamp_answer::CLOCK_TOLERANCE;
        for (seconds, expected) in [(far, ""), (-far, ""), (far + 1, "other-time"), (-far - 1, "other-time")] {
            assert_eq!(code(&REQUEST, NOW.plus_seconds(seconds)), expected, "{seconds}");
        }
    }

    /// CVE-2025-69420 is a value of another type than expected among the signed attributes: whichever octet is another one, the answer
    /// does not count, or it is the same token.
    #[test]
    fn t04_no_octet_of_an_answer_can_be_another() {
        let authority = authority(Algorithm::P256);
        let answer = authority.answer(&REQUEST.encode(), NOW).expect("an answer");
        // What the authority signed, and its signature.
        let signed = |token: &[u8]| {
            let message = SignedData::decode(token).expect("a message");
            let signer = &message.signer_infos[0];
            let attributes = signer.signed_attributes.expect("attributes").raw.to_vec();
            (message.content.expect("a statement").to_vec(), attributes, signer.signature.to_vec())
        };
        let original = signed(decode_response(&answer).expect("a token"));
        let mut refused = 0;
        for position in 0..answer.len() {
            for change in [0x01, 0x02, 0x20, 0x80] {
                let mut changed = answer.clone();
                changed[position] ^= change;
                match timestamp_answer::check(&changed, &REQUEST, NOW, NOW) {
                    Ok(found) => assert!(signed(&found.token) == original, "{position} {change}"),
                    Err(AnswerFault::Signature(verdict)) => assert_ne!(verdict.indication(), Indication::TotalPassed),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 1000, "{refused}");
    }
}
