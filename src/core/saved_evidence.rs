//! Everything that a judgement rests on beside the document, as one file: what was trusted, what was at hand, the policy, the mode of
//! revocation and the time. Judging the same document by it gives the same answer, on any machine, at any time.
//!
//! All that was at hand is kept, not only what decided: what would have decided otherwise, had it been there, is part of the case. The
//! file is nobody's statement. Whoever wrote it chose what it trusts; who reads it checks every signature again.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::crypto;
use super::der::DerError;
use super::document_kind::DocumentKinds;
use super::evidence::{CrlSet, Evidence};
use super::policy::{Policy, RevocationMode};
use super::time::Time;
use super::validation::Content;
use super::x509::anchor_limits::{AnchorLimits, AnchorUse};
use super::x509::ocsp::{OcspError, OcspResponse};
use super::x509::{Alias, Certificate, CertificateList, TrustAnchor, TrustStore};

/// Says what the file is, and in which version.
const FORMAT: &str = "antin-evidence-1";
/// Objects of one kind.
const MOST: usize = 4096;

/// What a judgement rests on.
pub struct SavedEvidence {
    document: Digest,
    content: Option<Digest>,
    pub trust: TrustStore,
    pub evidence: Evidence,
    pub policy: Policy,
    pub revocation: RevocationMode,
    pub time: Time,
}

type Digest = [u8; 32];

/// What goes into a file.
pub struct ToSave<'a> {
    /// The message or PDF that was judged.
    pub document: &'a [u8],
    /// The content given beside it.
    pub content: Option<&'a [u8]>,
    pub trust: &'a TrustStore,
    pub certificates: &'a [Arc<Certificate>],
    /// In the order in which they were given.
    pub crls: &'a [Arc<CertificateList>],
    /// As DER.
    pub ocsp_responses: &'a [Vec<u8>],
    /// The policy's file.
    pub policy: &'a str,
    /// The file about kinds of documents, if one was named.
    pub document_kinds: Option<&'a str>,
    pub revocation: RevocationMode,
    pub time: Time,
}

/// Why a file gives no evidence.
#[derive(Debug, PartialEq, Eq)]
pub enum SavedEvidenceError {
    /// Not the JSON of this format; the parser's words.
    Form(String),
    /// Another format, or another version of it.
    Format,
    TooMany(&'static str),
    Object {
        kind: &'static str,
        number: usize,
        fault: DerError,
    },
    Ocsp {
        number: usize,
        fault: OcspError,
    },
    Policy(String),
    DocumentKinds(String),
    /// It was saved for another document.
    OtherDocument,
    /// It was saved for other content, or for none, or for some.
    OtherContent,
}

impl std::fmt::Display for SavedEvidenceError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Form(words) => write!(formatter, "not a file of saved evidence: {words}"),
            Self::Format => write!(formatter, "not a file of saved evidence of the format {FORMAT}"),
            Self::TooMany(kind) => write!(formatter, "more than {MOST} entries in {kind}"),
            Self::Object { kind, number, fault } => {
                write!(formatter, "entry {number} of {kind} cannot be read: {fault}")
            }
            Self::Ocsp { number, fault } => write!(formatter, "entry {number} of ocspResponses: {fault}"),
            Self::Policy(words) => write!(formatter, "its policy cannot be read: {words}"),
            Self::DocumentKinds(words) => write!(formatter, "its documentKinds cannot be read: {words}"),
            Self::OtherDocument => write!(formatter, "it was saved for another document"),
            Self::OtherContent => {
                write!(formatter, "it was saved for this signature with other content; give the same with --content")
            }
        }
    }
}

impl std::error::Error for SavedEvidenceError {}

/// The file. Binary values are base64, digests lowercase hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    format: String,
    document: DocumentDigests,
    validation_time: Time,
    revocation: Mode,
    policy: String,
    document_kinds: Option<String>,
    trust: Trust,
    certificates: Vec<Octets>,
    crls: Vec<Octets>,
    ocsp_responses: Vec<Octets>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DocumentDigests {
    sha256: Hex,
    /// Of the content given beside a detached signature.
    content_sha256: Option<Hex>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Required,
    IfAvailable,
    Off,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Trust {
    anchors: Vec<Anchor>,
    intermediates: Vec<Octets>,
    aliases: Vec<OtherName>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Anchor {
    certificate: Octets,
    limits: Limits,
}

/// As they are in force, which may leave nothing: of an anchor that is for nothing `uses` is empty.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Limits {
    uses: Option<Vec<AnchorUse>>,
    kinds: Option<Vec<String>>,
    from: Option<Time>,
    until: Option<Time>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OtherName {
    key_sha256: Hex,
    name: String,
}

/// Base64 with padding and without white space (RFC 4648 §4).
struct Octets(Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(|_| serde::de::Error::custom("not base64"))
    }
}

/// 32 octets.
struct Hex(Digest);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut octets = [0; 32];
        let decoded = hex::decode_to_slice(&*text, &mut octets);
        decoded.map(|()| Self(octets)).map_err(|_| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

/// The octets of the file.
pub fn encode(saved: &ToSave<'_>) -> Vec<u8> {
    let octets =
        |certificates: &[Arc<Certificate>]| certificates.iter().map(|one| Octets(one.der().to_vec())).collect();
    let anchor = |anchor: &TrustAnchor| {
        let limits = anchor.limits();
        Anchor {
            certificate: Octets(anchor.certificate().der().to_vec()),
            limits: Limits {
                uses: limits.uses().map(<[_]>::to_vec),
                kinds: limits.kinds().map(<[_]>::to_vec),
                from: limits.from(),
                until: limits.until(),
            },
        }
    };
    let trust = saved.trust;
    let file = File {
        format: FORMAT.to_owned(),
        document: DocumentDigests {
            sha256: Hex(crypto::sha256(saved.document)),
            content_sha256: saved.content.map(|content| Hex(crypto::sha256(content))),
        },
        validation_time: saved.time,
        revocation: match saved.revocation {
            RevocationMode::Required => Mode::Required,
            RevocationMode::IfAvailable => Mode::IfAvailable,
            RevocationMode::Off => Mode::Off,
        },
        policy: saved.policy.to_owned(),
        document_kinds: saved.document_kinds.map(str::to_owned),
        trust: Trust {
            anchors: trust.anchors().iter().map(anchor).collect(),
            intermediates: octets(trust.intermediates()),
            aliases: trust.aliases().iter().map(OtherName::of).collect(),
        },
        certificates: octets(saved.certificates),
        crls: saved.crls.iter().map(|crl| Octets(crl.der())).collect(),
        ocsp_responses: saved.ocsp_responses.iter().cloned().map(Octets).collect(),
    };
    serde_json::to_vec(&file).expect("texts, numbers and lists have a JSON form")
}

impl OtherName {
    fn of(alias: &Alias) -> Self {
        Self { key_sha256: Hex(alias.key), name: alias.name.clone() }
    }
}

impl SavedEvidence {
    /// Reads a file; nothing in it is believed to be more than well formed.
    pub fn decode(file: &[u8]) -> Result<Self, SavedEvidenceError> {
        let file: File = serde_json::from_slice(file).map_err(|error| SavedEvidenceError::Form(error.to_string()))?;
        if file.format != FORMAT {
            return Err(SavedEvidenceError::Format);
        }
        let Trust { anchors, intermediates, aliases } = file.trust;
        for (kind, count) in [
            ("trust.anchors", anchors.len()),
            ("trust.intermediates", intermediates.len()),
            ("trust.aliases", aliases.len()),
            ("certificates", file.certificates.len()),
            ("crls", file.crls.len()),
            ("ocspResponses", file.ocsp_responses.len()),
        ] {
            if count > MOST {
                return Err(SavedEvidenceError::TooMany(kind));
            }
        }
        let (certificates, limits): (Vec<_>, Vec<_>) =
            anchors.into_iter().map(|anchor| (anchor.certificate, anchor.limits)).unzip();
        let anchors = each(&certificates, "trust.anchors", Certificate::decode_tolerant)?;
        let anchors = anchors.into_iter().zip(limits).map(|(certificate, limits)| {
            let Limits { uses, kinds, from, until } = limits;
            TrustAnchor::limited(certificate, AnchorLimits::in_force(uses, kinds, from, until))
        });
        let aliases = aliases.into_iter().map(|alias| Alias { key: alias.key_sha256.0, name: alias.name });
        let intermediates = each(&intermediates, "trust.intermediates", Certificate::decode_tolerant)?;
        let ocsp_responses = file.ocsp_responses.iter().enumerate().map(|(index, Octets(der))| {
            let decoded = OcspResponse::decode(der).map(Arc::new);
            decoded.map_err(|fault| SavedEvidenceError::Ocsp { number: index + 1, fault })
        });
        let mut policy =
            Policy::parse(&file.policy).map_err(|error| SavedEvidenceError::Policy(error.message().to_owned()))?;
        if let Some(text) = &file.document_kinds {
            let kinds = DocumentKinds::parse(text);
            policy.document_kinds = kinds.map_err(|error| SavedEvidenceError::DocumentKinds(error.to_string()))?;
        }
        Ok(Self {
            document: file.document.sha256.0,
            content: file.document.content_sha256.map(|digest| digest.0),
            trust: TrustStore::with_aliases(anchors.collect(), intermediates, aliases.collect()),
            evidence: Evidence {
                certificates: each(&file.certificates, "certificates", Certificate::decode_tolerant)?,
                crls: CrlSet::new(each(&file.crls, "crls", CertificateList::decode)?),
                ocsp_responses: ocsp_responses.collect::<Result<_, _>>()?,
            },
            policy,
            revocation: match file.revocation {
                Mode::Required => RevocationMode::Required,
                Mode::IfAvailable => RevocationMode::IfAvailable,
                Mode::Off => RevocationMode::Off,
            },
            time: file.validation_time,
        })
    }

    /// It was saved for this document, and this content beside it.
    pub fn expect(&self, document: &[u8], content: Content<'_>) -> Result<(), SavedEvidenceError> {
        if crypto::sha256(document) != self.document {
            return Err(SavedEvidenceError::OtherDocument);
        }
        let given = match content {
            Content::Bytes(content) => Some(crypto::sha256(content)),
            // Files hold content, never digests in its place.
            Content::None | Content::Digests(_) => None,
        };
        if given == self.content { Ok(()) } else { Err(SavedEvidenceError::OtherContent) }
    }
}

fn each<T>(
    objects: &[Octets],
    kind: &'static str,
    decode: impl Fn(&[u8]) -> Result<T, DerError>,
) -> Result<Vec<Arc<T>>, SavedEvidenceError> {
    let decoded = objects.iter().enumerate().map(|(index, Octets(der))| {
        decode(der).map(Arc::new).map_err(|fault| SavedEvidenceError::Object { kind, number: index + 1, fault })
    });
    decoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let trust = TrustStore::new(Vec::new(), Vec::new());
        let encoded = encode(&ToSave {
            document: b"document",
            content: Some(b"content"),
            trust: &trust,
            certificates: &[],
            crls: &[],
            ocsp_responses: &[],
            policy: Policy::held_text("strict").expect("held"),
            document_kinds: None,
            revocation: RevocationMode::Off,
            time: Time::from_unix(0),
        });
        let mut value = serde_json::from_slice(&encoded).expect("JSON");
        change(&mut value);
        serde_json::to_vec(&value).expect("JSON")
    }

    #[test]
    fn what_is_saved_is_read_for_this_document_alone() {
        let saved = SavedEvidence::decode(&file(|_| {})).expect("evidence");
        assert_eq!((&saved.policy.id[..], saved.revocation, saved.time.unix()), ("strict", RevocationMode::Off, 0));
        for (document, content, expected) in [
            ("document", Content::Bytes(b"content"), Ok(())),
            ("another", Content::Bytes(b"content"), Err(SavedEvidenceError::OtherDocument)),
            ("document", Content::Bytes(b"another"), Err(SavedEvidenceError::OtherContent)),
            ("document", Content::None, Err(SavedEvidenceError::OtherContent)),
        ] {
            assert_eq!(saved.expect(document.as_bytes(), content), expected, "{document} {content:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_understood_is_refused() {
        use SavedEvidenceError::{Form, Format, Object, Ocsp, Policy, TooMany};
        let fault = |change: fn(&mut serde_json::Value)| SavedEvidence::decode(&file(change)).err().expect("refused");
        assert!(matches!(fault(|file| file["format"] = "antin-evidence-2".into()), Format));
        assert!(matches!(fault(|file| file["more"] = 1.into()), Form(_)));
        assert!(matches!(fault(|file| file["trust"]["more"] = 1.into()), Form(_)));
        assert!(matches!(fault(|file| file["validationTime"] = "now".into()), Form(_)));
        assert!(matches!(fault(|file| file["revocation"] = "none".into()), Form(_)));
        assert!(matches!(fault(|file| file["document"]["sha256"] = "00".into()), Form(_)));
        assert!(matches!(fault(|file| file["crls"] = serde_json::json!(["M A=="])), Form(_)));
        assert!(matches!(fault(|file| file["policy"] = "id = 1".into()), Policy(_)));
        assert!(matches!(
            fault(|file| file["crls"] = serde_json::json!(["MAA="])),
            Object { kind: "crls", number: 1, .. }
        ));
        assert!(matches!(fault(|file| file["ocspResponses"] = serde_json::json!(["MAA="])), Ocsp { number: 1, .. }));
        assert!(matches!(fault(|file| file["certificates"] = vec!["MAA="; MOST + 1].into()), TooMany("certificates")));
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "null", "[]", "{", &deep] {
            assert!(matches!(SavedEvidence::decode(text.as_bytes()), Err(Form(_))));
        }
    }
}
