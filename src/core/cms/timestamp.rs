//! Time-stamp tokens (RFC 3161 §2.4.2): a `SignedData` whose content is a `TSTInfo`.

use super::{CmsError, SignedData};
use crate::core::algorithm::{DigestAlgorithm, UnknownAlgorithm};
use crate::core::der::{DerError, DerFault, Reader, Tlv, reader, tag};
use crate::core::oid;
use crate::core::time::Time;

/// Levels of nesting inside a `TSTInfo`.
const DEPTH: usize = 16;

/// Seconds; an authority that may be wrong by more says no order at all.
const LARGEST_ACCURACY: i64 = 86_400;

/// 9999-12-31T23:59:59Z.
const LAST: Time = Time::from_unix(253_402_300_799);

/// What a time-stamping authority states. Nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TstInfo<'a> {
    /// Of the policy under which it was issued; content octets.
    pub policy: &'a [u8],
    pub message_imprint: MessageImprint<'a>,
    /// Up to 160 bits; content octets.
    pub serial_number: &'a [u8],
    /// The first whole second that is not before the time stated: what is proved to have existed then did.
    pub gen_time: Time,
    /// As encoded.
    gen_time_text: &'a [u8],
    /// By how much the time stated may be wrong, in seconds rounded up; zero if that is not said (RFC 3161 §2.4.2).
    pub accuracy: i64,
    pub nonce: Option<&'a [u8]>,
}

/// The digest that was time-stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageImprint<'a> {
    pub algorithm: Result<DigestAlgorithm, UnknownAlgorithm>,
    pub digest: &'a [u8],
}

/// Why a message is not a time-stamp token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    Message(CmsError),
    /// The content is of another type, or detached.
    OtherContent,
    /// The content is not the one DER `TSTInfo` of version 1.
    Content(DerError),
    /// A critical extension; none is known here.
    ExtensionNotUnderstood,
    /// There is not exactly one signer (RFC 3161 §2.4.2).
    Signers,
}

impl From<DerError> for TokenFault {
    fn from(error: DerError) -> Self {
        Self::Content(error)
    }
}

/// The statement that a message carries.
pub fn statement<'a>(message: &SignedData<'a>) -> Result<TstInfo<'a>, TokenFault> {
    if message.content_type != oid::TST_INFO {
        return Err(TokenFault::OtherContent);
    }
    if message.signer_infos.len() != 1 {
        return Err(TokenFault::Signers);
    }
    TstInfo::decode(message.content.ok_or(TokenFault::OtherContent)?)
}

impl<'a> TstInfo<'a> {
    /// Decodes the one `TSTInfo` that `octets` consists of.
    pub fn decode(octets: &'a [u8]) -> Result<Self, TokenFault> {
        let outer = Reader::single(octets, tag::SEQUENCE)?;
        reader::check_canonical(octets, DEPTH)?;
        outer.read_all(|fields| {
            let version = fields.expect(tag::INTEGER)?;
            if version.small()? != 1 {
                return Err(version.error(DerFault::Value).into());
            }
            let policy = fields.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
            let message_imprint = fields.expect(tag::SEQUENCE)?.read_all(|imprint| {
                let algorithm = DigestAlgorithm::decode(imprint.expect(tag::SEQUENCE)?)?;
                let digest = imprint.expect(tag::OCTET_STRING)?.value;
                Ok::<_, DerError>(MessageImprint { algorithm, digest })
            })?;
            let serial_number = fields.expect(tag::INTEGER)?.integer()?;
            let time = fields.expect(tag::GENERALIZED_TIME)?;
            let (gen_time, gen_time_text) = (gen_time(time)?, time.value);
            let stated = fields.optional(tag::SEQUENCE)?;
            let accuracy = stated.map_or(Ok(0), |accuracy| accuracy.read_all(accuracy_seconds))?;
            // `ordering`: some authorities write the default out. It says nothing about one token alone.
            fields.optional(tag::BOOLEAN)?;
            let nonce = fields.optional(tag::INTEGER)?.map(|nonce| nonce.integer()).transpose()?;
            // `tsa`: a hint, for the certificate names the authority.
            fields.optional(tag::context(0))?;
            if let Some(extensions) = fields.optional(tag::context(1))? {
                check_extensions(extensions)?;
            }
            Ok(Self { policy, message_imprint, serial_number, gen_time, gen_time_text, accuracy, nonce })
        })
    }

    /// The time stated with its fraction of a second, to be compared with that of others: later is greater.
    pub fn precise_time(&self) -> &'a [u8] {
        self.gen_time_text.strip_suffix(b"Z").unwrap_or(self.gen_time_text)
    }

    /// The second in which it was made: authorities that write no fraction leave it out.
    pub fn second(&self) -> Time {
        if self.gen_time_text.contains(&b'.') { self.gen_time.plus_seconds(-1) } else { self.gen_time }
    }
}

/// A fraction of a second is rounded up, for what is time-stamped may be later than the second begins.
fn gen_time(element: Tlv<'_>) -> Result<Time, DerError> {
    let time = Time::from_generalized_time_fraction(element.value).map_err(|_| element.error(DerFault::Value))?;
    if !element.value.contains(&b'.') {
        return Ok(time);
    }
    let next = time.plus_seconds(1);
    // After the last second that can be written there is none.
    if next > LAST { Err(element.error(DerFault::Value)) } else { Ok(next) }
}

/// `Accuracy`: seconds, milliseconds, microseconds.
fn accuracy_seconds(fields: &mut Reader<'_>) -> Result<i64, DerError> {
    let mut total: i64 = 0;
    for part in [tag::INTEGER, tag::context_primitive(0), tag::context_primitive(1)] {
        if let Some(number) = fields.optional(part)? {
            let digits = number.unsigned()?.iter();
            let value = digits.fold(0, |value: i64, digit| value.saturating_mul(256).saturating_add(i64::from(*digit)));
            // A fraction, in whatever unit, is less than a second.
            total = total.saturating_add(if part == tag::INTEGER { value } else { value.min(1) });
        }
    }
    Ok(total.min(LARGEST_ACCURACY))
}

fn check_extensions(extensions: Tlv<'_>) -> Result<(), TokenFault> {
    let mut list = extensions.reader();
    while !list.is_empty() {
        let critical = list.expect(tag::SEQUENCE)?.read_all(|extension| {
            extension.expect(tag::OBJECT_IDENTIFIER)?.object_identifier()?;
            let critical = extension.boolean_default_false()?;
            extension.expect(tag::OCTET_STRING)?;
            Ok::<_, DerError>(critical)
        })?;
        if critical {
            return Err(TokenFault::ExtensionNotUnderstood);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::der::writer::{element, object_identifier, sequence, unsigned};

    struct Fields {
        version: u8,
        time: &'static [u8],
        tail: Vec<u8>,
    }

    impl Fields {
        fn encode(&self) -> Vec<u8> {
            let digest =
                sequence(&[&sequence(&[&object_identifier(oid::SHA_256)]), &element(tag::OCTET_STRING, &[7; 32])]);
            sequence(&[
                &unsigned(&[self.version]),
                &object_identifier(oid::ANY_POLICY),
                &digest,
                &unsigned(&[42]),
                &element(tag::GENERALIZED_TIME, self.time),
                &self.tail,
            ])
        }
    }

    fn fields() -> Fields {
        Fields { version: 1, time: b"20261122000000Z", tail: Vec::new() }
    }

    fn extension(critical: bool) -> Vec<u8> {
        let flag = if critical { element(tag::BOOLEAN, &[0xFF]) } else { Vec::new() };
        let extension = sequence(&[&object_identifier(oid::ANY_POLICY), &flag, &element(tag::OCTET_STRING, &[])]);
        element(tag::context(1), &extension)
    }

    #[test]
    fn every_field_is_read() {
        let tail = [
            sequence(&[&unsigned(&[1]), &element(tag::context_primitive(0), &[5])]),
            element(tag::BOOLEAN, &[0]),
            unsigned(&[9]),
            element(tag::context(0), &element(0x82, b"tsa")),
            extension(false),
        ];
        let octets = Fields { tail: tail.concat(), ..fields() }.encode();
        let info = TstInfo::decode(&octets).expect("decoded");
        assert_eq!(info.gen_time, Time::parse_rfc3339("2026-11-22T00:00:00Z").expect("time"));
        assert_eq!((info.serial_number, info.nonce), (&[42][..], Some(&[9][..])));
        assert_eq!(info.message_imprint.algorithm, Ok(DigestAlgorithm::Sha256));
        assert_eq!(info.message_imprint.digest, [7; 32]);
    }

    #[test]
    fn a_fraction_counts_as_the_next_second() {
        let octets = Fields { time: b"20261122000000.25Z", ..fields() }.encode();
        let later = Time::parse_rfc3339("2026-11-22T00:00:01Z").expect("time");
        assert_eq!(TstInfo::decode(&octets).map(|info| info.gen_time), Ok(later));
        for time in [
            &b"99991231235959.9Z"[..],
            b"20261122000000.250Z",
            b"20261122000000.Z",
            b"202611220000Z",
            b"20261122000000+0700",
        ] {
            let octets = Fields { time, ..fields() }.encode();
            assert!(matches!(TstInfo::decode(&octets), Err(TokenFault::Content(_))), "{}", time.escape_ascii());
        }
    }

    #[test]
    fn what_is_not_understood_is_no_statement() {
        let critical = Fields { tail: extension(true), ..fields() }.encode();
        assert_eq!(TstInfo::decode(&critical), Err(TokenFault::ExtensionNotUnderstood));
        let other = Fields { version: 2, ..fields() }.encode();
        assert!(matches!(TstInfo::decode(&other), Err(TokenFault::Content(_))));
        let more = Fields { tail: element(tag::NULL, &[]), ..fields() }.encode();
        assert!(matches!(TstInfo::decode(&more), Err(TokenFault::Content(_))));
        let whole = fields().encode();
        for end in 0..whole.len() {
            assert!(TstInfo::decode(&whole[..end]).is_err(), "{end}");
        }
    }
}
