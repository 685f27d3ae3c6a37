//! Authorities of one name without end, none with a key that anybody can compute with, so that no signature ends the search for a path:
//! what is looked for is bounded, and what was not found for that is never taken for something that is not there.

use std::time::Duration;

use antin::core::cms::build::attribute;
use antin::core::cms::unsigned::add_attribute;
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::oid;
use antin::core::validation::Content;
use antin::core::x509::Certificate;
use antin::pki::certificate::{Issuer, Profile};
use antin::pki::profile;
use const_oid::db::rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER;
use der::asn1::{BitString, OctetString};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::kit::CONTENT;
use crate::kit::cost::Cost;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, entry};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, below, decoded, edited, issued, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const KEY: [u8; 16] = *b"no key of anyone";

fn authority_named(name: &str) -> Profile {
    let name = profile::subject("antin", name).expect("a name");
    profile::root(name, NOW.plus_seconds(-3600))
}

/// As many certificates of one authority as wanted, each of which could have been certified by any other.
struct Ladder {
    template: Vec<u8>,
    serial_number: Vec<u8>,
}

impl Ladder {
    /// Of the name of this authority, and with its key identifier.
    fn of(authority: &Issuer, name: &str) -> Self {
        let own = decoded(authority.certificate());
        let identifier = own.extensions.subject_key_identifier.clone().expect("an identifier");
        let step = edited(authority, &authority_named(name), Kind::P256.key(), |certificate| {
            let algorithm = AlgorithmIdentifierOwned {
                oid: const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.5"),
                parameters: None,
            };
            let subject_public_key = BitString::from_bytes(&KEY).expect("bits");
            certificate.subject_public_key_info = SubjectPublicKeyInfoOwned { algorithm, subject_public_key };
            let extensions = certificate.extensions.iter_mut().flatten();
            for extension in extensions.filter(|extension| extension.extn_id == ID_CE_SUBJECT_KEY_IDENTIFIER) {
                let value = antin::core::der::writer::octet_string(&identifier);
                extension.extn_value = OctetString::new(value).expect("octets");
            }
        });
        let Certificate { serial_number, .. } = &*step.certificate;
        Self { template: step.certificate.der().to_vec(), serial_number: serial_number.clone() }
    }

    /// The step with this number: its serial number and its key are its own.
    fn step(&self, number: u32) -> Vec<u8> {
        let mut step = self.template.clone();
        for piece in [&self.serial_number[..], &KEY] {
            let at = step.windows(piece.len()).position(|window| window == piece).expect("it is there") + piece.len();
            step[at - 4..at].copy_from_slice(&number.to_be_bytes());
        }
        step
    }
}

#[test]
fn c21_tokens_below_authorities_whose_keys_cannot_be_computed() {
    let issuer = below(&tree().root, &authority_named("Ladder CA"));
    let ladder = Ladder::of(&issuer, "Ladder CA");
    let subject = profile::subject("antin", "Ladder TSA").expect("a name");
    let profile = profile::time_stamping(subject, NOW.plus_seconds(-3600), &publication());
    let stranger = issued(&issuer, &profile, Kind::P256.key());
    let mut signer = SignerInfo::new(&tree().signer, CONTENT);
    signer.signature = Some(signer.signature_value());
    let value = signer.signature_value();
    signer.unsigned_attributes = Some(vec![signature_time_stamps(&[Token::over(&value).encode()])]);
    let mut message = Message::detached(signer).encode();
    for token in 0..63 {
        let one = Token { authority: &stranger, time: NOW.plus_seconds(-5000), ..Token::over(&value) };
        let mut token_message = one.message(one.signer());
        token_message.certificates.extend((0..200).map(|number| ladder.step(0x1000_0000 + token * 200 + number)));
        let stamp = attribute(oid::SIGNATURE_TIME_STAMP, &token_message.encode());
        message = add_attribute(&message, 0, &stamp).expect("added");
    }
    let started = Cost::begin();
    let validation = Judge::default().validate(&message, Content::Bytes(CONTENT)).expect("a message");
    let elapsed = started.elapsed();
    assert_eq!(line(&validation.verdict), PASSED, "a time-stamp takes nothing from the signature");
    let outcomes: Vec<bool> = validation.signatures[0].timestamps.iter().map(|stamp| stamp.outcome.is_ok()).collect();
    assert_eq!((outcomes.len(), outcomes[0]), (64, true));
    assert!(!outcomes[1..].contains(&true));
    println!("{elapsed:?}");
    // A debug build; without an allowance shared by all tokens it took twice as long.
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
}

#[test]
fn r08_a_list_whose_signer_cannot_be_searched_to_the_end_is_not_passed_over() {
    let tree = tree();
    // Two keys of one authority, below two keys of another.
    let [over, over_second] = [(); 2].map(|()| below(&tree.root, &authority_named("Ladder CA")));
    let [first, second] = [&over, &over_second].map(|over| below(over, &authority_named("Changing CA")));
    let signer = issued(&first, &signer_profile("Revoked signer"), Kind::P256.key());
    let clean = List::default();
    let number = &signer.certificate.serial_number;
    let revoking = List { entries: vec![entry(number, 1, None)], ..clean.clone() };
    let ladder = Ladder::of(&over_second, "Ladder CA");
    let verdict = |by_second: &List, steps: u32| {
        let lists =
            [(&clean, &tree.root), (&clean, &over), (&clean, &over_second), (&clean, &first), (by_second, &second)];
        let certificates = [&over, &over_second, &first, &second].map(|issuer| decoded(issuer.certificate()));
        let crls = CrlSet::new(lists.map(|(list, issuer)| list.sign(issuer)));
        let evidence = Evidence { certificates: certificates.to_vec(), crls, ..Evidence::default() };
        let mut message = Message::detached(SignerInfo::new(&signer, CONTENT));
        message.certificates.extend((0..steps).map(|number| ladder.step(0x1000_0000 + number)));
        Judge { evidence: &evidence, ..Judge::default() }.verdict(&message.encode(), Content::Bytes(CONTENT))
    };
    let revoked = "INDETERMINATE REVOKED_NO_POE certificate-revoked";
    assert_eq!((verdict(&clean, 0).as_str(), verdict(&revoking, 0).as_str()), (PASSED, revoked));
    // Steps embedded in the message hide the way from the second key to the anchor.
    let short = "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND path-budget-spent";
    assert_eq!((verdict(&revoking, 13).as_str(), verdict(&clean, 13).as_str()), (short, short));
}
