//! The check of a signature with its time-stamp before it counts.

use std::sync::Arc;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::unsigned::add_signature_time_stamp;
use antin::core::crypto::sha256;
use antin::core::validation::Content;
use antin::core::validation::timestamp_answer::TimeStampAnswer;
use antin::signing::self_check::check_timestamped;

use crate::kit::CONTENT;
use crate::kit::message::{Message, SignerInfo};
use crate::kit::timestamp::{Token, authority_from};
use crate::kit::tree::{NOW, tree};

fn answer(token: &Token<'_>) -> TimeStampAnswer {
    TimeStampAnswer {
        token: token.encode(),
        gen_time: token.time,
        authority: Arc::clone(&token.authority.certificate),
        certificates: Vec::new(),
    }
}

#[test]
fn what_is_recorded_passes_as_a_whole_and_proves_its_time() {
    let mut signer = SignerInfo::new(&tree().signer, CONTENT);
    let value = signer.signature_value();
    signer.signature = Some(value.clone());
    let message = Message::detached(signer.clone()).encode();
    let digests = |content: &[u8]| [(DigestAlgorithm::Sha256, sha256(content).to_vec())];
    let (right, wrong) = (digests(CONTENT), digests(b"another document"));
    let check = |message: &[u8], token: &Token<'_>, digests| {
        let answer = answer(token);
        let raised = add_signature_time_stamp(message, 0, &answer.token).expect("added");
        check_timestamped(&raised, Content::Digests(digests), 0, &answer)
    };
    let good = Token::over(&value);
    assert_eq!(check(&message, &good, &right), Ok(()));
    assert_eq!(check(&message, &good, &wrong), Err("document-changed"));
    assert_eq!(check(&message, &Token::over(b"another value"), &right), Err("timestamp-imprint-mismatch"));
    let late = authority_from(NOW);
    let early = Token { authority: &late, ..Token::over(&value) };
    assert_eq!(check(&message, &early, &right), Err("certificate-not-yet-valid"));
    let two = Message::of(&[signer.clone(), SignerInfo::new(&tree().signer, CONTENT)]).encode();
    // Of two signers it is the one that was meant.
    let held = answer(&good);
    let places = [0, 1].map(|place| {
        let raised = add_signature_time_stamp(&two, place, &held.token).expect("added");
        let checked = |place: usize| check_timestamped(&raised, Content::Digests(&right), place, &held);
        assert_eq!(checked(1 - place), Err("timestamp-missing"));
        checked(place)
    });
    assert!(places.contains(&Ok(())) && places.contains(&Err("timestamp-imprint-mismatch")), "{places:?}");

    // The answer is the one that was put in.
    let raised = add_signature_time_stamp(&message, 0, &held.token).expect("added");
    let content = || Content::Digests(&right);
    assert_eq!(check_timestamped(&message, content(), 0, &answer(&good)), Err("timestamp-missing"));
    let another_time = TimeStampAnswer { gen_time: good.time.plus_seconds(60), ..held.clone() };
    assert_eq!(check_timestamped(&raised, content(), 0, &another_time), Err("timestamp-other"));
    let another_key = TimeStampAnswer { authority: Arc::clone(&tree().signer.certificate), ..held.clone() };
    assert_eq!(check_timestamped(&raised, content(), 0, &another_key), Err("no-trusted-path"));
    let mut value = value;
    let last = value.len() - 1;
    value[last] ^= 1;
    signer.signature = Some(value.clone());
    let forged = Message::detached(signer).encode();
    assert_eq!(check(&forged, &Token::over(&value), &right), Err("signature-value-invalid"));
    assert_eq!(check_timestamped(b"no message", content(), 0, &answer(&good)), Err("unreadable"));
}
