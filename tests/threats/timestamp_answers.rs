//! Answers of time-stamping authorities that do not count, although somebody signed them.

use antin::core::algorithm::DigestAlgorithm;
use antin::core::cms::build::attribute;
use antin::core::cms::timestamp_exchange::{TimeStampRequest, encode_granted};
use antin::core::crypto::sha256;
use antin::core::der::{tag, writer};
use antin::core::oid;
use antin::core::validation::timestamp_answer;
use antin::pki::profile;

use crate::kit::CONTENT;
use crate::kit::ber::{Style, twin};
use crate::kit::key::Kind;
use crate::kit::message::Message;
use crate::kit::timestamp::Token;
use crate::kit::tree::{NOW, issued, publication, tree};

/// What becomes of the answer with this token, asked for when it was made.
fn judged(token: &[u8]) -> &'static str {
    let digest = sha256(CONTENT);
    let request = TimeStampRequest {
        algorithm: DigestAlgorithm::Sha256,
        digest: &digest,
        policy: None,
        nonce: None,
        wants_certificate: true,
    };
    let then = Token::over(CONTENT).time;
    let answer = timestamp_answer::check(&encode_granted(token), &request, then, then);
    answer.map(|_| "counts").unwrap_or_else(|fault| fault.code())
}

#[test]
fn t04_a_value_of_another_type_among_the_signed_attributes_is_no_reference() {
    let token = Token::over(CONTENT);
    assert_eq!(judged(&token.encode()), "counts");
    let style = Style { indefinite: true, pieces: Some(16), ..Style::default() };
    assert_eq!(judged(&twin(&token.encode(), style)), "counts", "BER is allowed in the envelope");
    let reference = token.signer().attribute(oid::SIGNING_CERTIFICATE_V2);
    let identifiers = [oid::SIGNING_CERTIFICATE_V2, oid::SIGNING_CERTIFICATE];
    let mut values = vec![Vec::new(), vec![0x05, 0x00], vec![0x01, 0x01, 0xFF], writer::unsigned(&[1])];
    values.extend((0x00..=0xFF).filter(|one| one & 0x1F != 0x1F).map(|one| writer::element(one, &reference)));
    values.extend((0x00..=0xFF).filter(|one| one & 0x1F != 0x1F).map(|one| writer::element(one, &[])));
    for identifier in identifiers {
        for value in &values {
            let mut signer = token.signer();
            signer.remove(oid::SIGNING_CERTIFICATE_V2);
            signer.add(&attribute(identifier, value));
            let found = judged(&token.message(signer).encode());
            assert_ne!(found, "counts", "{value:02X?}");
        }
    }
    let mut unnamed = token.signer();
    unnamed.remove(oid::SIGNING_CERTIFICATE_V2);
    assert_eq!(judged(&token.message(unnamed).encode()), "signing-certificate-missing");
}

#[test]
fn t04_what_is_no_token_of_one_signer_does_not_count() {
    let token = Token::over(CONTENT);
    let (one, other) = (token.signer(), token.signer());
    let two_signers = Message { content: Some(token.statement()), ..Message::of(&[one.clone(), other]) };
    let two_signers = Message { content_type: oid::TST_INFO.to_vec(), ..two_signers };
    let detached = Message { content: None, ..token.message(one.clone()) };
    let of_data = Message { content_type: oid::DATA.to_vec(), ..token.message(one.clone()) };
    let none = Message { signers: Vec::new(), ..token.message(one) };
    let no_tokens = [two_signers.encode(), detached.encode(), of_data.encode(), none.encode(), vec![0x05, 0x00]];
    for no_token in no_tokens {
        assert_eq!(judged(&no_token), "malformed-token");
    }
    let octets = writer::element(tag::OCTET_STRING, &token.encode());
    assert_eq!(judged(&octets), "malformed-token");
}

#[test]
fn t05_a_token_of_another_key_or_over_something_else_does_not_count() {
    assert_eq!(judged(&Token::over(b"something else").encode()), "other-imprint");
    let longer = Token { algorithm: oid::SHA3_256, ..Token::over(CONTENT) };
    assert_eq!(judged(&longer.encode()), "other-imprint", "the same octets by another name");
    let by_a_signer = Token { authority: &tree().signer, ..Token::over(CONTENT) };
    assert_eq!(judged(&by_a_signer.encode()), "extended-key-usage-not-allowed");
    let subject = profile::subject("antin", "Weak TSA").expect("a name");
    let usual = profile::time_stamping(subject, NOW.plus_seconds(-3600), &publication());
    let weak = issued(&tree().ca, &usual, Kind::Rsa1024.key());
    assert_eq!(judged(&Token { authority: &weak, ..Token::over(CONTENT) }.encode()), "signature-key-weak");
    let token = Token::over(CONTENT);
    let mut forged = token.signer();
    let mut value = forged.signature_value();
    let last = value.len() - 1;
    value[last] ^= 1;
    forged.signature = Some(value);
    assert_eq!(judged(&token.message(forged).encode()), "signature-value-invalid");
    let moved = Token { time: token.time.plus_seconds(1), ..Token::over(CONTENT) }.statement();
    let redated = Message { content: Some(moved), ..token.message(token.signer()) };
    assert_eq!(judged(&redated.encode()), "document-changed");
    let early = Token { time: NOW.plus_seconds(-3601), ..Token::over(CONTENT) };
    assert_eq!(judged(&early.encode()), "other-time");
}
