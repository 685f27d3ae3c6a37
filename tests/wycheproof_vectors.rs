//! Project Wycheproof's signature vectors through `core::crypto::PublicKey`: what is valid verifies, what is invalid does not,
//! what is acceptable is refused for a reason listed here.

use antin::core::algorithm::{DigestAlgorithm, PssParameters, SignatureAlgorithm};
use antin::core::crypto::PublicKey;
use wycheproof::{HashFunction, TestResult, ecdsa, rsa_pkcs1_verify, rsa_pss_verify};

/// Vectors judged and, of these, those that verified.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    sets: usize,
    valid: usize,
    invalid: usize,
    /// "Acceptable" and refused.
    refused: usize,
    /// "Acceptable" and verified.
    taken: usize,
}

impl Count {
    /// Judges one vector; `refusal` says whether an acceptable one is to be refused.
    fn judge(&mut self, name: &str, result: TestResult, verifies: bool, refusal: bool) {
        match result {
            TestResult::Valid => {
                assert!(verifies, "{name} is valid and does not verify");
                self.valid += 1;
            }
            TestResult::Invalid => {
                assert!(!verifies, "{name} is invalid and verifies");
                self.invalid += 1;
            }
            TestResult::Acceptable => {
                assert_eq!(verifies, !refusal, "{name} is acceptable");
                if verifies { self.taken += 1 } else { self.refused += 1 }
            }
        }
    }
}

/// The digests that are computed here; SHA-1 and SHA-224 verify and are refused by the policy.
const fn digest_algorithm(hash: HashFunction) -> Option<DigestAlgorithm> {
    Some(match hash {
        HashFunction::Sha1 => DigestAlgorithm::Sha1,
        HashFunction::Sha2_224 => DigestAlgorithm::Sha224,
        HashFunction::Sha2_256 => DigestAlgorithm::Sha256,
        HashFunction::Sha2_384 => DigestAlgorithm::Sha384,
        HashFunction::Sha2_512 => DigestAlgorithm::Sha512,
        HashFunction::Sha3_256 => DigestAlgorithm::Sha3_256,
        HashFunction::Sha3_384 => DigestAlgorithm::Sha3_384,
        HashFunction::Sha3_512 => DigestAlgorithm::Sha3_512,
        _ => return None,
    })
}

fn verifies(key: &[u8], algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
    let key = PublicKey::decode(key).expect("every key of these sets is a key");
    key.verify(algorithm, message, signature).is_ok()
}

#[test]
fn c24_ecdsa_vectors() {
    let mut count = Count::default();
    for name in ecdsa::TestName::all() {
        let text = format!("{name:?}");
        let in_profile = ["EcdsaSecp256r1", "EcdsaSecp384r1", "EcdsaSecp521r1"];
        // P1363: r and s side by side, a form that CMS and X.509 do not have.
        if !in_profile.iter().any(|start| text.starts_with(start)) || text.ends_with("P1363") {
            continue;
        }
        let set = ecdsa::TestSet::load(name).expect("a set");
        let mut judged = false;
        for group in &set.test_groups {
            let Some(digest) = digest_algorithm(group.hash) else { continue };
            for test in &group.tests {
                let verifies = verifies(&group.der, SignatureAlgorithm::Ecdsa(digest), &test.msg, &test.sig);
                // ECDSA is malleable by nature, and its encodings are not: no vector here is merely acceptable.
                count.judge(&format!("{text} {}", test.tc_id), test.result, verifies, true);
                judged = true;
            }
        }
        count.sets += usize::from(judged);
    }
    println!("ECDSA: {count:?}");
    assert_eq!(count.taken, 0);
    assert!(count.sets >= 11 && count.valid > 1000 && count.invalid > 1000, "{count:?}");
}

#[test]
fn c22_rsa_pkcs1_vectors() {
    let mut count = Count::default();
    for name in rsa_pkcs1_verify::TestName::all() {
        let set = rsa_pkcs1_verify::TestSet::load(name).expect("a set");
        let mut judged = false;
        for group in &set.test_groups {
            let Some(digest) = digest_algorithm(group.hash) else { continue };
            for test in &group.tests {
                let verifies = verifies(&group.der, SignatureAlgorithm::RsaPkcs1(digest), &test.msg, &test.sig);
                let missing_null = test.flags.contains(&rsa_pkcs1_verify::TestFlag::MissingNull);
                // DigestInfo without the NULL of its parameters: RFC 8017 §9.2 knows one encoding, and so do we.
                let name = format!("{name:?} {} {:?}", test.tc_id, test.flags);
                count.judge(&name, test.result, verifies, missing_null);
                judged = true;
            }
        }
        count.sets += usize::from(judged);
    }
    println!("RSA PKCS#1 v1.5: {count:?}");
    assert!(count.sets >= 17 && count.valid > 100 && count.invalid > 3000, "{count:?}");
}

#[test]
fn c23_rsa_pss_vectors() {
    let mut count = Count::default();
    for name in rsa_pss_verify::TestName::all() {
        let set = rsa_pss_verify::TestSet::load(name).expect("a set");
        let mut judged = false;
        for group in &set.test_groups {
            let mask = group.mgf_hash.and_then(digest_algorithm);
            let (Some(digest), Some(mask_digest)) = (digest_algorithm(group.hash), mask) else { continue };
            let salt_length = group.salt_size as u32;
            let algorithm = SignatureAlgorithm::RsaPss(PssParameters { digest, mask_digest, salt_length });
            for test in &group.tests {
                let verifies = verifies(&group.der, algorithm, &test.msg, &test.sig);
                // Acceptable are weak digests: they verify here, and the policy refuses them with their reason.
                count.judge(&format!("{name:?} {} {:?}", test.tc_id, test.flags), test.result, verifies, false);
                judged = true;
            }
        }
        count.sets += usize::from(judged);
    }
    println!("RSA-PSS: {count:?}");
    assert!(count.sets >= 15 && count.valid > 500 && count.invalid > 500, "{count:?}");
}
