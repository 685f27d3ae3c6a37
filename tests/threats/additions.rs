//! What whoever passes a message on adds to it: junk, costly tokens, costly signers, other certificates. It makes nothing of what is
//! there better, and takes nothing from it.

use std::sync::Arc;

use antin::core::cms::build::attribute;
use antin::core::der::{tag, writer};
use antin::core::evidence::{CrlSet, Evidence};
use antin::core::oid;
use antin::core::validation::Content;
use antin::pki::certificate::{Issuer, Profile, issue, self_sign};
use antin::pki::profile;
use x509_cert::ext::pkix::BasicConstraints;

use crate::kit::CONTENT;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, Response, entry};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::{NOW, Signer, below, decoded, issued, private_key, publication, signer_profile, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const SHORT_END: i64 = -1200;

fn short_lived() -> Signer {
    tree().signer_saying(&Profile { not_after: NOW.plus_seconds(SHORT_END), ..signer_profile("Short") })
}

fn signed(signer: &Signer, more: &[Vec<u8>]) -> SignerInfo {
    let mut info = SignerInfo::new(signer, CONTENT);
    more.iter().for_each(|attribute| info.add(attribute));
    info.signature = Some(info.signature_value());
    info
}

fn over_content(seconds: i64) -> Vec<u8> {
    Token { time: NOW.plus_seconds(seconds), ..Token::over(CONTENT) }.encode()
}

fn verdict(message: &[u8]) -> String {
    Judge::default().verdict(message, Content::Bytes(CONTENT))
}

/// Authorities of one name, none of which issued what names them, and one that did and leads nowhere.
struct Maze {
    last: Issuer,
    certificates: Vec<Vec<u8>>,
}

impl Maze {
    fn new(size: usize) -> Self {
        let name = || profile::subject("antin", "Maze CA").expect("a name");
        let authority = || profile::public_service_ca(name(), NOW.plus_seconds(-3600), &publication());
        let stranger = profile::root(name(), NOW.plus_seconds(-3600));
        let stranger = self_sign(private_key(), &stranger).expect("a root");
        let others = (0..size).map(|_| below(&stranger, &authority()));
        let certificates = others.map(|other| decoded(other.certificate()).der().to_vec()).collect();
        Self { last: below(&stranger, &authority()), certificates }
    }

    fn authority(&self) -> Signer {
        let name = profile::subject("antin", "Maze TSA").expect("a name");
        issued(&self.last, &profile::time_stamping(name, NOW.plus_seconds(-7200), &publication()), Kind::P256.key())
    }
}

#[test]
fn junk_among_time_stamps_hides_none_that_is_signed() {
    let failed = "TOTAL-FAILED EXPIRED expired-before-signing";
    let info = signed(&short_lived(), &[attribute(oid::CONTENT_TIME_STAMP, &over_content(-60))]);
    assert_eq!(verdict(&Message::detached(info.clone()).encode()), failed);
    for junk in [writer::octet_string(b"no"), Token::over(b"another signature").encode()] {
        let mut crowded = info.clone();
        crowded.unsigned_attributes = Some(vec![signature_time_stamps(&vec![junk; 64])]);
        assert_eq!(verdict(&Message::detached(crowded).encode()), failed);
    }
    // Nor do those that cost much.
    let maze = Maze::new(70);
    let authority = maze.authority();
    let costly = |value: &[u8]| {
        let token = Token { authority: &authority, time: NOW.plus_seconds(-30), ..Token::over(value) };
        let mut message = token.message(token.signer());
        message.certificates.extend(maze.certificates.iter().cloned());
        message.encode()
    };
    let mut crowded = info.clone();
    let tokens = vec![costly(&info.signature_value()); 4];
    crowded.unsigned_attributes = Some(vec![signature_time_stamps(&tokens)]);
    assert_eq!(verdict(&Message::detached(crowded).encode()), failed);
    // And they take nothing from one that is as good as they are not.
    let mut good = signed(&short_lived(), &[]);
    let value = good.signature_value();
    let proof = Token { time: NOW.plus_seconds(-1300), ..Token::over(&value) }.encode();
    good.unsigned_attributes =
        Some(vec![signature_time_stamps(&[costly(&value), costly(&value), costly(&value), costly(&value), proof])]);
    assert_eq!(verdict(&Message::detached(good).encode()), PASSED);
}

#[test]
fn garbage_among_revocation_values_takes_nothing_from_time_stamps() {
    let mut info = signed(&short_lived(), &[]);
    let value = info.signature_value();
    let proof = Token { time: NOW.plus_seconds(-1300), ..Token::over(&value) }.encode();
    // Each names the issuer as its responder, and none is signed by it.
    let responses = (0..150).map(|number: u8| {
        let response = Response { produced_at: NOW.plus_seconds(-i64::from(number)), ..Response::default() };
        let single = response.single(&tree().signer.certificate, &tree().ca_certificate);
        let mut encoded = response.der(&[single], &tree().ca);
        let last = encoded.len() - 1;
        encoded[last] ^= 1;
        encoded
    });
    let responses = writer::element(tag::SEQUENCE, &responses.collect::<Vec<_>>().concat());
    let values = writer::element(tag::SEQUENCE, &writer::element(tag::context(1), &responses));
    info.unsigned_attributes = Some(vec![signature_time_stamps(&[proof]), attribute(oid::REVOCATION_VALUES, &values)]);
    assert_eq!(verdict(&Message::detached(info).encode()), PASSED);
}

#[test]
fn what_comes_with_a_time_stamp_reveals_revocations() {
    let signer = tree().signer(Kind::P256);
    let info = signed(&signer, &[]);
    let entries = vec![entry(&signer.certificate.serial_number, 1, None)];
    let list = List { number: Some(77), this_update: NOW.plus_seconds(-20), entries, ..List::default() };
    let with = |crls: Vec<Vec<u8>>| {
        let token = Token::over(&info.signature_value());
        let token = Message { crls, ..token.message(token.signer()) }.encode();
        let mut info = info.clone();
        info.unsigned_attributes = Some(vec![signature_time_stamps(&[token])]);
        verdict(&Message::detached(info).encode())
    };
    assert_eq!(with(Vec::new()), PASSED);
    assert_eq!(with(vec![list.der(&tree().ca)]), "INDETERMINATE REVOKED_NO_POE certificate-revoked");
}

#[test]
fn signers_who_cost_much_take_nothing_from_those_who_suffice() {
    let maze = Maze::new(70);
    let stranger = issued(&maze.last, &signer_profile("Costly"), Kind::P256.key());
    let mut infos = vec![signed(&stranger, &[]); 4];
    infos.push(signed(&tree().signer, &[]));
    let mut message = Message::of(&infos);
    message.certificates.extend(maze.certificates.iter().cloned());
    let validation = Judge::default().validate(&message.encode(), Content::Bytes(CONTENT)).expect("a message");
    let said: Vec<String> = validation.signatures.iter().map(|signature| line(&signature.verdict)).collect();
    assert!(said[..4].iter().all(|said| said.starts_with("INDETERMINATE")), "{said:?}");
    assert_eq!(said[4], PASSED);
}

#[test]
fn renewals_are_read_however_many_sign_beside() {
    let stamped = |strangers: usize| {
        let mut info = signed(&tree().signer, &[]);
        let value = info.signature_value();
        let tokens: Vec<Vec<u8>> = (0..15)
            .map(|number| Token { time: NOW.plus_seconds(-100 - number), ..Token::over(&value) }.encode())
            .collect();
        info.unsigned_attributes = Some(vec![signature_time_stamps(&tokens)]);
        let mut infos = vec![signed(&short_lived(), &[]); strangers];
        infos.push(info);
        let validation = Judge::default().validate(&Message::of(&infos).encode(), Content::Bytes(CONTENT));
        let validation = validation.expect("a message");
        let own = validation.signatures.last().expect("there");
        own.timestamps.iter().filter(|stamp| stamp.outcome.is_ok()).count()
    };
    assert_eq!([stamped(0), stamped(6), stamped(15)], [15; 3]);
    assert_eq!(stamped(31), 8, "256 of one message");
}

#[test]
fn a_certificate_that_is_not_named_makes_nothing_certain() {
    // The same key under two certificates; the signature names a key alone.
    let key = Kind::P256.key();
    let old = issued(&tree().ca, &signer_profile("Renewed"), key);
    let renewed = Profile { not_before: NOW.plus_seconds(-60), ..signer_profile("Renewed") };
    let renewed = issued(&tree().ca, &renewed, key);
    let identifier = old.certificate.extensions.subject_key_identifier.clone().expect("an identifier");
    let mut info = SignerInfo::new(&old, CONTENT).by_key_identifier(&identifier);
    info.remove(oid::SIGNING_CERTIFICATE_V2);
    let value = info.signature_value();
    info.signature = Some(value.clone());
    let token = Token { time: NOW.plus_seconds(-1800), ..Token::over(&value) }.encode();
    info.unsigned_attributes = Some(vec![signature_time_stamps(&[token])]);
    for certificates in [[&old, &renewed], [&renewed, &old]] {
        let mut message = Message::detached(info.clone());
        message.certificates = certificates.map(|one| one.certificate.der().to_vec()).to_vec();
        assert_eq!(verdict(&message.encode()), PASSED);
    }
}

#[test]
fn certificates_of_one_number_that_are_not_all_tried_fail_nothing() {
    let signer = &tree().signer;
    let mut info = SignerInfo::new(signer, CONTENT);
    info.remove(oid::SIGNING_CERTIFICATE_V2);
    info.signature = Some(info.signature_value());
    let same = Profile { serial_number: Some(signer.certificate.serial_number.clone()), ..signer_profile("Foreign") };
    let foreign = (0..9).map(|_| {
        let key = private_key().public_key().expect("a key");
        decoded(&issue(&tree().ca, &same, &key).expect("a certificate")).der().to_vec()
    });
    let foreign: Vec<Vec<u8>> = foreign.collect();
    let with = |count: usize| {
        let mut message = Message::detached(info.clone());
        message.certificates = foreign[..count].iter().cloned().chain([signer.certificate.der().to_vec()]).collect();
        verdict(&message.encode())
    };
    assert_eq!([with(0), with(7)], [PASSED; 2]);
    assert_eq!(with(8), "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND signing-certificate-not-found");
    // Where all were tried, the signature is wrong.
    let mut alone = Message::detached(info.clone());
    alone.certificates = foreign[..2].to_vec();
    assert_eq!(verdict(&alone.encode()), "TOTAL-FAILED SIG_CRYPTO_FAILURE signature-value-invalid");
}

#[test]
fn who_signs_documents_is_no_authority_whatever_its_certificate_allows() {
    let both = Profile {
        basic_constraints: Some(BasicConstraints { ca: true, path_len_constraint: None }),
        key_usage: None,
        ..signer_profile("Both")
    };
    let (both, usual) = (tree().signer_saying(&both), tree().signer.clone());
    assert!(both.certificate.is_ca());
    let mut crls: Vec<_> = tree().crls.iter().filter(|crl| crl.issuer != both.certificate.issuer).cloned().collect();
    let old = List {
        this_update: NOW.plus_seconds(-200 * 86_400),
        next_update: Some(NOW.plus_seconds(200 * 86_400)),
        ..List::default()
    };
    crls.push(old.sign(&tree().ca));
    let certificates = vec![Arc::clone(&tree().ca_certificate)];
    let evidence = Evidence { certificates, crls: CrlSet::new(crls), ..Evidence::default() };
    let by = |policy: &'static str, signer: &Signer| {
        let judge = Judge { evidence: &evidence, policy, ..Judge::default() };
        judge.verdict(&Message::detached(signed(signer, &[])).encode(), Content::Bytes(CONTENT))
    };
    let stale = "INDETERMINATE TRY_LATER revocation-data-stale";
    assert_eq!([by("any-ades", &both), by("any-ades", &usual)], [PASSED; 2]);
    assert_eq!([by("strict", &both), by("strict", &usual)], [stale; 2], "24 hours");
}
