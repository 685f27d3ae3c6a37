//! Good messages changed at random and one octet at a time: `validate` ends without a panic, and what passes still says what
//! the good message said.

use std::ops::Range;

use antin::core::cms::SignedData;
use antin::core::cms::attributes::SignedAttributes;
use antin::core::cms::build::attribute;
use antin::core::der::{ber, tag};
use antin::core::validation::{Content, Validation};
use antin::core::verdict::Verdict;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::kit::CONTENT;
use crate::kit::ber::{Style, twin};
use crate::kit::key::Kind;
use crate::kit::message::{Message, SignerInfo, dotted, issuer_and_serial_number};
use crate::kit::tree::tree;
use crate::kit::verdict::Judge;

/// What a pass says: the content, and for each signer the signed octets and the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    content: Option<Vec<u8>>,
    signers: Vec<(Vec<u8>, [u8; 32])>,
}

/// The meaning of a message that decodes.
pub fn meaning(message: &[u8], validation: &Validation) -> Meaning {
    let normalised;
    let decoded = match SignedData::decode(message) {
        Ok(decoded) => decoded,
        Err(_) => {
            normalised = ber::normalise_content_info(message).expect("what passes decodes");
            SignedData::decode(&normalised).expect("what passes decodes")
        }
    };
    let signers = decoded.signer_infos.iter().zip(&validation.signatures).map(|(info, signature)| {
        let element = info.signed_attributes.expect("what passes has signed attributes");
        let attributes = SignedAttributes::decode(element).expect("what passes has sound attributes");
        let certificate = signature.signer.as_ref().expect("what passes has a signer");
        (attributes.signed_octets().to_vec(), *certificate.fingerprint())
    });
    Meaning { content: decoded.content.map(<[u8]>::to_vec), signers: signers.collect() }
}

/// The meaning of a message if it passes.
fn passed(message: &[u8], content: Content<'_>) -> Option<Meaning> {
    let validation = Judge::default().validate(message, content).ok()?;
    matches!(validation.verdict, Verdict::TotalPassed(_)).then(|| meaning(message, &validation))
}

/// Messages that pass, each with the content given beside it.
fn originals() -> Vec<(Vec<u8>, Content<'static>)> {
    let detached = Message::detached(SignerInfo::new(&tree().signer, CONTENT)).encode();
    let enveloping = Message::enveloping(SignerInfo::new(&tree().signer, CONTENT)).encode();
    let several = Message::of(&[
        SignerInfo::new(&tree().signer, CONTENT),
        SignerInfo::new(&tree().signer(Kind::Rsa2048), CONTENT),
    ])
    .encode();
    let style = Style { indefinite: true, pieces: Some(10), ..Style::default() };
    let in_ber = twin(&enveloping, style);
    vec![
        (detached, Content::Bytes(CONTENT)),
        (enveloping, Content::None),
        (several, Content::Bytes(CONTENT)),
        (in_ber, Content::None),
    ]
}

/// One change; positions are fractions of the length.
#[derive(Clone, Debug)]
enum Change {
    Flip(f64, u8),
    Truncate(f64),
    Insert(f64, Vec<u8>),
    Delete(f64, usize),
    /// A piece of the message moved over another place of it.
    Copy(f64, f64, usize),
    /// From here on, the same place of another message.
    Splice(f64, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0.0..1.0_f64;
    prop_oneof![
        5 => (at(), 1_u8..).prop_map(|(at, mask)| Change::Flip(at, mask)),
        1 => at().prop_map(Change::Truncate),
        2 => (at(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (at(), 1..16_usize).prop_map(|(at, count)| Change::Delete(at, count)),
        2 => (at(), at(), 1..200_usize).prop_map(|(from, to, count)| Change::Copy(from, to, count)),
        1 => (at(), 0..4_usize).prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change, all: &[(Vec<u8>, Content<'_>)]) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    let place = |fraction: f64| ((fraction * length as f64) as usize).min(length - 1);
    match change {
        Change::Flip(at, mask) => bytes[place(*at)] ^= mask,
        Change::Truncate(at) => bytes.truncate(place(*at)),
        Change::Insert(at, more) => drop(bytes.splice(place(*at)..place(*at), more.iter().copied())),
        Change::Delete(at, count) => drop(bytes.drain(place(*at)..(place(*at) + count).min(length))),
        Change::Copy(from, to, count) => {
            let piece = bytes[place(*from)..(place(*from) + count).min(length)].to_vec();
            let end = (place(*to) + piece.len()).min(length);
            drop(bytes.splice(place(*to)..end, piece));
        }
        Change::Splice(at, other) => {
            let other = &all[*other].0;
            bytes.truncate(place(*at));
            bytes.extend_from_slice(other.get(place(*at)..).unwrap_or_default());
        }
    }
}

#[test]
fn changed_messages_never_panic_and_never_pass_with_another_meaning() {
    let all = originals();
    let meanings: Vec<Meaning> =
        all.iter().map(|(message, content)| passed(message, *content).expect("a good message")).collect();
    let config = ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(index in 0..4_usize, changes in vec(change(), 1..4))| {
        let (message, content) = &all[index];
        let mut changed = message.clone();
        for change in &changes {
            apply(&mut changed, change, &all);
        }
        if let Some(meaning) = passed(&changed, *content) {
            // A splice may have made it one of the others, whole.
            prop_assert!(meanings.contains(&meaning), "it passes and says something else");
        }
    });
}

#[test]
fn changed_content_never_passes() {
    let (message, _) = &originals()[0];
    for index in 0..CONTENT.len() {
        for mask in [0x01, 0x20, 0x80, 0xFF] {
            let mut changed = CONTENT.to_vec();
            changed[index] ^= mask;
            assert_eq!(passed(message, Content::Bytes(&changed)), None, "octet {index}");
        }
        assert_eq!(passed(message, Content::Bytes(&CONTENT[..index])), None, "cut off at {index}");
    }
}

/// Where `piece` stands in `message`, where it stands once.
fn place_of(message: &[u8], piece: &[u8]) -> Range<usize> {
    let mut places = (0..=message.len() - piece.len()).filter(|at| message[*at..].starts_with(piece));
    let at = places.next().expect("the piece is there");
    assert_eq!(places.next(), None, "it stands there once");
    at..at + piece.len()
}

#[test]
fn each_octet_changed_never_passes_but_where_nothing_is_signed() {
    let extra = attribute(&dotted("1.3.6.1.4.1.32473.7"), b"\x04\x04note");
    let mut info = SignerInfo::new(&tree().signer, CONTENT);
    info.unsigned_attributes = Some(vec![extra.clone()]);
    info.signature = Some(info.signature_value());
    let encoded = info.encode();
    let authority = tree().ca_certificate.der();
    for (mut message, content) in
        [(Message::detached(info.clone()), Content::Bytes(CONTENT)), (Message::enveloping(info), Content::None)]
    {
        message.certificates.push(authority.to_vec());
        let message = message.encode();
        let meaning = passed(&message, content).expect("a good message");

        // Every place where a change may pass, and why.
        let version = place_of(&message, &[0x02, 0x01, 0x01, 0x31]).start + 2;
        let signer = place_of(&message, &encoded);
        let signer_version = signer.start + 6;
        assert_eq!(message[signer_version - 2..=signer_version], [tag::INTEGER, 1, 1]);
        let identifier = place_of(&message, &issuer_and_serial_number(&tree().signer.certificate));
        let harmless: [(&str, Range<usize>); 5] = [
            ("the version of SignedData says nothing that the rest does not say", version..version + 1),
            ("so does the version of SignerInfo", signer_version..signer_version + 1),
            ("the authority's certificate is at hand anyway", place_of(&message, authority)),
            ("names are compared without regard to case (RFC 5280 §7.1)", identifier),
            ("an unsigned attribute is not signed", place_of(&message, &extra)),
        ];
        let mut used = [0; 5];
        for index in 0..message.len() {
            for mask in [0x01, 0x02, 0x20, 0xFF] {
                let mut changed = message.clone();
                changed[index] ^= mask;
                let Some(now) = passed(&changed, content) else { continue };
                let reason = harmless.iter().position(|(_, range)| range.contains(&index));
                let reason = reason.unwrap_or_else(|| panic!("octet {index} xor {mask:02x} passes"));
                used[reason] += 1;
                assert_eq!(now, meaning, "octet {index} xor {mask:02x}");
            }
        }
        for ((reason, _), count) in harmless.iter().zip(used) {
            assert!(count > 0, "no change passes although {reason}");
        }
    }
}
