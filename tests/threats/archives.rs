//! Archive time-stamps that prove nothing, and those that cost more than they are worth. None lowers the verdict of the signature.

use std::time::Duration;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::SignedData;
use antin::core::cms::archive::{archived_octets, encode_index};
use antin::core::cms::build::attribute;
use antin::core::cms::unsigned::{add_attribute, add_signature_time_stamp};
use antin::core::crypto::{digest, sha256};
use antin::core::der::{Reader, tag, writer};
use antin::core::oid;
use antin::core::policy::{Policy, RevocationMode};
use antin::core::report::{Report, SignatureReport};
use antin::core::time::Time;
use antin::core::validation::Content;

use crate::kit::CONTENT;
use crate::kit::cost::Cost;
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::revocation::{List, Response, entry};
use crate::kit::timestamp::Token;
use crate::kit::tree::{NOW, tree};
use crate::kit::verdict::{Judge, PASSED, line};

const PROVED: &str = "TOTAL-PASSED passed";
const INDEX: &str = "TOTAL-FAILED FORMAT_FAILURE timestamp-index-invalid";
const MISMATCH: &str = "TOTAL-FAILED HASH_FAILURE timestamp-imprint-mismatch";
/// The signature is time-stamped, and later that.
const STAMPED: Time = NOW.plus_seconds(-1800);
const ARCHIVED: Time = NOW.plus_seconds(-900);
/// In a debug build on a busy machine; a tenth of it in a release build.
const SOON: Duration = Duration::from_secs(8);

fn signed() -> Vec<u8> {
    Message::detached(SignerInfo::new(&tree().signer, CONTENT)).encode()
}

fn stamped(message: &[u8], time: Time) -> Vec<u8> {
    let value = SignedData::decode(message).expect("a message").signer_infos[0].signature.to_vec();
    add_signature_time_stamp(message, 0, &Token { time, ..Token::over(&value) }.encode()).expect("added")
}

/// An index over all that the message holds.
fn index(message: &[u8], signer: usize, algorithm: DigestAlgorithm) -> Vec<u8> {
    let message = SignedData::decode(message).expect("a message");
    encode_index(algorithm, &message, &message.signer_infos[signer])
}

/// The octets of a token whose imprint is over this signer by this index.
fn token(message: &[u8], signer: usize, index: &[u8], time: Time) -> Vec<u8> {
    let message = SignedData::decode(message).expect("a message");
    let octets = archived_octets(&message, &message.signer_infos[signer], &sha256(CONTENT), index);
    Token { time, ..Token::over(&octets) }.encode()
}

fn with_index(token: &[u8], identifier: &[u8], indexes: &[&[u8]]) -> Vec<u8> {
    add_attribute(token, 0, &attribute(identifier, &indexes.concat())).expect("added")
}

fn archive(message: &[u8], signer: usize, token: &[u8]) -> Vec<u8> {
    add_attribute(message, signer, &attribute(oid::ARCHIVE_TIME_STAMP_V3, token)).expect("added")
}

/// With a good archive time-stamp.
fn archived(message: &[u8], time: Time) -> Vec<u8> {
    let index = index(message, 0, DigestAlgorithm::Sha256);
    archive(message, 0, &with_index(&token(message, 0, &index, time), oid::ATS_HASH_INDEX_V3, &[&index]))
}

/// What becomes of the signatures, all of which pass.
fn judged(message: &[u8]) -> Vec<SignatureReport> {
    let validation = Judge::default().validate(message, Content::Bytes(CONTENT)).expect("a message");
    assert_eq!(line(&validation.verdict), PASSED, "a time-stamp takes nothing from the signature");
    let policy = Policy::held("any-ades").expect("held");
    Report::new(&validation, &policy, RevocationMode::Required, NOW).signatures
}

/// What becomes of each time-stamp of the first signature.
fn words(message: &[u8]) -> Vec<String> {
    let word = |one: &antin::core::report::TimestampReport| {
        let words = [Some(one.indication), one.sub_indication, Some(one.code)];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    judged(message)[0].timestamps.iter().map(word).collect()
}

#[test]
fn t02_an_index_that_names_what_is_not_there() {
    let message = stamped(&signed(), STAMPED);
    assert_eq!(words(&archived(&message, ARCHIVED)), [PROVED, PROVED]);
    let good = index(&message, 0, DigestAlgorithm::Sha256);
    let mut fields = Reader::single(&good, tag::SEQUENCE).expect("an index").reader();
    let fields: Vec<_> = (0..4).map(|_| fields.read().expect("a field")).collect();
    for list in 1..4 {
        let with = |entries: &[u8]| {
            let mut parts: Vec<Vec<u8>> = fields.iter().map(|field| field.raw.to_vec()).collect();
            parts[list] = writer::element(tag::SEQUENCE, entries);
            let index = writer::sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let token = token(&message, 0, &index, ARCHIVED);
            words(&archive(&message, 0, &with_index(&token, oid::ATS_HASH_INDEX_V3, &[&index])))
        };
        let own = fields[list].value;
        assert_eq!(with(&[own, &writer::octet_string(&[7; 32])].concat()), [PROVED, INDEX], "a digest of nothing");
        assert_eq!(with(&[own, &writer::octet_string(&[])].concat()), [PROVED, INDEX], "no digest");
        assert_eq!(with(&[own, &[tag::NULL, 0]].concat()), [PROVED, INDEX], "something else");
        assert_eq!(with(&[own, own].concat()), [PROVED, PROVED], "twice is no more than once");
        assert_eq!(with(&[]), [PROVED, PROVED], "not all that is there");
        assert_eq!(with(&writer::octet_string(&[7; 32]).repeat(1025)), [PROVED, INDEX], "beyond all use");
    }
    // Added to the index after the token was made.
    let more = Reader::single(&good, tag::SEQUENCE).expect("an index").value;
    let more = writer::sequence(&[more, &writer::sequence(&[])]);
    let token = token(&message, 0, &good, ARCHIVED);
    assert_eq!(words(&archive(&message, 0, &with_index(&token, oid::ATS_HASH_INDEX_V3, &[&more])))[1], INDEX);
    let other = index(&signed(), 0, DigestAlgorithm::Sha256);
    assert_eq!(words(&archive(&message, 0, &with_index(&token, oid::ATS_HASH_INDEX_V3, &[&other])))[1], MISMATCH);
}

#[test]
fn t02_indexes_that_are_not_one() {
    let message = stamped(&signed(), STAMPED);
    let index = index(&message, 0, DigestAlgorithm::Sha256);
    let token = token(&message, 0, &index, ARCHIVED);
    let of = |token: &[u8]| words(&archive(&message, 0, token));
    assert_eq!(of(&token), [PROVED, INDEX], "none");
    let one = with_index(&token, oid::ATS_HASH_INDEX_V3, &[&index]);
    assert_eq!(of(&one), [PROVED, PROVED]);
    assert_eq!(of(&with_index(&one, oid::ATS_HASH_INDEX, &[&index])), [PROVED, INDEX], "the older and the newer");
    assert_eq!(of(&with_index(&one, oid::ATS_HASH_INDEX_V3, &[&index])), [PROVED, INDEX], "the same twice");
    assert_eq!(of(&with_index(&token, oid::ATS_HASH_INDEX_V3, &[&index, &index])), [PROVED, INDEX], "two values");
    // The newer one read as the older, which digests attributes whole.
    assert_eq!(of(&with_index(&token, oid::ATS_HASH_INDEX, &[&index])), [PROVED, INDEX]);
}

#[test]
fn t02_an_index_of_a_digest_that_is_worth_nothing() {
    let message = stamped(&signed(), STAMPED);
    for (algorithm, word) in [
        (DigestAlgorithm::Sha1, "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE timestamp-imprint-weak"),
        (DigestAlgorithm::Sha512, PROVED),
    ] {
        let index = index(&message, 0, algorithm);
        let token = with_index(&token(&message, 0, &index, ARCHIVED), oid::ATS_HASH_INDEX_V3, &[&index]);
        assert_eq!(words(&archive(&message, 0, &token)), [PROVED, word]);
    }
    let unknown = writer::sequence(&[&writer::sequence(&[&writer::object_identifier(oid::ANY_POLICY)])]);
    let token = with_index(&token(&message, 0, &unknown, ARCHIVED), oid::ATS_HASH_INDEX_V3, &[&unknown]);
    assert_eq!(words(&archive(&message, 0, &token)), [PROVED, INDEX]);
}

#[test]
fn t02_an_archive_time_stamp_of_another_signer_or_message() {
    let two = Message::of(&[
        SignerInfo::new(&tree().signer, CONTENT),
        SignerInfo::new(&tree().signer(Kind::Rsa2048), CONTENT),
    ])
    .encode();
    let moved = |from: usize, to: usize| {
        let index = index(&two, from, DigestAlgorithm::Sha256);
        let token = with_index(&token(&two, from, &index, ARCHIVED), oid::ATS_HASH_INDEX_V3, &[&index]);
        let signatures = judged(&archive(&two, to, &token));
        assert!(signatures[1 - to].timestamps.is_empty());
        let stamp = &signatures[to].timestamps[0];
        (stamp.code, signatures[to].best_signature_time)
    };
    for (from, to) in [(0, 1), (1, 0)] {
        assert_eq!(moved(from, from), ("passed", Some(ARCHIVED)));
        assert_eq!(moved(from, to), ("timestamp-imprint-mismatch", Some(NOW)));
    }
    let (message, other) = (stamped(&signed(), STAMPED), stamped(&signed(), STAMPED));
    let index = index(&other, 0, DigestAlgorithm::Sha256);
    let token = with_index(&token(&other, 0, &index, ARCHIVED), oid::ATS_HASH_INDEX_V3, &[&index]);
    assert_eq!(words(&archive(&other, 0, &token)), [PROVED, PROVED]);
    assert_eq!(words(&archive(&message, 0, &token)), [PROVED, MISMATCH]);
    // Nor is one over a signature alone one over all, or the other way round.
    let both = SignedData::decode(&message).expect("a message").signer_infos[0].unsigned();
    assert_eq!(words(&archive(&message, 0, both[0].values[0])), [PROVED, INDEX]);
    assert_eq!(words(&add_signature_time_stamp(&other, 0, &token).expect("added")), [PROVED, MISMATCH]);
}

#[test]
fn t03_an_archive_time_stamp_from_before_what_it_is_over() {
    let late = "INDETERMINATE TIMESTAMP_ORDER_FAILURE timestamp-later-than-archive";
    let message = archived(&stamped(&signed(), STAMPED), STAMPED.plus_seconds(-1));
    assert_eq!(words(&message), [late, PROVED]);
    let signature = &judged(&message)[0];
    assert_eq!(signature.best_signature_time, Some(STAMPED.plus_seconds(-1)), "as whoever is over it says");
    let same = archived(&stamped(&signed(), STAMPED), STAMPED);
    assert_eq!(words(&same), [PROVED, PROVED], "in the same second");
    // One is over the other, which is over the first.
    let chain = |first: i64, second: i64, third: i64| {
        let at = |seconds: i64| NOW.plus_seconds(-seconds);
        words(&archived(&archived(&stamped(&signed(), at(first)), at(second)), at(third)))
    };
    assert_eq!(chain(30, 20, 10), [PROVED, PROVED, PROVED]);
    assert_eq!(chain(30, 10, 20), [PROVED, late, PROVED]);
    assert_eq!(chain(10, 30, 20), [late, PROVED, PROVED]);
    assert_eq!(chain(20, 30, 10), [late, PROVED, PROVED]);
    assert_eq!(chain(10, 20, 30), [late, late, PROVED]);
}

/// Each of its time-stamps passes, at little cost.
fn proves_soon(message: &[u8], count: usize) {
    let started = Cost::begin();
    let words = words(message);
    let elapsed = started.elapsed();
    println!("{elapsed:?}");
    assert_eq!(words, vec![PROVED; count]);
    assert!(elapsed < SOON, "{elapsed:?}");
}

#[test]
fn c21_tokens_that_bring_lists_by_the_megabyte() {
    let signed = signed();
    let value = SignedData::decode(&signed).expect("a message").signer_infos[0].signature.to_vec();
    let mut message = stamped(&signed, STAMPED);
    for number in 0..20_u8 {
        // 2 MiB, another in each.
        let entries = (0..58_000_u32)
            .map(|entry_number| entry(&[&[1, number], &entry_number.to_be_bytes()[..]].concat(), 1, None));
        let list = List { entries: entries.collect(), number: Some(number + 1), ..List::default() }.der(&tree().ca);
        assert!(list.len() > 2 << 20, "{}", list.len());
        let one = Token::over(&value);
        let token = Message { crls: vec![list], ..one.message(one.signer()) }.encode();
        message = add_signature_time_stamp(&message, 0, &token).expect("added");
    }
    proves_soon(&message, 21);
}

#[test]
fn c21_tokens_that_bring_responses_about_thousands() {
    let (tree, signed) = (tree(), signed());
    let value = SignedData::decode(&signed).expect("a message").signer_infos[0].signature.to_vec();
    let response = Response::revoked();
    let mut message = stamped(&signed, STAMPED);
    for count in [250, 4_000] {
        for _ in 0..10 {
            // The last of them says that the signer is revoked.
            let mut singles = vec![response.single(&tree.ca_certificate, &tree.root_certificate); count];
            singles.push(response.single(&tree.root_certificate, &tree.root_certificate));
            let response = response.der(&singles, &tree.ca);
            let format = writer::object_identifier(oid::OCSP_RESPONSE_FORMAT);
            let other = writer::concatenated(tag::context(1), &[&format, &response]);
            let one = Token::over(&value);
            let token = Message { version: 5, crls: vec![other], ..one.message(one.signer()) }.encode();
            message = add_signature_time_stamp(&message, 0, &token).expect("added");
        }
    }
    proves_soon(&message, 21);
}

#[test]
fn c21_archives_over_values_of_hundreds_of_thousands() {
    // Lists that are none, two octets each, under each of twenty archive time-stamps.
    let lists = writer::element(tag::SEQUENCE, &[0x30, 0x00].repeat(400_000));
    let values = writer::element(tag::SEQUENCE, &writer::element(tag::context(0), &lists));
    let mut message = stamped(&signed(), STAMPED);
    message = add_attribute(&message, 0, &attribute(oid::REVOCATION_VALUES, &values)).expect("added");
    for number in 0..20 {
        message = archived(&message, ARCHIVED.plus_seconds(number));
    }
    proves_soon(&message, 21);
}

#[test]
fn c21_older_archive_time_stamps_over_much_content() {
    let content = vec![0x5A; 20 << 20];
    let signed = Message::detached(SignerInfo::new(&tree().signer, &content)).encode();
    let algorithms = [
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
        DigestAlgorithm::Sha3_256,
        DigestAlgorithm::Sha3_384,
        DigestAlgorithm::Sha3_512,
    ];
    let hashed = Cost::begin();
    let digests = algorithms.map(|algorithm| digest(algorithm, &content));
    let once = hashed.elapsed();
    assert_eq!(digests.len(), 6);
    let mut message = signed;
    for number in 0..64 {
        let algorithm = algorithms[number % 6];
        let imprint = digest(algorithm, CONTENT);
        let token = Token { algorithm: algorithm.oid(), imprint, ..Token::over(CONTENT) }.encode();
        message = add_attribute(&message, 0, &attribute(oid::ARCHIVE_TIME_STAMP_V2, &token)).expect("added");
    }
    let started = Cost::begin();
    let validation = Judge::default().validate(&message, Content::Bytes(&content)).expect("a message");
    let elapsed = started.elapsed();
    println!("{once:?} {elapsed:?}");
    let timestamps = &validation.signatures[0].timestamps;
    assert_eq!((line(&validation.verdict).as_str(), timestamps.len()), (PASSED, 8));
    assert!(timestamps.iter().all(|stamp| stamp.outcome.is_err()));
    // Once by each algorithm, and what else there is to do.
    assert!(elapsed < once.mul_f32(1.6) + Duration::from_millis(500), "{elapsed:?} beside {once:?}");
}
