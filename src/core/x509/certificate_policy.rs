//! What a certificate says about policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14). Policies are the content octets
//! of their identifiers; [`crate::core::path::policy`] judges them along a path.

use super::extension::members;
use crate::core::der::{DerError, DerFault, Reader, Tlv, tag};
use crate::core::oid;

/// The policy extensions of one certificate.
#[derive(Clone, Debug, Default)]
pub struct PolicyExtensions {
    /// The policies of certificatePolicies, anyPolicy among them; without qualifiers, which decide nothing here.
    pub policies: Option<Vec<Vec<u8>>>,
    pub mappings: Vec<PolicyMapping>,
    pub constraints: PolicyConstraints,
    /// `SkipCerts` of inhibitAnyPolicy.
    pub inhibit_any_policy: Option<u32>,
}

/// One pair of policyMappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyMapping {
    pub issuer_domain_policy: Vec<u8>,
    pub subject_domain_policy: Vec<u8>,
}

/// `PolicyConstraints`; each a `SkipCerts`, at least one of them where the extension is present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    pub require_explicit_policy: Option<u32>,
    pub inhibit_policy_mapping: Option<u32>,
}

impl PolicyExtensions {
    /// Decodes certificatePolicies; none may occur twice. Where the extension is critical, a qualifier of a kind that RFC 5280
    /// does not define is not understood.
    pub fn decode_policies(value: &[u8], critical: bool) -> Result<Vec<Vec<u8>>, DerError> {
        let list = Reader::single(value, tag::SEQUENCE)?;
        let mut policies = members(list, |member| policy_information(member, critical))?;
        let count = policies.len();
        policies.sort_unstable();
        policies.dedup();
        if policies.len() < count { Err(list.error(DerFault::Duplicate)) } else { Ok(policies) }
    }

    pub fn decode_mappings(value: &[u8]) -> Result<Vec<PolicyMapping>, DerError> {
        members(Reader::single(value, tag::SEQUENCE)?, |member| {
            member.of(tag::SEQUENCE)?.read_all(|reader| {
                Ok(PolicyMapping {
                    issuer_domain_policy: reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?.to_vec(),
                    subject_domain_policy: reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?.to_vec(),
                })
            })
        })
    }

    pub fn decode_constraints(value: &[u8]) -> Result<PolicyConstraints, DerError> {
        let element = Reader::single(value, tag::SEQUENCE)?;
        let constraints = element.read_all(|reader| {
            Ok::<_, DerError>(PolicyConstraints {
                require_explicit_policy: skip_certs(reader.optional(tag::context_primitive(0))?)?,
                inhibit_policy_mapping: skip_certs(reader.optional(tag::context_primitive(1))?)?,
            })
        })?;
        if constraints == PolicyConstraints::default() { Err(element.error(DerFault::Value)) } else { Ok(constraints) }
    }

    pub fn decode_inhibit_any_policy(value: &[u8]) -> Result<u32, DerError> {
        Reader::single(value, tag::INTEGER)?.small()
    }
}

/// `PolicyInformation`: its policy.
fn policy_information(member: Tlv<'_>, critical: bool) -> Result<Vec<u8>, DerError> {
    member.of(tag::SEQUENCE)?.read_all(|reader| {
        let policy = reader.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?.to_vec();
        if let Some(list) = reader.optional(tag::SEQUENCE)? {
            members(list, |qualifier| {
                let kind = qualifier.of(tag::SEQUENCE)?.reader().expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
                let known = matches!(kind, oid::QUALIFIER_CPS | oid::QUALIFIER_USER_NOTICE);
                if critical && !known { Err(qualifier.error(DerFault::Value)) } else { Ok(()) }
            })?;
        }
        Ok(policy)
    })
}

fn skip_certs(field: Option<Tlv<'_>>) -> Result<Option<u32>, DerError> {
    field.map(|number| number.small()).transpose()
}
