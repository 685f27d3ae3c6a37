//! Status list tokens as CWT (§5.2): tagged COSE_Sign1 (RFC 9052 §4.2) by ES256, `x5chain` (RFC 9360) in
//! the protected header, so that no octet can be another.

use super::cbor::{CborFault, CborReader, CborWriter, Key};
use super::token::{Claims, Parts, TokenFault, UnverifiedToken};
use crate::core::time::Time;

/// `typ` of the protected header, and the media type.
pub const MEDIA_TYPE: &str = "application/statuslist+cwt";

const TAG_SIGN1: u64 = 18;
const ES256: i64 = -7;
/// Certificates of the longest chain.
const LONGEST_CHAIN: u64 = 8;

/// Parameters of headers.
mod header {
    pub(super) const ALGORITHM: i64 = 1;
    pub(super) const CRITICAL: i64 = 2;
    pub(super) const TYPE: i64 = 16;
    pub(super) const CHAIN: i64 = 33;
}

mod claim {
    pub(super) const SUBJECT: i64 = 2;
    pub(super) const EXPIRES: i64 = 4;
    pub(super) const NOT_BEFORE: i64 = 5;
    pub(super) const ISSUED: i64 = 6;
    pub(super) const STATUS_LIST: i64 = 65533;
    pub(super) const TIME_TO_LIVE: i64 = 65534;
}

/// The octets to be signed, in two parts that [`assemble`](Self::assemble) needs again.
pub struct ToSign {
    protected: Vec<u8>,
    payload: Vec<u8>,
}

impl ToSign {
    /// `chain`: the signer's certificate first, DER.
    pub fn new(claims: &Claims<'_>, chain: &[&[u8]]) -> Self {
        let mut protected = CborWriter::default();
        protected.map(if chain.is_empty() { 2 } else { 3 });
        protected.number(header::ALGORITHM).number(ES256).number(header::TYPE).text(MEDIA_TYPE);
        match chain {
            [] => {}
            [only] => {
                protected.number(header::CHAIN).octets(only);
            }
            several => {
                protected.number(header::CHAIN).array(several.len());
                several.iter().for_each(|certificate| {
                    protected.octets(certificate);
                });
            }
        }
        let mut payload = CborWriter::default();
        payload.map(5).number(claim::SUBJECT).text(claims.subject);
        payload.number(claim::EXPIRES).number(claims.expires_at.unix());
        payload.number(claim::ISSUED).number(claims.issued_at.unix());
        let pairs = if claims.aggregation_uri.is_some() { 3 } else { 2 };
        payload.number(claim::STATUS_LIST).map(pairs).text("bits").number(i64::from(claims.bits));
        payload.text("lst").octets(claims.compressed);
        if let Some(uri) = claims.aggregation_uri {
            payload.text("aggregation_uri").text(uri);
        }
        let time_to_live = i64::try_from(claims.time_to_live).unwrap_or(i64::MAX);
        payload.number(claim::TIME_TO_LIVE).number(time_to_live);
        Self { protected: protected.finish(), payload: payload.finish() }
    }

    /// `Sig_structure` (RFC 9052 §4.4).
    pub fn octets(&self) -> Vec<u8> {
        to_be_signed(&self.protected, &self.payload)
    }

    /// The whole token. `signature`: r and s, 32 octets each.
    pub fn assemble(&self, signature: &[u8; 64]) -> Vec<u8> {
        let mut token = CborWriter::default();
        token.tag(TAG_SIGN1).array(4).octets(&self.protected).map(0).octets(&self.payload).octets(signature);
        token.finish()
    }
}

fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut structure = CborWriter::default();
    structure.array(4).text("Signature1").octets(protected).octets(&[]).octets(payload);
    structure.finish()
}

impl From<CborFault> for TokenFault {
    fn from(_: CborFault) -> Self {
        Self::Encoding
    }
}

/// What headers hold that counts.
#[derive(Default)]
struct Headers<'a> {
    algorithm: Option<i64>,
    media_type: Option<&'a str>,
    critical: bool,
    chain: Option<Vec<&'a [u8]>>,
}

impl<'a> Headers<'a> {
    /// No parameter stands in both headers (RFC 9052 §3). Algorithm and type count where they are protected alone.
    fn read(&mut self, reader: &mut CborReader<'a>, protected: bool) -> Result<(), CborFault> {
        reader.map(|key, reader| match key {
            Key::Number(header::ALGORITHM) if protected => {
                self.algorithm = Some(reader.number()?);
                Ok(())
            }
            Key::Number(header::TYPE) if protected => {
                self.media_type = Some(reader.text()?);
                Ok(())
            }
            Key::Number(header::ALGORITHM | header::TYPE) => Err(CborFault),
            Key::Number(header::CRITICAL) => {
                self.critical = true;
                reader.skip()
            }
            Key::Number(header::CHAIN) => {
                let chain = read_chain(reader)?;
                if self.chain.replace(chain).is_some() { Err(CborFault) } else { Ok(()) }
            }
            _ => reader.skip(),
        })
    }
}

fn read_chain<'a>(reader: &mut CborReader<'a>) -> Result<Vec<&'a [u8]>, CborFault> {
    if !reader.is_array() {
        return Ok(vec![reader.octets()?]);
    }
    match reader.array()? {
        count @ 2..=LONGEST_CHAIN => (0..count).map(|_| reader.octets()).collect(),
        _ => Err(CborFault),
    }
}

/// Reads a token, which is not verified yet.
pub fn decode(octets: &[u8]) -> Result<UnverifiedToken, TokenFault> {
    let mut reader = CborReader::new(octets);
    if reader.tag()? != TAG_SIGN1 || reader.array()? != 4 {
        return Err(TokenFault::Encoding);
    }
    let protected = reader.octets()?;
    let mut headers = Headers::default();
    let mut inner = CborReader::new(protected);
    headers.read(&mut inner, true)?;
    inner.finish()?;
    headers.read(&mut reader, false)?;
    let payload = reader.octets()?;
    let signature = reader.octets()?;
    reader.finish()?;
    if headers.media_type != Some(MEDIA_TYPE) {
        return Err(TokenFault::Type);
    }
    if headers.algorithm != Some(ES256) {
        return Err(TokenFault::Algorithm);
    }
    if headers.critical {
        return Err(TokenFault::Critical);
    }
    let mut parts = Parts::default();
    let mut inner = CborReader::new(payload);
    inner.map(|key, reader| read_claim(key, reader, &mut parts))?;
    inner.finish()?;
    let chain = headers.chain.unwrap_or_default();
    UnverifiedToken::new(parts, chain.first().copied(), to_be_signed(protected, payload), signature)
}

fn read_claim<'a>(key: Key<'a>, reader: &mut CborReader<'a>, parts: &mut Parts) -> Result<(), CborFault> {
    match key {
        Key::Number(claim::SUBJECT) => parts.subject = Some(reader.text()?.to_owned()),
        Key::Number(claim::EXPIRES) => parts.expires_at = Some(Time::from_unix(reader.number()?)),
        Key::Number(claim::NOT_BEFORE) => parts.not_before = Some(Time::from_unix(reader.number()?)),
        Key::Number(claim::ISSUED) => parts.issued_at = Some(Time::from_unix(reader.number()?)),
        Key::Number(claim::TIME_TO_LIVE) => parts.time_to_live = Some(reader.unsigned()?),
        Key::Number(claim::STATUS_LIST) => reader.map(|key, reader| {
            match key {
                Key::Text("bits") => parts.bits = Some(reader.unsigned()?),
                Key::Text("lst") => parts.compressed = Some(reader.octets()?.to_vec()),
                _ => reader.skip()?,
            }
            Ok(())
        })?,
        _ => reader.skip()?,
    }
    Ok(())
}
