//! The RustCrypto implementations, beside OpenSSL a second opinion without anything installed: `cms` and `x509-cert` read what
//! antin writes and find the same in it, `p256` verifies what antin signs, and antin verifies what `p256` signs.
//!
//! `const-oid`, on which they stand, holds arcs of 32 bits: a message with antin's own attribute (an arc of 128) is beyond it.

use antin::core::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use antin::core::cms::SignedData;
use antin::core::crypto::PublicKey;
use antin::pki::Algorithm;
use cms::content_info::ContentInfo;
use der::{Decode, Encode};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};

use super::tree::{DOCUMENT, Tree};

#[test]
fn cms_reads_what_antin_writes() {
    for algorithm in [Algorithm::P256, Algorithm::Rsa2048] {
        let tree = Tree::of(algorithm);
        for packaging in [&["--detached"][..], &[]] {
            let chain = tree.path("ca.crt");
            let options = [packaging, &["--chain", &chain]].concat();
            let file = tree.sign("rustcrypto.p7m", &options);
            let bytes = std::fs::read(file).expect("a file");
            let info = ContentInfo::from_der(&bytes).expect("a ContentInfo");
            assert_eq!(info.to_der().expect("DER"), bytes, "antin writes what DER demands");
            let theirs: cms::signed_data::SignedData = info.content.decode_as().expect("a SignedData");
            let ours = SignedData::decode(&bytes).expect("a SignedData");

            let content = theirs.encap_content_info.econtent.as_ref().map(|content| content.value());
            assert_eq!(ours.content, content);
            assert_eq!(content.is_some(), packaging.is_empty());
            if let Some(content) = content {
                assert_eq!(content, std::fs::read(DOCUMENT).expect("the document"));
            }
            let certificates = theirs.certificates.expect("certificates").0;
            let certificates = certificates.iter().map(|choice| choice.to_der().expect("DER")).collect::<Vec<_>>();
            assert_eq!(ours.certificates, certificates);
            let signers = theirs.signer_infos.0;
            assert_eq!((signers.len(), ours.signer_infos.len()), (1, 1));
            let (theirs, ours) = (signers.get(0).expect("a signer"), &ours.signer_infos[0]);
            assert_eq!(ours.signature, theirs.signature.as_bytes());
            assert_eq!(ours.digest_algorithm_raw, theirs.digest_alg.to_der().expect("DER"));
            assert_eq!(ours.signature_algorithm.raw, theirs.signature_algorithm.to_der().expect("DER"));
            let attributes = theirs.signed_attrs.as_ref().expect("signed attributes").to_der().expect("DER");
            let element = ours.signed_attributes.expect("signed attributes");
            assert_eq!(element.raw[1..], attributes[1..], "but for the tag");
        }
    }
}

#[test]
fn p256_and_antin_accept_each_other() {
    let tree = Tree::of(Algorithm::P256);
    let bytes = std::fs::read(tree.sign("rustcrypto-p256.p7s", &["--detached"])).expect("a file");
    let message = SignedData::decode(&bytes).expect("a SignedData");
    let signer = &message.signer_infos[0];
    let mut octets = signer.signed_attributes.expect("signed attributes").raw.to_vec();
    octets[0] = 0x31;
    let pem = std::fs::read_to_string(tree.path("signers/health.key")).expect("a key");
    let key = SigningKey::from_pkcs8_pem(&pem).expect("PKCS#8");
    let verifying = VerifyingKey::from(&key);
    let signature = DerSignature::try_from(signer.signature).expect("DER");
    verifying.verify(&octets, &signature).expect("p256 accepts what antin signed");
    octets[20] ^= 1;
    assert!(verifying.verify(&octets, &signature).is_err());

    let theirs: DerSignature = key.sign(&octets);
    let public = verifying.to_public_key_der().expect("DER");
    assert!(VerifyingKey::from_public_key_der(public.as_bytes()).is_ok());
    let ours = PublicKey::decode(public.as_bytes()).expect("a key");
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    assert!(ours.verify(algorithm, &octets, theirs.as_bytes()).is_ok());
    octets[20] ^= 1;
    assert!(ours.verify(algorithm, &octets, theirs.as_bytes()).is_err());
}
