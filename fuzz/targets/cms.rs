//! CMS messages, through the whole judgement: no changed message passes with another meaning.
#![no_main]

use antin_fuzz::core::cms::SignedData;
use antin_fuzz::core::cms::embed::embed;
use antin_fuzz::core::cms::unsigned::add_signature_time_stamp;
use antin_fuzz::core::der::ber;
use antin_fuzz::der::assert_normalised;
use antin_fuzz::documents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    documents::judge(bytes);
    if let Ok(message) = SignedData::decode(bytes)
        && message.content.is_none()
        && let Ok(enveloping) = embed(bytes, documents::CONTENT)
    {
        let embedded = SignedData::decode(&enveloping).expect("embedded, and no longer a message");
        assert_eq!(embedded.content, Some(documents::CONTENT));
        assert_eq!(embedded.signer_infos.len(), message.signer_infos.len());
    }
    if let Ok(raised) = add_signature_time_stamp(bytes, 0, &[0x05, 0x00]) {
        documents::judge(&raised);
        assert!(raised.len() > bytes.len() && raised.windows(2).any(|window| window == [0x05, 0x00]));
        assert_eq!(documents::signed_parts(bytes), documents::signed_parts(&raised));
    }
    if let Ok(normalised) = ber::normalise_content_info(bytes) {
        assert_normalised(&normalised);
        assert_eq!(ber::normalise_content_info(&normalised).as_ref(), Ok(&normalised));
    }
});
