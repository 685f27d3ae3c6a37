//! Why antin's answer stands where an oracle gives the other one. A rule about OpenSSL names what has to be changed in the chain for
//! both to agree ([`super::remedy`]); those about certvalidator do not, and say no more than that they are about the same chains,
//! each of which OpenSSL has been heard about.

use super::VALID;
use super::draft::Chain;
use super::feature::Feature::*;
use super::remedy::{self, Remedy};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oracle {
    OpenSsl,
    Certvalidator,
}

impl Oracle {
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "OpenSSL",
            Self::Certvalidator => "certvalidator",
        }
    }
}

/// A kind of difference.
pub struct Rule {
    pub name: &'static str,
    pub oracle: Oracle,
    /// antin's codes where it alone refuses; none: it never does.
    pub ours: &'static [&'static str],
    /// Parts of what the oracle says where it alone refuses; none: it never does.
    pub theirs: &'static [&'static str],
    /// What is in the chain.
    pub when: fn(&Chain) -> bool,
    /// What would have to be otherwise for both to agree: they are heard again, and must. Where antin accepts the chain, both must
    /// accept it then.
    pub remedy: Option<Remedy>,
    /// It may explain nothing in the usual run.
    pub is_rare: bool,
}

impl Rule {
    pub fn explains(&self, ours: &str, theirs: &str, chain: &Chain) -> bool {
        let said = if ours == VALID {
            self.theirs.iter().any(|part| theirs.contains(part))
        } else {
            self.ours.contains(&ours)
        };
        said && (self.when)(chain)
    }
}

/// antin refuses, for one of these reasons, what the oracle accepts.
const fn refused(oracle: Oracle, name: &'static str, ours: &'static [&'static str], when: fn(&Chain) -> bool) -> Rule {
    Rule { name, oracle, ours, theirs: &[], when, remedy: None, is_rare: false }
}

/// antin accepts what the oracle refuses, saying one of these.
const fn accepted(
    oracle: Oracle,
    name: &'static str,
    theirs: &'static [&'static str],
    when: fn(&Chain) -> bool,
) -> Rule {
    Rule { name, oracle, ours: &[], theirs, when, remedy: None, is_rare: false }
}

/// antin refuses and the oracle accepts, or the other way round: both read the same octets otherwise.
const fn either(
    oracle: Oracle,
    name: &'static str,
    ours: &'static [&'static str],
    theirs: &'static [&'static str],
    when: fn(&Chain) -> bool,
) -> Rule {
    Rule { name, oracle, ours, theirs, when, remedy: None, is_rare: false }
}

impl Rule {
    /// With this changed, both agree.
    const fn but_for(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    const fn rare(mut self) -> Self {
        self.is_rare = true;
        self
    }
}

use Oracle::{Certvalidator, OpenSsl};
use Remedy::{Drawn, WayShown};

/// The codes of antin that tell of missing or unusable revocation data.
const UNDETERMINED: &[&str] = &["revocation-status-unknown", "revocation-data-stale", "revocation-data-unclear"];
const NAMES: &[&str] = &["name-not-permitted", "name-excluded", "name-constraint-not-understood"];
const REVOKED: &[&str] = &["certificate-revoked", "ca-certificate-revoked", "certificate-suspended"];

pub const RULES: &[Rule] = &[
    // A serial number is positive (RFC 5280 §4.1.2.2): OpenSSL does not ask, nor does certvalidator.
    refused(OpenSsl, "serial-not-positive", &["certificate-profile"], |chain| chain.has(SerialNotPositive))
        .but_for(Drawn(remedy::serial_numbers)),
    refused(Certvalidator, "serial-not-positive", &["certificate-profile"], |chain| chain.has(SerialNotPositive)),
    // Only an authority constrains names (§4.2.1.10).
    refused(OpenSsl, "target-constrains-names", &["certificate-profile"], |chain| chain.has(ConstraintsInTarget))
        .but_for(Drawn(remedy::constraints_in_target)),
    refused(Certvalidator, "target-constrains-names", &["certificate-profile"], |chain| chain.has(ConstraintsInTarget)),
    // Keys below 256 bits are not listed (TS 119 312 §8.4, Circular 15/2025); OpenSSL's level 2 asks for 224.
    refused(OpenSsl, "small-curve", &["certificate-algorithm-unknown"], |chain| chain.has(SmallCurve))
        .but_for(Drawn(remedy::target_key)),
    refused(Certvalidator, "small-curve", &["certificate-algorithm-unknown"], |chain| chain.has(SmallCurve)),
    // RSA of 1024 bits likewise; certvalidator has no lower limit for the target's own key.
    refused(Certvalidator, "weak-key", &["certificate-key-weak"], |chain| chain.has(WeakKey)),
    // SHA-1 under a list proves nothing (RFC 9155, TS 119 312 §7.2); OpenSSL's level is about certificates alone.
    refused(OpenSsl, "list-weak-digest", UNDETERMINED, |chain| chain.has(ListWeakDigest))
        .but_for(Drawn(remedy::list_digests)),
    refused(Certvalidator, "list-weak-digest", UNDETERMINED, |chain| chain.has(ListWeakDigest)),
    // What the anchor's own certificate forbids is honoured (RFC 5937 §3.2).
    refused(OpenSsl, "anchor-is-no-authority", &["certificate-not-a-ca"], |chain| {
        chain.has_any(&[AnchorBasicConstraints, SubordinateAnchor])
    })
    .but_for(Drawn(remedy::anchor_is_authority)),
    refused(
        Certvalidator,
        "anchor-constrains",
        &[
            "certificate-not-a-ca",
            "path-length-exceeded",
            "name-not-permitted",
            "name-excluded",
            "name-constraint-not-understood",
            "certificate-extension-not-understood",
            "certificate-policy-not-valid",
        ],
        |chain| {
            chain.has_any(&[
                AnchorBasicConstraints,
                AnchorKeyUsage,
                PathLength,
                ConstraintsInAnchor,
                UnknownCriticalInAnchor,
                PolicyInAnchor,
                SubordinateAnchor,
                PathLengthWithoutAuthority,
                KeyUsage,
                VersionOne,
                KeyUsageEmpty,
                TwinAnchor,
            ])
        },
    ),
    refused(
        OpenSsl,
        "policies-of-anchor",
        &["certificate-policy-not-valid", "certificate-extension-not-understood"],
        |chain| chain.has(Policies) && chain.has_any(&[PolicyInAnchor, SubordinateAnchor]),
    )
    .but_for(Drawn(remedy::policies_of_anchor)),
    // Once it is inhibited, anyPolicy is not processed (§6.1.3 (d)(2)), so that a mapping finds no node (§6.1.4 (b)(1)); OpenSSL
    // 3.0 makes one out of the extension as it stands.
    refused(OpenSsl, "mapping-out-of-inhibited-any-policy", &["certificate-policy-not-valid"], |chain| {
        chain.has_any(&[PolicyMapping, MappingInTarget])
            && (chain.draft.initial.inhibit_any || chain.has(InhibitAnyPolicy))
    })
    .but_for(Drawn(remedy::any_policy_inhibited)),
    // A mapping says how to go on below (§6.1.4), and below the target is nothing; OpenSSL applies it to the target itself.
    accepted(OpenSsl, "mapping-in-target", &["no explicit policy", "invalid or inconsistent"], |chain| {
        chain.has(MappingInTarget)
    })
    .but_for(Drawn(remedy::mapping_in_target)),
    // To map to or from anyPolicy is wrong whatever the graph (§6.1.4 (a)); OpenSSL no longer looks once its tree is empty.
    refused(OpenSsl, "mapping-of-any-policy", &["policy-mapping-not-allowed"], |chain| chain.has(MappingOfAny))
        .but_for(Drawn(remedy::mapping_of_any)),
    // A policy stands in a certificate once (§4.2.1.4).
    refused(Certvalidator, "repeated-policy", &["certificate-extension-not-understood"], |chain| {
        chain.has(RepeatedPolicy)
    }),
    // At most one of each extension (§4.2); OpenSSL looks for that only where it knows the extension.
    refused(OpenSsl, "repeated-extension", &["certificate-not-der", "certificate-not-a-ca"], |chain| {
        chain.draft.features.iter().filter(|feature| matches!(feature, UnknownExtension)).count() > 1
    })
    .but_for(Drawn(remedy::repeated_extension))
    .rare(),
    refused(Certvalidator, "repeated-extension", &["certificate-not-der"], |chain| chain.has(RepeatedExtension)),
    // A name or constraint that cannot be understood permits nothing (§4.2.1.10, last paragraph but one).
    refused(OpenSsl, "odd-names", &["name-constraint-not-understood", "name-excluded"], |chain| chain.has(OddNames))
        .but_for(Drawn(remedy::name_constraints)),
    // A wildcard or a stray dot is read by certvalidator one way or the other.
    either(
        Certvalidator,
        "odd-names",
        &["name-constraint-not-understood"],
        &["UnicodeError", "not all names"],
        |chain| chain.has(OddNames),
    ),
    // Zero or more labels before the base (§4.2.1.10): no labels at all hold every domain name.
    either(Certvalidator, "empty-constraint", &["name-excluded"], &["not all names"], |chain| {
        chain.has(EmptyConstraint)
    }),
    // Stricter than §4.2.1.10: a mailbox in the subject counts also beside alternative names; and to exclude one mailbox excludes it
    // in any case, since few hosts tell A@ from a@ (RFC 5321 §2.4).
    refused(OpenSsl, "mailboxes", NAMES, |chain| chain.has_any(&[Mailboxes, SubjectMailbox]))
        .but_for(Drawn(remedy::name_constraints)),
    refused(Certvalidator, "mailboxes", NAMES, |chain| chain.has_any(&[Mailboxes, SubjectMailbox])),
    // Names are compared after case folding of the whole of Unicode (§7.1, RFC 4518 §2.2); OpenSSL folds ASCII alone.
    either(OpenSsl, "case-beyond-ascii", &["name-excluded"], &["permitted subtree violation"], |chain| {
        chain.has(FoldedName)
    })
    .but_for(Drawn(remedy::letter_beyond_ascii)),
    // removeFromCRL belongs to deltas and lifts holds alone (§5.3.1): in a complete list it is an entry like any other.
    refused(OpenSsl, "entered-to-be-removed", REVOKED, |chain| {
        chain.has(RemoveFromCrl) || chain.has(DeltaRemoves) && chain.has_any(&[Revoked, EntryUnknownCritical])
    })
    .but_for(Drawn(remedy::entered_to_be_removed)),
    refused(Certvalidator, "entered-to-be-removed", REVOKED, |chain| chain.has(RemoveFromCrl)),
    // nextUpdate is mandatory (§5.1.2.5): without it nobody knows how long the list holds.
    refused(OpenSsl, "list-without-end", UNDETERMINED, |chain| chain.has(ListWithoutEnd))
        .but_for(Drawn(remedy::list_without_end)),
    // The newest list of a scope decides, also when it is stale: an older one could be chosen for what it leaves out (§6.3.3 (a)).
    refused(OpenSsl, "newest-list-is-stale", UNDETERMINED, |chain| {
        chain.has(TwoLists) && chain.has(ListStale) || chain.has(DeltaStale)
    })
    .but_for(Drawn(remedy::stale_lists)),
    refused(Certvalidator, "newest-list-is-stale", UNDETERMINED, |chain| chain.has(TwoLists) && chain.has(ListStale)),
    // A delta is no list by itself (§5.2.4): one for some reasons OpenSSL takes for a complete one, newer than its own base.
    refused(OpenSsl, "delta-for-some-reasons", REVOKED, |chain| {
        chain.has(Delta) && chain.has_any(&[SomeReasons, AllReasons])
    })
    .but_for(Drawn(remedy::delta_for_some_reasons))
    .rare(),
    // What a list reveals against a certificate counts even where the list is stale, its base is missing, or its scope another.
    refused(OpenSsl, "revealed-by-unusable-list", REVOKED, |chain| {
        chain.has_any(&[DeltaOddBase, DeltaStale, ListStale, TwoLists, Indirect])
            || chain.has(DeltaRevokes) && chain.has(Scope)
            || chain.has_any(&[PointDiffers, OnlyAttributes]) && chain.has(SelfIssued)
    })
    .but_for(Drawn(remedy::revocations)),
    refused(Certvalidator, "revealed-by-unusable-list", REVOKED, |chain| {
        chain.has_any(&[DeltaOddBase, DeltaStale, ListStale, TwoLists, Indirect])
            || chain.has(DeltaRevokes) && chain.has(SelfIssued)
    }),
    // Who issues lists needs a valid path of its own (§6.3.3 (f)), revocation included: certvalidator does not ask for that.
    refused(Certvalidator, "list-issuer-asked-about", UNDETERMINED, |chain| chain.has_any(&[Indirect, ListOfOtherKey])),
    // Signed by who may sign lists and is on a valid path, and about this kind of certificate (§6.3.3 (b), (f), (g)); certvalidator
    // leaves some of that out where several certificates of the issuer's name are at hand.
    refused(Certvalidator, "list-of-a-namesake", UNDETERMINED, |chain| {
        chain.has_any(&[NoCrlSign, AnchorKeyUsage, KeyUsage, ListOfStranger, ListDamaged, Scope])
            && chain.has_any(&[SameName, Loop, SelfIssued, Cross, TwinAnchor, OtherRoot])
    }),
    // One list that covers the certificate is enough (§6.3.3): what else is there and cannot be used does no harm.
    accepted(Certvalidator, "another-list-suffices", &["is not authorized", "Delta CRL matching"], |chain| {
        chain.has_any(&[Indirect, Delta])
    }),
    // Nor does a list that is signed wrongly, by a stranger or by a key that is not for lists (§6.3.3 (f), (g)); OpenSSL takes it
    // for the best one before it looks.
    accepted(
        OpenSsl,
        "another-list-suffices",
        &["key usage does not include CRL signing", "CRL signature failure"],
        |chain| chain.has_any(&[NoCrlSign, AnchorKeyUsage, KeyUsage, IndirectIssuerOdd, ListDamaged, ListOfStranger]),
    )
    .but_for(Drawn(remedy::lists_by_nobody)),
    // A critical extension of a list or an entry that is not understood (§5.2, §5.3).
    refused(OpenSsl, "list-not-understood", UNDETERMINED, |chain| {
        chain.has_any(&[EntryUnknownCritical, ListUnknownCritical])
    })
    .but_for(Drawn(remedy::list_extensions)),
    refused(Certvalidator, "list-not-understood", UNDETERMINED, |chain| {
        chain.has_any(&[EntryUnknownCritical, ListUnknownCritical])
    }),
    // notAfter and nextUpdate belong to the time (§4.1.2.5, §5.1.2.5): OpenSSL ends a second earlier.
    accepted(OpenSsl, "last-second", &["certificate has expired"], |chain| chain.has(LastSecond))
        .but_for(Drawn(remedy::last_second)),
    accepted(OpenSsl, "list-last-second", &["CRL has expired", "CRL path validation error"], |chain| {
        chain.has(ListLastSecond)
    })
    .but_for(Drawn(remedy::list_last_second)),
    // An anchor is a name and a key (§6.1.1 (d)): its revocation is not asked for.
    accepted(Certvalidator, "anchor-asked-about", &["The chain of trust for the CRL issuer"], |chain| {
        chain.has(SubordinateAnchor)
    }),
    // A key identifier is not always there (§4.2.1.1): what a certificate or list was signed with shows by trying, and OpenSSL
    // tries one key alone.
    accepted(OpenSsl, "keys-not-named", &["certificate signature failure", "CRL signature failure"], |chain| {
        chain.has_any(&[WithoutKeyIdentifiers, VersionOne])
    })
    .but_for(Drawn(remedy::key_identifiers)),
    // Who certifies himself under a new key has not signed himself (§3.2): without key identifiers OpenSSL takes him for a root.
    accepted(OpenSsl, "self-issued-for-self-signed", &["self-signed certificate in certificate chain"], |chain| {
        chain.has(SelfIssued) && chain.has(WithoutKeyIdentifiers)
    })
    .but_for(Drawn(remedy::key_identifiers)),
    // Each key of an authority has a list of its own, and one of another key suffices too (§6.3.3 (f)); OpenSSL takes the list by the
    // very certificate that is asked about, and does not turn back.
    accepted(OpenSsl, "list-of-other-key", &["CRL path validation error"], |chain| {
        chain.has(SelfIssued) && chain.has(ListOfOtherKey)
    })
    .but_for(Drawn(remedy::list_of_other_key))
    .rare(),
    // Every way up is tried (RFC 4158 §2.3): OpenSSL takes one issuer and does not turn back.
    accepted(
        OpenSsl,
        "another-way-up",
        &[
            "unable to get local issuer certificate",
            "self-signed certificate in certificate chain",
            "certificate signature failure",
            "certificate has expired",
            "invalid CA certificate",
            "CRL path validation error",
        ],
        |chain| chain.has_any(&[Loop, Cross, OtherRoot, SameName, SelfIssued, TwinAnchor, ListOfOtherKey]),
    )
    .but_for(WayShown),
    // What the target's key is for is not asked under purpose any; OpenSSL passes over a certificate whose key is for nothing.
    accepted(OpenSsl, "key-for-nothing", &["unable to get local issuer certificate"], |chain| chain.has(KeyUsageEmpty))
        .but_for(Drawn(remedy::key_for_nothing)),
    // The newer list decides where the older still enters the certificate (§6.3.3 (a)).
    accepted(Certvalidator, "older-list-revokes", &["RevokedError"], |chain| chain.has(TwoLists)),
    // Not written there.
    accepted(Certvalidator, "addresses-not-implemented", &["NotImplementedError"], |chain| chain.has(Addresses)),
];
