//! Requests for time-stamps, and answers: what counts as an answer is over what was asked.
#![no_main]

use antin_fuzz::core::algorithm::DigestAlgorithm;
use antin_fuzz::core::cms::timestamp_exchange::{TimeStampRequest, decode_response, encode_granted};
use antin_fuzz::core::time::Time;
use antin_fuzz::core::validation::timestamp_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = TimeStampRequest::decode(bytes) {
        assert_eq!(request.digest.len(), request.algorithm.length());
        assert_eq!(TimeStampRequest::decode(&request.encode()), Ok(request));
    }
    if let Ok(token) = decode_response(bytes) {
        assert_eq!(decode_response(&encode_granted(token)), Ok(token));
    }
    let now = Time::from_unix(1_800_000_000);
    let request = TimeStampRequest {
        algorithm: DigestAlgorithm::Sha256,
        digest: &[7; 32],
        policy: None,
        nonce: Some(&[0x40; 16]),
        wants_certificate: true,
    };
    // Nobody signs anything here.
    assert!(timestamp_answer::check(bytes, &request, now, now).is_err());
    assert!(timestamp_answer::check(&encode_granted(bytes), &request, now, now).is_err());
});
