//! Name constraints (RFC 5280 §4.2.1.10) of an authority or two, and names below them that meet them or do not.

use antin::core::der::{tag, writer};

use super::draft::Draft;
use super::feature::Feature;
use super::random::Random;
use super::write::{self, extension, general_name};

/// A form of names: its number in `GeneralName`, names, constraints, and those of both that are odd.
struct Form {
    feature: Feature,
    number: u8,
    names: &'static [&'static [u8]],
    constraints: &'static [&'static [u8]],
    odd_names: &'static [&'static [u8]],
    odd_constraints: &'static [&'static [u8]],
}

const FORMS: [Form; 4] = [
    Form {
        feature: Feature::DomainNames,
        number: 2,
        names: &[b"example.org", b"a.example.org", b"b.a.EXAMPLE.org", b"notexample.org", b"example.com"],
        constraints: &[b"example.org", b"a.example.org", b"org", b"example.com", b""],
        odd_names: &[b"*.example.org", b"example.org.", b"a..org", b"192.0.2.1"],
        odd_constraints: &[b".example.org", b"*.example.org"],
    },
    Form {
        feature: Feature::Mailboxes,
        number: 1,
        names: &[b"a@example.org", b"A@example.org", b"a@EXAMPLE.org", b"b@a.example.org", b"b@example.com"],
        constraints: &[b"example.org", b".example.org", b"a@example.org", b"example.com"],
        odd_names: &[b"a@b@example.org", b"\"a b\"@example.org", b"a"],
        odd_constraints: &[b"", b"@example.org"],
    },
    Form {
        feature: Feature::Locators,
        number: 6,
        names: &[b"https://example.org/x", b"ldap://a.example.org:389", b"http://EXAMPLE.org", b"http://example.com/"],
        constraints: &[b"example.org", b".example.org", b"example.com"],
        odd_names: &[b"urn:x:y", b"http://192.0.2.1/", b"http://u@example.org/"],
        odd_constraints: &[b"", b"http://example.org"],
    },
    Form {
        feature: Feature::Addresses,
        number: 7,
        names: &[
            &[192, 0, 2, 7],
            &[192, 0, 3, 7],
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0x20, 1, 0xd, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ],
        constraints: &[
            &[192, 0, 2, 0, 255, 255, 255, 0],
            &[0, 0, 0, 0, 0, 0, 0, 0],
            &[
                0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0,
            ],
        ],
        odd_names: &[&[192, 0, 2], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7]],
        odd_constraints: &[&[192, 0, 2, 0, 255, 0, 255, 0], &[192, 0, 2]],
    },
];

const SUBJECT_ALT_NAME: &str = "2.5.29.17";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

pub fn draw(draft: &mut Draft, random: &mut Random) {
    // Once: two of an extension would be another oddity.
    if draft.features.iter().any(|drawn| [Feature::NameConstraints, Feature::EmptySubject].contains(drawn)) {
        return;
    }
    draft.add(Feature::NameConstraints);
    let mut names = Vec::new();
    let mut subtrees = [Vec::new(), Vec::new()];
    for _ in 0..random.pick(&[1, 1, 2]) {
        // Most often what is named is permitted or not excluded.
        let excluded = usize::from(random.chance(30));
        if random.chance(25) {
            draft.add(Feature::DirectoryNames);
            subtrees[excluded].push(directory_subtree(draft, random));
            continue;
        }
        let form = &FORMS[random.below(FORMS.len())];
        draft.add(form.feature);
        let odd = random.chance(12);
        if odd {
            draft.add(Feature::OddNames);
        }
        let odd_name = odd && random.chance(50);
        let name = random.pick(if odd_name { form.odd_names } else { form.names });
        let constraint = random.pick(if odd && !odd_name { form.odd_constraints } else { form.constraints });
        if constraint.is_empty() && form.number == 2 {
            draft.add(Feature::EmptyConstraint);
        }
        if form.number == 1 && random.chance(30) {
            let text = String::from_utf8_lossy(name);
            let mailbox = write::attribute(EMAIL_ADDRESS, tag::IA5_STRING, &text);
            let target = draft.target();
            draft.chain[target].subject = write::name("Signer", &[mailbox]);
            draft.add(Feature::SubjectMailbox);
        } else {
            names.push(general_name(form.number, name));
        }
        subtrees[excluded].push(writer::sequence(&[&general_name(form.number, constraint)]));
    }
    let target = draft.target();
    if !names.is_empty() {
        let names = writer::sequence(&[&names.concat()]);
        draft.chain[target].extensions.push(extension(SUBJECT_ALT_NAME, random.chance(20), &names));
    }
    let place = if random.chance(5) { target } else { random.below(target) };
    let critical = random.chance(85);
    if !critical {
        draft.add(Feature::ConstraintsNotCritical);
    }
    match place {
        0 => draft.add(Feature::ConstraintsInAnchor),
        _ if place == target => draft.add(Feature::ConstraintsInTarget),
        _ => {}
    }
    let [permitted, excluded] = subtrees.map(|subtrees| subtrees.concat());
    let list = |number, subtrees: &[u8]| match subtrees {
        [] => Vec::new(),
        some => writer::element(tag::context(number), some),
    };
    let value = writer::sequence(&[&list(0, &permitted), &list(1, &excluded)]);
    draft.chain[place].extensions.push(extension(NAME_CONSTRAINTS, critical, &value));
}

/// A part of a name: the usual one, in other letters, or another.
fn directory_subtree(draft: &mut Draft, random: &mut Random) -> Vec<u8> {
    let country = |code| write::attribute("2.5.4.6", tag::PRINTABLE_STRING, code);
    let organization = |text| write::attribute("2.5.4.10", tag::UTF8_STRING, text);
    let attributes = match random.below(6) {
        0 | 1 => vec![country("VN")],
        2 => vec![country("VN"), organization("Cơ quan thử nghiệm")],
        3 => {
            draft.add(Feature::FoldedName);
            vec![country("vn"), organization("Cơ  quan THỬ nghiệm")]
        }
        4 => vec![country("LA")],
        _ => vec![organization("Cơ quan thử nghiệm")],
    };
    writer::sequence(&[&general_name(4, &writer::sequence(&[&attributes.concat()]))])
}
