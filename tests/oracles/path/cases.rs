//! The chains: a name, the code that `antin validate-path` must give, and how the chain is made.

use antin::pki::Reason;
use antin::pki::certificate::{Profile, extension, self_sign};
use antin::pki::profile::{DOCUMENT_SIGNING, POLICY};
use const_oid::db::rfc5280;
use der::asn1::{BitString, Uint};
use x509_cert::ext::pkix::crl::dp::{ReasonFlags, Reasons};
use x509_cert::ext::pkix::{BaseCrlNumber, BasicConstraints, CrlReason, KeyUsage, KeyUsages, PolicyConstraints};

use super::lay::{
    AT, Chain, DAY, Purpose, authority, below, certify, chain, chain_for, cross, damaged, key, laid, leaf, list,
    resigned, revoke, unknown_extension, with_crls,
};
use super::variants::{
    at_distribution_point, based, by_reasons, cross_signed, delta, entries, indirect, leaf_entered, named_within,
    of_ca, older_and_newer, purposes, rolled_over, scoped, scoped_by, time_stamping, two_authorities,
};

type Case = (&'static str, &'static str, fn() -> Chain);

const VALID: &str = "valid";
const UNKNOWN: &str = "revocation-status-unknown";

/// The reasons that concern keys.
fn compromised() -> ReasonFlags {
    Reasons::KeyCompromise | Reasons::CaCompromise
}

fn usage(only: KeyUsages) -> Option<KeyUsage> {
    Some(KeyUsage(only.into()))
}

pub const CASES: &[Case] = &[
    // Times (RFC 5280 §6.1.3 (a)(2)).
    ("usual", VALID, || chain(|_| {})),
    ("leaf-expired", "certificate-expired", || chain(|all| all.leaf.not_after = AT.plus_seconds(-1))),
    ("leaf-at-its-last-second", VALID, || chain(|all| all.leaf.not_after = AT)),
    ("leaf-not-yet-valid", "certificate-not-yet-valid", || chain(|all| all.leaf.not_before = AT.plus_seconds(1))),
    ("leaf-at-its-first-second", VALID, || chain(|all| all.leaf.not_before = AT)),
    ("leaf-never-valid", "certificate-not-yet-valid", || {
        chain(|all| {
            all.leaf.not_before = AT.plus_seconds(DAY);
            all.leaf.not_after = AT.plus_seconds(-DAY);
        })
    }),
    ("ca-expired", "certificate-expired", || chain(|all| all.ca.not_after = AT.plus_seconds(-1))),
    ("ca-not-yet-valid", "certificate-not-yet-valid", || chain(|all| all.ca.not_before = AT.plus_seconds(1))),
    ("anchor-expired", VALID, || chain(|all| all.root.not_after = AT.plus_seconds(-1))),
    // Who may issue (§6.1.4 (k) to (n)).
    ("ca-is-none", "certificate-not-a-ca", || {
        chain(|all| all.ca.basic_constraints = Some(BasicConstraints { ca: false, path_len_constraint: None }))
    }),
    ("ca-without-basic-constraints", "certificate-not-a-ca", || chain(|all| all.ca.basic_constraints = None)),
    ("ca-may-not-sign-certificates", "key-usage-not-allowed", || {
        chain(|all| all.ca.key_usage = usage(KeyUsages::CRLSign))
    }),
    ("ca-without-key-usage", VALID, || chain(|all| all.ca.key_usage = None)),
    ("anchor-may-not-sign-certificates", "certificate-not-a-ca", || {
        chain(|all| all.root.key_usage = usage(KeyUsages::CRLSign))
    }),
    ("leaf-issues-a-leaf", "certificate-not-a-ca", || {
        let laid = laid(|_| {});
        let between = below(&laid.ca, &leaf("Between"));
        let links = vec![laid.ca.certificate().clone(), between.certificate().clone()];
        let crls = [laid.chain.crls.clone(), vec![list(&between, |_| {})]].concat();
        Chain { target: certify(&between, &leaf("Below a leaf")), links, crls, ..laid.chain }
    }),
    ("path-length-0-exceeded", "path-length-exceeded", || two_authorities(None, Some(0))),
    ("path-length-1-suffices", VALID, || two_authorities(None, Some(1))),
    ("path-length-of-anchor-exceeded", "path-length-exceeded", || two_authorities(Some(1), None)),
    ("path-length-of-anchor-suffices", VALID, || two_authorities(Some(2), None)),
    ("path-length-0-and-self-issued", VALID, || rolled_over(Some(0))),
    // Which way up (§6.1; RFC 4158).
    ("ca-not-given", "no-trusted-path", || Chain { links: Vec::new(), ..chain(|_| {}) }),
    ("anchor-of-another-name", "no-trusted-path", || {
        let other = self_sign(key(), &authority("Other root")).expect("a root");
        Chain { anchors: vec![other.certificate().clone()], ..chain(|_| {}) }
    }),
    ("anchor-of-the-same-name-and-another-key", "certificate-signature-invalid", || {
        let other = self_sign(key(), &authority("Root")).expect("a root");
        Chain { anchors: vec![other.certificate().clone()], ..chain(|_| {}) }
    }),
    ("ca-of-the-same-name-and-another-key", "certificate-signature-invalid", || {
        let laid = laid(|_| {});
        Chain { links: vec![below(&laid.root, &authority("CA")).certificate().clone()], ..laid.chain }
    }),
    ("leaf-signature-damaged", "certificate-signature-invalid", || {
        let mut chain = chain(|_| {});
        let signature = damaged(chain.target.signature.raw_bytes().to_vec());
        chain.target.signature = BitString::from_bytes(&signature).expect("a bit string");
        chain
    }),
    ("both-cas-of-one-name", VALID, || {
        let laid = laid(|_| {});
        let wrong = below(&laid.root, &authority("CA")).certificate().clone();
        Chain { links: vec![wrong, laid.ca.certificate().clone()], ..laid.chain }
    }),
    ("cross-signed", VALID, || cross_signed(|_| {})),
    ("cross-signed-and-the-way-to-the-anchor-expired", "certificate-expired", || {
        cross_signed(|profile| profile.not_after = AT.plus_seconds(-1))
    }),
    ("two-ways-and-one-expired", VALID, || {
        let laid = laid(|_| {});
        let expired = Profile { not_after: AT.plus_seconds(-1), ..authority("CA") };
        let links = vec![cross(&laid.root, &expired, &laid.ca), laid.ca.certificate().clone()];
        Chain { links, ..laid.chain }
    }),
    ("anchor-rolled-over", VALID, || rolled_over(None)),
    ("two-authorities-in-a-ring", "no-trusted-path", || {
        let (one, other) = (self_sign(key(), &authority("One")), self_sign(key(), &authority("Other")));
        let (one, other) = (one.expect("an authority"), other.expect("an authority"));
        let links = vec![cross(&one, &authority("Other"), &other), cross(&other, &authority("One"), &one)];
        let crls = vec![list(&one, |_| {}), list(&other, |_| {})];
        Chain { links, crls, target: certify(&one, &leaf("Leaf")), ..chain(|_| {}) }
    }),
    ("subordinate-as-anchor", VALID, || {
        let laid = laid(|_| {});
        let crls = vec![list(&laid.ca, |_| {})];
        Chain { anchors: vec![laid.ca.certificate().clone()], links: Vec::new(), crls, ..laid.chain }
    }),
    ("leaf-as-anchor", VALID, || {
        let chain = chain(|_| {});
        Chain { anchors: vec![chain.target.clone()], links: Vec::new(), crls: Vec::new(), ..chain }
    }),
    ("leaf-as-anchor-and-expired", "certificate-expired", || {
        let chain = chain(|all| all.leaf.not_after = AT.plus_seconds(-1));
        Chain { anchors: vec![chain.target.clone()], links: Vec::new(), ..chain }
    }),
    // What the certificates say besides (§4.2, §6.1.4 (o)).
    ("leaf-unknown-critical-extension", "certificate-extension-not-understood", || {
        chain(|all| all.leaf.extensions.push(unknown_extension(true)))
    }),
    ("ca-unknown-critical-extension", "certificate-extension-not-understood", || {
        chain(|all| all.ca.extensions.push(unknown_extension(true)))
    }),
    ("unknown-extensions-not-critical", VALID, || {
        chain(|all| {
            all.ca.extensions.push(unknown_extension(false));
            all.leaf.extensions.push(unknown_extension(false));
        })
    }),
    ("name-constraints-met", VALID, || named_within("example.org", true)),
    ("name-constraints-met-not-critical", VALID, || named_within("example.org", false)),
    ("name-constraints-not-met", "name-not-permitted", || named_within("example.com", true)),
    ("policy-constraints-met", VALID, || {
        chain(|all| {
            let constraints = PolicyConstraints { require_explicit_policy: Some(0), inhibit_policy_mapping: None };
            all.ca.extensions.push(extension(&constraints, true).expect("DER"));
            all.ca.policies = vec![POLICY];
            all.leaf.policies = vec![POLICY];
        })
    }),
    ("serial-number-0", "certificate-profile", || chain(|all| all.leaf.serial_number = Some(vec![0]))),
    // What the key is for (§4.2.1.3, §4.2.1.12; RFC 3161 §2.3).
    ("document-signing-without-extended-key-usage", VALID, || chain_for(Purpose::DocumentSigning, |_| {})),
    ("document-signing-with-email-protection", VALID, || purposes(rfc5280::ID_KP_EMAIL_PROTECTION)),
    ("document-signing-with-document-signing", VALID, || purposes(DOCUMENT_SIGNING)),
    ("document-signing-with-server-authentication", "extended-key-usage-not-allowed", || {
        purposes(rfc5280::ID_KP_SERVER_AUTH)
    }),
    ("document-signing-with-key-agreement", "key-usage-not-allowed", || {
        chain_for(Purpose::DocumentSigning, |all| all.leaf.key_usage = usage(KeyUsages::KeyAgreement))
    }),
    ("document-signing-with-non-repudiation", VALID, || {
        chain_for(Purpose::DocumentSigning, |all| all.leaf.key_usage = usage(KeyUsages::NonRepudiation))
    }),
    ("document-signing-below-a-ca-for-servers", "extended-key-usage-not-allowed", || {
        chain_for(Purpose::DocumentSigning, |all| all.ca.extended_key_usage = vec![rfc5280::ID_KP_SERVER_AUTH])
    }),
    ("any-purpose-with-server-authentication", VALID, || {
        chain(|all| all.leaf.extended_key_usage = vec![rfc5280::ID_KP_SERVER_AUTH])
    }),
    ("time-stamping", VALID, || time_stamping(true, &[])),
    ("time-stamping-not-critical", "extended-key-usage-not-allowed", || time_stamping(false, &[])),
    ("time-stamping-and-more", "extended-key-usage-not-allowed", || {
        time_stamping(true, &[rfc5280::ID_KP_EMAIL_PROTECTION])
    }),
    ("time-stamping-without-extended-key-usage", "extended-key-usage-not-allowed", || {
        chain_for(Purpose::TimeStamping, |_| {})
    }),
    // Revocation (§6.3).
    ("leaf-revoked", "certificate-revoked", || leaf_entered(Reason::KeyCompromise)),
    ("leaf-on-hold", "certificate-suspended", || leaf_entered(Reason::CertificateHold)),
    ("ca-revoked", "ca-certificate-revoked", || {
        with_crls(|laid| {
            let root = list(&laid.root, |list| revoke(list, laid.ca.certificate(), Reason::CaCompromise));
            vec![root, list(&laid.ca, |_| {})]
        })
    }),
    ("another-leaf-revoked", VALID, || {
        with_crls(|laid| {
            let other = certify(&laid.ca, &leaf("Another"));
            vec![list(&laid.root, |_| {}), list(&laid.ca, |list| revoke(list, &other, Reason::KeyCompromise))]
        })
    }),
    ("leaf-entered-to-be-removed", "certificate-revoked", || {
        with_crls(|laid| {
            let revoked = list(&laid.ca, |list| revoke(list, &laid.chain.target, Reason::KeyCompromise));
            let removed = resigned(&revoked, &laid.ca, |list| {
                let reason = extension(&CrlReason::RemoveFromCRL, false).expect("DER");
                entries(list)[0].crl_entry_extensions = Some(vec![reason]);
            });
            vec![list(&laid.root, |_| {}), removed]
        })
    }),
    ("leaf-crl-missing", UNKNOWN, || with_crls(|laid| vec![list(&laid.root, |_| {})])),
    ("ca-crl-missing", UNKNOWN, || with_crls(|laid| vec![list(&laid.ca, |_| {})])),
    ("all-crls-missing", UNKNOWN, || with_crls(|_| Vec::new())),
    ("crl-stale", "revocation-data-stale", || of_ca(|list| list.next_update = AT.plus_seconds(-1))),
    ("crl-at-its-last-second", VALID, || of_ca(|list| list.next_update = AT)),
    ("crl-from-the-future", UNKNOWN, || of_ca(|list| list.this_update = AT.plus_seconds(1))),
    ("crl-without-an-end", "revocation-data-stale", || {
        with_crls(|laid| {
            let open = resigned(&list(&laid.ca, |_| {}), &laid.ca, |list| list.tbs_cert_list.next_update = None);
            vec![list(&laid.root, |_| {}), open]
        })
    }),
    ("leaf-revoked-in-a-stale-crl", "certificate-revoked", || {
        with_crls(|laid| {
            let stale = list(&laid.ca, |list| {
                revoke(list, &laid.chain.target, Reason::KeyCompromise);
                list.next_update = AT.plus_seconds(-1);
            });
            vec![list(&laid.root, |_| {}), stale]
        })
    }),
    ("leaf-revoked-in-the-newer-crl", "certificate-revoked", || older_and_newer(false)),
    ("leaf-released-in-the-newer-crl", VALID, || older_and_newer(true)),
    ("crl-by-another-key", UNKNOWN, || {
        with_crls(|laid| {
            let other = self_sign(key(), &authority("CA")).expect("an authority");
            vec![list(&laid.root, |_| {}), list(&other, |_| {})]
        })
    }),
    ("crl-signature-damaged", UNKNOWN, || {
        with_crls(|laid| vec![list(&laid.root, |_| {}), damaged(list(&laid.ca, |_| {}))])
    }),
    ("crl-by-a-ca-that-may-not", UNKNOWN, || chain(|all| all.ca.key_usage = usage(KeyUsages::KeyCertSign))),
    ("crl-unknown-critical-extension", UNKNOWN, || scoped(unknown_extension(true))),
    ("crl-unknown-extension-not-critical", VALID, || scoped(unknown_extension(false))),
    ("crl-entry-unknown-critical-extension", UNKNOWN, || {
        with_crls(|laid| {
            let other = certify(&laid.ca, &leaf("Another"));
            let revoked = list(&laid.ca, |list| revoke(list, &other, Reason::Unspecified));
            let marked = resigned(&revoked, &laid.ca, |list| {
                entries(list)[0].crl_entry_extensions = Some(vec![unknown_extension(true)]);
            });
            vec![list(&laid.root, |_| {}), marked]
        })
    }),
    ("crl-for-users", VALID, || scoped_by(|scope| scope.only_contains_user_certs = true)),
    ("crl-for-authorities", UNKNOWN, || scoped_by(|scope| scope.only_contains_ca_certs = true)),
    ("crl-for-attribute-certificates", UNKNOWN, || scoped_by(|scope| scope.only_contains_attribute_certs = true)),
    ("crl-for-all", VALID, || scoped_by(|_| {})),
    ("crl-of-the-leafs-distribution-point", VALID, || {
        at_distribution_point("http://crl.example/1", "http://crl.example/1")
    }),
    ("crl-of-another-distribution-point", UNKNOWN, || {
        at_distribution_point("http://crl.example/1", "http://crl.example/2")
    }),
    ("delta-crl-alone", UNKNOWN, || {
        let base = BaseCrlNumber(Uint::new(&[1]).expect("an integer"));
        scoped(extension(&base, true).expect("DER"))
    }),
    ("delta-crl-that-fits", VALID, || based(1, None, None)),
    ("delta-crl-that-revokes", "certificate-revoked", || based(1, None, Some(CrlReason::KeyCompromise))),
    ("delta-crl-that-lifts-a-hold", VALID, || based(1, Some(Reason::CertificateHold), Some(CrlReason::RemoveFromCRL))),
    ("delta-crl-that-lifts-no-hold", "certificate-suspended", || based(1, Some(Reason::CertificateHold), None)),
    ("delta-crl-of-a-later-base", "certificate-suspended", || {
        based(2, Some(Reason::CertificateHold), Some(CrlReason::RemoveFromCRL))
    }),
    ("delta-crl-of-the-same-number", "certificate-suspended", || {
        delta(1, 1, Some(Reason::CertificateHold), Some(CrlReason::RemoveFromCRL))
    }),
    ("indirect-crl", VALID, || indirect(false, true)),
    ("indirect-crl-that-revokes", "certificate-revoked", || indirect(true, true)),
    ("indirect-crl-below-another-root", UNKNOWN, || indirect(true, false)),
    ("crls-for-all-reasons-together", VALID, || by_reasons(&[compromised(), !compromised()])),
    ("crls-for-some-reasons", UNKNOWN, || by_reasons(&[compromised()])),
];
