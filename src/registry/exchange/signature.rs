//! Whether a record is what its own signatures say: whoever writes to the database can change a row, and cannot change what a key signed.
//!
//! Asked of each version: the signed document reference (kind and id), signing-time, the certificate by the signed reference to it,
//! message-digest, the signature value, and whether what is on it makes the recorded level. Nothing is asked about trust or revocation. A
//! record of a PDF has what was put behind the document, so that its digest and what earlier signers said cannot be asked.

use std::sync::LazyLock;

use super::{Fault, Record, Release};
use crate::{
    core::{
        algorithm::DigestAlgorithm,
        cms::{attributes::SignedAttributes, signed_data::SignedData},
        der::Reader,
        evidence::Evidence,
        memory::Memory,
        oid,
        pdf::text,
        policy::{Policy, RevocationMode},
        time::Time,
        validation::{
            self, Content, SignatureValidation, Validation, ValidationRequest, cryptographic::DigestFault, level,
            timestamp::TimestampValidation,
        },
        x509::TrustStore,
    },
    registry::{Format, Level, Newest},
};

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::held("any-ades").expect("held"));
static NOBODY: LazyLock<TrustStore> = LazyLock::new(|| TrustStore::new(Vec::new(), Vec::new()));

/// Messages that are looked for in one update of a PDF.
const MOST_MESSAGES: usize = 64;

/// Each version against the record.
pub(super) fn signature_faults(record: &Record) -> Vec<Fault> {
    let Some(release) = &record.release else { return Vec::new() };
    let of = |one: &Newest| match record.intent.format {
        Format::Cades => cades_faults(record, release, one),
        Format::Pades => pades_faults(record, release, one),
        // It has no certificate by which it could be judged, nor anything that it says.
        Format::Raw => Vec::new(),
    };
    record.signatures.iter().flat_map(of).collect()
}

fn cades_faults(record: &Record, release: &Release, one: &Newest) -> Vec<Fault> {
    let version = one.version;
    let digests = [(DigestAlgorithm::Sha256, record.intent.document_digest.to_vec())];
    // A document that was put there in its place would be judged otherwise.
    let is_detached = SignedData::decode(&one.signature).is_ok_and(|message| message.content.is_none());
    let judged = is_detached.then(|| judge(&one.signature, &digests, release.signed_at)).flatten();
    let Some(judged) = judged.filter(|judged| !judged.signatures.is_empty()) else { return vec![Fault::Cms(version)] };
    let mut found = value_faults(version, &judged);
    if !found.is_empty() {
        return found;
    }
    if judged.signatures.iter().any(|signature| matches!(signature.digest, Some(Err(DigestFault::Mismatch)))) {
        found.push(Fault::Content(version));
    }
    let Some(own) = own(&judged, release) else {
        found.push(Fault::Certificate(version));
        return found;
    };
    if let Some(told) = own.claimed_signing_time.filter(|told| *told != release.signed_at) {
        found.push(Fault::SigningTime { version, told, recorded: release.signed_at });
    }
    let others = judged.signatures.iter().filter(|other| !std::ptr::eq(*other, own));
    found.extend(reference_fault(record, version, own, others));
    found.extend(level_fault(one, level_of(own)));
    found
}

fn pades_faults(record: &Record, release: &Release, one: &Newest) -> Vec<Fault> {
    let version = one.version;
    let (mut message, mut is_time_stamped) = (None, false);
    for octets in messages(&one.signature) {
        let Ok(decoded) = SignedData::decode(&octets) else { continue };
        if decoded.content_type == oid::TST_INFO {
            is_time_stamped = true;
        } else if message.is_none() && decoded.content.is_none() {
            drop(decoded);
            message = Some(octets);
        }
    }
    let judged = message.and_then(|message| {
        let digests = own_digests(&message)?;
        judge(&message, &digests, release.signed_at)
    });
    let Some(judged) = judged.filter(|judged| judged.signatures.len() == 1) else { return vec![Fault::Pdf(version)] };
    let mut found = value_faults(version, &judged);
    if !found.is_empty() {
        return found;
    }
    let Some(own) = own(&judged, release) else {
        found.push(Fault::Certificate(version));
        return found;
    };
    let told = times(&one.signature);
    if let Some(first) = told.first().filter(|_| !told.contains(&release.signed_at)) {
        found.push(Fault::SigningTime { version, told: *first, recorded: release.signed_at });
    }
    found.extend(match &own.document_reference {
        // Who adds a signature signs the document that the first signer named, whose message stands in the document.
        Some(reference) if reference.kind() == record.intent.kind => None,
        Some(reference) => Some(other_reference(version, reference.kind(), reference.id())),
        None => Some(Fault::NoReference(version)),
    });
    // Outside of its document the message is no baseline signature: the time stands beside it.
    let is_stamped = is_time_stamped || own.timestamps.iter().any(TimestampValidation::is_genuine);
    let is_evidenced = memchr::memmem::find(&one.signature, b"/DSS").is_some();
    let level = match (is_stamped, is_evidenced, is_time_stamped) {
        (false, ..) => Level::Basic,
        (true, false, _) => Level::Timestamped,
        (true, true, false) => Level::LongTerm,
        (true, true, true) => Level::Archival,
    };
    found.extend(level_fault(one, level));
    found
}

/// Without trust in anybody, and without revocation data: what is left is what was signed.
fn judge(message: &[u8], digests: &[(DigestAlgorithm, Vec<u8>)], time: Time) -> Option<Validation> {
    let validation = validation::validate(&ValidationRequest {
        document: message,
        content: Content::Digests(digests),
        evidence: &Evidence::default(),
        trust: &NOBODY,
        policy: &POLICY,
        revocation: RevocationMode::Off,
        time,
        memory: &Memory::none(),
    });
    validation.ok()
}

/// What stands in a message that no key signed counts for nothing.
fn value_faults(version: u32, judged: &Validation) -> Vec<Fault> {
    let is_wrong = |signature: &SignatureValidation| !matches!(signature.signature, Some(Ok(_)));
    judged.signatures.iter().any(is_wrong).then_some(Fault::Value(version)).into_iter().collect()
}

/// The signature that the record is of, by its certificate; of several that one whose time fits.
fn own<'a>(judged: &'a Validation, release: &Release) -> Option<&'a SignatureValidation> {
    let is_own = |signature: &&SignatureValidation| {
        signature.signer.as_ref().is_ok_and(|signer| *signer.fingerprint() == release.signer_certificate_sha256)
    };
    let mut by_certificate = judged.signatures.iter().filter(is_own);
    let in_time = by_certificate.clone().find(|signature| signature.claimed_signing_time == Some(release.signed_at));
    in_time.or_else(|| by_certificate.next())
}

/// Its own kind and id; who added a signature to another document names that one, as the others do.
fn reference_fault<'a>(
    record: &Record,
    version: u32,
    own: &SignatureValidation,
    mut others: impl Iterator<Item = &'a SignatureValidation>,
) -> Option<Fault> {
    let Some(reference) = &own.document_reference else { return Some(Fault::NoReference(version)) };
    let is_own = reference.id() == record.intent.document_id.to_string();
    let mut is_shared = || others.any(|other| other.document_reference.as_ref() == Some(reference));
    let fits = reference.kind() == record.intent.kind && (is_own || is_shared());
    (!fits).then(|| other_reference(version, reference.kind(), reference.id()))
}

fn other_reference(version: u32, kind: &str, id: &str) -> Fault {
    Fault::Reference { version, kind: kind.to_owned(), id: id.to_owned() }
}

const fn level_of(signature: &SignatureValidation) -> Level {
    match signature.level {
        None | Some(level::Level::Basic) => Level::Basic,
        Some(level::Level::Timestamped) => Level::Timestamped,
        Some(level::Level::LongTerm) => Level::LongTerm,
        Some(level::Level::Archival) => Level::Archival,
    }
}

/// It may have more on it than is recorded, as where an earlier signer's evidence serves it too; never less.
fn level_fault(one: &Newest, found: Level) -> Option<Fault> {
    let (version, recorded) = (one.version, one.level);
    (!found.reaches(recorded)).then_some(Fault::OtherLevel { version, recorded, found })
}

/// The messages in an update of a PDF, without the zeros behind them.
fn messages(update: &[u8]) -> Vec<Vec<u8>> {
    const BEGIN: &[u8] = b"/Contents <";
    let digits = memchr::memmem::find_iter(update, BEGIN).take(MOST_MESSAGES).filter_map(|at| {
        let digits = &update[at + BEGIN.len()..];
        Some(&digits[..memchr::memchr(b'>', digits)?])
    });
    let octets = digits.filter_map(|digits| hex::decode(digits).ok());
    octets.filter_map(|octets| Some(Reader::new(&octets).read().ok()?.raw.to_vec())).collect()
}

/// The digests that the signers of a message say the document has.
fn own_digests(message: &[u8]) -> Option<Vec<(DigestAlgorithm, Vec<u8>)>> {
    let message = SignedData::decode(message).ok()?;
    let digests = message.signer_infos.iter().filter_map(|signer| {
        let attributes = SignedAttributes::decode(signer.signed_attributes?).ok()?;
        Some((signer.digest_algorithm.clone().ok()?, attributes.message_digest.to_vec()))
    });
    Some(digests.collect())
}

/// The times that the signatures in an update of a PDF claim (`M`).
fn times(update: &[u8]) -> Vec<Time> {
    const BEGIN: &[u8] = b"/M (";
    let found = memchr::memmem::find_iter(update, BEGIN).take(MOST_MESSAGES).filter_map(|at| {
        let digits = &update[at + BEGIN.len()..];
        text::date(&digits[..memchr::memchr(b')', digits)?])
    });
    found.collect()
}
