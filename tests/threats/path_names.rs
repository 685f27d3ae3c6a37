//! Name constraints that an authority means and a name tries to get around.

use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::path::{NameFault, PathFault, PathOutcome};
use antin::pki::certificate::Profile;
use antin::pki::profile::subject;
use der::Encode;

use super::path::{Question, authority, chain, extension};
use crate::kit::tree::signer_profile;

const ALTERNATIVE_NAME: &str = "2.5.29.17";
const CONSTRAINTS: &str = "2.5.29.30";

fn dns(name: &str) -> Vec<u8> {
    writer::element(0x82, name.as_bytes())
}

fn mail(name: &str) -> Vec<u8> {
    writer::element(0x81, name.as_bytes())
}

fn uri(name: &str) -> Vec<u8> {
    writer::element(0x86, name.as_bytes())
}

fn ip(octets: &[u8]) -> Vec<u8> {
    writer::element(0x87, octets)
}

fn other(kind: &[u8], text: &str) -> Vec<u8> {
    let value = writer::element(tag::context(0), &writer::utf8_string(text));
    writer::element(tag::context(0), &[writer::object_identifier(kind), value].concat())
}

/// A directory name with this organisation.
fn directory(organization: &str) -> Vec<u8> {
    writer::element(tag::context(4), &subject(organization, "X").expect("a name").to_der().expect("DER"))
}

/// The root of all directory names.
fn every_name() -> Vec<u8> {
    writer::element(tag::context(4), &writer::sequence(&[]))
}

/// The value of nameConstraints; each tail is what stands behind a base.
fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>], tail: &[u8]) -> Vec<u8> {
    let list = |number: u8, bases: &[Vec<u8>]| {
        let subtrees: Vec<Vec<u8>> = bases.iter().map(|base| writer::sequence(&[base, tail])).collect();
        if bases.is_empty() { Vec::new() } else { writer::element(tag::context(number), &subtrees.concat()) }
    };
    writer::sequence(&[&list(0, permitted), &list(1, excluded)])
}

fn leaf(names: &[Vec<u8>]) -> Profile {
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let extensions =
        if names.is_empty() { Vec::new() } else { vec![extension(ALTERNATIVE_NAME, false, &writer::sequence(&names))] };
    Profile { extensions, ..signer_profile("Leaf") }
}

/// A name, permitted and excluded bases, the leaf's names, and what must be wrong.
type Case = (&'static str, Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<Vec<u8>>, Option<NameFault>);

/// What becomes of a leaf with these names below a CA with these constraints.
fn fault_below(constraints: &[u8], critical: bool, names: &[Vec<u8>]) -> Option<NameFault> {
    let ca = Profile { extensions: vec![extension(CONSTRAINTS, critical, constraints)], ..authority("CA") };
    match Question::of(&chain(&[authority("Root"), ca]), &leaf(names)).outcome() {
        PathOutcome::Valid(_) => None,
        PathOutcome::Invalid { fault: PathFault::Name(0, fault), .. } => Some(fault),
        PathOutcome::Invalid { fault, .. } => panic!("{fault:?}"),
    }
}

#[test]
fn x01_names_outside_of_the_permitted_or_within_the_excluded() {
    use NameFault::{Excluded, NotPermitted, NotUnderstood};
    let network = || ip(&[192, 0, 2, 0, 255, 255, 255, 0]);
    let smtp_utf8 = || other(oid::SMTP_UTF8_MAILBOX, "ý@example.vn");
    let user = || other(&[0x2B, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3], "user@example.com");
    let cases: Vec<Case> = vec![
        ("below", vec![dns("example.com")], vec![], vec![dns("a.example.com")], None),
        ("beside", vec![dns("example.com")], vec![], vec![dns("example.org")], Some(NotPermitted)),
        ("one of two", vec![dns("example.com")], vec![], vec![dns("example.com"), dns("a.org")], Some(NotPermitted)),
        ("no dot between", vec![], vec![dns("example.com")], vec![dns("badexample.com")], None),
        ("other case", vec![], vec![dns("example.com")], vec![dns("A.EXAMPLE.COM")], Some(Excluded)),
        (
            "excluded wins",
            vec![dns("example.com")],
            vec![dns("a.example.com")],
            vec![dns("a.example.com")],
            Some(Excluded),
        ),
        (
            "wildcard over an excluded name",
            vec![],
            vec![dns("a.example.com")],
            vec![dns("*.example.com")],
            Some(Excluded),
        ),
        ("dot at the end", vec![dns("example.com")], vec![], vec![dns("a.example.com.")], Some(NotUnderstood)),
        (
            "dot at the end, excluded",
            vec![],
            vec![dns("example.com")],
            vec![dns("a.example.com.")],
            Some(NotUnderstood),
        ),
        ("dot before the base", vec![dns(".example.com")], vec![], vec![dns("a.example.com")], Some(NotUnderstood)),
        ("NUL in the name", vec![dns("example.com")], vec![], vec![dns("a.org\0.example.com")], Some(NotUnderstood)),
        ("host of a mailbox", vec![mail("example.com")], vec![], vec![mail("a@example.com")], None),
        ("mailbox below", vec![mail("example.com")], vec![], vec![mail("a@b.example.com")], Some(NotPermitted)),
        ("mailbox twice", vec![mail("example.com")], vec![], vec![mail("a@b.org@example.com")], Some(NotUnderstood)),
        ("mailbox beyond ASCII", vec![mail("example.com")], vec![], vec![smtp_utf8()], Some(NotUnderstood)),
        ("mailbox beyond ASCII, excluded", vec![], vec![mail("example.vn")], vec![smtp_utf8()], Some(NotUnderstood)),
        ("host of a URI", vec![uri(".example.com")], vec![], vec![uri("https://a.example.com/x")], None),
        (
            "host behind a user",
            vec![uri("example.com")],
            vec![],
            vec![uri("https://example.com@b.org/")],
            Some(NotUnderstood),
        ),
        ("URI without host", vec![], vec![uri("example.com")], vec![uri("urn:a:b")], Some(NotUnderstood)),
        ("address within", vec![network()], vec![], vec![ip(&[192, 0, 2, 9])], None),
        ("address beside", vec![network()], vec![], vec![ip(&[192, 0, 3, 9])], Some(NotPermitted)),
        ("address of another family", vec![network()], vec![], vec![ip(&[0x20; 16])], Some(NotPermitted)),
        (
            "mask with a hole",
            vec![],
            vec![ip(&[10, 0, 0, 0, 255, 0, 255, 0])],
            vec![ip(&[10, 1, 0, 1])],
            Some(NotUnderstood),
        ),
        ("otherName", vec![user()], vec![], vec![user()], Some(NotUnderstood)),
        ("otherName that nobody has", vec![user()], vec![], vec![dns("example.com")], None),
        ("form that nobody constrains", vec![dns("example.com")], vec![], vec![user()], None),
        // The leaf's subject is CN=Leaf of antin.
        ("subject", vec![directory("elsewhere")], vec![], vec![], Some(NotPermitted)),
        ("subject within everything", vec![every_name()], vec![], vec![], None),
        ("subject in everything excluded", vec![], vec![every_name()], vec![], Some(Excluded)),
    ];
    for (name, permitted, excluded, names, expected) in cases {
        let value = constraints(&permitted, &excluded, &[]);
        for critical in [true, false] {
            assert_eq!(fault_below(&value, critical, &names), expected, "{name}, critical {critical}");
        }
    }
    let distant = constraints(&[dns("example.com")], &[], &writer::element(0x80, &[1]));
    assert_eq!(fault_below(&distant, true, &[dns("a.example.com")]), Some(NotUnderstood), "minimum");
    assert_eq!(fault_below(&distant, true, &[mail("a@example.com")]), None, "minimum of another form");
}

#[test]
fn x01_every_authority_counts_and_the_anchor_too() {
    let of = |base: &str| vec![extension(CONSTRAINTS, true, &constraints(&[dns(base)], &[], &[]))];
    let with = |name: &str, base: &str| Profile { extensions: of(base), ..authority(name) };
    let code = |profiles: &[Profile], name: &str| Question::of(&chain(profiles), &leaf(&[dns(name)])).code();
    let narrowing = [authority("Root"), with("First", "example.com"), with("Second", "a.example.com")];
    assert_eq!(code(&narrowing, "b.a.example.com"), "valid");
    assert_eq!(code(&narrowing, "b.example.com"), "name-not-permitted");
    let widening = [authority("Root"), with("First", "a.example.com"), with("Second", "example.com")];
    assert_eq!(code(&widening, "b.example.com"), "name-not-permitted");
    assert_eq!(code(&[with("Root", "example.com")], "example.org"), "name-not-permitted", "of the anchor");
    // A self-issued authority in between is not asked for its names; what it says counts all the same.
    let named = |name: &str| vec![extension(ALTERNATIVE_NAME, false, &writer::sequence(&[&dns(name)]))];
    let rolled = Profile { extensions: named("example.org"), ..authority("First") };
    let through = [authority("Root"), with("First", "example.com"), rolled];
    assert_eq!(code(&through, "a.example.com"), "valid");
    let other = Profile { extensions: named("example.org"), ..authority("Second") };
    let through = [authority("Root"), with("First", "example.com"), other];
    assert_eq!(code(&through, "a.example.com"), "name-not-permitted");
}

#[test]
fn x01_only_a_ca_constrains_names() {
    let value = constraints(&[dns("example.com")], &[], &[]);
    for critical in [true, false] {
        let leaf = Profile { extensions: vec![extension(CONSTRAINTS, critical, &value)], ..signer_profile("Leaf") };
        assert_eq!(Question::of(&chain(&[authority("Root")]), &leaf).code(), "certificate-profile");
    }
}
