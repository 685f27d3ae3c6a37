//! Chains that several cases share, each with one thing left open.

use antin::pki::Reason;
use antin::pki::certificate::{Profile, extension, self_sign};
use antin::pki::crl::RevocationList;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::Encode;
use der::asn1::{Ia5String, OctetString, Uint};
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::crl::dp::{DistributionPoint, IssuingDistributionPoint, ReasonFlags};
use x509_cert::ext::pkix::crl::{BaseCrlNumber, CrlDistributionPoints, CrlReason, FreshestCrl};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, NameConstraints};

use super::lay::{
    AT, Chain, DAY, Purpose, authority, below, certify, chain, chain_for, cross, extended, key, laid, leaf, list,
    resigned, revoke, with_crls,
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

/// As [`delta`], of number 2.
pub fn based(base: u8, listed: Option<Reason>, changed: Option<CrlReason>) -> Chain {
    delta(base, 2, listed, changed)
}

/// The CA's list of the usual time, number 1, and a newer delta to `base`; each with the leaf for a reason, or without.
pub fn delta(base: u8, number: u128, listed: Option<Reason>, changed: Option<CrlReason>) -> Chain {
    with_crls(|laid| {
        let complete = list(&laid.ca, |list| {
            if let Some(reason) = listed {
                revoke(list, &laid.chain.target, reason);
            }
        });
        // OpenSSL looks for deltas only where one is spoken of.
        let complete = extended(&complete, &laid.ca, extension(&FreshestCrl(vec![at_url()]), false).expect("DER"));
        let delta = list(&laid.ca, |list| {
            list.number = number;
            list.this_update = AT.plus_seconds(-DAY / 2);
            if changed.is_some() {
                revoke(list, &laid.chain.target, Reason::CertificateHold);
            }
        });
        let indicator = BaseCrlNumber(Uint::new(&[base]).expect("an integer"));
        let delta = extended(&delta, &laid.ca, extension(&indicator, true).expect("DER"));
        let delta = resigned(&delta, &laid.ca, |list| {
            if let Some(reason) = changed {
                entries(list)[0].crl_entry_extensions = Some(vec![extension(&reason, false).expect("DER")]);
            }
        });
        vec![list(&laid.root, |_| {}), complete, delta]
    })
}

fn at_url() -> DistributionPoint {
    let url = GeneralName::UniformResourceIdentifier(Ia5String::new("http://crl.example/delta").expect("ASCII"));
    let distribution_point = Some(DistributionPointName::FullName(vec![url]));
    DistributionPoint { distribution_point, reasons: None, crl_issuer: None }
}

/// The leaf names an issuer of CRLs beside the CA, whose indirect list is the only one about it; that issuer is below the root or
/// below nobody held.
pub fn indirect(leaf_is_listed: bool, held: bool) -> Chain {
    let root = self_sign(key(), &authority("Root")).expect("a root");
    let nobody = self_sign(key(), &authority("Nobody")).expect("a root");
    let profile = Profile {
        basic_constraints: None,
        key_usage: Some(KeyUsage(KeyUsages::CRLSign.into())),
        ..authority("CRL issuer")
    };
    let crl_issuer = below(if held { &root } else { &nobody }, &profile);
    let ca = below(&root, &authority("CA"));
    let named = DistributionPoint {
        distribution_point: None,
        reasons: None,
        crl_issuer: Some(vec![GeneralName::DirectoryName(crl_issuer.name().clone())]),
    };
    let mut profile = leaf("Leaf");
    profile.extensions.push(extension(&CrlDistributionPoints(vec![named]), false).expect("DER"));
    let target = certify(&ca, &profile);
    let listed = list(&crl_issuer, |list| {
        if leaf_is_listed {
            revoke(list, &target, Reason::KeyCompromise);
        }
    });
    let listed = extended(&listed, &crl_issuer, distribution_point(|scope| scope.indirect_crl = true));
    let listed = resigned(&listed, &crl_issuer, |list| {
        let issuer = vec![GeneralName::DirectoryName(ca.name().clone())];
        let extn_value = OctetString::new(issuer.to_der().expect("DER")).expect("octets");
        let about = Extension { extn_id: rfc5280::ID_CE_CERTIFICATE_ISSUER, critical: true, extn_value };
        for entry in list.tbs_cert_list.revoked_certificates.iter_mut().flatten() {
            entry.crl_entry_extensions.get_or_insert_default().push(about.clone());
        }
    });
    let links = vec![ca.certificate().clone(), crl_issuer.certificate().clone()];
    let crls = vec![list(&root, |_| {}), listed, list(&nobody, |_| {})];
    Chain { purpose: Purpose::Any, anchors: vec![root.certificate().clone()], links, crls, target }
}

/// The CA's list split by reasons: each part, if it is there, about these.
pub fn by_reasons(parts: &[ReasonFlags]) -> Chain {
    with_crls(|laid| {
        let part = |reasons: &ReasonFlags| {
            let scope = distribution_point(|scope| scope.only_some_reasons = Some(*reasons));
            extended(&list(&laid.ca, |_| {}), &laid.ca, scope)
        };
        parts.iter().map(part).chain([list(&laid.root, |_| {})]).collect()
    })
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
