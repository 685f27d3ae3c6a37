//! What is put into a message changes nothing that was there.

use std::fs;

use antin::core::cms::SignedData;
use antin::core::cms::build::attribute;
use antin::core::cms::unsigned::{AddingFault, add_attribute, add_signature_time_stamp};
use antin::core::der::{ber, tag, writer};
use antin::core::oid;
use antin::core::validation::Content;
use proptest::prelude::*;

use crate::kit::ber::{Style, twin};
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo, dotted};
use crate::kit::timestamp::{Token, signature_time_stamps};
use crate::kit::tree::tree;
use crate::kit::verdict::{Judge, UNREADABLE, line};
use crate::kit::{CONTENT, vectors};

/// Primitive elements, each with the identifiers of those around it; of definite and indefinite lengths alike.
fn leaves(octets: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), octets.to_vec())];
    while let Some((around, element)) = open.pop() {
        let parts = ber::split(&element).expect("BER");
        let around = [&around[..], &[parts.tag, parts.indefinite.into()]].concat();
        if parts.tag & 0x20 == 0 {
            found.push((around, parts.content.to_vec()));
            continue;
        }
        let members = ber::elements(parts.content).expect("BER");
        open.extend(members.into_iter().rev().map(|member| (around.clone(), member.to_vec())));
    }
    found
}

/// All is as before, but for what was added in one place.
fn assert_only_added(before: &[u8], after: &[u8], added: &[u8]) {
    let (old, new, inside) = (leaves(before), leaves(after), leaves(added));
    assert_eq!(new.len(), old.len() + inside.len());
    let at = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    // Where the same attribute stands behind itself either of the two is the new one.
    let values = |found: &[(Vec<u8>, Vec<u8>)]| found.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let fits = |start: usize| {
        values(&new[start..start + inside.len()]) == values(&inside)
            && new[..start] == old[..start]
            && new[start + inside.len()..] == old[start..]
    };
    assert!((at.saturating_sub(inside.len())..=at).any(fits), "other leaves changed");
}

fn owned(message: &[u8]) -> Vec<u8> {
    match SignedData::decode(message) {
        Ok(_) => message.to_vec(),
        Err(_) => ber::normalise_content_info(message).expect("a message"),
    }
}

/// The fields of a message that nobody added to; of its signers too.
fn fields(message: &[u8], signer: usize) -> Vec<Vec<u8>> {
    let message = owned(message);
    let message = SignedData::decode(&message).expect("a message");
    let mut found: Vec<Vec<u8>> = message.certificates.iter().chain(&message.crls).map(|one| one.to_vec()).collect();
    found.push(message.content.unwrap_or_default().to_vec());
    for (index, one) in message.signer_infos.iter().enumerate() {
        let unsigned = one.unsigned_attributes.map(|field| field.value.to_vec()).unwrap_or_default();
        found.extend([
            one.signature.to_vec(),
            one.signed_attributes.map(|field| field.raw.to_vec()).unwrap_or_default(),
        ]);
        found.push(if index == signer { Vec::new() } else { unsigned });
    }
    found
}

fn unsigned(message: &[u8], signer: usize) -> Vec<u8> {
    let message = owned(message);
    let message = SignedData::decode(&message).expect("a message");
    message.signer_infos[signer].unsigned_attributes.map(|field| field.value.to_vec()).unwrap_or_default()
}

fn judged(message: &[u8], content: Content<'_>) -> Vec<String> {
    let judge = Judge::default();
    let Ok(validation) = judge.validate(message, content) else { return vec![UNREADABLE.to_owned()] };
    let each = validation.signatures.iter().map(|signature| line(&signature.verdict));
    [line(&validation.verdict)].into_iter().chain(each).collect()
}

fn assert_added(message: &[u8], content: Content<'_>, attribute: &[u8], name: &str) {
    let signers = SignedData::decode(&owned(message)).expect(name).signer_infos.len();
    for signer in 0..signers {
        let added = add_attribute(message, signer, attribute).expect(name);
        assert_only_added(message, &added, attribute);
        assert_eq!(fields(message, signer), fields(&added, signer), "{name}");
        // What was there stays in its place, octet for octet.
        assert_eq!(unsigned(&added, signer), [unsigned(message, signer), attribute.to_vec()].concat(), "{name}");
        assert_eq!(judged(message, content), judged(&added, content), "{name}");
    }
    assert_eq!(add_attribute(message, signers, attribute), Err(AddingFault::NoSuchSigner), "{name}");
}

/// Messages of our own, as DER.
fn own() -> Vec<Vec<u8>> {
    let signer = || SignerInfo::new(&tree().signer, CONTENT);
    let mut stamped = signer();
    let value = stamped.signature_value();
    stamped.signature = Some(value.clone());
    let other = attribute(&dotted("1.2.3.4"), &writer::unsigned(&[7]));
    stamped.unsigned_attributes = Some(vec![signature_time_stamps(&[Token::over(&value).encode()]), other]);
    let mut by_key = SignerInfo::new(&tree().signer(Kind::Rsa2048), CONTENT);
    let identifier = tree().signer.certificate.extensions.subject_key_identifier.clone().expect("an identifier");
    by_key = by_key.by_key_identifier(&identifier);
    let mut empty = signer();
    empty.unsigned_attributes = Some(Vec::new());
    let large = SignerInfo::new(&tree().signer, &[7; 70_000]);
    vec![
        Message::detached(signer()).encode(),
        Message::enveloping(signer()).encode(),
        Message::enveloping(large).encode(),
        Message::detached(empty).encode(),
        Message::of(&[signer(), stamped, by_key]).encode(),
    ]
}

fn styles() -> [Style; 5] {
    [
        Style::default(),
        Style { indefinite: true, ..Style::default() },
        Style { indefinite: true, pieces: Some(1000), ..Style::default() },
        Style { long_lengths: true, padded_integers: true, ..Style::default() },
        Style { indefinite: true, pieces: Some(16), nested_pieces: true, ..Style::default() },
    ]
}

#[test]
fn an_attribute_changes_nothing_else_of_ours() {
    let added = attribute(oid::SIGNATURE_TIME_STAMP, &Token::over(CONTENT).encode());
    for (index, message) in own().iter().enumerate() {
        for style in styles() {
            assert_added(&twin(message, style), Content::Bytes(CONTENT), &added, &format!("{index} {style:?}"));
        }
    }
}

#[test]
fn an_attribute_changes_nothing_else_of_others() {
    let Some(folder) = vectors::find("wild/cades") else { return };
    let added = attribute(oid::SIGNATURE_TIME_STAMP, &Token::over(CONTENT).encode());
    let mut seen = 0;
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let octets = fs::read(&path).expect("a file");
        if !name.contains(".p7") {
            continue;
        }
        if judged(&octets, Content::None) == [UNREADABLE] {
            assert!(add_attribute(&octets, 0, &added).is_err(), "{name}");
            continue;
        }
        seen += 1;
        let content = ["esteid", "hello", "test"].into_iter().find(|stem| name.starts_with(stem));
        let content = content.map(|stem| fs::read(folder.join(format!("{stem}.txt"))).expect("a content"));
        assert_added(&octets, content.as_deref().map_or(Content::None, Content::Bytes), &added, &name);
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn a_time_stamp_in_ber_stays_as_it_came_and_proves_its_time() {
    let mut signer = SignerInfo::new(&tree().signer, CONTENT);
    let value = signer.signature_value();
    signer.signature = Some(value.clone());
    let token = Token::over(&value);
    for style in styles() {
        let message = twin(&Message::detached(signer.clone()).encode(), style);
        for token_style in styles() {
            let token = twin(&token.encode(), token_style);
            let raised = add_signature_time_stamp(&message, 0, &token).expect("added");
            assert!(raised.windows(token.len()).any(|window| window == token));
            let validation = Judge::default().validate(&raised, Content::Bytes(CONTENT)).expect("a message");
            let signature = &validation.signatures[0];
            assert_eq!(signature.best_signature_time(Judge::default().time), Token::over(&value).time, "{style:?}");
        }
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let added = attribute(oid::SIGNATURE_TIME_STAMP, &[0x05, 0x00]);
    let message = &own()[0];
    for end in 0..message.len() {
        assert!(matches!(add_attribute(&message[..end], 0, &added), Err(AddingFault::Message(_))), "{end}");
    }
    for wrong in [&[][..], &[0x05, 0x00], &writer::sequence(&[]), &[0x30, 0x80, 0x00, 0x00], &[0x00, 0x00]] {
        assert!(matches!(add_attribute(message, 0, wrong), Err(AddingFault::Message(_))), "{wrong:?}");
    }
    let bomb: Vec<u8> = std::iter::repeat_n([0x30, 0x80], 100_000).flatten().collect();
    assert!(add_attribute(&bomb, 0, &added).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Attributes of any size, one after the other, in any style.
    #[test]
    fn attributes_stand_behind_each_other(
        index in 0..5_usize, style in 0..5_usize, lengths in proptest::collection::vec(0..70_000_usize, 1..4)
    ) {
        let message = twin(&own()[index], styles()[style]);
        let mut raised = message.clone();
        let mut all = unsigned(&message, 0);
        for length in lengths {
            let added = attribute(&dotted("1.2.3.4.5"), &writer::element(tag::OCTET_STRING, &vec![7; length]));
            raised = add_attribute(&raised, 0, &added).expect("added");
            all.extend(added);
        }
        prop_assert_eq!(unsigned(&raised, 0), all);
        prop_assert_eq!(fields(&message, 0), fields(&raised, 0));
        prop_assert_eq!(judged(&message, Content::Bytes(CONTENT)), judged(&raised, Content::Bytes(CONTENT)));
    }

    /// Whatever the octets, there is an answer.
    #[test]
    fn changed_messages_are_refused_or_stay_messages(
        index in 0..5_usize, style in 0..5_usize, at in any::<proptest::sample::Index>(), octet in any::<u8>()
    ) {
        let mut message = twin(&own()[index], styles()[style]);
        let at = at.index(message.len());
        message[at] = octet;
        let added = attribute(oid::SIGNATURE_TIME_STAMP, &[0x05, 0x00]);
        if let Ok(raised) = add_attribute(&message, 0, &added) {
            prop_assert_eq!(fields(&message, 0), fields(&raised, 0));
        }
    }
}
