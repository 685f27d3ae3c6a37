//! Time-stamp tokens written piece by piece (RFC 3161 §2.4.2), right unless a test makes them wrong.

use std::sync::OnceLock;

use antin::core::cms::build::attribute;
use antin::core::crypto::sha256;
use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::time::Time;
use antin::pki::profile;

use super::key::Kind;
use super::message::{Message, SignerInfo, digest_identifier};
use super::tree::{NOW, Signer, issued, publication, tree};

/// A token to be written.
pub struct Token<'a> {
    pub authority: &'a Signer,
    /// Content octets of the imprint's digest algorithm.
    pub algorithm: &'a [u8],
    pub imprint: Vec<u8>,
    pub time: Time,
    /// Seconds.
    pub accuracy: Option<u8>,
}

impl<'a> Token<'a> {
    /// Over these octets, by the usual authority, half an hour before [`NOW`].
    pub fn over(octets: &[u8]) -> Self {
        let imprint = sha256(octets).to_vec();
        Self { authority: authority(), algorithm: oid::SHA_256, imprint, time: NOW.plus_seconds(-1800), accuracy: None }
    }

    pub fn statement(&self) -> Vec<u8> {
        let imprint = writer::sequence(&[&digest_identifier(self.algorithm), &writer::octet_string(&self.imprint)]);
        let time = writer::element(tag::GENERALIZED_TIME, self.generalized_time().as_bytes());
        writer::sequence(&[
            &writer::unsigned(&[1]),
            &writer::object_identifier(oid::ANY_POLICY),
            &imprint,
            &writer::unsigned(&[7]),
            &time,
            &self.accuracy.map_or(Vec::new(), |seconds| writer::sequence(&[&writer::unsigned(&[seconds])])),
        ])
    }

    fn generalized_time(&self) -> String {
        serde_json::to_value(self.time).expect("a time").as_str().expect("text").replace(['-', ':', 'T'], "")
    }

    /// The signer of the token, to be changed.
    pub fn signer(&self) -> SignerInfo {
        let mut signer = SignerInfo::new(self.authority, &self.statement());
        signer.set(oid::CONTENT_TYPE, &[&writer::object_identifier(oid::TST_INFO)]);
        signer
    }

    /// The token made of this signer.
    pub fn message(&self, signer: SignerInfo) -> Message {
        Message { version: 3, content_type: oid::TST_INFO.to_vec(), ..Message::enveloping(signer) }
    }

    pub fn encode(&self) -> Vec<u8> {
        self.message(self.signer()).encode()
    }
}

/// The time-stamping authority of the tree.
pub fn authority() -> &'static Signer {
    static AUTHORITY: OnceLock<Signer> = OnceLock::new();
    AUTHORITY.get_or_init(|| authority_from(NOW.plus_seconds(-3600)))
}

/// A time-stamping authority whose certificate begins at a time.
pub fn authority_from(begin: Time) -> Signer {
    let subject = profile::subject("antin", "Kit TSA").expect("a name");
    issued(&tree().ca, &profile::time_stamping(subject, begin, &publication()), Kind::P256.key())
}

/// The signature time-stamp attribute with these tokens.
pub fn signature_time_stamps(tokens: &[Vec<u8>]) -> Vec<u8> {
    attribute(oid::SIGNATURE_TIME_STAMP, &tokens.concat())
}
