//! Drawing a chain: how many oddities, which, and what they do to the certificates. About half of the chains get none or one.

use antin::core::algorithm::DigestAlgorithm;
use antin::core::der::{tag, writer};

use super::draft::{AT, CRL_SIGN, Chain, DAY, DIGITAL_SIGNATURE, Draft, KEY_CERT_SIGN, Member};
use super::feature::Feature;
use super::key::Key;
use super::random::Random;
use super::write::{self, extension};
use super::{draw_lists, draw_names, draw_policies};

type Draw = fn(&mut Draft, &mut Random);

/// An extension that nobody knows.
pub const UNKNOWN: &str = "1.3.6.1.4.1.32473.99";

/// Each with its weight. Those that change the shape of the chain come in their own step before.
const SHAPES: &[(usize, Draw)] =
    &[(4, self_issued), (3, subordinate_anchor), (3, same_name), (3, turning), (3, crossed), (2, twin_anchor)];
const SAYINGS: &[(usize, Draw)] = &[
    (2, repeated),
    (1, withheld),
    (1, damaged),
    (1, wrong_signer),
    (3, validity),
    (4, basic_constraints),
    (3, path_length),
    (3, key_usage),
    (2, extended_key_usage),
    (3, unknown_extension),
    (1, repeated_extension),
    (1, version_one),
    (3, serial_number),
    (2, weak),
    (1, empty_subject),
    (1, spelling),
    (2, without_key_identifiers),
    (16, draw_policies::draw),
    (14, draw_names::draw),
];

/// The chain of this number in the run of this seed.
pub fn chain(seed: u64, number: u64) -> Chain {
    let mut random = Random::of_chain(seed, number);
    let mut draft = Draft::usual(&mut random);
    let mut left = random.pick(&[0, 1, 1, 1, 1, 2, 2, 2, 3, 4]);
    if left > 0 && random.chance(25) {
        one_of(SHAPES, &mut draft, &mut random);
        left -= 1;
    }
    draw_lists::usual(&mut draft);
    while left > 0 {
        if draft.revocation && random.chance(45) {
            // The certificates are then as they will be.
            draw_lists::draw(&mut draft, &mut random);
        } else {
            one_of(SAYINGS, &mut draft, &mut random);
        }
        left -= 1;
    }
    draft.sign(random)
}

fn one_of(draws: &[(usize, Draw)], draft: &mut Draft, random: &mut Random) {
    let total = draws.iter().map(|(weight, _)| weight).sum();
    let mut drawn = random.below(total);
    for (weight, draw) in draws {
        if drawn < *weight {
            return draw(draft, random);
        }
        drawn -= weight;
    }
}

/// An authority certifies its own next key: one or several times.
fn self_issued(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.target());
    for more in 0..random.pick(&[1, 1, 2]) {
        let key = draft.new_key();
        let next = Member::authority(draft.chain[place].subject.clone(), key, 0x60 + more);
        draft.chain.insert(place + 1, next);
    }
    draft.add(Feature::SelfIssued);
}

/// Who is trusted is no root.
fn subordinate_anchor(draft: &mut Draft, random: &mut Random) {
    if let Some(place) = draft.subordinate(random) {
        draft.anchor = place;
        draft.add(Feature::SubordinateAnchor);
    }
}

/// Other authorities of the same name, with keys of their own.
fn same_name(draft: &mut Draft, random: &mut Random) {
    let Some(place) = draft.subordinate(random) else { return };
    for _ in 0..random.pick(&[1, 2, 6]) {
        let key = draft.new_key();
        let other = Member { key, ..draft.chain[place].clone() };
        draft.issue_beside(place - 1, other);
    }
    draft.add(Feature::SameName);
}

/// An authority that is certified by itself, or by one below it.
fn turning(draft: &mut Draft, random: &mut Random) {
    let upper = random.below(draft.target());
    let lower = random.between(upper, draft.target() - 1);
    let turning = draft.chain[upper].clone();
    draft.issue_beside(lower, turning);
    draft.add(Feature::Loop);
}

/// An authority that a second root certifies too; the one that is trusted may be the second.
fn crossed(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.target());
    let key = draft.new_key();
    let root = Member::authority(write::name("Second root", &[]), key, 0x70);
    let mut certificate = draft.chain[place].clone();
    certificate.issuer = Some(root.subject.clone());
    certificate.signer = Some(root.key);
    certificate.serial_number = vec![0x71];
    if random.chance(30) {
        certificate.not_after = AT.plus_seconds(-DAY);
    }
    if place > 0 && random.chance(40) {
        let first = draft.chain[place].clone();
        let mut first = Member { issuer: Some(draft.chain[place - 1].subject.clone()), ..first };
        first.signer = Some(draft.chain[place - 1].key);
        draft.beside.push(first);
        draft.chain[place] = Member { issuer: None, signer: None, ..certificate };
        draft.chain.drain(..place);
        draft.chain.insert(0, root);
        draft.add(Feature::OtherRoot);
    } else {
        draft.beside.push(certificate);
        if random.chance(30) {
            draft.beside.push(root);
        }
        draft.add(Feature::Cross);
    }
}

/// Two anchors of one name; one has another key.
fn twin_anchor(draft: &mut Draft, _: &mut Random) {
    let key = draft.new_key();
    let twin = Member { key, serial_number: vec![0x72], ..draft.chain[0].clone() };
    draft.other_anchors.push(twin);
    draft.add(Feature::TwinAnchor);
}

fn repeated(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.chain.len());
    for _ in 0..random.pick(&[1, 3]) {
        draft.repeated.push(place);
    }
    draft.add(Feature::Repeated);
}

fn withheld(draft: &mut Draft, random: &mut Random) {
    if let Some(place) = draft.subordinate(random) {
        draft.withheld.push(place);
        draft.add(Feature::Withheld);
    }
}

fn damaged(draft: &mut Draft, random: &mut Random) {
    let place = draft.below_root(random);
    draft.chain[place].damaged = true;
    draft.add(Feature::Damaged);
}

fn wrong_signer(draft: &mut Draft, random: &mut Random) {
    let place = draft.below_root(random);
    let key = draft.new_key();
    draft.chain[place].signer = Some(key);
    draft.add(Feature::WrongSigner);
}

fn validity(draft: &mut Draft, random: &mut Random) {
    if random.chance(15) {
        draft.chain[0].not_after = AT.plus_seconds(-DAY);
        return draft.add(Feature::AnchorExpired);
    }
    let place = draft.below_root(random);
    let member = &mut draft.chain[place];
    let feature = match random.below(6) {
        0 | 1 => {
            member.not_after = AT.plus_seconds(random.pick(&[-1, -DAY]));
            Feature::Validity
        }
        2 | 3 => {
            member.not_before = AT.plus_seconds(random.pick(&[1, DAY]));
            Feature::Validity
        }
        4 => {
            member.not_before = AT;
            Feature::Validity
        }
        _ => {
            member.not_after = AT;
            Feature::LastSecond
        }
    };
    draft.add(feature);
}

fn basic_constraints(draft: &mut Draft, random: &mut Random) {
    if random.chance(30) {
        let target = draft.target();
        draft.chain[target].constraints = Some((random.chance(60), random.pick(&[None, None, Some(0)])));
        let (is_authority, limit) = draft.chain[target].constraints.expect("just set");
        let odd = limit.is_some() && !is_authority;
        return draft.add(if odd { Feature::PathLengthWithoutAuthority } else { Feature::TargetIsAuthority });
    }
    let place = random.below(draft.target());
    draft.chain[place].constraints = random.pick(&[None, Some((false, None)), Some((false, Some(3)))]);
    draft.add(match (place, draft.chain[place].constraints) {
        (0, _) => Feature::AnchorBasicConstraints,
        (_, Some((false, Some(_)))) => Feature::PathLengthWithoutAuthority,
        _ => Feature::BasicConstraints,
    });
}

fn path_length(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.target());
    let below = draft.target() - 1 - place;
    let limit = random.between(below.saturating_sub(1), below + 1);
    draft.chain[place].constraints = Some((true, Some(limit as u8)));
    draft.add(Feature::PathLength);
}

fn key_usage(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.chain.len());
    let other = if place == draft.target() { KEY_CERT_SIGN } else { CRL_SIGN };
    let usage = random.pick(&[None, None, Some(other), Some(DIGITAL_SIGNATURE), Some(KEY_CERT_SIGN), Some(0)]);
    draft.chain[place].key_usage = usage;
    draft.add(match (place, usage) {
        (0, _) => Feature::AnchorKeyUsage,
        (_, Some(0)) => Feature::KeyUsageEmpty,
        _ => Feature::KeyUsage,
    });
}

fn extended_key_usage(draft: &mut Draft, random: &mut Random) {
    if draft.features.contains(&Feature::ExtendedKeyUsage) {
        return;
    }
    let place = random.below(draft.chain.len());
    // serverAuth, emailProtection, timeStamping, any.
    let usages = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8", "2.5.29.37.0"];
    let value = writer::sequence(&[&write::identified(random.pick(&usages))]);
    draft.chain[place].extensions.push(extension("2.5.29.37", random.chance(30), &value));
    draft.add(Feature::ExtendedKeyUsage);
}

fn unknown_extension(draft: &mut Draft, random: &mut Random) {
    let (place, critical) = (random.below(draft.chain.len()), random.chance(50));
    draft.chain[place].extensions.push(extension(UNKNOWN, critical, &[tag::NULL, 0]));
    draft.add(match (critical, place == draft.anchor) {
        (true, true) => Feature::UnknownCriticalInAnchor,
        (true, false) => Feature::UnknownCriticalExtension,
        _ => Feature::UnknownExtension,
    });
}

fn repeated_extension(draft: &mut Draft, random: &mut Random) {
    let place = draft.below_root(random);
    let again = extension("2.5.29.37", false, &writer::sequence(&[&write::identified("1.3.6.1.5.5.7.3.4")]));
    draft.chain[place].extensions.extend([again.clone(), again]);
    draft.add(Feature::RepeatedExtension);
}

fn version_one(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.chain.len());
    draft.chain[place].version = 1;
    draft.add(Feature::VersionOne);
}

fn serial_number(draft: &mut Draft, random: &mut Random) {
    let place = random.below(draft.chain.len());
    let (serial_number, feature) = match random.below(5) {
        0 => (vec![0], Feature::SerialNotPositive),
        1 => (vec![0xFF, 0x01], Feature::SerialNotPositive),
        length => (vec![0x50 + place as u8; [20, 21, 40][length - 2]], Feature::SerialLong),
    };
    draft.chain[place].serial_number = serial_number;
    draft.add(feature);
}

fn weak(draft: &mut Draft, random: &mut Random) {
    if random.chance(40) {
        let place = draft.below_root(random);
        draft.chain[place].digest = DigestAlgorithm::Sha1;
        return draft.add(Feature::WeakDigest);
    }
    let target = draft.target();
    let (key, feature) = random.pick(&[(Key::Rsa1024, Feature::WeakKey), (Key::P224, Feature::SmallCurve)]);
    draft.chain[target].key = key;
    draft.add(feature);
}

fn empty_subject(draft: &mut Draft, random: &mut Random) {
    if draft.features.contains(&Feature::NameConstraints) {
        return;
    }
    let target = draft.target();
    draft.chain[target].subject = writer::sequence(&[]);
    if random.chance(70) {
        let names = writer::sequence(&[&write::general_name(1, b"signer@example.org")]);
        draft.chain[target].extensions.push(extension("2.5.29.17", true, &names));
    }
    draft.add(Feature::EmptySubject);
}

/// The name of the issuer is spelt otherwise than in its own certificate: letters, spaces, the type of string.
fn spelling(draft: &mut Draft, random: &mut Random) {
    let place = draft.below_root(random);
    let named = |common_name: &str, string| {
        let attributes = [
            write::attribute("2.5.4.6", tag::PRINTABLE_STRING, "VN"),
            write::attribute("2.5.4.3", string, common_name),
        ];
        writer::sequence(&[&attributes.concat()])
    };
    let (spelling, string) = random.pick(&[
        ("AN AUTHORITY", tag::UTF8_STRING),
        (" an   authority ", tag::UTF8_STRING),
        ("An Authority", tag::PRINTABLE_STRING),
        ("AnAuthority", tag::UTF8_STRING),
    ]);
    draft.chain[place - 1].subject = named("An Authority", tag::UTF8_STRING);
    draft.chain[place].issuer = Some(named(spelling, string));
    for list in draft.lists.iter_mut().filter(|list| list.signer == draft.chain[place - 1].key) {
        list.issuer = draft.chain[place - 1].subject.clone();
    }
    draft.add(Feature::Spelling);
}

fn without_key_identifiers(draft: &mut Draft, random: &mut Random) {
    let everywhere = random.chance(50);
    let one = random.below(draft.chain.len());
    let members = draft.chain.iter_mut().enumerate().filter(|(place, _)| everywhere || *place == one);
    members.for_each(|(_, member)| member.key_identifiers = false);
    draft.add(Feature::WithoutKeyIdentifiers);
}
