//! Object identifiers, as the content octets that DER compares; written here in dotted form and encoded at compile time.

macro_rules! object_identifiers {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &[u8] = {
            const ENCODED: ([u8; CAPACITY], usize) = encode($text);
            ENCODED.0.split_at(ENCODED.1).0
        };)*

        /// Every constant of this module with its dotted form, for tests and names.
        #[cfg(test)]
        const ALL: &[(&[u8], &str)] = &[$(($name, $text)),*];
    };
}

object_identifiers! {
    // Content types (RFC 5652, RFC 3161).
    DATA = "1.2.840.113549.1.7.1";
    SIGNED_DATA = "1.2.840.113549.1.7.2";
    TST_INFO = "1.2.840.113549.1.9.16.1.4";

    // Attributes (RFC 5652 §11, RFC 5035, RFC 6211, EN 319 122-1).
    CONTENT_TYPE = "1.2.840.113549.1.9.3";
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    SIGNING_TIME = "1.2.840.113549.1.9.5";
    COUNTERSIGNATURE = "1.2.840.113549.1.9.6";
    CMS_ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52";
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
    CONTENT_TIME_STAMP = "1.2.840.113549.1.9.16.2.20";
    /// `adbe-revocationInfoArchival` (ISO 32000-2 §12.8.3.3.2).
    REVOCATION_ARCHIVAL = "1.2.840.113583.1.1.8";
    SIGNATURE_TIME_STAMP = "1.2.840.113549.1.9.16.2.14";
    CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23";
    REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24";
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
    ARCHIVE_TIME_STAMP_V2 = "1.2.840.113549.1.9.16.2.48";
    ARCHIVE_TIME_STAMP_V3 = "0.4.0.1733.2.4";
    /// `ats-hash-index` of TS 101 733, and the one of EN 319 122-1 §5.5.2.
    ATS_HASH_INDEX = "0.4.0.1733.2.5";
    ATS_HASH_INDEX_V3 = "0.4.0.19122.1.5";
    /// `id-ri-ocsp-response` (RFC 5940 §2.1).
    OCSP_RESPONSE_FORMAT = "1.3.6.1.5.5.7.16.2";
    /// antin's own signed attribute: kind, id and status reference of the document (`docs/api.md`).
    DOCUMENT_REFERENCE = "2.25.328110155738642136753127327768308708450";

    // Digests (FIPS 180-4, FIPS 202).
    SHA_1 = "1.3.14.3.2.26";
    SHA_224 = "2.16.840.1.101.3.4.2.4";
    SHA_256 = "2.16.840.1.101.3.4.2.1";
    SHA_384 = "2.16.840.1.101.3.4.2.2";
    SHA_512 = "2.16.840.1.101.3.4.2.3";
    SHA3_256 = "2.16.840.1.101.3.4.2.8";
    SHA3_384 = "2.16.840.1.101.3.4.2.9";
    SHA3_512 = "2.16.840.1.101.3.4.2.10";

    // RSA (RFC 8017, RFC 4055).
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    RSA_PSS = "1.2.840.113549.1.1.10";
    MGF1 = "1.2.840.113549.1.1.8";
    SHA_1_WITH_RSA = "1.2.840.113549.1.1.5";
    SHA_224_WITH_RSA = "1.2.840.113549.1.1.14";
    SHA_256_WITH_RSA = "1.2.840.113549.1.1.11";
    SHA_384_WITH_RSA = "1.2.840.113549.1.1.12";
    SHA_512_WITH_RSA = "1.2.840.113549.1.1.13";
    SHA3_256_WITH_RSA = "2.16.840.1.101.3.4.3.14";
    SHA3_384_WITH_RSA = "2.16.840.1.101.3.4.3.15";
    SHA3_512_WITH_RSA = "2.16.840.1.101.3.4.3.16";

    // ECDSA (RFC 5480, RFC 5758, FIPS 186-5).
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    P256 = "1.2.840.10045.3.1.7";
    P384 = "1.3.132.0.34";
    P521 = "1.3.132.0.35";
    ECDSA_WITH_SHA_1 = "1.2.840.10045.4.1";
    ECDSA_WITH_SHA_224 = "1.2.840.10045.4.3.1";
    ECDSA_WITH_SHA_256 = "1.2.840.10045.4.3.2";
    ECDSA_WITH_SHA_384 = "1.2.840.10045.4.3.3";
    ECDSA_WITH_SHA_512 = "1.2.840.10045.4.3.4";
    ECDSA_WITH_SHA3_256 = "2.16.840.1.101.3.4.3.10";
    ECDSA_WITH_SHA3_384 = "2.16.840.1.101.3.4.3.11";
    ECDSA_WITH_SHA3_512 = "2.16.840.1.101.3.4.3.12";

    // Certificate and CRL extensions (RFC 5280 §4.2, §5.2, §5.3).
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    KEY_USAGE = "2.5.29.15";
    SUBJECT_ALT_NAME = "2.5.29.17";
    ISSUER_ALT_NAME = "2.5.29.18";
    BASIC_CONSTRAINTS = "2.5.29.19";
    CRL_NUMBER = "2.5.29.20";
    REASON_CODE = "2.5.29.21";
    INVALIDITY_DATE = "2.5.29.24";
    DELTA_CRL_INDICATOR = "2.5.29.27";
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    CERTIFICATE_ISSUER = "2.5.29.29";
    NAME_CONSTRAINTS = "2.5.29.30";
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    CERTIFICATE_POLICIES = "2.5.29.32";
    ANY_POLICY = "2.5.29.32.0";
    POLICY_MAPPINGS = "2.5.29.33";
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    POLICY_CONSTRAINTS = "2.5.29.36";
    EXTENDED_KEY_USAGE = "2.5.29.37";
    FRESHEST_CRL = "2.5.29.46";
    INHIBIT_ANY_POLICY = "2.5.29.54";
    EXPIRED_CERTIFICATES_ON_CRL = "2.5.29.60";
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5";
    OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
    QUALIFIER_CPS = "1.3.6.1.5.5.7.2.1";
    QUALIFIER_USER_NOTICE = "1.3.6.1.5.5.7.2.2";
    /// A mailbox beyond ASCII, as otherName (RFC 9598 §3).
    SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9";
    ACCESS_OCSP = "1.3.6.1.5.5.7.48.1";
    ACCESS_CA_ISSUERS = "1.3.6.1.5.5.7.48.2";

    // Extended key usages (RFC 5280 §4.2.1.12, RFC 9336).
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    EKU_SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    EKU_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    EKU_CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    EKU_EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
    EKU_TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    EKU_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    EKU_DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36";

    // Name attributes (X.520, RFC 4519, RFC 2985).
    COMMON_NAME = "2.5.4.3";
    SURNAME = "2.5.4.4";
    SERIAL_NUMBER = "2.5.4.5";
    COUNTRY = "2.5.4.6";
    LOCALITY = "2.5.4.7";
    STATE = "2.5.4.8";
    STREET = "2.5.4.9";
    ORGANIZATION = "2.5.4.10";
    ORGANIZATIONAL_UNIT = "2.5.4.11";
    TITLE = "2.5.4.12";
    GIVEN_NAME = "2.5.4.42";
    DN_QUALIFIER = "2.5.4.46";
    PSEUDONYM = "2.5.4.65";
    ORGANIZATION_IDENTIFIER = "2.5.4.97";
    USER_ID = "0.9.2342.19200300.100.1.1";
    DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
}

/// Content octets of the longest identifier written here.
const CAPACITY: usize = 40;

/// Content octets of a dotted identifier (X.690 §8.19); compile time only, so a wrong text does not compile.
const fn encode(text: &str) -> ([u8; CAPACITY], usize) {
    let text = text.as_bytes();
    let mut encoded = [0; CAPACITY];
    let (mut length, mut at, mut arc_number, mut first) = (0, 0, 0, 0_u128);
    while at < text.len() {
        let mut arc = 0_u128;
        while at < text.len() && text[at] != b'.' {
            assert!(text[at].is_ascii_digit());
            arc = arc * 10 + (text[at] - b'0') as u128;
            at += 1;
        }
        at += 1;
        arc_number += 1;
        if arc_number == 1 {
            first = arc;
            continue;
        }
        if arc_number == 2 {
            arc += first * 40;
        }
        let mut shift = 126;
        while shift > 0 && arc >> shift == 0 {
            shift -= 7;
        }
        loop {
            let more = if shift > 0 { 0x80 } else { 0 };
            encoded[length] = (arc >> shift) as u8 & 0x7F | more;
            length += 1;
            if shift == 0 {
                break;
            }
            shift -= 7;
        }
    }
    (encoded, length)
}

/// Dotted form of content octets that [`super::der::Tlv::object_identifier`] has checked; arcs over 128 bits are
/// shown as `?`.
pub fn dotted(content: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc = Some(0_u128);
    for octet in content {
        arc = arc.filter(|value| value >> 121 == 0).map(|value| value << 7 | u128::from(octet & 0x7F));
        if octet & 0x80 == 0 {
            arcs.push(arc);
            arc = Some(0);
        }
    }
    let text = |arc: Option<u128>| arc.map_or("?".to_owned(), |arc| arc.to_string());
    let mut parts = Vec::with_capacity(arcs.len() + 1);
    if let Some(joined) = arcs.first() {
        let root = joined.map_or(2, |joined| (joined / 40).min(2));
        parts.push(root.to_string());
        parts.push(text(joined.map(|joined| joined - root * 40)));
    }
    parts.extend(arcs.into_iter().skip(1).map(text));
    parts.join(".")
}

/// Content octets of a dotted identifier from a configuration; arcs of at most 64 bits.
pub fn parse(text: &str) -> Option<Vec<u8>> {
    let arcs: Vec<u64> = text.split('.').map(|arc| arc.parse().ok()).collect::<Option<_>>()?;
    let [root @ 0..=2, second, rest @ ..] = arcs.as_slice() else { return None };
    if *root < 2 && *second > 39 {
        return None;
    }
    let mut content = Vec::new();
    for arc in std::iter::once(second.checked_add(root * 40)?).chain(rest.iter().copied()) {
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        content.extend((0..groups).rev().map(|group| {
            let more = if group > 0 { 0x80 } else { 0 };
            (arc >> (group * 7)) as u8 & 0x7F | more
        }));
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_const_oid_crate() {
        for (content, text) in ALL {
            assert_eq!(dotted(content), *text);
            // That crate holds arcs of 32 bits only.
            if !text.starts_with("2.25.") {
                let other = const_oid::ObjectIdentifier::new(text).expect("an identifier");
                assert_eq!(other.as_bytes(), *content, "{text}");
                assert_eq!(parse(text).as_deref(), Some(*content));
            }
        }
    }

    #[test]
    fn hostile_identifiers_print() {
        assert_eq!(dotted(&[0xFF; 60]), "");
        let mut giant = vec![0xFF; 60];
        giant.push(0x7F);
        assert_eq!(dotted(&giant), "2.?");
    }
}
