//! Certificate policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14) and the inputs of §6.1.1 about them: drawn for the
//! whole chain at once, since one certificate's policies alone mean little.

use antin::core::der::{tag, writer};

use super::draft::{ANY_POLICY as ANY, Draft, Initial};
use super::feature::Feature;
use super::random::Random;
use super::write::{self, extension};

const POLICIES: [&str; 3] = ["1.3.6.1.4.1.32473.1", "1.3.6.1.4.1.32473.2", "1.3.6.1.4.1.32473.3"];

pub const MAPPINGS: &str = "2.5.29.33";
pub const INHIBIT_ANY: &str = "2.5.29.54";

pub fn draw(draft: &mut Draft, random: &mut Random) {
    // Once: two of an extension would be another oddity.
    if draft.features.contains(&Feature::Policies) {
        return;
    }
    draft.add(Feature::Policies);
    if draft.target() > 1 && random.chance(6) {
        return out_of_any(draft, random);
    }
    for place in 0..draft.chain.len() {
        if place == 0 && !random.chance(10) {
            continue;
        }
        let mut extensions: Vec<Vec<u8>> = policies(draft, random).into_iter().collect();
        if place < draft.target() || random.chance(10) {
            extensions.extend(mappings(draft, random, place));
            extensions.extend(constraints(draft, random, place));
            extensions.extend(inhibit_any(draft, random));
        }
        if place == 0 && !extensions.is_empty() {
            draft.add(Feature::PolicyInAnchor);
        }
        draft.chain[place].extensions.extend(extensions);
    }
    if random.chance(75) {
        draft.initial = Initial {
            acceptable: random.pick(&[&[][..], &POLICIES[..1], &POLICIES[1..2], &POLICIES[..2], &[ANY]]).to_vec(),
            require_explicit: random.chance(60),
            inhibit_mapping: random.chance(15),
            inhibit_any: random.chance(35),
        };
        draft.add(Feature::InitialPolicies);
    }
}

/// One authority has anyPolicy alone and maps a policy; whether it may is for the initial inputs to say.
fn out_of_any(draft: &mut Draft, random: &mut Random) {
    let mapped = random.between(1, draft.target() - 1);
    for place in 1..draft.chain.len() {
        let policies = policies_of(&[if place == mapped { ANY } else { POLICIES[0] }]);
        draft.chain[place].extensions.push(policies);
    }
    let pair = writer::sequence(&[&write::identified(POLICIES[0]), &write::identified(POLICIES[0])]);
    draft.chain[mapped].extensions.push(extension(MAPPINGS, true, &writer::sequence(&[&pair])));
    draft.initial = Initial { require_explicit: true, inhibit_any: random.chance(60), ..Initial::default() };
    draft.features.extend([Feature::PolicyMapping, Feature::InitialPolicies]);
}

fn information(policy: &str) -> Vec<u8> {
    writer::sequence(&[&write::identified(policy)])
}

fn policies_of(policies: &[&str]) -> Vec<u8> {
    let information: Vec<Vec<u8>> = policies.iter().map(|policy| information(policy)).collect();
    extension("2.5.29.32", false, &writer::sequence(&[&information.concat()]))
}

/// Most often the first policy, so that one may hold along the path.
fn policies(draft: &mut Draft, random: &mut Random) -> Option<Vec<u8>> {
    let set: &[&str] = match random.below(60) {
        0..30 => &POLICIES[..1],
        30..39 => &POLICIES[..2],
        39..48 => &[ANY],
        48..51 => &[POLICIES[0], ANY],
        51..54 => &POLICIES[1..2],
        54..57 => &POLICIES[2..],
        57 => {
            draft.add(Feature::RepeatedPolicy);
            &[POLICIES[0], POLICIES[0]]
        }
        _ => return None,
    };
    Some(policies_of(set))
}

fn mappings(draft: &mut Draft, random: &mut Random, place: usize) -> Option<Vec<u8>> {
    if place == 0 || !random.chance(35) {
        return None;
    }
    let mut pairs = vec![(random.pick(&POLICIES), random.pick(&POLICIES))];
    if random.chance(30) {
        pairs.push((random.pick(&POLICIES), random.pick(&POLICIES)));
    }
    if random.chance(20) {
        pairs.push(random.pick(&[(ANY, POLICIES[0]), (POLICIES[0], ANY)]));
        draft.add(Feature::MappingOfAny);
    }
    let in_target = place == draft.target();
    draft.add(if in_target { Feature::MappingInTarget } else { Feature::PolicyMapping });
    let pairs = pairs
        .iter()
        .map(|(issuer, subject)| writer::sequence(&[&write::identified(issuer), &write::identified(subject)]));
    Some(extension(MAPPINGS, random.chance(50), &writer::sequence(&[&pairs.collect::<Vec<_>>().concat()])))
}

fn constraints(draft: &mut Draft, random: &mut Random, place: usize) -> Option<Vec<u8>> {
    if !random.chance(if place == 0 { 40 } else { 25 }) {
        return None;
    }
    let skip = |random: &mut Random, number: u8| {
        let certificates = random.below(3) as u8;
        writer::element(tag::context_primitive(number), &[certificates])
    };
    let explicit = if random.chance(60) { skip(random, 0) } else { Vec::new() };
    let mapping = if explicit.is_empty() || random.chance(40) { skip(random, 1) } else { Vec::new() };
    draft.add(Feature::PolicyConstraints);
    Some(extension("2.5.29.36", random.chance(80), &writer::sequence(&[&explicit, &mapping])))
}

fn inhibit_any(draft: &mut Draft, random: &mut Random) -> Option<Vec<u8>> {
    random.chance(15).then(|| {
        draft.add(Feature::InhibitAnyPolicy);
        extension(INHIBIT_ANY, random.chance(80), &write::integer(&[random.below(3) as u8]))
    })
}
