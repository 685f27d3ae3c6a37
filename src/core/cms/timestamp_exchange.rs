//! The messages between a requester and a time-stamping authority (RFC 3161 §2.4): what is asked and what is answered. Whether an
//! answer is one to a request is judged in [`crate::core::validation::timestamp_answer`].

use crate::core::algorithm::{DigestAlgorithm, UnknownAlgorithm};
use crate::core::der::{DerError, DerFault, Reader, Tlv, ber, reader, tag, writer};

/// Media type of a request (RFC 3161 §3.4).
pub const QUERY_MEDIA_TYPE: &str = "application/timestamp-query";
/// Media type of an answer.
pub const REPLY_MEDIA_TYPE: &str = "application/timestamp-reply";
/// Levels of nesting inside a request, and inside the status of an answer.
const DEPTH: usize = 16;

/// `TimeStampReq` (RFC 3161 §2.4.1), without extensions: none is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeStampRequest<'a> {
    pub algorithm: DigestAlgorithm,
    /// As long as the algorithm's.
    pub digest: &'a [u8],
    /// The policy that is asked for; content octets of its identifier.
    pub policy: Option<&'a [u8]>,
    /// Content octets of an INTEGER.
    pub nonce: Option<&'a [u8]>,
    /// The authority's certificate is to stand in the token.
    pub wants_certificate: bool,
}

/// Why no token can be made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// Not the one DER `TimeStampReq` of version 1.
    Encoding(DerError),
    UnknownAlgorithm(UnknownAlgorithm),
    /// The digest has another length than its algorithm gives.
    DigestLength,
    /// An extension; none is known here.
    Extension,
}

impl From<DerError> for RequestFault {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

impl RequestFault {
    /// What an authority answers.
    pub const fn failure(&self) -> FailureInfo {
        match self {
            Self::Encoding(_) | Self::DigestLength => FailureInfo::BadDataFormat,
            Self::UnknownAlgorithm(_) => FailureInfo::BadAlgorithm,
            Self::Extension => FailureInfo::UnacceptedExtension,
        }
    }
}

impl<'a> TimeStampRequest<'a> {
    /// The whole `TimeStampReq`.
    pub fn encode(&self) -> Vec<u8> {
        let optional = |identifier, value: Option<&[u8]>| value.map(|value| writer::element(identifier, value));
        writer::sequence(&[
            &writer::unsigned(&[1]),
            &imprint(self.algorithm, self.digest),
            &optional(tag::OBJECT_IDENTIFIER, self.policy).unwrap_or_default(),
            &optional(tag::INTEGER, self.nonce).unwrap_or_default(),
            &optional(tag::BOOLEAN, self.wants_certificate.then_some(&[0xFF])).unwrap_or_default(),
        ])
    }

    /// Decodes the one `TimeStampReq` that `octets` consists of.
    pub fn decode(octets: &'a [u8]) -> Result<Self, RequestFault> {
        let outer = Reader::single(octets, tag::SEQUENCE)?;
        reader::check_canonical(octets, DEPTH)?;
        outer.read_all(|fields| {
            expect_version_1(fields)?;
            let (algorithm, digest) = fields.expect(tag::SEQUENCE)?.read_all(|imprint| {
                let algorithm = DigestAlgorithm::decode(imprint.expect(tag::SEQUENCE)?)?;
                Ok::<_, DerError>((algorithm, imprint.expect(tag::OCTET_STRING)?.value))
            })?;
            let policy =
                fields.optional(tag::OBJECT_IDENTIFIER)?.map(|policy| policy.object_identifier()).transpose()?;
            let nonce = fields.optional(tag::INTEGER)?.map(|nonce| nonce.integer()).transpose()?;
            // Some write the default out.
            let wants_certificate = fields.optional(tag::BOOLEAN)?.is_some_and(|flag| flag.value == [0xFF]);
            if fields.optional(tag::context(0))?.is_some() {
                return Err(RequestFault::Extension);
            }
            let algorithm = algorithm.map_err(RequestFault::UnknownAlgorithm)?;
            if digest.len() != algorithm.length() {
                return Err(RequestFault::DigestLength);
            }
            Ok(Self { algorithm, digest, policy, nonce, wants_certificate })
        })
    }
}

/// `MessageImprint`.
pub fn imprint(algorithm: DigestAlgorithm, digest: &[u8]) -> Vec<u8> {
    // With NULL as parameters, which every authority reads (RFC 8017 B.1).
    let identifier = writer::sequence(&[&writer::object_identifier(algorithm.oid()), &[tag::NULL, 0]]);
    writer::sequence(&[&identifier, &writer::octet_string(digest)])
}

fn expect_version_1(fields: &mut Reader<'_>) -> Result<(), DerError> {
    let version = fields.expect(tag::INTEGER)?;
    if version.small()? == 1 { Ok(()) } else { Err(version.error(DerFault::Value)) }
}

/// `PKIFailureInfo`, those of RFC 3161 §2.4.2, by the number of their bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureInfo {
    BadAlgorithm = 0,
    BadRequest = 2,
    BadDataFormat = 5,
    TimeNotAvailable = 14,
    UnacceptedPolicy = 15,
    UnacceptedExtension = 16,
    AdditionalInfoNotAvailable = 17,
    SystemFailure = 25,
}

impl FailureInfo {
    const ALL: [Self; 8] = [
        Self::BadAlgorithm,
        Self::BadRequest,
        Self::BadDataFormat,
        Self::TimeNotAvailable,
        Self::UnacceptedPolicy,
        Self::UnacceptedExtension,
        Self::AdditionalInfoNotAvailable,
        Self::SystemFailure,
    ];

    /// As RFC 3161 writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadAlgorithm => "badAlg",
            Self::BadRequest => "badRequest",
            Self::BadDataFormat => "badDataFormat",
            Self::TimeNotAvailable => "timeNotAvailable",
            Self::UnacceptedPolicy => "unacceptedPolicy",
            Self::UnacceptedExtension => "unacceptedExtension",
            Self::AdditionalInfoNotAvailable => "addInfoNotAvailable",
            Self::SystemFailure => "systemFailure",
        }
    }

    /// The first that is set, of those known.
    fn of_bits(element: Tlv<'_>) -> Result<Option<Self>, DerError> {
        let (_, octets) = element.bit_string()?;
        let is_set = |info: &Self| {
            let bit = *info as usize;
            octets.get(bit / 8).is_some_and(|octet| octet >> (7 - bit % 8) & 1 == 1)
        };
        Ok(Self::ALL.into_iter().find(is_set))
    }

    fn encode(self) -> Vec<u8> {
        let bit = self as usize;
        let mut content = vec![0; bit / 8 + 2];
        content[0] = (7 - bit % 8) as u8;
        content[bit / 8 + 1] = 0x80 >> (bit % 8);
        writer::element(tag::BIT_STRING, &content)
    }
}

/// `PKIStatus` of an answer without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Rejection = 2,
    Waiting = 3,
    RevocationWarning = 4,
    RevocationNotification = 5,
}

/// Why an answer brings no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFault {
    /// Not one `TimeStampResp`.
    Encoding(DerError),
    /// A status that no answer has.
    UnknownStatus,
    /// Granted, and no token.
    TokenMissing,
    /// Refused, and a token.
    TokenWithRefusal,
    /// Granted, and a failure.
    FailureWithGrant,
    /// The authority makes none; its reason, if it gives one that is known here.
    Refused(Refusal, Option<FailureInfo>),
}

impl From<DerError> for ResponseFault {
    fn from(error: DerError) -> Self {
        Self::Encoding(error)
    }
}

/// The token in the one `TimeStampResp` that `octets` consists of (RFC 3161 §2.4.2): one whole element, in BER as the authority made
/// it, and nothing about it judged. Granted "with modifications" is granted: what differs from the request is found by comparing.
pub fn decode_response(octets: &[u8]) -> Result<&[u8], ResponseFault> {
    let outer = Reader::single(octets, tag::SEQUENCE)?;
    let status_info = outer.reader().expect(tag::SEQUENCE)?;
    reader::check_canonical(status_info.raw, DEPTH)?;
    let (status, failure) = status_info.read_all(|fields| {
        let status = fields.expect(tag::INTEGER)?.small()?;
        if let Some(texts) = fields.optional(tag::SEQUENCE)? {
            let mut texts = texts.reader();
            while !texts.is_empty() {
                texts.expect(tag::UTF8_STRING)?;
            }
        }
        Ok::<_, DerError>((status, fields.optional(tag::BIT_STRING)?))
    })?;
    let info = failure.map(FailureInfo::of_bits).transpose()?.flatten();
    let refusal = match status {
        0 | 1 => None,
        2 => Some(Refusal::Rejection),
        3 => Some(Refusal::Waiting),
        4 => Some(Refusal::RevocationWarning),
        5 => Some(Refusal::RevocationNotification),
        _ => return Err(ResponseFault::UnknownStatus),
    };
    let rest = &outer.value[status_info.raw.len()..];
    let tokens = ber::elements(rest).map_err(|fault| outer.error(fault))?;
    match (refusal, tokens.as_slice()) {
        (_, [_, _, ..]) => Err(outer.error(DerFault::Trailing).into()),
        (Some(refusal), []) => Err(ResponseFault::Refused(refusal, info)),
        (Some(_), [_]) => Err(ResponseFault::TokenWithRefusal),
        (None, []) => Err(ResponseFault::TokenMissing),
        (None, [_]) if failure.is_some() => Err(ResponseFault::FailureWithGrant),
        (None, [token]) => Ok(token),
    }
}

/// The whole `TimeStampResp` with a token.
pub fn encode_granted(token: &[u8]) -> Vec<u8> {
    writer::sequence(&[&writer::sequence(&[&writer::unsigned(&[0])]), token])
}

/// The whole `TimeStampResp` of a rejection.
pub fn encode_refusal(failure: FailureInfo) -> Vec<u8> {
    let status = writer::unsigned(&[Refusal::Rejection as u8]);
    writer::sequence(&[&writer::sequence(&[&status, &failure.encode()])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::oid;

    const REQUEST: TimeStampRequest<'_> = TimeStampRequest {
        algorithm: DigestAlgorithm::Sha256,
        digest: &[7; 32],
        policy: Some(oid::ANY_POLICY),
        nonce: Some(&[0x40, 1, 2]),
        wants_certificate: true,
    };

    #[test]
    fn requests_go_there_and_back() {
        for policy in [None, REQUEST.policy] {
            for nonce in [None, REQUEST.nonce] {
                for wants_certificate in [false, true] {
                    let request = TimeStampRequest { policy, nonce, wants_certificate, ..REQUEST };
                    assert_eq!(TimeStampRequest::decode(&request.encode()), Ok(request));
                }
            }
        }
        let whole = REQUEST.encode();
        for end in 0..whole.len() {
            assert!(matches!(TimeStampRequest::decode(&whole[..end]), Err(RequestFault::Encoding(_))), "{end}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(matches!(TimeStampRequest::decode(&longer), Err(RequestFault::Encoding(_))));
    }

    #[test]
    fn requests_that_cannot_be_met_are_told_by_what_they_ask() {
        let fault =
            |fields: &[&[u8]]| TimeStampRequest::decode(&writer::sequence(fields)).expect_err("refused").failure();
        let one = writer::unsigned(&[1]);
        let good = imprint(DigestAlgorithm::Sha256, &[7; 32]);
        assert_eq!(fault(&[&writer::unsigned(&[2]), &good]), FailureInfo::BadDataFormat);
        assert_eq!(fault(&[&one, &imprint(DigestAlgorithm::Sha256, &[7; 31])]), FailureInfo::BadDataFormat);
        let unknown = writer::sequence(&[&writer::object_identifier(oid::ANY_POLICY)]);
        let unknown = writer::sequence(&[&unknown, &writer::octet_string(&[7; 32])]);
        assert_eq!(fault(&[&one, &unknown]), FailureInfo::BadAlgorithm);
        assert_eq!(fault(&[&one, &good, &writer::element(tag::context(0), &[])]), FailureInfo::UnacceptedExtension);
    }

    #[test]
    fn refusals_go_there_and_back() {
        for info in FailureInfo::ALL {
            let refused = ResponseFault::Refused(Refusal::Rejection, Some(info));
            assert_eq!(decode_response(&encode_refusal(info)), Err(refused), "{}", info.name());
        }
        let status = |number: u8, rest: &[&[u8]]| {
            let status = writer::sequence(&[&writer::unsigned(&[number])]);
            writer::sequence(&[&[&status[..]], rest].concat())
        };
        for (number, refusal) in
            [(3, Refusal::Waiting), (4, Refusal::RevocationWarning), (5, Refusal::RevocationNotification)]
        {
            assert_eq!(decode_response(&status(number, &[])), Err(ResponseFault::Refused(refusal, None)));
        }
        let token = writer::sequence(&[]);
        assert_eq!(decode_response(&status(1, &[&token])), Ok(&token[..]));
        assert_eq!(decode_response(&encode_granted(&token)), Ok(&token[..]));
    }

    /// CVE-2025-69420 and its kin: what contradicts itself is no answer, and whatever type stands where is looked at first.
    #[test]
    fn t04_answers_that_contradict_themselves_bring_no_token() {
        let token = writer::sequence(&[&writer::object_identifier(oid::SIGNED_DATA)]);
        let of = |status: &[u8], rest: &[&[u8]]| decode_response(&writer::sequence(&[&[status], rest].concat())).err();
        let status = |number: &[u8]| writer::sequence(&[&writer::element(tag::INTEGER, number)]);
        assert_eq!(of(&status(&[0]), &[]), Some(ResponseFault::TokenMissing));
        assert_eq!(of(&status(&[2]), &[&token]), Some(ResponseFault::TokenWithRefusal));
        let both = writer::sequence(&[&writer::unsigned(&[0]), &FailureInfo::BadRequest.encode()]);
        assert_eq!(of(&both, &[&token]), Some(ResponseFault::FailureWithGrant));
        assert_eq!(of(&status(&[6]), &[&token]), Some(ResponseFault::UnknownStatus));
        for number in [&[0xFF][..], &[0, 0], &[], &[1, 0, 0, 0, 0]] {
            assert!(matches!(of(&status(number), &[&token]), Some(ResponseFault::Encoding(_))), "{number:?}");
        }
        for rest in [&[&token[..], &token][..], &[&token[..token.len() - 1]], &[&[0, 0]]] {
            assert!(matches!(of(&status(&[0]), rest), Some(ResponseFault::Encoding(_))), "{rest:?}");
        }
        // Each element of another type.
        let texts = writer::sequence(&[&writer::utf8_string("granted")]);
        let whole = writer::sequence(&[&writer::sequence(&[
            &writer::unsigned(&[2]),
            &texts,
            &FailureInfo::BadRequest.encode(),
        ])]);
        assert_eq!(
            decode_response(&whole),
            Err(ResponseFault::Refused(Refusal::Rejection, Some(FailureInfo::BadRequest)))
        );
        for position in 0..whole.len() {
            for octet in 0..=255 {
                let mut changed = whole.clone();
                changed[position] = octet;
                assert!(decode_response(&changed).is_err(), "{position} {octet}");
            }
        }
    }
}
