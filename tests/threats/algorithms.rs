//! Algorithms that contradict each other, are unknown or too weak; keys that are none.

use std::time::Duration;

use antin::core::algorithm::{DigestAlgorithm, PssParameters, SignatureAlgorithm};
use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::policy::RevocationMode;
use antin::core::validation::Content;
use der::Encode;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use spki::SubjectPublicKeyInfoOwned;

use crate::kit::CONTENT;
use crate::kit::cost::Cost;
use crate::kit::key::{Kind, pss, public_key, public_key_from, restricted_to_pss, rsa_public_key};
use crate::kit::message::{Message, SignerInfo, digest_identifier, dotted};
use crate::kit::tree::{Signer, edited, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, verdict};

const UNKNOWN: &str = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-algorithm-unknown";
const WEAK: &str = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-algorithm-weak";
const WEAK_KEY: &str = "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-key-weak";
const NOT_LISTED: &str = "TOTAL-FAILED FORMAT_FAILURE digest-algorithm-not-listed";
const DIFFER: &str = "TOTAL-FAILED FORMAT_FAILURE digest-algorithms-differ";
const WRONG_VALUE: &str = "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-invalid";
const KEY_MISMATCH: &str = "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-key-mismatch";

fn detached(info: SignerInfo) -> String {
    verdict(&Message::detached(info).encode(), CONTENT)
}

#[test]
fn c09_digests_that_differ() {
    use DigestAlgorithm::{Sha256, Sha512};
    for kind in [Kind::P256, Kind::Rsa2048] {
        let signer = tree().signer(kind);
        let by = |digest| match kind {
            Kind::P256 => SignatureAlgorithm::Ecdsa(digest),
            _ => SignatureAlgorithm::RsaPkcs1(digest),
        };
        // The content by SHA-256, the attributes by SHA-512, each right in itself.
        let mut info = SignerInfo::with_algorithm(&signer, CONTENT, by(Sha256));
        info.algorithm = by(Sha512);
        info.signature_algorithm = by(Sha512).encode();
        assert_eq!(detached(info), DIFFER, "{kind:?}");
        // digestAlgorithm alone names another; its length gives it away, or its value.
        let mut info = SignerInfo::with_algorithm(&signer, CONTENT, by(Sha512));
        info.digest_algorithm = digest_identifier(oid::SHA_256);
        assert_eq!(detached(info), DIFFER, "{kind:?}");
        // The attributes hashed by another than signatureAlgorithm says.
        let mut info = SignerInfo::with_algorithm(&signer, CONTENT, by(Sha256));
        info.algorithm = by(Sha512);
        assert_eq!(detached(info), WRONG_VALUE, "{kind:?}");
    }
    let mut info = SignerInfo::with_algorithm(&tree().signer(Kind::Rsa2048), CONTENT, pss(Sha256, 32));
    info.algorithm = pss(Sha512, 64);
    info.signature_algorithm = pss(Sha512, 64).encode();
    assert_eq!(detached(info), DIFFER, "PSS");
}

#[test]
fn c10_digest_algorithm_that_the_message_does_not_announce() {
    let message = Message::detached(SignerInfo::new(&tree().signer, CONTENT));
    for list in [vec![], vec![digest_identifier(oid::SHA_512)], vec![digest_identifier(oid::SHA_1)]] {
        let message = Message { digest_algorithms: list, ..message.clone() };
        assert_eq!(verdict(&message.encode(), CONTENT), NOT_LISTED);
    }
    let unknown = digest_identifier(&dotted("1.2.840.113549.2.5"));
    let more = Message { digest_algorithms: vec![unknown, digest_identifier(oid::SHA_256)], ..message };
    assert_eq!(verdict(&more.encode(), CONTENT), PASSED, "an unknown one beside it changes nothing");
}

#[test]
fn c10_digest_algorithms_that_are_unknown_or_too_weak() {
    let signer = tree().signer(Kind::Rsa2048);
    for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha224] {
        for algorithm in [SignatureAlgorithm::RsaPkcs1(digest), pss(digest, 20)] {
            let info = SignerInfo::with_algorithm(&signer, CONTENT, algorithm);
            assert_eq!(detached(info.clone()), WEAK, "{algorithm:?}");
            let message = Message::detached(info).encode();
            assert_eq!(verdict(&message, b"another"), "TOTAL-FAILED HASH_FAILURE document-changed");
        }
    }
    // A strong digest with a weak mask generation.
    let weak_mask =
        PssParameters { digest: DigestAlgorithm::Sha256, mask_digest: DigestAlgorithm::Sha1, salt_length: 32 };
    assert_eq!(detached(SignerInfo::with_algorithm(&signer, CONTENT, SignatureAlgorithm::RsaPss(weak_mask))), WEAK);
    // MD5, SHAKE128, SHAKE256, SHAKE256-len, RIPEMD-160, SHA-512/256, SM3.
    for identifier in [
        "1.2.840.113549.2.5",
        "2.16.840.1.101.3.4.2.11",
        "2.16.840.1.101.3.4.2.12",
        "2.16.840.1.101.3.4.2.18",
        "1.3.36.3.2.1",
        "2.16.840.1.101.3.4.2.6",
        "1.2.156.10197.1.401",
    ] {
        let mut info = SignerInfo::new(&signer, CONTENT);
        info.digest_algorithm = digest_identifier(&dotted(identifier));
        assert_eq!(detached(info), UNKNOWN, "{identifier}");
    }
    let with_parameters = |parameters: &[u8]| writer::sequence(&[&writer::object_identifier(oid::SHA_256), parameters]);
    let mut info = SignerInfo::new(&signer, CONTENT);
    info.digest_algorithm = with_parameters(&[tag::NULL, 0]);
    assert_eq!(detached(info), PASSED, "NULL and absent are one (RFC 5754 §2)");
    for parameters in [&[tag::INTEGER, 1, 32][..], &[tag::SEQUENCE, 0], &[tag::OCTET_STRING, 0]] {
        let mut info = SignerInfo::new(&signer, CONTENT);
        info.digest_algorithm = with_parameters(parameters);
        assert_eq!(detached(info), UNKNOWN, "{parameters:?}");
    }
}

#[test]
fn c10_signature_algorithms_that_are_unknown_or_of_another_key() {
    let signer = &tree().signer;
    let encoded = |identifier: &str| digest_identifier(&dotted(identifier));
    // Ed25519, id-ecPublicKey, DSA with SHA-256, SM2, ecdsa-with-SHAKE128, MD5 with RSA, a composite (ML-DSA-44 with ECDSA).
    for identifier in [
        "1.3.101.112",
        "1.2.840.10045.2.1",
        "2.16.840.1.101.3.4.3.2",
        "1.2.156.10197.1.501",
        "1.3.6.1.5.5.7.6.32",
        "1.2.840.113549.1.1.4",
        "2.16.840.1.114027.80.8.1.22",
    ] {
        let mut info = SignerInfo::new(signer, CONTENT);
        info.signature_algorithm = encoded(identifier);
        assert_eq!(detached(info), UNKNOWN, "{identifier}");
    }
    let mut info = SignerInfo::new(signer, CONTENT);
    info.signature_algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256).encode();
    assert_eq!(detached(info), KEY_MISMATCH, "RSA with a curve key");
    let rsa = tree().signer(Kind::Rsa2048);
    let mut info = SignerInfo::new(&rsa, CONTENT);
    info.signature_algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256).encode();
    info.signature = Some(SignerInfo::new(signer, CONTENT).signature_value());
    let verdict = detached(info);
    assert!(verdict.starts_with("TOTAL-FAILED SIG_CRYPTO_FAILURE"), "ECDSA with an RSA key: {verdict}");
    let parameters = writer::sequence(&[&writer::object_identifier(oid::ECDSA_WITH_SHA_256), &[tag::INTEGER, 1, 1]]);
    let mut info = SignerInfo::new(signer, CONTENT);
    info.signature_algorithm = parameters;
    assert_eq!(detached(info), UNKNOWN, "parameters where none belong");
}

#[test]
fn c23_pss_parameters_that_disagree_with_the_value() {
    use DigestAlgorithm::{Sha256, Sha384};
    let signer = tree().signer(Kind::Rsa2048);
    let good = SignerInfo::with_algorithm(&signer, CONTENT, pss(Sha256, 32));
    let parameters = |mask_digest, salt_length| {
        SignatureAlgorithm::RsaPss(PssParameters { digest: Sha256, mask_digest, salt_length })
    };
    for stated in [pss(Sha256, 31), pss(Sha256, 33), pss(Sha256, 0), parameters(Sha384, 32)] {
        let mut info = good.clone();
        info.signature_algorithm = stated.encode();
        assert_eq!(detached(info), WRONG_VALUE, "{stated:?}");
    }
    let mut info = good.clone();
    info.signature_algorithm = pss(Sha384, 32).encode();
    assert_eq!(detached(info), DIFFER, "another hash");
    // v1.5 said to be PSS and PSS said to be v1.5.
    let pkcs1 = SignatureAlgorithm::RsaPkcs1(Sha256);
    for (made, stated) in [(pkcs1, pss(Sha256, 32)), (pss(Sha256, 32), pkcs1)] {
        let mut info = SignerInfo::with_algorithm(&signer, CONTENT, made);
        info.signature_algorithm = stated.encode();
        assert_eq!(detached(info), WRONG_VALUE, "{made:?} said to be {stated:?}");
    }
    // The largest salt that fits, and one octet more than that.
    let largest = 256 - 32 - 2;
    assert_eq!(detached(SignerInfo::with_algorithm(&signer, CONTENT, pss(Sha256, largest))), PASSED);
    let mut info = good;
    info.signature_algorithm = pss(Sha256, largest + 1).encode();
    assert_eq!(detached(info), WRONG_VALUE);
}

#[test]
fn c23_pss_parameters_absent_or_malformed() {
    let signer = tree().signer(Kind::Rsa2048);
    let good = SignerInfo::with_algorithm(&signer, CONTENT, pss(DigestAlgorithm::Sha256, 32));
    let with = |parameters: &[u8]| {
        let mut info = good.clone();
        info.signature_algorithm = writer::sequence(&[&writer::object_identifier(oid::RSA_PSS), parameters]);
        detached(info)
    };
    assert_eq!(with(&[]), UNKNOWN, "absent");
    assert_eq!(with(&[tag::NULL, 0]), UNKNOWN, "NULL");
    assert_eq!(with(&writer::sequence(&[])), DIFFER, "all defaults: SHA-1");
    let hash = writer::element(tag::context(0), &digest_identifier(oid::SHA_256));
    let mask = |function: &[u8], digest: &[u8]| {
        let identifier = writer::sequence(&[&writer::object_identifier(function), digest]);
        writer::element(tag::context(1), &identifier)
    };
    let mgf1 = mask(oid::MGF1, &digest_identifier(oid::SHA_256));
    let salt = |octets: &[u8]| writer::element(tag::context(2), &writer::element(tag::INTEGER, octets));
    let trailer = |number| writer::element(tag::context(3), &[tag::INTEGER, 1, number]);
    let sequence = |pieces: &[&[u8]]| writer::sequence(pieces);
    assert_eq!(with(&sequence(&[&hash, &mgf1, &salt(&[32])])), PASSED);
    assert_eq!(with(&sequence(&[&hash, &mgf1])), WRONG_VALUE, "salt length by default: 20");
    assert_eq!(with(&sequence(&[&hash, &salt(&[32])])), WRONG_VALUE, "mask generation by default: SHA-1");
    assert_eq!(with(&sequence(&[&hash, &mgf1, &salt(&[32]), &trailer(2)])), UNKNOWN, "trailer field 2");
    assert_eq!(with(&sequence(&[&hash, &mgf1, &salt(&[0xE0])])), UNKNOWN, "a negative salt length");
    assert_eq!(with(&sequence(&[&hash, &mgf1, &salt(&[0x7F, 0xFF, 0xFF, 0xFF])])), UNKNOWN, "a giant salt length");
    assert_eq!(with(&sequence(&[&hash, &mask(oid::MGF1, &[]), &salt(&[32])])), UNKNOWN, "MGF1 without a hash");
    let shake = mask(&dotted("2.16.840.1.101.3.4.2.11"), &[]);
    assert_eq!(with(&sequence(&[&hash, &shake, &salt(&[32])])), UNKNOWN, "SHAKE128 as mask");
    assert_eq!(with(&sequence(&[&mgf1, &hash, &salt(&[32])])), UNKNOWN, "out of order");
    assert_eq!(with(&sequence(&[&hash, &mgf1, &salt(&[32]), &[tag::NULL, 0]])), UNKNOWN, "one field more");
}

#[test]
fn c23_key_restricted_to_pss_used_otherwise() {
    use DigestAlgorithm::{Sha256, Sha384};
    let key = Kind::Rsa2048.key();
    let least = PssParameters { digest: Sha256, mask_digest: Sha256, salt_length: 32 };
    for restriction in [None, Some(least)] {
        let signer = tree().signer_with_public_key(&restricted_to_pss(key, restriction), key);
        let info = SignerInfo::with_algorithm(&signer, CONTENT, SignatureAlgorithm::RsaPkcs1(Sha256));
        assert_eq!(detached(info), KEY_MISMATCH, "v1.5 with {restriction:?}");
    }
    let signer = tree().signer_with_public_key(&restricted_to_pss(key, Some(least)), key);
    let other_mask = PssParameters { mask_digest: Sha384, ..least };
    for algorithm in [pss(Sha256, 31), pss(Sha384, 48), SignatureAlgorithm::RsaPss(other_mask)] {
        let info = SignerInfo::with_algorithm(&signer, CONTENT, algorithm);
        assert_eq!(detached(info), KEY_MISMATCH, "{algorithm:?}");
    }
}

/// The verdict of a message signed with `key`, whose certificate carries `public_key`.
fn with_public_key(public_key: &SubjectPublicKeyInfoOwned, kind: Kind) -> String {
    let signer = tree().signer_with_public_key(public_key, kind.key());
    detached(SignerInfo::new(&signer, CONTENT))
}

/// A curve key with its domain parameters written out, the octets of the whole changed at will.
fn explicit_parameters(change: impl FnOnce(&mut Vec<u8>)) -> SubjectPublicKeyInfoOwned {
    let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let own = Kind::P256.key().ec_key().expect("a curve key");
    let key = EcKey::from_public_key(&group, own.public_key()).expect("a key");
    let mut encoded = PKey::from_ec_key(key).expect("a key").public_key_to_der().expect("DER");
    change(&mut encoded);
    public_key_from(&encoded)
}

#[test]
fn c25_curve_parameters_written_out() {
    let plain = explicit_parameters(|_| {});
    assert!(plain.to_der().expect("DER").len() > 200, "the parameters are written out");
    assert_eq!(with_public_key(&plain, Kind::P256), WEAK_KEY);
    // The attack of CVE-2020-0601: another generator, so that anybody knows the private key of a given public key.
    let generator = hex::decode("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296").expect("hex");
    let swapped = explicit_parameters(|encoded| {
        let at = encoded.windows(32).position(|window| window == generator).expect("the generator is written out");
        encoded[at + 31] ^= 1;
    });
    assert_eq!(with_public_key(&swapped, Kind::P256), WEAK_KEY);
    // The same key in an authority's certificate: nothing below it has a path.
    let named = public_key(Kind::P256.key()).to_der().expect("DER");
    let implicit = {
        let curve = writer::object_identifier(oid::P256);
        let at = named.windows(curve.len()).position(|window| window == curve).expect("the named curve");
        // implicitCurve: NULL. The rest of the key stays.
        let algorithm = writer::sequence(&[&writer::object_identifier(oid::EC_PUBLIC_KEY), &[tag::NULL, 0]]);
        public_key_from(&writer::sequence(&[&algorithm, &named[at + curve.len()..]]))
    };
    assert_eq!(with_public_key(&implicit, Kind::P256), WEAK_KEY);
}

#[test]
fn c25_points_that_are_no_keys_and_curves_that_are_not_accepted() {
    let named = public_key(Kind::P256.key());
    let encoded = named.to_der().expect("DER");
    let point = encoded.len() - 65;
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut octets = encoded.clone();
        change(&mut octets);
        with_public_key(&public_key_from(&octets), Kind::P256)
    };
    assert_eq!(changed(&|_| {}), PASSED);
    assert_eq!(changed(&|octets| octets[point + 64] ^= 1), WEAK_KEY, "off the curve");
    assert_eq!(changed(&|octets| octets[point + 1..].fill(0)), WEAK_KEY, "zeros");
    assert_eq!(changed(&|octets| octets[point + 1..].fill(0xFF)), WEAK_KEY, "beyond the field");
    assert_eq!(changed(&|octets| octets[point] = 6 | octets[point + 64] & 1), WEAK_KEY, "the hybrid form");
    let with_point = |point: &[u8]| {
        let curve = writer::object_identifier(oid::P256);
        let algorithm = writer::sequence(&[&writer::object_identifier(oid::EC_PUBLIC_KEY), &curve]);
        let bits = writer::concatenated(tag::BIT_STRING, &[&[0], point]);
        with_public_key(&public_key_from(&writer::sequence(&[&algorithm, &bits])), Kind::P256)
    };
    assert_eq!(with_point(&[0]), WEAK_KEY, "infinity");
    assert_eq!(with_point(&[]), WEAK_KEY, "nothing");
    assert_eq!(with_point(&encoded[point..point + 64]), WEAK_KEY, "cut off");
    let compressed = [&[2 | encoded[point + 64] & 1], &encoded[point + 1..point + 33]].concat();
    assert_eq!(with_point(&compressed), PASSED, "the compressed form is a key");
    for kind in [Kind::P224, Kind::Secp256k1] {
        assert_eq!(with_public_key(&public_key(kind.key()), kind), WEAK_KEY, "{kind:?}");
    }
}

#[test]
fn c26_rsa_keys_too_small_or_without_sense() {
    assert_eq!(with_public_key(&public_key(Kind::Rsa1024.key()), Kind::Rsa1024), WEAK_KEY);
    let rsa = Kind::Rsa2048.key().rsa().expect("an RSA key");
    let (modulus, exponent) = (rsa.n().to_vec(), rsa.e().to_vec());
    let with = |modulus: &[u8], exponent: &[u8]| with_public_key(&rsa_public_key(modulus, exponent), Kind::Rsa2048);
    assert_eq!(with(&modulus, &exponent), PASSED);
    assert_eq!(with(&modulus, &[1]), WEAK_KEY, "exponent 1: every value is its own signature");
    assert_eq!(with(&modulus, &[0]), WEAK_KEY, "exponent 0");
    assert_eq!(with(&modulus, &[2]), WEAK_KEY, "an even exponent");
    let mut even = modulus.clone();
    even[255] &= 0xFE;
    assert_eq!(with(&even, &exponent), WEAK_KEY, "an even modulus");
    assert_eq!(with(&[0], &exponent), WEAK_KEY, "modulus 0");
}

#[test]
fn c26_giant_keys_cost_nothing() {
    let started = Cost::begin();
    let octets = |count: usize| vec![0xFF; count];
    for (modulus, exponent) in [
        (octets(16_384 / 8), vec![1, 0, 1]),
        (octets(256), octets(255)),
        (octets(16_384 / 8), octets(16_384 / 8)),
        (octets(60_000), vec![3]),
    ] {
        let verdict = with_public_key(&rsa_public_key(&modulus, &exponent), Kind::Rsa2048);
        assert_eq!(verdict, WEAK_KEY, "{} octets", modulus.len());
    }
    // A modulus of a million bits makes a certificate beyond the limit: it is as if it were not there.
    let der = giant_certificate(&rsa_public_key(&octets(1_000_000 / 8), &[1, 0, 1]));
    let info = SignerInfo::new(&tree().signer, CONTENT);
    let message = Message { certificates: vec![der], ..Message::detached(info) };
    assert_eq!(
        verdict(&message.encode(), CONTENT),
        "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found"
    );
    // DSA with giant parameters; not even looked at.
    let giant = writer::unsigned(&octets(20_000));
    let parameters = writer::sequence(&[&giant, &giant, &writer::unsigned(&[2])]);
    let algorithm = writer::sequence(&[&writer::object_identifier(&dotted("1.2.840.10040.4.1")), &parameters]);
    let bits = writer::concatenated(tag::BIT_STRING, &[&[0], &writer::unsigned(&[5])]);
    assert_eq!(with_public_key(&public_key_from(&writer::sequence(&[&algorithm, &bits])), Kind::P256), WEAK_KEY);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

/// A certificate with the usual signer's issuer and serial number and this key.
fn giant_certificate(public_key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    let serial_number = Some(tree().signer.certificate.serial_number.clone());
    let profile = antin::pki::certificate::Profile { serial_number, ..signer_profile("Giant") };
    crate::kit::tree::edited_der(&tree().ca, &profile, Kind::P256.key(), |certificate| {
        certificate.subject_public_key_info = public_key.clone();
    })
}

#[test]
fn c26_a_giant_key_in_an_authority_costs_nothing() {
    // The signer's issuer has a modulus of 16 kbit: its signature over the signer's certificate is never computed.
    let usual = antin::pki::profile::public_service_ca(
        antin::pki::profile::subject("antin", "Giant CA").expect("a name"),
        crate::kit::tree::NOW.plus_seconds(-60),
        &crate::kit::tree::publication(),
    );
    let giant: Signer = edited(&tree().root, &usual, Kind::P256.key(), |certificate| {
        certificate.subject_public_key_info = rsa_public_key(&vec![0xFF; 2048], &[1, 0, 1]);
    });
    let issuer = antin::pki::certificate::self_sign(crate::kit::tree::private_key(), &usual).expect("an authority");
    let signer = crate::kit::tree::issued(&issuer, &signer_profile("Below"), Kind::P256.key());
    let mut message = Message::detached(SignerInfo::new(&signer, CONTENT));
    message.certificates.push(giant.certificate.der().to_vec());
    let started = Cost::begin();
    let judge = Judge { revocation: RevocationMode::Off, ..Judge::default() };
    assert_eq!(
        judge.verdict(&message.encode(), Content::Bytes(CONTENT)),
        "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE certificate-key-unusable"
    );
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}
