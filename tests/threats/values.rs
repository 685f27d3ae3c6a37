//! Signature values: forgeries of the padding, numbers out of range, other encodings of the same numbers, nothing at all.

use antin::core::algorithm::DigestAlgorithm;
use antin::core::crypto::digest;
use antin::core::der::{Reader, tag, writer};
use antin::core::oid;
use antin::core::policy::RevocationMode;
use antin::core::validation::Content;
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::EcGroup;
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;

use crate::kit::CONTENT;
use crate::kit::key::{Kind, sign_padded};
use crate::kit::message::{Message, SignerInfo, digest_identifier};
use crate::kit::tree::{NOW, edited, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, verdict};

const WRONG_VALUE: &str = "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-invalid";
const WRONG_ENCODING: &str = "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-encoding";

/// The verdict with this signature value in place of the right one.
fn with_value(info: &SignerInfo, value: &[u8]) -> String {
    let mut info = info.clone();
    info.signature = Some(value.to_vec());
    verdict(&Message::detached(info).encode(), CONTENT)
}

/// `00 01 FF… 00` before `rest`, `padding` octets of FF.
fn encoded_message(padding: usize, rest: &[u8]) -> Vec<u8> {
    [&[0, 1], vec![0xFF; padding].as_slice(), &[0], rest].concat()
}

/// `DigestInfo` with these parameters of SHA-256.
fn digest_info(parameters: &[u8], value: &[u8]) -> Vec<u8> {
    let algorithm = writer::sequence(&[&writer::object_identifier(oid::SHA_256), parameters]);
    writer::sequence(&[&algorithm, &writer::octet_string(value)])
}

#[test]
fn c22_padding_that_is_not_the_one_padding() {
    const NULL: &[u8] = &[tag::NULL, 0];
    for kind in [Kind::Rsa2048, Kind::Rsa2048Exponent3] {
        let signer = tree().signer(kind);
        let info = SignerInfo::new(&signer, CONTENT);
        let value = digest(DigestAlgorithm::Sha256, &info.octets());
        let check = |message: &[u8]| with_value(&info, &sign_padded(&signer.key, message));
        let right = digest_info(NULL, &value);
        let full = 256 - 3 - right.len();
        assert_eq!(check(&encoded_message(full, &right)), PASSED);
        // Bleichenbacher's forgery: what follows the digest is free.
        let garbage = [right.as_slice(), &[0x5A; 100]].concat();
        assert_eq!(check(&encoded_message(full - 100, &garbage)), WRONG_VALUE, "garbage after DigestInfo");
        let inside = digest_info(&[&[tag::OCTET_STRING, 100], [0x5A; 100].as_slice()].concat(), &value);
        assert_eq!(check(&encoded_message(256 - 3 - inside.len(), &inside)), WRONG_VALUE, "garbage as parameters");
        let absent = digest_info(&[], &value);
        assert_eq!(check(&encoded_message(256 - 3 - absent.len(), &absent)), WRONG_VALUE, "missing NULL");
        assert_eq!(check(&[&[0; 100], encoded_message(full - 100, &right).as_slice()].concat()), WRONG_VALUE, "short");
        let zeros = [&[0, 1], vec![0; full].as_slice(), &[0], &right].concat();
        assert_eq!(check(&zeros), WRONG_VALUE, "padding of zeros");
        let mut broken = encoded_message(full, &right);
        broken[100] = 0xFE;
        assert_eq!(check(&broken), WRONG_VALUE, "one octet of padding is wrong");
        let mut broken = encoded_message(full, &right);
        broken[1] = 2;
        assert_eq!(check(&broken), WRONG_VALUE, "padding of encryption");
        let no_info = encoded_message(256 - 3 - value.len(), &value);
        assert_eq!(check(&no_info), WRONG_VALUE, "the bare digest");
        let mut long_length = right.clone();
        long_length.splice(1..2, [0x81, right[1]]);
        assert_eq!(check(&encoded_message(full - 1, &long_length)), WRONG_VALUE, "a BER length");
        let other = digest_info(NULL, &digest(DigestAlgorithm::Sha256, b"other attributes"));
        assert_eq!(check(&encoded_message(full, &other)), WRONG_VALUE, "another digest");
        let claimed = {
            let algorithm = writer::sequence(&[&writer::object_identifier(oid::SHA3_256), NULL]);
            writer::sequence(&[&algorithm, &writer::octet_string(&value)])
        };
        assert_eq!(check(&encoded_message(256 - 3 - claimed.len(), &claimed)), WRONG_VALUE, "another algorithm");
    }
}

#[test]
fn c22_cube_roots_of_padding_with_garbage() {
    // The forgery without a private key: a number whose cube begins as the padding does.
    let signer = tree().signer(Kind::Rsa2048Exponent3);
    let info = SignerInfo::new(&signer, CONTENT);
    let right = digest_info(&[tag::NULL, 0], &digest(DigestAlgorithm::Sha256, &info.octets()));
    let mut start = encoded_message(8, &right);
    start.resize(256, 0);
    let mut end = start.clone();
    end[3 + 8 + right.len()..].fill(0xFF);
    let root = cube_root(&start);
    let cube = {
        let mut scratch = BigNumContext::new().expect("scratch");
        let mut cube = BigNum::new().expect("a number");
        cube.exp(&root, &BigNum::from_u32(3).expect("a number"), &mut scratch).expect("a cube");
        cube.to_vec_padded(256).expect("octets")
    };
    assert!(cube >= start && cube <= end, "the forgery is one");
    assert_eq!(with_value(&info, &root.to_vec_padded(256).expect("octets")), WRONG_VALUE);
}

/// The smallest number whose cube is not below this one.
fn cube_root(number: &[u8]) -> BigNum {
    let target = BigNum::from_slice(number).expect("a number");
    let three = BigNum::from_u32(3).expect("a number");
    let mut scratch = BigNumContext::new().expect("scratch");
    let (mut low, mut high) = (BigNum::new().expect("a number"), BigNum::new().expect("a number"));
    high.set_bit(700).expect("a bit");
    loop {
        let mut middle = &low + &high;
        middle = &middle >> 1;
        if middle == low {
            return high;
        }
        let mut cube = BigNum::new().expect("a number");
        cube.exp(&middle, &three, &mut scratch).expect("a cube");
        if cube < target { low = middle } else { high = middle }
    }
}

#[test]
fn c22_values_of_another_length_or_beyond_the_modulus() {
    for kind in [Kind::Rsa2048, Kind::Rsa2048Exponent3] {
        let signer = tree().signer(kind);
        let info = SignerInfo::new(&signer, CONTENT);
        let value = info.signature_value();
        assert_eq!(with_value(&info, &value), PASSED);
        assert_eq!(with_value(&info, &[&[0], value.as_slice()].concat()), WRONG_ENCODING, "a zero before it");
        assert_eq!(with_value(&info, &[value.as_slice(), &[0]].concat()), WRONG_ENCODING, "a zero after it");
        assert_eq!(with_value(&info, &value[1..]), WRONG_ENCODING, "cut off");
        let modulus = signer.key.rsa().expect("an RSA key").n().to_owned().expect("a number");
        let mut beyond = &BigNum::from_slice(&value).expect("a number") + &modulus;
        if beyond.num_bytes() > 256 {
            // s + n does not fit: the value one below is as far beyond.
            beyond = &modulus + &BigNum::from_u32(1).expect("a number");
        }
        assert_eq!(with_value(&info, &beyond.to_vec_padded(256).expect("octets")), WRONG_VALUE, "not below n");
        assert_eq!(with_value(&info, &modulus.to_vec_padded(256).expect("octets")), WRONG_VALUE, "n itself");
        let mut one = vec![0; 256];
        assert_eq!(with_value(&info, &one), WRONG_VALUE, "0");
        one[255] = 1;
        assert_eq!(with_value(&info, &one), WRONG_VALUE, "1");
        let minus_one = &modulus - &BigNum::from_u32(1).expect("a number");
        assert_eq!(with_value(&info, &minus_one.to_vec_padded(256).expect("octets")), WRONG_VALUE, "n - 1");
    }
}

/// The two numbers of an ECDSA value, as content octets of INTEGERs.
fn ecdsa(r: &[u8], s: &[u8]) -> Vec<u8> {
    writer::sequence(&[&writer::element(tag::INTEGER, r), &writer::element(tag::INTEGER, s)])
}

fn positive(number: &BigNumRef) -> Vec<u8> {
    let encoded = writer::unsigned(&number.to_vec());
    Reader::new(&encoded).read().expect("an INTEGER").value.to_vec()
}

#[test]
fn c24_ecdsa_numbers_out_of_range() {
    for (kind, curve) in
        [(Kind::P256, Nid::X9_62_PRIME256V1), (Kind::P384, Nid::SECP384R1), (Kind::P521, Nid::SECP521R1)]
    {
        let signer = tree().signer(kind);
        let info = SignerInfo::new(&signer, CONTENT);
        let value = EcdsaSig::from_der(&info.signature_value()).expect("a value");
        let group = EcGroup::from_curve_name(curve).expect("a curve");
        let (mut order, mut scratch) = (BigNum::new().expect("a number"), BigNumContext::new().expect("scratch"));
        group.order(&mut order, &mut scratch).expect("the order");
        let (r, s) = (positive(value.r()), positive(value.s()));
        assert_eq!(with_value(&info, &ecdsa(&r, &s)), PASSED, "{kind:?}");
        let one = BigNum::from_u32(1).expect("a number");
        let odd: [Vec<u8>; 7] = [
            vec![0],
            vec![1],
            positive(&order),
            positive(&(&order - &one)),
            positive(&(&order + &one)),
            positive(&(&order + value.s())),
            [vec![1], vec![0; 200]].concat(),
        ];
        for number in &odd {
            for (r, s) in [(number, &s), (&r, number), (number, number)] {
                assert_eq!(with_value(&info, &ecdsa(r, s)), WRONG_VALUE, "{kind:?} {number:02x?}");
            }
        }
        for number in [vec![0xFF], vec![0x80], vec![]] {
            for (r, s) in [(&number, &s), (&r, &number), (&number, &number)] {
                assert_eq!(with_value(&info, &ecdsa(r, s)), WRONG_ENCODING, "{kind:?} negative or empty");
            }
        }
        // r + n, where it has as many octets as n: the same number modulo n, and not the same.
        let shifted = positive(&(&order + value.r()));
        assert_eq!(with_value(&info, &ecdsa(&shifted, &s)), WRONG_VALUE, "{kind:?} r + n");
    }
}

#[test]
fn c24_ecdsa_values_in_another_encoding() {
    let info = SignerInfo::new(&tree().signer, CONTENT);
    let whole = info.signature_value();
    let value = EcdsaSig::from_der(&whole).expect("a value");
    let (r, s) = (positive(value.r()), positive(value.s()));
    let integer = |octets: &[u8]| writer::element(tag::INTEGER, octets);
    let padded = |octets: &[u8]| [&[0], octets].concat();
    let content = [integer(&r), integer(&s)].concat();
    let forms: [(&str, Vec<u8>); 11] = [
        ("a padded r", ecdsa(&padded(&r), &s)),
        ("a padded s", ecdsa(&r, &padded(&s))),
        ("a long length", [&[0x30, 0x81, content.len() as u8], content.as_slice()].concat()),
        ("an indefinite length", crate::kit::ber::indefinite(0x30, &content)),
        ("an octet after it", [whole.as_slice(), &[0]].concat()),
        ("a member more", writer::sequence(&[&content, &integer(&[1])])),
        ("a member less", writer::sequence(&[&integer(&r)])),
        ("an empty sequence", writer::sequence(&[])),
        ("a set", writer::element(tag::SET, &content)),
        ("the two numbers side by side", [value.r().to_vec(), value.s().to_vec()].concat()),
        ("cut off", whole[..whole.len() - 1].to_vec()),
    ];
    for (name, form) in forms {
        assert_eq!(with_value(&info, &form), WRONG_ENCODING, "{name}");
    }
}

#[test]
fn c24_the_other_value_of_a_signature_makes_no_other_document() {
    let info = SignerInfo::new(&tree().signer, CONTENT);
    let value = EcdsaSig::from_der(&info.signature_value()).expect("a value");
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let (mut order, mut scratch) = (BigNum::new().expect("a number"), BigNumContext::new().expect("scratch"));
    group.order(&mut order, &mut scratch).expect("the order");
    let mut other = info.clone();
    other.signature = Some(ecdsa(&positive(value.r()), &positive(&(&order - value.s()))));
    let mut own = info;
    own.signature = Some(ecdsa(&positive(value.r()), &positive(value.s())));
    let [own, other] = [own, other].map(|info| {
        let message = Message::detached(info).encode();
        assert_eq!(
            verdict(&message, CONTENT),
            PASSED,
            "(r, n - s) is a signature by the same key over the same octets"
        );
        Judge::default().validate(&message, Content::Bytes(CONTENT)).expect("a message")
    });
    // What a document is known by is the same.
    assert!(own.content.sha256.is_some());
    assert_eq!(own.content.sha256, other.content.sha256);
}

#[test]
fn c27_an_empty_signature_value() {
    for (kind, expected) in [(Kind::P256, WRONG_ENCODING), (Kind::Rsa2048, WRONG_ENCODING)] {
        let info = SignerInfo::new(&tree().signer(kind), CONTENT);
        assert_eq!(with_value(&info, &[]), expected, "{kind:?}");
        // A composite: a sequence of values, none of them.
        assert_eq!(with_value(&info, &writer::sequence(&[])), expected, "{kind:?}");
        assert_eq!(with_value(&info, &writer::element(tag::BIT_STRING, &[0])), expected, "{kind:?}");
    }
}

#[test]
fn c27_an_empty_signature_on_a_certificate() {
    let tree = tree();
    let good = edited(&tree.ca, &signer_profile("Empty signature"), Kind::P256.key(), |_| {});
    let whole = Reader::new(good.certificate.der()).read().expect("a certificate");
    let mut parts = whole.reader();
    let (body, algorithm) = (parts.read().expect("a body").raw, parts.read().expect("an algorithm").raw);
    for (name, bits, expected) in [
        ("no octets", &[0][..], "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate-signature-invalid"),
        (
            "an empty sequence",
            &[0, 0x30, 0],
            "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate-signature-invalid",
        ),
        ("not even a count", &[], "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found"),
    ] {
        let der = writer::sequence(&[body, algorithm, &writer::element(tag::BIT_STRING, bits)]);
        let mut info = SignerInfo::new(&good, CONTENT);
        info.remove(oid::SIGNING_CERTIFICATE_V2);
        let message = Message { certificates: vec![der], ..Message::detached(info) }.encode();
        for revocation in [RevocationMode::Required, RevocationMode::Off] {
            let judge = Judge { revocation, time: NOW, ..Judge::default() };
            assert_eq!(judge.verdict(&message, Content::Bytes(CONTENT)), expected, "{name}");
        }
    }
}

#[test]
fn c27_a_composite_algorithm() {
    // Composite signatures (a sequence of algorithms and values) are not computed here.
    let mut info = SignerInfo::new(&tree().signer, CONTENT);
    info.signature_algorithm = digest_identifier(&crate::kit::message::dotted("1.3.6.1.4.1.18227.2.1"));
    info.signature = Some(writer::sequence(&[]));
    assert_eq!(
        verdict(&Message::detached(info).encode(), CONTENT),
        "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE signature-algorithm-unknown"
    );
}
