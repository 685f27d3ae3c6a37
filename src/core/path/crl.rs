//! What CRLs say about one certificate (RFC 5280 §6.3.3): of each scope the newest complete list and the delta that fits it.
//!
//! Stricter than the clause: a revocation for good that any list tells of stays one, whatever a delta removes; lists by another
//! key than the one that issued the certificate show nothing good while a list by that one is fresh, or speaks against the
//! certificate.

use std::sync::Arc;

use super::PathRequest;
use super::crl_issuer::{self, CrlIssuer, CrlIssuers};
use super::crl_scope;
use super::revocation::{self, Dated, Finding, Source, Statement, Subject};
use super::window::{self, Window};
use crate::core::time::Time;
use crate::core::x509::crl::{CrlNumber, RevokedEntry};
use crate::core::x509::reason::{ReasonSet, RevocationReason};
use crate::core::x509::{Certificate, CertificateList, Name};

/// A list whose signer may speak of the certificate.
struct Signed<'a> {
    crl: &'a Arc<CertificateList>,
    issuer: CrlIssuer,
    /// Came from a source and was not replaced; an older one could be chosen by whoever made the document.
    is_held: bool,
    /// Came with the document, and counts as long as it is fresh.
    is_embedded: bool,
}

impl Signed<'_> {
    fn is_complete(&self) -> bool {
        !self.crl.extensions.is_delta()
    }

    /// Of one signer about the same certificates and reasons: such lists replace and complete each other (§6.3.3 (c)).
    fn same_scope(&self, other: &Self) -> bool {
        let point =
            |list: &Self| list.crl.extensions.issuing_distribution_point.as_ref().map(|point| point.der.clone());
        self.crl.issuer == other.crl.issuer
            && self.issuer.certificate.subject_public_key_info() == other.issuer.certificate.subject_public_key_info()
            && point(self) == point(other)
    }

    /// What makes one list of a scope newer than another.
    fn age(&self) -> (Time, Option<&CrlNumber>) {
        (self.crl.this_update, self.number())
    }

    fn number(&self) -> Option<&CrlNumber> {
        self.crl.extensions.crl_number.as_ref()
    }

    /// Every critical extension of the list and its entries is understood, and so is its signature.
    fn is_understood(&self) -> bool {
        self.issuer.is_accepted && !self.crl.entry_not_understood && self.crl.extensions.not_understood.is_empty()
    }

    /// A delta that brings this complete list up to date (§5.2.4, §6.3.3 (c)): of the same scope and key, later in number and not
    /// older, and no change between the two is missing.
    fn is_updated_by(&self, delta: &Self) -> bool {
        let fits = |base: &CrlNumber| {
            let (Some(number), Some(delta_number)) = (self.number(), delta.number()) else { return false };
            base <= number && number < delta_number && self.crl.this_update <= delta.crl.this_update
        };
        let key = |list: &Self| list.crl.extensions.authority_key_identifier.clone().unwrap_or_default();
        delta.crl.extensions.delta_base.as_ref().is_some_and(fits)
            && delta.is_held
            && delta.is_understood()
            && self.same_scope(delta)
            && key(self) == key(delta)
    }

    /// The entry that weighs most, of those that were not made for something after the key was used.
    fn entry(&self, subject: &Subject<'_>) -> Option<RevokedEntry> {
        let standing = self.entries(subject).filter(|entry| !self.is_later(subject, entry));
        standing.max_by_key(|entry| entry.reason.weight())
    }

    /// Since when it is listed for something after the key was used.
    fn revoked_since(&self, subject: &Subject<'_>) -> Option<Time> {
        let later = self.entries(subject).filter(|entry| self.is_later(subject, entry));
        later.map(|entry| entry.since()).min()
    }

    fn entries(&self, subject: &Subject<'_>) -> impl Iterator<Item = RevokedEntry> {
        self.crl.entries(&subject.certificate.issuer, &subject.certificate.serial_number)
    }

    /// Of a list that is not understood no date is believed either.
    fn is_later(&self, subject: &Subject<'_>, entry: &RevokedEntry) -> bool {
        self.is_understood() && subject.was_used_before(entry.since(), entry.reason)
    }

    /// It would still list the certificate: what it leaves out says something about it.
    fn remembers(&self, subject: &Subject<'_>) -> bool {
        let kept_since = self.crl.extensions.expired_certificates_since;
        window::remembers_until(subject.certificate, self.crl.this_update, kept_since) == Window::ALWAYS.until
    }

    /// What it does not list was good when the key was used, however old the list is now.
    fn covers_use(&self, request: &PathRequest<'_>, subject: &Subject<'_>) -> bool {
        let dated = Dated {
            this_update: self.crl.this_update,
            next_update: self.crl.next_update,
            kept_since: self.crl.extensions.expired_certificates_since,
            proved: revocation::proved(request, self.crl.fingerprint()),
        };
        subject.covers_use(request, &dated)
    }
}

/// What the CRLs say that were made until the time of the request.
pub fn findings(request: &PathRequest<'_>, subject: &Subject<'_>) -> Vec<Finding> {
    let lists = signed(request, subject);
    let mut findings = Vec::new();
    for list in lists.iter().filter(|list| list.issuer.is_certificate_issuer) {
        by_list(request, subject, list, &lists, Some(Window::ALWAYS), &mut findings);
    }
    let room = room_for_other_keys(request, subject, &lists, &findings);
    for list in lists.iter().filter(|list| !list.issuer.is_certificate_issuer) {
        by_list(request, subject, list, &lists, room, &mut findings);
    }
    findings
}

/// When lists by other keys than the one that issued the certificate may show something good, around the time of the request:
/// while no list by that one is fresh, by itself or with a delta, and none speaks against the certificate (`findings` are
/// theirs). None: not now.
fn room_for_other_keys(
    request: &PathRequest<'_>,
    subject: &Subject<'_>,
    lists: &[Signed<'_>],
    findings: &[Finding],
) -> Option<Window> {
    if findings.iter().any(|finding| finding.stands_against(findings)) {
        return None;
    }
    let speaks = |list: &&Signed<'_>| {
        list.issuer.is_certificate_issuer
            && list.is_held
            && list.is_complete()
            && !reasons(request, subject, list).is_empty()
    };
    let mut room = Window::ALWAYS;
    for list in lists.iter().filter(speaks) {
        let renewing = lists.iter().filter(|delta| list.is_updated_by(delta));
        for fresh in std::iter::once(list).chain(renewing).filter_map(|list| counts(request, subject, list)) {
            if fresh.contains(request.time) {
                return None;
            }
            // Every list here was made before the request: this one has ended.
            room.from = room.from.max(fresh.until.plus_seconds(1));
        }
    }
    Some(room)
}

/// What one list says. What is good in it counts in `room` alone.
fn by_list(
    request: &PathRequest<'_>,
    subject: &Subject<'_>,
    list: &Signed<'_>,
    lists: &[Signed<'_>],
    room: Option<Window>,
    findings: &mut Vec<Finding>,
) {
    let held_scope = || lists.iter().filter(|other| other.is_held && other.same_scope(list));
    // Which of the two came first cannot be told (§5.2.3).
    let contradictory = held_scope().filter(|newer| list.is_held && goes_back(newer, list));
    findings.extend(contradictory.map(|newer| finding(request, subject, newer, Statement::Unclear, ReasonSet::ALL)));
    // What was on hold when the key was used stays in the way where it is revoked since.
    let held = list.entry(subject).is_some_and(|entry| !subject.is_after_use(revoked(list, entry)));
    let replaces = |newer: &Signed<'_>| {
        let is_newer = newer.is_complete() && newer.age() > list.age() && newer.remembers(subject);
        is_newer && !(held && newer.revoked_since(subject).is_some())
    };
    if held_scope().any(replaces) && !list.covers_use(request, subject) {
        return;
    }
    if list.is_complete() {
        by_complete(request, subject, list, lists, room, findings);
        return;
    }
    // Even where its base is missing, what it reveals counts.
    match list.entry(subject) {
        Some(entry) if entry.reason != RevocationReason::RemoveFromCrl => {
            findings.push(finding(request, subject, list, revoked(list, entry), ReasonSet::ALL));
        }
        _ => {}
    }
}

/// The lists that speak of certificates of this issuer, each with who signed it.
fn signed<'a>(request: &PathRequest<'a>, subject: &Subject<'_>) -> Vec<Signed<'a>> {
    let crls = request.crls;
    let mut issuers = CrlIssuers::new(request, subject);
    let mut lists = Vec::new();
    for name in crl_issuer::names(subject.certificate) {
        let held = crls.issued_by(name).iter().map(|crl| (crl, true, false));
        let revealing = crls.revealing(name).iter().map(|crl| (crl, false, false));
        let embedded = crls.embedded(name).iter().map(|crl| (crl, false, crls.embedded_counts()));
        let all = held.chain(revealing).chain(embedded);
        for (crl, is_held, is_embedded) in all.filter(|(crl, ..)| crl.this_update <= request.time) {
            if let Some(issuer) = issuers.of(crl) {
                lists.push(Signed { crl, issuer, is_held, is_embedded });
            }
        }
    }
    lists
}

/// When the first of the lists was made that come too early for this request.
pub fn first_after(request: &PathRequest<'_>, certificate: &Certificate) -> Option<Time> {
    let names = crl_issuer::names(certificate).into_iter();
    let lists = names.flat_map(|name| {
        [request.crls.issued_by(name), request.crls.revealing(name), request.crls.embedded(name)].into_iter().flatten()
    });
    lists.map(|crl| crl.this_update).filter(|this_update| *this_update > request.time).min()
}

/// A complete list, by itself and with the newest delta that fits it.
fn by_complete(
    request: &PathRequest<'_>,
    subject: &Subject<'_>,
    list: &Signed<'_>,
    lists: &[Signed<'_>],
    room: Option<Window>,
    findings: &mut Vec<Finding>,
) {
    let reasons = reasons(request, subject, list);
    // Of a list that covers the use, it does not matter who chose it among others. What is no use now and came with the document is
    // as if it were not there.
    let is_fresh = || counts(request, subject, list).is_some_and(|window| window.contains(request.time));
    let chosen = list.is_held || list.covers_use(request, subject) || list.is_embedded && is_fresh();
    let room = room.filter(|_| chosen && list.is_understood() && !reasons.is_empty());
    let good = |source: &Signed<'_>, room: Window| {
        let found = finding(request, subject, source, Statement::Good, reasons);
        let proved = revocation::proved(request, list.crl.fingerprint()).zip(found.proved);
        let proved = proved.map(|(base, source)| base.max(source)).filter(|_| list.issuer.window == Window::ALWAYS);
        let base = Some(*list.crl.fingerprint());
        Finding { counts: found.counts.map(|window| window.and(list.issuer.window).and(room)), base, proved, ..found }
    };
    let delta = lists.iter().filter(|delta| list.is_updated_by(delta)).max_by_key(|delta| delta.age());
    let (listed, changed) = (list.entry(subject), delta.and_then(|delta| delta.entry(subject)));
    let removed = changed.is_some_and(|entry| entry.reason == RevocationReason::RemoveFromCrl);
    match listed {
        // Only a hold is lifted.
        Some(entry) if !removed || entry.reason != RevocationReason::CertificateHold => {
            findings.push(finding(request, subject, list, revoked(list, entry), ReasonSet::ALL));
            return;
        }
        _ => {}
    }
    let Some(room) = room else { return };
    if listed.is_none() {
        findings.push(good(list, room));
    }
    // A revocation in the delta is found where the delta itself is looked at.
    if let Some(delta) = delta.filter(|_| removed || changed.is_none()) {
        findings.push(good(delta, room));
    }
}

fn reasons(request: &PathRequest<'_>, subject: &Subject<'_>, list: &Signed<'_>) -> ReasonSet {
    let names_issuer = |name: &Name| request.trust.names_same_authority(name, subject.issuer());
    crl_scope::reasons(list.crl, subject.certificate, &names_issuer)
}

fn revoked(list: &Signed<'_>, entry: RevokedEntry) -> Statement {
    // Whose certificate it is, or what else the entry says, cannot be told.
    if list.is_understood() {
        Statement::Revoked { date: entry.revocation_date, reason: entry.reason }
    } else {
        Statement::Unclear
    }
}

fn finding(
    request: &PathRequest<'_>,
    subject: &Subject<'_>,
    list: &Signed<'_>,
    statement: Statement,
    reasons: ReasonSet,
) -> Finding {
    let (this_update, next_update) = (list.crl.this_update, list.crl.next_update);
    let counts = counts(request, subject, list);
    let revoked_since = list.revoked_since(subject);
    let proved = revocation::proved(request, list.crl.fingerprint());
    let fingerprint = *list.crl.fingerprint();
    Finding {
        source: Source::Crl,
        statement,
        reasons,
        this_update,
        next_update,
        counts,
        revoked_since,
        remembers: list.remembers(subject),
        is_after_use: subject.is_after_use(statement),
        fingerprint,
        base: None,
        proved,
    }
}

/// When what the list says may be used.
fn counts(request: &PathRequest<'_>, subject: &Subject<'_>, list: &Signed<'_>) -> Option<Window> {
    let (this_update, next_update) = (list.crl.this_update, list.crl.next_update);
    if list.covers_use(request, subject) {
        return Some(list.issuer.window);
    }
    let kept_since = list.crl.extensions.expired_certificates_since;
    let remembered = window::remembers_until(subject.certificate, this_update, kept_since);
    let counts_until = window::counts_until(request, subject.certificate, this_update, next_update);
    counts_until.map(|until| Window { from: this_update, until: until.min(remembered) }.and(list.issuer.window))
}

/// Made later, with a lower number.
fn goes_back(newer: &Signed<'_>, older: &Signed<'_>) -> bool {
    newer.crl.this_update > older.crl.this_update
        && matches!((newer.number(), older.number()), (Some(newer), Some(older)) if newer < older)
}
