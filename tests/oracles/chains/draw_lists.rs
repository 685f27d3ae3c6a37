//! Revocation lists (RFC 5280 §5, §6.3): missing, stale, split, of others, with entries and deltas.

use antin::core::algorithm::DigestAlgorithm;
use antin::core::der::{tag, writer};

use super::draft::{AT, CRL_SIGN, DAY, DELTA_INDICATOR, Draft, Entry, KEY_CERT_SIGN, List, Member};
use super::feature::Feature;
use super::random::Random;
use super::write::{self, extension, general_name};

/// A fresh list of every authority of the chain.
pub fn usual(draft: &mut Draft) {
    if draft.revocation {
        let authorities = &draft.chain[..draft.target()];
        draft.lists = authorities.iter().map(List::of).collect();
    }
}

/// One oddity of the lists about one certificate.
pub fn draw(draft: &mut Draft, random: &mut Random) {
    let place = draft.below_root(random);
    let (key, serial_number) = (draft.chain[place - 1].key, draft.chain[place].serial_number.clone());
    // Once each: two of an extension would be another oddity.
    let has = |feature| draft.features.contains(&feature);
    let (has_delta, has_points) = (has(Feature::Delta), has(Feature::Scope) || has(Feature::Indirect));
    let Some(list) = draft.lists.iter().position(|list| list.signer == key) else { return };
    match random.below(16) {
        0 => {
            draft.lists.remove(list);
            draft.add(Feature::ListMissing);
        }
        1 => times(draft, random, list),
        2..5 => entry(draft, random, list, serial_number),
        5 => signer(draft, random, list, place),
        6 => unknown(draft, random, list, serial_number),
        7 | 8 => two(draft, random, list, serial_number),
        9..12 if !has_points => scope(draft, random, list, place),
        12..14 if !has_delta => delta(draft, random, list, serial_number),
        14 if !has_points => indirect(draft, random, list, place),
        15 => {
            draft.chain[place - 1].key_usage = Some(KEY_CERT_SIGN);
            draft.add(Feature::NoCrlSign);
        }
        _ => {}
    }
}

fn times(draft: &mut Draft, random: &mut Random, list: usize) {
    let list = &mut draft.lists[list];
    let feature = match random.below(5) {
        0 | 1 => {
            list.next_update = Some(AT.plus_seconds(random.pick(&[-1, -DAY / 2])));
            Feature::ListStale
        }
        2 => {
            list.this_update = AT.plus_seconds(random.pick(&[1, DAY]));
            Feature::ListFuture
        }
        3 => {
            list.next_update = Some(AT);
            Feature::ListLastSecond
        }
        _ => {
            list.next_update = None;
            Feature::ListWithoutEnd
        }
    };
    draft.add(feature);
}

/// reasonCode (§5.3.1).
pub fn reason(number: u8) -> Vec<u8> {
    extension("2.5.29.21", false, &[tag::ENUMERATED, 1, number])
}

fn entry(draft: &mut Draft, random: &mut Random, list: usize, serial_number: Vec<u8>) {
    let (serial_number, extensions, feature) = match random.below(7) {
        0 => (serial_number, Vec::new(), Feature::Revoked),
        1 | 2 => (serial_number, vec![reason(random.pick(&[1, 2, 3, 4, 5, 9]))], Feature::Revoked),
        3 => (serial_number, vec![reason(6)], Feature::OnHold),
        4 => (serial_number, vec![reason(8)], Feature::RemoveFromCrl),
        _ => (vec![0x12, 0x34], vec![reason(1)], Feature::OtherRevoked),
    };
    draft.lists[list].entries.push(Entry { serial_number, extensions });
    draft.add(feature);
}

/// Signed wrongly, weakly or by somebody else.
fn signer(draft: &mut Draft, random: &mut Random, list: usize, place: usize) {
    let feature = match random.below(4) {
        0 => {
            draft.lists[list].damaged = true;
            Feature::ListDamaged
        }
        1 => {
            draft.lists[list].digest = DigestAlgorithm::Sha1;
            Feature::ListWeakDigest
        }
        2 => {
            draft.lists[list].signer = draft.new_key();
            Feature::ListOfStranger
        }
        _ => {
            // Of the same authority, certified for a second key that may sign lists alone.
            let key = draft.new_key();
            draft.lists[list].signer = key;
            let above = place.saturating_sub(2);
            let second = Member { key, key_usage: Some(CRL_SIGN), ..draft.chain[place - 1].clone() };
            draft.issue_beside(above, second);
            Feature::ListOfOtherKey
        }
    };
    draft.add(feature);
}

pub fn unknown_critical() -> Vec<u8> {
    extension("1.3.6.1.4.1.32473.98", true, &[tag::NULL, 0])
}

fn unknown(draft: &mut Draft, random: &mut Random, list: usize, serial_number: Vec<u8>) {
    let critical = unknown_critical();
    if random.chance(50) {
        draft.lists[list].extensions.push(critical);
        return draft.add(Feature::ListUnknownCritical);
    }
    let serial_number = if random.chance(50) { serial_number } else { vec![0x12, 0x34] };
    draft.lists[list].entries.push(Entry { serial_number, extensions: vec![critical] });
    draft.add(Feature::EntryUnknownCritical);
}

/// A second list of the same scope; one of the two enters the certificate, or neither.
fn two(draft: &mut Draft, random: &mut Random, list: usize, serial_number: Vec<u8>) {
    let mut other = draft.lists[list].clone();
    let is_older = random.chance(50);
    other.this_update = AT.plus_seconds(if is_older { -3 * DAY } else { -DAY / 2 });
    other.number = other.number.map(|number| if is_older { number - 1 } else { number + 1 });
    if random.chance(20) {
        other.next_update = Some(AT.plus_seconds(-1));
        draft.add(Feature::ListStale);
    }
    let entered = Entry { serial_number, extensions: vec![reason(random.pick(&[1, 6]))] };
    match random.below(4) {
        0 => draft.lists[list].entries.push(entered),
        1 => other.entries.push(entered),
        _ => {}
    }
    draft.lists.push(other);
    draft.add(Feature::TwoLists);
}

fn located(url: &str) -> Vec<u8> {
    let full = writer::element(tag::context(0), &general_name(6, url.as_bytes()));
    writer::element(tag::context(0), &full)
}

/// The list gets an issuing distribution point (§5.2.5), the certificate perhaps a distribution point (§4.2.1.13).
fn scope(draft: &mut Draft, random: &mut Random, list: usize, place: usize) {
    draft.add(Feature::Scope);
    let switch = |number| writer::element(tag::context_primitive(number), &[0xFF]);
    let mut content = Vec::new();
    if random.chance(50) {
        let of_list = "http://crl.example/1";
        let of_certificate = random.pick(&[of_list, of_list, "http://crl.example/2"]);
        let point = writer::sequence(&[&located(of_certificate)]);
        let points = extension("2.5.29.31", false, &writer::sequence(&[&point]));
        draft.chain[place].extensions.push(points);
        content = located(of_list);
        draft.add(if of_certificate == of_list { Feature::PointMatches } else { Feature::PointDiffers });
    }
    let mut second = None;
    match random.below(6) {
        0 => {
            content.extend(switch(1));
            draft.add(Feature::OnlyUsers);
        }
        1 => {
            content.extend(switch(2));
            draft.add(Feature::OnlyAuthorities);
        }
        2 => {
            content.extend(switch(5));
            draft.add(Feature::OnlyAttributes);
        }
        3 => {
            // keyCompromise and cACompromise; and all others, in a second list.
            let part =
                |bits| writer::concatenated(tag::SEQUENCE, &[&content, &write::bits(tag::context_primitive(3), bits)]);
            if random.chance(60) {
                second = Some(part(0x1F80));
                draft.add(Feature::AllReasons);
            } else {
                draft.add(Feature::SomeReasons);
            }
            content.extend(write::bits(tag::context_primitive(3), 0x6000));
        }
        _ if content.is_empty() => content.extend(switch(1)),
        _ => {}
    }
    if content == switch(1) {
        draft.add(Feature::OnlyUsers);
    }
    let point = |value: &[u8]| extension("2.5.29.28", true, value);
    if let Some(value) = second {
        let mut other = draft.lists[list].clone();
        other.extensions.push(point(&value));
        draft.lists.push(other);
    }
    draft.lists[list].extensions.push(point(&writer::sequence(&[&content])));
}

/// A delta to the list (§5.2.4), which speaks of it (§5.2.6).
fn delta(draft: &mut Draft, random: &mut Random, list: usize, serial_number: Vec<u8>) {
    draft.add(Feature::Delta);
    let base = &mut draft.lists[list];
    let mut delta = base.clone();
    let point = writer::sequence(&[&writer::sequence(&[&located("http://crl.example/delta")])]);
    base.extensions.push(extension("2.5.29.46", false, &point));
    if random.chance(30) {
        let held = Entry { serial_number: serial_number.clone(), extensions: vec![reason(6)] };
        base.entries.push(held);
        draft.features.push(Feature::OnHold);
    }
    delta.number = Some(6);
    delta.this_update = AT.plus_seconds(-DAY / 4);
    let odd_base = random.chance(25);
    let of = if odd_base { 6 } else { random.pick(&[5, 4]) };
    delta.extensions.push(extension(DELTA_INDICATOR, true, &write::integer(&[of])));
    if odd_base {
        draft.add(Feature::DeltaOddBase);
    }
    if random.chance(20) {
        delta.next_update = Some(AT.plus_seconds(-1));
        draft.add(Feature::DeltaStale);
    }
    match random.below(3) {
        0 => {
            delta.entries.push(Entry { serial_number, extensions: vec![reason(random.pick(&[1, 6]))] });
            draft.add(Feature::DeltaRevokes);
        }
        1 => {
            delta.entries.push(Entry { serial_number, extensions: vec![reason(8)] });
            draft.add(Feature::DeltaRemoves);
        }
        _ => {}
    }
    draft.lists.push(delta);
}

/// Somebody else issues the only list about the certificate, as its distribution point says (§5.2.5, §6.3.3 (b)(1)).
fn indirect(draft: &mut Draft, random: &mut Random, list: usize, place: usize) {
    draft.add(Feature::Indirect);
    let key = draft.new_key();
    let mut issuer = Member::authority(write::name("CRL issuer", &[]), key, 0);
    issuer.constraints = None;
    issuer.key_usage = Some(CRL_SIGN);
    let issuer_name = issuer.subject.clone();
    let mut listed = List::of(&issuer);
    if random.chance(25) {
        issuer.key_usage = Some(KEY_CERT_SIGN);
        draft.add(Feature::IndirectIssuerOdd);
    }
    draft.issue_beside(0, issuer);
    let named = writer::element(tag::context(2), &general_name(4, &issuer_name));
    let points = extension("2.5.29.31", false, &writer::sequence(&[&writer::sequence(&[&named])]));
    draft.chain[place].extensions.push(points);
    let scope = writer::sequence(&[&writer::element(tag::context_primitive(4), &[0xFF])]);
    listed.extensions.push(extension("2.5.29.28", true, &scope));
    if random.chance(30) {
        let about = writer::sequence(&[&general_name(4, &draft.chain[place - 1].subject)]);
        let serial_number = draft.chain[place].serial_number.clone();
        let extensions = vec![extension("2.5.29.29", true, &about)];
        listed.entries.push(Entry { serial_number, extensions });
        draft.add(Feature::Revoked);
    }
    if random.chance(20) {
        draft.chain[place - 1].key_usage = Some(KEY_CERT_SIGN);
        draft.add(Feature::NoCrlSign);
    }
    // The authority's own list is still there for what else it issued.
    if random.chance(70) && place == draft.target() {
        draft.lists.remove(list);
    }
    draft.lists.push(listed);
}
