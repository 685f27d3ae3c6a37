//! Chains that several cases share, each with one thing left open.

use antin::pki::Reason;
use antin::pki::certificate::{Profile, extension, self_sign};
use antin::pki::crl::RevocationList;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::asn1::Ia5String;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{BasicConstraints, NameConstraints};

use super::lay::{
    AT, Chain, DAY, Purpose, authority, below, certify, chain, chain_for, cross, extended, key, laid, leaf, list,
    revoke, with_crls,
};

/// Root, CA, second CA and leaf; with the path lengths that the first two state.
pub fn two_authorities(of_root: Option<u8>, of_ca: Option<u8>) -> Chain {
    let stating = |limit| Some(BasicConstraints { ca: true, path_len_constraint: limit });
    let laid = laid(|all| {
        all.root.basic_constraints = stating(of_root);
        all.ca.basic_constraints = stating(of_ca);
    });
    let second = below(&laid.ca, &authority("Second CA"));
    let mut chain = Chain { target: certify(&second, &leaf("Leaf")), ..laid.chain };
    chain.links.push(second.certificate().clone());
    chain.crls.push(list(&second, |_| {}));
    chain
}

/// The CA has a new key, certified by its old one: old CA, self-issued CA, leaf. `limit` is the old CA's path length.
pub fn rolled_over(limit: Option<u8>) -> Chain {
    let laid = laid(|all| all.ca.basic_constraints = Some(BasicConstraints { ca: true, path_len_constraint: limit }));
    let new = below(&laid.ca, &authority("CA"));
    let mut chain = Chain { target: certify(&new, &leaf("Leaf")), ..laid.chain };
    chain.links.push(new.certificate().clone());
    // One name, two keys, two lists: each certificate is looked for in that of the key that issued it.
    chain.crls.push(list(&new, |_| {}));
    chain
}

/// The CA is certified by two roots; the one trusted is not the one it was first issued by. `edit` changes the certificate that
/// leads to the anchor.
pub fn cross_signed(edit: impl FnOnce(&mut Profile)) -> Chain {
    let laid = laid(|_| {});
    let second = self_sign(key(), &authority("Second root")).expect("a root");
    let mut profile = authority("CA");
    edit(&mut profile);
    let links = vec![laid.ca.certificate().clone(), cross(&second, &profile, &laid.ca)];
    let crls = vec![list(&second, |_| {}), list(&laid.ca, |_| {})];
    Chain { anchors: vec![second.certificate().clone()], links, crls, ..laid.chain }
}

/// The CA may issue for one DNS domain; the leaf is `leaf.example.org`.
pub fn named_within(domain: &str, critical: bool) -> Chain {
    chain(|all| {
        let base = GeneralName::DnsName(Ia5String::new(domain).expect("ASCII"));
        let permitted = vec![GeneralSubtree { base, minimum: 0, maximum: None }];
        let constraints = NameConstraints { permitted_subtrees: Some(permitted), excluded_subtrees: None };
        all.ca.extensions.push(extension(&constraints, critical).expect("DER"));
        let name = Ia5String::new("leaf.example.org").expect("ASCII");
        all.leaf.alternative_names = vec![GeneralName::DnsName(name)];
    })
}

/// A signer of documents with one extended key usage.
pub fn purposes(usage: ObjectIdentifier) -> Chain {
    chain_for(Purpose::DocumentSigning, |all| all.leaf.extended_key_usage = vec![usage])
}

/// A time-stamping authority, with further extended key usages.
pub fn time_stamping(critical: bool, more: &[ObjectIdentifier]) -> Chain {
    chain_for(Purpose::TimeStamping, |all| {
        all.leaf.extended_key_usage = [&[rfc5280::ID_KP_TIME_STAMPING], more].concat();
        all.leaf.extended_key_usage_critical = critical;
    })
}

/// The leaf stands in its CA's list for a reason.
pub fn leaf_entered(reason: Reason) -> Chain {
    with_crls(|laid| vec![list(&laid.root, |_| {}), list(&laid.ca, |list| revoke(list, &laid.chain.target, reason))])
}

/// The CA's list is another than usual.
pub fn of_ca(edit: impl FnOnce(&mut RevocationList)) -> Chain {
    with_crls(|laid| vec![list(&laid.root, |_| {}), list(&laid.ca, edit)])
}

/// Two lists of the CA, a day apart; the leaf is on hold in the older one or in the newer one. The newer is given first.
pub fn older_and_newer(older_has_it: bool) -> Chain {
    with_crls(|laid| {
        let enter = |list: &mut RevocationList, enters: bool| {
            if enters {
                revoke(list, &laid.chain.target, Reason::KeyCompromise);
            }
        };
        let older = list(&laid.ca, |list| {
            list.this_update = AT.plus_seconds(-3 * DAY);
            enter(list, older_has_it);
        });
        let newer = list(&laid.ca, |list| {
            list.number = 2;
            enter(list, !older_has_it);
        });
        vec![newer, older, list(&laid.root, |_| {})]
    })
}

/// The CA's list has one more extension.
pub fn scoped(extension: Extension) -> Chain {
    with_crls(|laid| vec![list(&laid.root, |_| {}), extended(&list(&laid.ca, |_| {}), &laid.ca, extension)])
}

/// The CA's list has an issuing distribution point (RFC 5280 §5.2.5).
pub fn scoped_by(edit: impl FnOnce(&mut IssuingDistributionPoint)) -> Chain {
    scoped(distribution_point(edit))
}

fn distribution_point(edit: impl FnOnce(&mut IssuingDistributionPoint)) -> Extension {
    let mut scope = IssuingDistributionPoint {
        distribution_point: None,
        only_contains_user_certs: false,
        only_contains_ca_certs: false,
        only_some_reasons: None,
        indirect_crl: false,
        only_contains_attribute_certs: false,
    };
    edit(&mut scope);
    // x509-cert 0.2.5 gives this extension the identifier of another.
    Extension { extn_id: rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT, ..extension(&scope, true).expect("DER") }
}

/// The leaf names a distribution point, and the CA's list says of which one it is.
pub fn at_distribution_point(of_leaf: &str, of_list: &str) -> Chain {
    let url = |text: &str| Ia5String::new(text).expect("ASCII");
    let mut laid = laid(|all| all.leaf.crl_urls = vec![url(of_leaf)]);
    let name = GeneralName::UniformResourceIdentifier(url(of_list));
    let point =
        distribution_point(|scope| scope.distribution_point = Some(DistributionPointName::FullName(vec![name])));
    laid.chain.crls = vec![list(&laid.root, |_| {}), extended(&list(&laid.ca, |_| {}), &laid.ca, point)];
    laid.chain
}

/// The entries of a list that has some.
pub fn entries(list: &mut CertificateList) -> &mut Vec<RevokedCert> {
    list.tbs_cert_list.revoked_certificates.as_mut().expect("the list has entries")
}
