//! What must pass: without these, a validator that refuses everything would pass every other test.

use antin::core::algorithm::{DigestAlgorithm, PssParameters, SignatureAlgorithm};
use antin::core::crypto::digest;
use antin::core::evidence::Evidence;
use antin::core::policy::RevocationMode;
use antin::core::validation::Content;

use crate::kit::CONTENT;
use crate::kit::key::{Kind, pss, restricted_to_pss};
use crate::kit::message::{Message, SignerInfo};
use crate::kit::tree::tree;
use crate::kit::verdict::{Judge, PASSED, enveloping_verdict, verdict, verdicts};

const ACCEPTED: [DigestAlgorithm; 6] = [
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
    DigestAlgorithm::Sha3_256,
    DigestAlgorithm::Sha3_384,
    DigestAlgorithm::Sha3_512,
];

#[test]
fn every_accepted_algorithm_passes() {
    let mut count = 0;
    for kind in
        [Kind::P256, Kind::P384, Kind::P521, Kind::Rsa2048, Kind::Rsa2048Exponent3, Kind::Rsa3072, Kind::Rsa4096]
    {
        let signer = tree().signer(kind);
        let mut algorithms = Vec::new();
        for digest in ACCEPTED {
            let length = digest.length() as u32;
            if kind.is_rsa() {
                algorithms.push(SignatureAlgorithm::RsaPkcs1(digest));
                algorithms.extend([0, 20, length, length + 1].map(|salt_length| pss(digest, salt_length)));
            } else {
                algorithms.push(SignatureAlgorithm::Ecdsa(digest));
            }
        }
        for algorithm in algorithms {
            let info = SignerInfo::with_algorithm(&signer, CONTENT, algorithm);
            assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), PASSED, "{kind:?} {algorithm:?}");
            count += 1;
        }
    }
    assert_eq!(count, 3 * 6 + 4 * 30);
}

#[test]
fn pss_with_another_mask_digest_passes() {
    let algorithm = SignatureAlgorithm::RsaPss(PssParameters {
        digest: DigestAlgorithm::Sha512,
        mask_digest: DigestAlgorithm::Sha256,
        salt_length: 32,
    });
    let info = SignerInfo::with_algorithm(&tree().signer(Kind::Rsa2048), CONTENT, algorithm);
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), PASSED);
}

#[test]
fn keys_restricted_to_pss_pass_with_pss() {
    let key = Kind::Rsa2048.key();
    let least =
        PssParameters { digest: DigestAlgorithm::Sha256, mask_digest: DigestAlgorithm::Sha256, salt_length: 32 };
    for restriction in [None, Some(least)] {
        let signer = tree().signer_with_public_key(&restricted_to_pss(key, restriction), key);
        for salt_length in [32, 64] {
            let algorithm = pss(DigestAlgorithm::Sha256, salt_length);
            let info = SignerInfo::with_algorithm(&signer, CONTENT, algorithm);
            assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), PASSED, "{restriction:?} {salt_length}");
        }
    }
}

#[test]
fn rsa_encryption_as_signature_algorithm_passes() {
    // RFC 3370 §3.2: the identifier of the key type, the digest from the SignerInfo.
    let mut info = SignerInfo::new(&tree().signer(Kind::Rsa2048), CONTENT);
    info.signature_algorithm = hex::decode("300d06092a864886f70d0101010500").expect("hex");
    assert_eq!(verdict(&Message::detached(info).encode(), CONTENT), PASSED);
}

#[test]
fn every_packaging_passes() {
    let info = SignerInfo::new(&tree().signer, CONTENT);
    let detached = Message::detached(info.clone()).encode();
    let enveloping = Message::enveloping(info.clone()).encode();
    assert_eq!(verdict(&detached, CONTENT), PASSED);
    assert_eq!(enveloping_verdict(&enveloping), PASSED);
    assert_eq!(verdict(&enveloping, CONTENT), PASSED, "the same content beside it");
    let digests = [(DigestAlgorithm::Sha256, digest(DigestAlgorithm::Sha256, CONTENT))];
    assert_eq!(Judge::default().verdict(&detached, Content::Digests(&digests)), PASSED);
    assert_eq!(Judge::default().verdict(&enveloping, Content::Digests(&digests)), PASSED);
    assert_eq!(
        enveloping_verdict(&detached),
        "INDETERMINATE SIGNED_DATA_NOT_FOUND signed-data-not-found",
        "a detached signature without content"
    );
    assert_eq!(
        Judge::default().verdict(&detached, Content::Digests(&[])),
        "INDETERMINATE SIGNED_DATA_NOT_FOUND digest-not-given"
    );
    let empty = SignerInfo::new(&tree().signer, b"");
    assert_eq!(enveloping_verdict(&Message::enveloping(empty.clone()).encode()), PASSED, "empty content");
    assert_eq!(verdict(&Message::detached(empty).encode(), b""), PASSED, "empty content beside it");
    assert_eq!(Judge { policy: "strict", ..Judge::default() }.verdict(&detached, Content::Bytes(CONTENT)), PASSED);
}

#[test]
fn a_signer_named_by_key_identifier_passes() {
    let signer = &tree().signer;
    let identifier = signer.certificate.extensions.subject_key_identifier.clone().expect("the extension");
    let info = SignerInfo::new(signer, CONTENT).by_key_identifier(&identifier);
    let message = Message { version: 3, ..Message::detached(info) };
    assert_eq!(verdict(&message.encode(), CONTENT), PASSED);
}

#[test]
fn several_signers_pass_together() {
    let infos: Vec<SignerInfo> = [Kind::P256, Kind::Rsa2048, Kind::P384]
        .into_iter()
        .map(|kind| SignerInfo::new(&tree().signer(kind), CONTENT))
        .chain([SignerInfo::with_algorithm(
            &tree().signer(Kind::P521),
            CONTENT,
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512),
        )])
        .collect();
    let message = Message::of(&infos).encode();
    assert_eq!(verdict(&message, CONTENT), PASSED);
    assert_eq!(verdicts(&message, CONTENT), [PASSED; 4]);
}

#[test]
fn the_signers_certificate_may_be_held_and_not_embedded() {
    let tree = tree();
    let message = Message { certificates: Vec::new(), ..Message::detached(SignerInfo::new(&tree.signer, CONTENT)) };
    let message = message.encode();
    assert_eq!(verdict(&message, CONTENT), "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found");
    let mut evidence = tree.evidence.clone();
    evidence.certificates.push(tree.signer.certificate.clone());
    assert_eq!(Judge { evidence: &evidence, ..Judge::default() }.verdict(&message, Content::Bytes(CONTENT)), PASSED);
}

#[test]
fn without_revocation_data_nothing_passes_where_they_are_required() {
    let message = Message::detached(SignerInfo::new(&tree().signer, CONTENT)).encode();
    let evidence = Evidence { certificates: tree().evidence.certificates.clone(), ..Evidence::default() };
    for (revocation, expected) in [
        (RevocationMode::Required, "INDETERMINATE TRY_LATER revocation-status-unknown"),
        (RevocationMode::IfAvailable, PASSED),
        (RevocationMode::Off, PASSED),
    ] {
        let judge = Judge { evidence: &evidence, revocation, ..Judge::default() };
        assert_eq!(judge.verdict(&message, Content::Bytes(CONTENT)), expected, "{revocation:?}");
    }
}
