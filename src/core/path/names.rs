//! Name constraints along a path (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c), §6.1.4 (g)).
//!
//! A name is within the permitted subtrees if it is within one of each authority's; it is excluded if one authority excludes it.
//! Stricter than the clauses: constraints count also where they are not critical, emailAddress in the subject is always a
//! mailbox, and where a name or a constraint of the same form cannot be understood nothing is permitted. A form that no
//! certificate below uses does no harm.

use super::fault::{Budget, NameFault, PathFault};
use super::{Position, Work};
use crate::core::oid;
use crate::core::x509::Certificate;
use crate::core::x509::general_name::{GeneralName, GeneralSubtree, NameConstraints};

/// The constraints of the authorities passed so far.
#[derive(Default)]
pub struct NamesAllowed<'a>(Vec<&'a NameConstraints>);

/// Which side of a comparison must err: in doubt a name is not permitted, and is excluded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Permitted,
    Excluded,
}

impl<'a> NamesAllowed<'a> {
    /// What `authority` says about names holds for all below it (§6.1.4 (g)).
    pub fn constrain(&mut self, authority: &'a Certificate) {
        self.0.extend(&authority.extensions.name_constraints);
    }

    /// Judges every name of a certificate (§6.1.3 (b), (c)); the target's also where it is self-issued.
    pub fn check(&self, position: Position, certificate: &Certificate, work: &Work) -> Result<(), PathFault> {
        if self.0.is_empty() || position > 0 && certificate.is_self_issued() {
            return Ok(());
        }
        for name in names(certificate) {
            for constraints in &self.0 {
                if !work.spend_name_comparisons(constraints.permitted.len() + constraints.excluded.len()) {
                    return Err(PathFault::BudgetSpent(Budget::NameComparisons));
                }
                check_name(&name, constraints).map_err(|fault| PathFault::Name(position, fault))?;
            }
        }
        Ok(())
    }
}

/// The subject, the mailboxes in it, and the alternative names.
fn names(certificate: &Certificate) -> Vec<GeneralName> {
    let subject = &certificate.subject;
    let mailboxes = subject.attributes(oid::EMAIL_ADDRESS).into_iter().map(String::into_bytes);
    let mut names: Vec<GeneralName> = mailboxes.map(GeneralName::Rfc822).collect();
    if !subject.is_empty() {
        names.push(GeneralName::Directory(subject.clone()));
    }
    names.extend(certificate.extensions.subject_alt_names.iter().cloned());
    names
}

fn check_name(name: &GeneralName, constraints: &NameConstraints) -> Result<(), NameFault> {
    for subtree in constraints.excluded.iter().filter(|subtree| is_about(&subtree.base, name)) {
        if is_within(name, subtree, Sense::Excluded)? {
            return Err(NameFault::Excluded);
        }
    }
    let mut asked = false;
    let mut permitted = false;
    for subtree in constraints.permitted.iter().filter(|subtree| is_about(&subtree.base, name)) {
        asked = true;
        permitted |= is_within(name, subtree, Sense::Permitted)?;
    }
    if asked && !permitted { Err(NameFault::NotPermitted) } else { Ok(()) }
}

/// The constraint is about names of this form.
fn is_about(base: &GeneralName, name: &GeneralName) -> bool {
    use GeneralName::{Other, Rfc822, SmtpUtf8Mailbox};
    match (base, name) {
        (Other(form), Other(other)) => form == other,
        (Rfc822(_) | Other(0), SmtpUtf8Mailbox) | (SmtpUtf8Mailbox, Other(0)) => true,
        _ => std::mem::discriminant(base) == std::mem::discriminant(name),
    }
}

fn is_within(name: &GeneralName, subtree: &GeneralSubtree, sense: Sense) -> Result<bool, NameFault> {
    if subtree.has_distance {
        return Err(NameFault::NotUnderstood);
    }
    let within = match (name, &subtree.base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => {
            let within = name.is_within(base);
            // What is not text may mean the same in other octets.
            let certain = sense == Sense::Permitted || within || name.is_text() && base.is_text();
            certain.then_some(within)
        }
        (GeneralName::Dns(name), GeneralName::Dns(base)) => dns_within(name, base, sense),
        (GeneralName::Rfc822(name), GeneralName::Rfc822(base)) => mailbox_within(name, base, sense),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => uri_within(name, base),
        (GeneralName::Ip(name), GeneralName::Ip(base)) => address_within(name, base, sense),
        _ => None,
    };
    within.ok_or(NameFault::NotUnderstood)
}

/// Letters, digits, hyphens and underscores between single dots, no dot at the end, and no IPv4 address.
fn is_host(text: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    let is_number = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
    text.len() <= 253
        && text.split(|octet| *octet == b'.').all(is_label)
        && !text.rsplit(|octet| *octet == b'.').next().is_some_and(is_number)
}

/// `host` is `domain` with one or more labels before it.
fn is_below(host: &[u8], domain: &[u8]) -> bool {
    host.len().checked_sub(domain.len()).is_some_and(|length| {
        let (labels, rest) = host.split_at(length);
        rest.eq_ignore_ascii_case(domain) && labels.len() > 1 && labels.ends_with(b".")
    })
}

fn is_at_or_below(host: &[u8], domain: &[u8]) -> bool {
    host.eq_ignore_ascii_case(domain) || is_below(host, domain)
}

/// Zero or more labels before the base; the empty base holds every name. A first label `*` stands for any one label: such a name
/// is excluded if one of those it stands for is.
fn dns_within(name: &[u8], base: &[u8], sense: Sense) -> Option<bool> {
    let parent = name.strip_prefix(b"*.");
    let host = parent.unwrap_or(name);
    if !is_host(host) || !base.is_empty() && !is_host(base) {
        return None;
    }
    let covers = sense == Sense::Excluded && parent.is_some_and(|parent| is_below(base, parent));
    Some(base.is_empty() || is_at_or_below(host, base) || covers)
}

/// `local@host` with a dot-atom before the one `@` (RFC 5321 §4.1.2).
fn mailbox(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = text.split(|octet| *octet == b'@');
    let (local, host) = (parts.next()?, parts.next()?);
    let is_atom = |atom: &[u8]| {
        let fits = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(octet);
        !atom.is_empty() && atom.iter().all(fits)
    };
    let whole = parts.next().is_none() && local.split(|octet| *octet == b'.').all(is_atom) && is_host(host);
    whole.then_some((local, host))
}

/// A base is one mailbox, the mailboxes of one host, or, with a dot before it, those of every host below a domain. The local part
/// is case-sensitive; to exclude one excludes it in any case.
fn mailbox_within(name: &[u8], base: &[u8], sense: Sense) -> Option<bool> {
    let (local, host) = mailbox(name)?;
    if base.contains(&b'@') {
        let (base_local, base_host) = mailbox(base)?;
        let same = local == base_local || sense == Sense::Excluded && local.eq_ignore_ascii_case(base_local);
        return Some(same && host.eq_ignore_ascii_case(base_host));
    }
    host_within(host, base)
}

/// A base is one host, or, with a dot before it, every host below a domain.
fn host_within(host: &[u8], base: &[u8]) -> Option<bool> {
    match base.strip_prefix(b".") {
        Some(domain) => is_host(domain).then(|| is_below(host, domain)),
        None => is_host(base).then(|| host.eq_ignore_ascii_case(base)),
    }
}

/// Constraints are about the host alone; a URI without a host name cannot be judged (§4.2.1.10).
fn uri_within(uri: &[u8], base: &[u8]) -> Option<bool> {
    let colon = uri.iter().position(|octet| *octet == b':')?;
    let (scheme, rest) = uri.split_at(colon);
    let mut scheme = scheme.iter();
    let scheme_fits = scheme.next().is_some_and(u8::is_ascii_alphabetic)
        && scheme.all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet));
    let rest = rest.strip_prefix(b"://").filter(|_| scheme_fits)?;
    let authority = rest.split(|octet| b"/?#".contains(octet)).next()?;
    // User information could hide what others read as the host.
    let mut parts = authority.split(|octet| *octet == b':');
    let host = parts.next().filter(|host| is_host(host))?;
    let port = parts.next().unwrap_or_default();
    let whole = parts.next().is_none() && port.iter().all(u8::is_ascii_digit);
    if whole { host_within(host, base) } else { None }
}

/// An address, and a range as address and mask, of four octets each or sixteen. An address that IPv6 writes for an IPv4 address
/// is excluded with it.
fn address_within(address: &[u8], base: &[u8], sense: Sense) -> Option<bool> {
    const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];
    if !matches!(address.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    let (range, mask) = base.split_at(base.len() / 2);
    let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading: u32 = {
        let full = mask.iter().take_while(|octet| **octet == 0xFF).count();
        full as u32 * 8 + mask.get(full).map_or(0, |octet| octet.leading_ones())
    };
    if ones != leading {
        return None;
    }
    let mapped = address.strip_prefix(&MAPPED).filter(|_| sense == Sense::Excluded && range.len() == 4);
    let address = mapped.unwrap_or(address);
    let mut pairs = address.iter().zip(range).zip(mask);
    Some(address.len() == range.len() && pairs.all(|((octet, base), mask)| octet & mask == base & mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sense::{Excluded, Permitted};

    #[test]
    fn domain_names() {
        let within = |name: &str, base: &str, sense| dns_within(name.as_bytes(), base.as_bytes(), sense);
        assert_eq!(within("a.Example.com", "example.COM", Permitted), Some(true));
        assert_eq!(within("example.com", "example.com", Permitted), Some(true));
        assert_eq!(within("badexample.com", "example.com", Excluded), Some(false));
        assert_eq!(within("com", "", Permitted), Some(true));
        assert_eq!(within("*.example.com", "a.example.com", Permitted), Some(false));
        assert_eq!(within("*.example.com", "a.example.com", Excluded), Some(true));
        assert_eq!(within("*.example.com", "example.com", Permitted), Some(true));
        for odd in
            ["example.com.", ".example.com", "a..com", "*", "a.*.com", "*.*.com", "", "192.0.2.1", "é.com", "a b"]
        {
            assert_eq!(within(odd, "example.com", Excluded), None, "{odd}");
        }
        for odd in [".example.com", "*.example.com", "example.com."] {
            assert_eq!(within("a.example.com", odd, Permitted), None, "{odd}");
        }
    }

    #[test]
    fn mailboxes() {
        let within = |name: &str, base: &str, sense| mailbox_within(name.as_bytes(), base.as_bytes(), sense);
        assert_eq!(within("Root@Example.com", "example.com", Permitted), Some(true));
        assert_eq!(within("root@a.example.com", "example.com", Permitted), Some(false));
        assert_eq!(within("root@a.example.com", ".example.com", Permitted), Some(true));
        assert_eq!(within("root@example.com", ".example.com", Excluded), Some(false));
        assert_eq!(within("Root@example.com", "root@example.com", Permitted), Some(false));
        assert_eq!(within("Root@example.com", "root@example.com", Excluded), Some(true));
        assert_eq!(within("*@example.com", "*@EXAMPLE.com", Permitted), Some(true));
        for odd in
            ["example.com", "a@b@c", "\"a@b\"@example.com", "a@[192.0.2.1]", "@example.com", "a@example.com.", "é@a.b"]
        {
            assert_eq!(within(odd, "example.com", Excluded), None, "{odd}");
        }
        assert_eq!(within("a@example.com", "", Permitted), None);
    }

    #[test]
    fn identifiers_with_a_host() {
        let within = |name: &str, base: &str| uri_within(name.as_bytes(), base.as_bytes());
        assert_eq!(within("https://a.example.com:8443/x?y#z", ".example.com"), Some(true));
        assert_eq!(within("https://example.com", ".example.com"), Some(false));
        assert_eq!(within("ldap://EXAMPLE.com/cn=x", "example.com"), Some(true));
        assert_eq!(within("http://good.com.evil.com/good.com", "good.com"), Some(false));
        for odd in [
            "urn:x:y",
            "http:/example.com",
            "//example.com",
            "http://192.0.2.1/",
            "http://[::1]/",
            "http://",
            "mailto:a@b",
        ] {
            assert_eq!(within(odd, "example.com"), None, "{odd}");
        }
        for odd in
            ["http://u@example.com/", "http://example.com:x/", "http://example.com\\@evil.com/", "1http://example.com"]
        {
            assert_eq!(within(odd, "example.com"), None, "{odd}");
        }
        assert_eq!(within("http://example.com", "http://example.com"), None);
    }

    #[test]
    fn addresses() {
        let network = [192, 0, 2, 0, 255, 255, 255, 0];
        assert_eq!(address_within(&[192, 0, 2, 7], &network, Permitted), Some(true));
        assert_eq!(address_within(&[192, 0, 3, 7], &network, Permitted), Some(false));
        let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7];
        assert_eq!(address_within(&mapped, &network, Permitted), Some(false));
        assert_eq!(address_within(&mapped, &network, Excluded), Some(true));
        assert_eq!(address_within(&[192, 0, 2], &network, Excluded), None);
        assert_eq!(address_within(&[192, 0, 2, 7], &[192, 0, 2, 0, 255, 0, 255, 0], Excluded), None);
        assert_eq!(address_within(&[192, 0, 2, 7], &network[..7], Excluded), None);
        assert_eq!(address_within(&[1, 2, 3, 4], &[0; 8], Excluded), Some(true));
    }
}
