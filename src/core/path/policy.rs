//! Certificate policies along a path (RFC 5280 §6.1), by the policy graph of RFC 9618: at each depth one node a policy, however
//! many ways lead to it, so that the cost is the sum of what the certificates write and not its product.
//!
//! Qualifiers are not returned, and nothing depends on them. Laxer than the clauses in nothing; stricter in that policy
//! constraints and mappings count whether or not they are critical.

use std::collections::{BTreeMap, BTreeSet};

use super::{PathFault, Position};
use crate::core::oid;
use crate::core::x509::Certificate;
use crate::core::x509::certificate_policy::PolicyConstraints;

/// The inputs of §6.1.1 (c), (e), (f) and (g).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InitialPolicies<'a> {
    /// The user-initial-policy-set, as content octets of identifiers; empty, or with anyPolicy in it, any policy will do.
    pub acceptable: &'a [Vec<u8>],
    /// initial-explicit-policy
    pub require_explicit: bool,
    /// initial-policy-mapping-inhibit
    pub inhibit_mapping: bool,
    /// initial-any-policy-inhibit
    pub inhibit_any: bool,
}

/// The valid policy graph and the three counters (§6.1.2 (a), (d) to (f)), going down a path.
pub struct PolicyGraph<'a> {
    /// The finished depths, the anchor's side first.
    depths: Vec<Depth<'a>>,
    /// What the depths so far expect of the next certificate.
    expected: Depth<'a>,
    explicit_policy: usize,
    policy_mapping: usize,
    inhibit_any_policy: usize,
}

/// The nodes of one depth; a policy is content octets.
#[derive(Default)]
struct Depth<'a> {
    /// There is a node anyPolicy.
    any: bool,
    nodes: BTreeMap<&'a [u8], Node<'a>>,
}

#[derive(Default)]
struct Node<'a> {
    /// The policies of the depth above that lead here; none where it is anyPolicy.
    parents: Vec<&'a [u8]>,
}

impl Depth<'_> {
    fn is_empty(&self) -> bool {
        !self.any && self.nodes.is_empty()
    }
}

impl<'a> PolicyGraph<'a> {
    /// For a path of `length` certificates, the anchor not counted.
    pub fn new(initial: &InitialPolicies<'_>, length: usize) -> Self {
        let counter = |now: bool| if now { 0 } else { length + 1 };
        Self {
            depths: Vec::with_capacity(length),
            expected: Depth { any: true, nodes: BTreeMap::new() },
            explicit_policy: counter(initial.require_explicit),
            policy_mapping: counter(initial.inhibit_mapping),
            inhibit_any_policy: counter(initial.inhibit_any),
        }
    }

    /// §6.1.3 (d) to (f).
    pub fn process(&mut self, position: Position, certificate: &'a Certificate) -> Result<(), PathFault> {
        let any_counts = self.inhibit_any_policy > 0 || position > 0 && certificate.is_self_issued();
        let mut depth = std::mem::take(&mut self.expected);
        match &certificate.extensions.policies.policies {
            None => depth = Depth::default(),
            Some(policies) => {
                let has = |policy: &[u8]| policies.iter().any(|own| own == policy);
                let had_any = depth.any;
                if !(any_counts && has(oid::ANY_POLICY)) {
                    let own: BTreeSet<&[u8]> = policies.iter().map(Vec::as_slice).collect();
                    depth.nodes.retain(|policy, _| own.contains(policy));
                    depth.any = false;
                }
                if had_any {
                    for policy in policies.iter().filter(|policy| *policy != oid::ANY_POLICY) {
                        depth.nodes.entry(policy).or_default();
                    }
                }
            }
        }
        let fails = self.explicit_policy == 0 && depth.is_empty();
        self.depths.push(depth);
        if fails { Err(PathFault::Policy(position)) } else { Ok(()) }
    }

    /// §6.1.4 (a), (b) and (h) to (j), for a certificate that issued the next.
    pub fn prepare(&mut self, position: Position, certificate: &'a Certificate) -> Result<(), PathFault> {
        let extensions = &certificate.extensions.policies;
        let pairs = extensions.mappings.iter();
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.map(|pair| (&*pair.issuer_domain_policy, &*pair.subject_domain_policy)).collect();
        if pairs.iter().any(|(issuer, subject)| [*issuer, *subject].contains(&oid::ANY_POLICY)) {
            return Err(PathFault::PolicyMapping(position));
        }
        let Some(depth) = self.depths.last_mut() else { return Ok(()) };
        let mapped: BTreeSet<&[u8]> = pairs.iter().map(|(issuer, _)| *issuer).collect();
        let mapping = self.policy_mapping > 0;
        for policy in &mapped {
            if !mapping {
                depth.nodes.remove(policy);
            } else if depth.any {
                depth.nodes.entry(policy).or_default();
            }
        }
        let mut expected = Depth { any: depth.any, nodes: BTreeMap::new() };
        let unmapped = depth.nodes.keys().filter(|policy| !mapped.contains(*policy)).map(|policy| (*policy, *policy));
        let pairs = pairs.into_iter().filter(|(issuer, _)| depth.nodes.contains_key(issuer));
        for (issuer, subject) in unmapped.chain(pairs) {
            expected.nodes.entry(subject).or_default().parents.push(issuer);
        }
        self.expected = expected;
        if !certificate.is_self_issued() {
            for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy] {
                *counter = counter.saturating_sub(1);
            }
        }
        self.constrain(certificate);
        Ok(())
    }

    /// §6.1.4 (i), (j); for an anchor that carries such constraints likewise (RFC 5937 §3.2).
    pub fn constrain(&mut self, authority: &Certificate) {
        let extensions = &authority.extensions.policies;
        let PolicyConstraints { require_explicit_policy, inhibit_policy_mapping } = extensions.constraints;
        let lower = |counter: &mut usize, limit: Option<u32>| {
            *counter = limit.map_or(*counter, |limit| (*counter).min(limit as usize));
        };
        lower(&mut self.explicit_policy, require_explicit_policy);
        lower(&mut self.policy_mapping, inhibit_policy_mapping);
        lower(&mut self.inhibit_any_policy, extensions.inhibit_any_policy);
    }

    /// §6.1.5 (a), (b) and (g): whether an acceptable policy holds for the target, or none is asked for.
    pub fn finish(mut self, target: &Certificate, acceptable: &[Vec<u8>]) -> Result<(), PathFault> {
        let required = target.extensions.policies.constraints.require_explicit_policy == Some(0);
        self.explicit_policy = if required { 0 } else { self.explicit_policy.saturating_sub(1) };
        if self.explicit_policy > 0 || self.leads_to(acceptable) { Ok(()) } else { Err(PathFault::Policy(0)) }
    }

    /// A policy of the last depth descends from an acceptable one.
    fn leads_to(&self, acceptable: &[Vec<u8>]) -> bool {
        let Some(last) = self.depths.last().filter(|last| !last.is_empty()) else { return false };
        let any = acceptable.is_empty() || acceptable.iter().any(|policy| policy == oid::ANY_POLICY);
        if any || last.any {
            return true;
        }
        let mut reached: BTreeSet<&[u8]> = last.nodes.keys().copied().collect();
        for depth in self.depths.iter().rev() {
            let mut above = BTreeSet::new();
            for policy in reached {
                let Some(node) = depth.nodes.get(policy) else { continue };
                // Below anyPolicy the policy is in the user's own domain.
                if node.parents.is_empty() && acceptable.iter().any(|wanted| wanted == policy) {
                    return true;
                }
                above.extend(node.parents.iter().copied());
            }
            reached = above;
        }
        false
    }
}
