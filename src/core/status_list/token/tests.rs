use std::sync::Arc;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509Builder, X509NameBuilder};

use super::*;

const NOW: Time = Time::from_unix(1_800_000_000);
const URI: &str = "https://example.vn/status-lists/7";

struct Signer {
    key: EcKey<Private>,
    certificate: Arc<Certificate>,
    der: Vec<u8>,
}

fn signer(curve: Nid) -> Signer {
    let key = EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap();
    let holder = PKey::from_ec_key(key.clone()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "status lists").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&holder).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(1_900_000_000).unwrap()).unwrap();
    builder.sign(&holder, MessageDigest::sha256()).unwrap();
    let der = builder.build().to_der().unwrap();
    Signer { key, certificate: Arc::new(Certificate::decode(&der).unwrap()), der }
}

impl Signer {
    fn sign(&self, octets: &[u8]) -> [u8; 64] {
        let signature = EcdsaSig::sign(&crypto::sha256(octets), &self.key).unwrap();
        signature_octets(&signature.to_der().unwrap()).unwrap()
    }

    fn cwt(&self, claims: &Claims<'_>) -> Vec<u8> {
        let to_sign = cwt::ToSign::new(claims, &[&self.der]);
        to_sign.assemble(&self.sign(&to_sign.octets()))
    }

    fn jwt(&self, claims: &Claims<'_>) -> Vec<u8> {
        let signed = jwt::to_sign(claims, &[&self.der]);
        jwt::assemble(&signed, &self.sign(signed.as_bytes()))
    }
}

fn list() -> StatusList {
    let mut list = StatusList::new(1000);
    list.set(3, 1);
    list.set(999, 3);
    list
}

fn claims(compressed: &[u8]) -> Claims<'_> {
    Claims {
        subject: URI,
        issued_at: NOW,
        expires_at: NOW.plus_seconds(600),
        time_to_live: 20,
        bits: 2,
        compressed,
        aggregation_uri: Some("https://example.vn/status-lists"),
    }
}

fn judge(token: &[u8], signers: &[Arc<Certificate>], time: Time) -> Result<StatusListToken, TokenFault> {
    UnverifiedToken::decode(token)?.verify(signers, time)
}

#[test]
fn both_forms_are_made_and_read() {
    let signer = signer(Nid::X9_62_PRIME256V1);
    let compressed = list().compress();
    let signers = [Arc::clone(&signer.certificate)];
    for token in [signer.cwt(&claims(&compressed)), signer.jwt(&claims(&compressed))] {
        let read = judge(&token, &signers, NOW).unwrap();
        assert_eq!((read.subject.as_str(), read.issued_at, read.time_to_live), (URI, NOW, Some(20)));
        assert_eq!(read.expires_at, NOW.plus_seconds(600));
        assert_eq!(read.list, list());
    }
}

#[test]
fn a_token_counts_from_a_named_signer_in_its_time() {
    let (own, other) = (signer(Nid::X9_62_PRIME256V1), signer(Nid::X9_62_PRIME256V1));
    let compressed = list().compress();
    for token in [own.cwt(&claims(&compressed)), own.jwt(&claims(&compressed))] {
        let judge = |signers: &[&Signer], seconds: i64| {
            let signers: Vec<_> = signers.iter().map(|signer| Arc::clone(&signer.certificate)).collect();
            judge(&token, &signers, NOW.plus_seconds(seconds)).map(|_| ())
        };
        assert_eq!(judge(&[&other, &own], 599), Ok(()));
        assert_eq!(judge(&[&own], 600), Err(TokenFault::Expired));
        assert_eq!(judge(&[&own], -60), Ok(()));
        assert_eq!(judge(&[&own], -61), Err(TokenFault::NotYet));
        assert_eq!(judge(&[&own], 200_000_000), Err(TokenFault::SignerNotValid));
        assert_eq!(judge(&[&other], 0), Err(TokenFault::Signer));
        assert_eq!(judge(&[], 0), Err(TokenFault::Signer));
    }
    // Without a certificate in it the signature decides.
    let to_sign = cwt::ToSign::new(&claims(&compressed), &[]);
    let bare = to_sign.assemble(&own.sign(&to_sign.octets()));
    assert!(judge(&bare, &[Arc::clone(&own.certificate)], NOW).is_ok());
    assert_eq!(judge(&bare, &[Arc::clone(&other.certificate)], NOW).unwrap_err(), TokenFault::Signature);
}

#[test]
fn another_curve_is_another_algorithm() {
    let signer = signer(Nid::SECP256K1);
    assert!(signer.certificate.public_key().is_err());
    let compressed = list().compress();
    let token = signer.cwt(&claims(&compressed));
    assert_eq!(judge(&token, &[Arc::clone(&signer.certificate)], NOW).unwrap_err(), TokenFault::Algorithm);
}

/// No bit of a token can be changed, none left out and none added.
#[test]
fn every_change_is_found() {
    let signer = signer(Nid::X9_62_PRIME256V1);
    let compressed = list().compress();
    let signers = [Arc::clone(&signer.certificate)];
    for token in [signer.cwt(&claims(&compressed)), signer.jwt(&claims(&compressed))] {
        for length in 0..token.len() {
            assert!(judge(&token[..length], &signers, NOW).is_err(), "cut at {length}");
        }
        assert!(judge(&[&token[..], b"A"].concat(), &signers, NOW).is_err());
        for index in 0..token.len() {
            for bit in 0..8 {
                let mut changed = token.clone();
                changed[index] ^= 1 << bit;
                assert!(judge(&changed, &signers, NOW).is_err(), "bit {bit} of octet {index}");
            }
        }
    }
}

#[test]
fn headers_and_claims_that_do_not_fit_are_told() {
    let signer = signer(Nid::X9_62_PRIME256V1);
    let signers = [Arc::clone(&signer.certificate)];
    let claims = r#"{"sub":"a","iat":1800000000,"exp":1800000600,"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}"#;
    let token = |header: &str, claims: &str| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        jwt::assemble(&signed, &signer.sign(signed.as_bytes()))
    };
    let found = |header: &str, claims: &str| judge(&token(header, claims), &signers, NOW).map(|_| ());
    let header = r#"{"alg":"ES256","typ":"statuslist+jwt"}"#;
    assert_eq!(found(header, claims), Ok(()));
    for (header, fault) in [
        (r#"{"alg":"none","typ":"statuslist+jwt"}"#, TokenFault::Algorithm),
        (r#"{"alg":"HS256","typ":"statuslist+jwt"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES256","typ":"JWT"}"#, TokenFault::Type),
        (r#"{"alg":"ES256"}"#, TokenFault::Type),
        (r#"{"alg":"ES256","typ":"statuslist+jwt","crit":["b64"],"b64":false}"#, TokenFault::Critical),
        (r#"{"alg":"none","alg":"ES256","typ":"statuslist+jwt"}"#, TokenFault::Encoding),
    ] {
        assert_eq!(found(header, claims), Err(fault), "{header}");
    }
    for (from, to, fault) in [
        (r#""sub":"a","#, "", TokenFault::Claim("sub")),
        (r#""iat":1800000000,"#, "", TokenFault::Claim("iat")),
        (r#""exp":1800000600,"#, "", TokenFault::Claim("exp")),
        (r#""exp":1800000600,"#, r#""exp":1.8e9,"#, TokenFault::Encoding),
        (r#""sub":"a","#, r#""sub":"a","sub":"b","#, TokenFault::Encoding),
        (r#""sub":"a","#, r#""sub":"a","ttl":0,"#, TokenFault::Encoding),
        (r#""sub":"a","#, r#""sub":"a","nbf":1800000100,"#, TokenFault::NotYet),
        (r#""bits":1"#, r#""bits":3"#, TokenFault::List(StatusListFault::Bits)),
        (r#""lst":"eN"#, r#""lst":"eM"#, TokenFault::List(StatusListFault::Compression)),
    ] {
        assert_eq!(found(header, &claims.replace(from, to)), Err(fault), "{to}");
    }
}

/// §5.2, its whole example: of a key that the text does not give.
#[test]
fn the_example_of_a_cwt_is_read() {
    let token = "d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b63\
                 7774a1044231325850a502782168747470733a2f2f6578616d706c652e636f6d2f73\
                 74617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c019fffda2\
                 646269747301636c73744a78dadbb918000217015d584093fa4d01032b18c35e2fe1\
                 101b77fd6cc9440022caa4694450c4e4e9feab4e99d1fa6d9772ce2bf3a12e0323de\
                 d7c982c5e101a5e67f0cbc1e2b6f57ce99c279";
    let read = UnverifiedToken::decode(&hex::decode(token).unwrap()).unwrap();
    assert_eq!(read.subject(), "https://example.com/statuslists/1");
    assert_eq!(read.issued_at(), Time::from_unix(1_686_920_170));
    assert_eq!((read.expires_at, read.time_to_live), (Time::from_unix(2_291_720_170), Some(43_200)));
    let list = StatusList::decompress(read.bits, &read.compressed).unwrap();
    assert_eq!((list.bits(), list.entries(), list.get(0), list.get(1)), (1, 16, Some(1), Some(0)));
}

/// §8.2, its example: likewise.
#[test]
fn the_example_of_a_jwt_is_read() {
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEyIiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ.e\
                 yJleHAiOjIyOTE3MjAxNzAsImlhdCI6MTY4NjkyMDE3MCwiaXNzIjoiaHR0cHM6Ly9le\
                 GFtcGxlLmNvbSIsInN0YXR1c19saXN0Ijp7ImJpdHMiOjEsImxzdCI6ImVOcmJ1UmdBQ\
                 WhjQlhRIn0sInN1YiI6Imh0dHBzOi8vZXhhbXBsZS5jb20vc3RhdHVzbGlzdHMvMSIsI\
                 nR0bCI6NDMyMDB9.2lKUUNG503R9htu4aHAYi7vjmr3sgApbfoDvPrl65N3URUO1EYqq\
                 Ql45Jfzd-Av4QzlKa3oVALpLwOEUOq-U_g";
    let read = UnverifiedToken::decode(token.as_bytes()).unwrap();
    assert_eq!(read.subject(), "https://example.com/statuslists/1");
    assert_eq!((read.bits, read.time_to_live), (1, Some(43_200)));
}

/// Appendix C.1 and C.2: 2^20 entries, all 0 but those named.
#[test]
fn the_vectors_of_one_and_two_bits_are_read() {
    let one = "78daeddc010dc0200c0041a88249400ad2903e0f4bba00bd93f002beb7a2a2010000a91e090000000000000000000000000000008072960400000000\
               0000000000000000000000000000000000000000000000000000000000000000000000005c6f4800000000000000fc2c240000000000000000000000\
               be1b12000000000000000000ecaa4b000000000000000000000000000000009b0b0900000000000000000038de9400000000000000002a30cc010000\
               000080642f0bd8011b";
    let two = "78daeddb310d00211000412ea1a04004fe5520ed357c28c81d3312b6df68bc65480000000000406e2101000000000000000000000000000000000000\
               0000000000000000000000000040795b0200000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
               0000000000000000000000000000000000000000000000000000000000000000000000000080f4ba0400000000000000000000000000406d764a0000\
               00000000000000000000000000000000000000e0922101000000000000000000000000000000000000fc131200000000000000000000000000000000\
               000000000000000000000000000000c0912e01000000000000000000000000000000000000c07d4b02000000000000000000000000000000a8614a00\
               00000000000000000000406a1fcd60010c";
    let places = [0, 1993, 25_460, 159_495, 495_669, 554_353, 645_645, 723_232, 854_545, 934_534, 1_000_345];
    let vectors = [(1_u64, one, [1; 11]), (2, two, [1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 3])];
    for (bits, text, statuses) in vectors {
        let list = StatusList::decompress(bits, &hex::decode(text).unwrap()).unwrap();
        assert_eq!(list.entries(), 1 << 20);
        let set: Vec<(usize, u8)> = places.into_iter().zip(statuses).collect();
        let others = (0..list.entries()).filter_map(|index| Some((index, list.get(index).filter(|one| *one != 0)?)));
        assert_eq!(others.collect::<Vec<_>>(), set, "{bits} bits");
        assert_eq!(StatusList::decompress(bits, &list.compress()), Ok(list));
    }
}
