//! The lines of an exported registry: one JSON object each, UTF-8.
//!
//! ```json
//! {"format":"antin-registry","version":3}
//! {"id":"…","client":"…", …, "progress":"issued","signatures":[{"version":1,"level":"B-B","cms":"base64"}], …}
//! {"end":{"counts":{"documents":1,"signatures":1,"changes":0,"raising":0,"renewals":0,"logged":1,"lookups":0},"sha256":"of every line before"}}
//! ```

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Progress, Raising, Record, Release, transfer::Counts};
use crate::{
    core::{
        lookup::{LookupDigest, LookupKeyId},
        time::Time,
    },
    registry::{
        DocumentId, DocumentState, Format, Intent, Level, Logged, LookupEntry, Newest, Packaging, StatusChange,
        StatusPlace,
    },
};

/// The longest line, in octets: a document with a dozen of the largest signatures.
pub const LONGEST_LINE: usize = 80 << 20;
const FORMAT: &str = "antin-registry";
/// The lines of version 1 have no place in the issuance log, those of versions 1 and 2 no digests of the lookup.
const VERSION: u32 = 3;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    #[error("not the JSON that belongs here ({0})")]
    Json(String),
    #[error("{field} is not {rule}")]
    Field { field: &'static str, rule: &'static str },
    #[error(
        "not the first line of an exported registry of version 1 to {VERSION}: name a file that antin registry export wrote"
    )]
    Header,
    #[error("longer than {LONGEST_LINE} octets")]
    TooLong,
    #[error("not UTF-8, or without an end of line")]
    Text,
    #[error("document {0} does not follow the one before: each stands once, in the order of ids")]
    Order(DocumentId),
    #[error("the file ends before its last line: it was cut off")]
    CutOff,
    #[error("something follows the last line")]
    Trailing,
    #[error("the counts are not those of the lines before: lines are missing")]
    Counts,
    #[error("the digest is not that of the lines before: they were changed")]
    Digest,
    #[error("document {document_id}: {fault}")]
    Record { document_id: DocumentId, fault: super::Fault },
    #[error("document {0} names a successor that is not there")]
    Successor(DocumentId),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// What stands on the last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) counts: Counts,
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RecordLine {
    id: String,
    client: String,
    idempotency_key: String,
    request_digest: String,
    kind: String,
    document_digest: String,
    signer: String,
    level_requested: String,
    format: String,
    packaging: String,
    media_type: String,
    begun_at: Time,
    /// Files of before there were status lists have none.
    #[serde(default)]
    status_place: Option<PlaceLine>,
    progress: String,
    signed_at: Option<Time>,
    signer_certificate_sha256: Option<String>,
    state: Option<String>,
    signatures: Vec<SignatureLine>,
    history: Vec<ChangeLine>,
    raising: Option<RaisingLine>,
    proves_until: Option<Time>,
    #[serde(default)]
    log: Option<LogLine>,
    #[serde(default)]
    lookup: Vec<LookupLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceLine {
    list: u32,
    index: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureLine {
    version: u32,
    level: String,
    cms: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ChangeLine {
    state: String,
    superseded_by: Option<String>,
    client: String,
    at: Time,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RaisingLine {
    since: Time,
    due_at: Time,
    attempts: u32,
    given_up: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LogLine {
    salt: String,
    since: Time,
    position: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupLine {
    digest: String,
    key: String,
}

/// A line without its end.
fn text(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("texts, numbers and lists")
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, LineFault> {
    serde_json::from_str(line).map_err(|error| LineFault::Json(error.to_string()))
}

pub(super) fn header() -> String {
    text(&HeaderLine { format: FORMAT.to_owned(), version: VERSION })
}

pub(super) fn check_header(line: &str) -> Result<(), LineFault> {
    let header: HeaderLine = parse(line).map_err(|_| LineFault::Header)?;
    if header.format == FORMAT && (1..=VERSION).contains(&header.version) { Ok(()) } else { Err(LineFault::Header) }
}

pub(super) fn end(counts: Counts, sha256: &[u8]) -> String {
    text(&EndLine { end: End { counts, sha256: hex::encode(sha256) } })
}

/// `None`: it is the line of a record.
pub(super) fn parse_end(line: &str) -> Result<Option<End>, LineFault> {
    if !line.starts_with("{\"end\":") {
        return Ok(None);
    }
    parse::<EndLine>(line).map(|line| Some(line.end))
}

pub(super) fn of_record(record: &Record) -> String {
    let intent = &record.intent;
    let release = record.release.as_ref();
    text(&RecordLine {
        id: intent.document_id.to_string(),
        client: intent.client.clone(),
        idempotency_key: intent.idempotency_key.clone(),
        request_digest: hex::encode(intent.request_digest),
        kind: intent.kind.clone(),
        document_digest: hex::encode(intent.document_digest),
        signer: intent.signer.clone(),
        level_requested: intent.level_requested.name().to_owned(),
        format: intent.format.name().to_owned(),
        packaging: intent.packaging.name().to_owned(),
        media_type: intent.media_type.clone(),
        begun_at: intent.begun_at,
        status_place: intent.status_place.map(|StatusPlace { list, index }| PlaceLine { list, index }),
        progress: record.progress.name().to_owned(),
        signed_at: release.map(|release| release.signed_at),
        signer_certificate_sha256: release.map(|release| hex::encode(release.signer_certificate_sha256)),
        state: release.map(|release| release.state.name().to_owned()),
        signatures: record.signatures.iter().map(SignatureLine::of).collect(),
        history: record.history.iter().map(ChangeLine::of).collect(),
        raising: record.raising.map(|raising| RaisingLine {
            since: raising.since,
            due_at: raising.due_at,
            attempts: raising.attempts,
            given_up: raising.given_up,
        }),
        proves_until: record.renewal,
        log: record.log.map(|log| LogLine { salt: hex::encode(log.salt), since: log.since, position: log.position }),
        lookup: record.lookup.iter().map(LookupLine::of).collect(),
    })
}

impl SignatureLine {
    fn of(signature: &Newest) -> Self {
        let (level, cms) = (signature.level.name().to_owned(), STANDARD.encode(&signature.signature));
        Self { version: signature.version, level, cms }
    }
}

impl LookupLine {
    fn of(entry: &LookupEntry) -> Self {
        Self { digest: hex::encode(entry.digest.0), key: hex::encode(entry.key.0) }
    }

    fn read(self) -> Result<LookupEntry, LineFault> {
        let mut key = [0; 8];
        let decoded = hex::decode_to_slice(&self.key, &mut key);
        decoded.map_err(|_| LineFault::Field { field: "lookup.key", rule: "16 hexadecimal digits" })?;
        Ok(LookupEntry { digest: LookupDigest(digest("lookup.digest", &self.digest)?), key: LookupKeyId(key) })
    }
}

impl ChangeLine {
    fn of(change: &StatusChange) -> Self {
        Self {
            state: change.state.name().to_owned(),
            superseded_by: change.superseded_by.as_ref().map(DocumentId::to_string),
            client: change.client.clone(),
            at: change.at,
            reason: change.reason.clone(),
        }
    }
}

fn named<T>(field: &'static str, name: &str, from_name: fn(&str) -> Option<T>) -> Result<T, LineFault> {
    from_name(name).ok_or(LineFault::Field { field, rule: "a name that this version knows" })
}

fn digest(field: &'static str, text: &str) -> Result<[u8; 32], LineFault> {
    let mut octets = [0; 32];
    let decoded = hex::decode_to_slice(text, &mut octets);
    decoded.map_err(|_| LineFault::Field { field, rule: "64 hexadecimal digits" })?;
    Ok(octets)
}

fn identifier(field: &'static str, text: &str) -> Result<DocumentId, LineFault> {
    text.parse().map_err(|_| LineFault::Field { field, rule: "32 lowercase hexadecimal digits" })
}

fn log_place(line: LogLine) -> Result<Logged, LineFault> {
    let is_known = line.position.is_none_or(|position| position < 1 << 62);
    if !is_known {
        return Err(LineFault::Field { field: "log.position", rule: "a position in a log" });
    }
    Ok(Logged { salt: digest("log.salt", &line.salt)?, since: line.since, position: line.position })
}

fn place(line: PlaceLine) -> Result<StatusPlace, LineFault> {
    let place = StatusPlace::new(line.list.into(), line.index.into());
    place.ok_or(LineFault::Field { field: "statusPlace", rule: "a place in a status list" })
}

pub(super) fn parse_record(line: &str) -> Result<Record, LineFault> {
    let line: RecordLine = parse(line)?;
    let release = match (line.signed_at, &line.signer_certificate_sha256, &line.state) {
        (Some(signed_at), Some(certificate), Some(state)) => Some(Release {
            signed_at,
            signer_certificate_sha256: digest("signerCertificateSha256", certificate)?,
            state: named("state", state, DocumentState::from_name)?,
        }),
        (None, None, None) => None,
        _ => return Err(LineFault::Field { field: "signedAt", rule: "given together with certificate and state" }),
    };
    let signature = |one: SignatureLine| {
        let cms = STANDARD.decode(&one.cms).map_err(|_| LineFault::Field { field: "cms", rule: "Base64" })?;
        Ok(Newest { version: one.version, level: named("level", &one.level, Level::from_name)?, signature: cms })
    };
    let change = |one: ChangeLine| {
        Ok(StatusChange {
            state: named("history.state", &one.state, DocumentState::from_name)?,
            superseded_by: one.superseded_by.map(|id| identifier("supersededBy", &id)).transpose()?,
            client: one.client,
            at: one.at,
            reason: one.reason,
        })
    };
    Ok(Record {
        intent: Intent {
            document_id: identifier("id", &line.id)?,
            client: line.client,
            idempotency_key: line.idempotency_key,
            request_digest: digest("requestDigest", &line.request_digest)?,
            kind: line.kind,
            document_digest: digest("documentDigest", &line.document_digest)?,
            signer: line.signer,
            level_requested: named("levelRequested", &line.level_requested, Level::from_name)?,
            format: named("format", &line.format, Format::from_name)?,
            packaging: named("packaging", &line.packaging, Packaging::from_name)?,
            media_type: line.media_type,
            begun_at: line.begun_at,
            status_place: line.status_place.map(place).transpose()?,
        },
        progress: named("progress", &line.progress, Progress::from_name)?,
        release,
        signatures: line.signatures.into_iter().map(signature).collect::<Result<_, LineFault>>()?,
        history: line.history.into_iter().map(change).collect::<Result<_, LineFault>>()?,
        raising: line.raising.map(|raising| Raising {
            since: raising.since,
            due_at: raising.due_at,
            attempts: raising.attempts,
            given_up: raising.given_up,
        }),
        renewal: line.proves_until,
        log: line.log.map(log_place).transpose()?,
        lookup: line.lookup.into_iter().map(LookupLine::read).collect::<Result<_, LineFault>>()?,
    })
}
