//! Certificates and CRLs as octets: nothing here asks whether they make sense.

use antin::core::algorithm::DigestAlgorithm;
use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::time::Time;

use super::key::Key;

/// One extension as it stands in a certificate, a CRL or an entry.
pub fn extension(identifier: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[tag::BOOLEAN, 1, 0xFF] } else { &[] };
    writer::sequence(&[&identified(identifier), critical, &writer::octet_string(value)])
}

/// An encoded extension is of this kind: its identifier stands at its head, after one to three octets of length.
pub fn is(extension: &[u8], identifier: &str) -> bool {
    let identified = identified(identifier);
    (2..=4).any(|at| extension.get(at..).is_some_and(|rest| rest.starts_with(&identified)))
}

pub fn identified(dotted: &str) -> Vec<u8> {
    writer::object_identifier(&oid::parse(dotted).expect("an object identifier"))
}

/// A string type of its own, where a spelling shall differ.
pub fn attribute(identifier: &str, string: u8, value: &str) -> Vec<u8> {
    let pair = writer::sequence(&[&identified(identifier), &writer::element(string, value.as_bytes())]);
    writer::element(tag::SET, &pair)
}

/// `C=VN, O=…, CN=…`, and what follows.
pub fn name(common_name: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let country = attribute("2.5.4.6", tag::PRINTABLE_STRING, "VN");
    let organization = attribute("2.5.4.10", tag::UTF8_STRING, "Cơ quan thử nghiệm");
    let common_name = attribute("2.5.4.3", tag::UTF8_STRING, common_name);
    writer::sequence(&[&country, &organization, &common_name, &more.concat()])
}

/// The content of a name in a `GeneralName`, by its context number.
pub fn general_name(number: u8, content: &[u8]) -> Vec<u8> {
    // A directory name alone is constructed: its tag is explicit (RFC 5280 §4.2.1.6).
    let tag = if number == 4 { tag::context(4) } else { tag::context_primitive(number) };
    writer::element(tag, content)
}

/// Named bits from the most significant on, as a `BIT STRING` under `tag`.
pub fn bits(tag: u8, bits: u16) -> Vec<u8> {
    let unused = bits.trailing_zeros().min(16);
    let octets = &bits.to_be_bytes()[..2 - unused as usize / 8];
    writer::concatenated(tag, &[&[(unused % 8) as u8], octets])
}

pub fn integer(content: &[u8]) -> Vec<u8> {
    writer::element(tag::INTEGER, content)
}

/// A sequence of which only what is there is written, the last octets of a structure most often.
pub fn signed(to_be_signed: &[u8], key: Key, digest: DigestAlgorithm, damaged: bool) -> Vec<u8> {
    let mut value = key.sign(digest, to_be_signed);
    if damaged {
        *value.last_mut().expect("a signature") ^= 1;
    }
    let value = writer::concatenated(tag::BIT_STRING, &[&[0], &value]);
    writer::sequence(&[to_be_signed, &key.algorithm(digest).encode(), &value])
}

/// What every certificate has, whatever its extensions.
pub struct Certificate<'a> {
    pub version: u8,
    /// Content octets.
    pub serial_number: &'a [u8],
    pub issuer: &'a [u8],
    pub not_before: Time,
    pub not_after: Time,
    pub subject: &'a [u8],
    pub key: Key,
    /// Version 1 has none.
    pub extensions: &'a [Vec<u8>],
}

impl Certificate<'_> {
    pub fn sign(&self, key: Key, digest: DigestAlgorithm, damaged: bool) -> Vec<u8> {
        let version = writer::element(tag::context(0), &integer(&[self.version - 1]));
        let extensions = writer::element(tag::context(3), &writer::sequence(&[&self.extensions.concat()]));
        let validity = writer::sequence(&[&writer::time(self.not_before), &writer::time(self.not_after)]);
        let is_first = self.version == 1;
        let to_be_signed = writer::sequence(&[
            if is_first { &[] } else { &version },
            &integer(self.serial_number),
            &key.algorithm(digest).encode(),
            self.issuer,
            &validity,
            self.subject,
            self.key.public(),
            if is_first || self.extensions.is_empty() { &[] } else { &extensions },
        ]);
        signed(&to_be_signed, key, digest, damaged)
    }
}
