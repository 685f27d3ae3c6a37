//! The message in `Contents` (ISO 32000-2 §12.8.3.3; EN 319 142-1 §6.3): DER or BER, and zeros behind it.

use crate::core::cms::SignedData;
use crate::core::der::ber;

/// Zeros that end a message of indefinite length, and one octet.
const ENDS: usize = 33;

/// The DER of the message whose hexadecimal digits these are; `None` if it is none, or something else than zeros follows it.
pub fn message(digits: &[u8]) -> Option<Vec<u8>> {
    let contents = hex::decode(digits).ok()?;
    let [0x30, length, rest @ ..] = contents.as_slice() else { return None };
    let header = match length {
        0x80 => return indefinite(&contents),
        0x81..=0x84 => usize::from(length - 0x80),
        0..=0x7F => 0,
        _ => return None,
    };
    let length = match header {
        0 => usize::from(*length),
        _ => rest.get(..header)?.iter().fold(0, |value, octet| value << 8 | usize::from(*octet)),
    };
    let end = length.checked_add(2 + header).filter(|end| *end <= contents.len())?;
    if !contents[end..].iter().all(|octet| *octet == 0) {
        return None;
    }
    let mut message = contents;
    message.truncate(end);
    match SignedData::decode(&message) {
        Ok(_) => Some(message),
        Err(_) => ber::normalise_content_info(&message).ok(),
    }
}

/// A BER message of indefinite length ends with zeros of its own.
fn indefinite(contents: &[u8]) -> Option<Vec<u8>> {
    let end = contents.iter().rposition(|octet| *octet != 0)? + 1;
    let ends = (1..=ENDS).map(|zeros| end + zeros).take_while(|end| *end <= contents.len());
    ends.map(|end| ber::normalise_content_info(&contents[..end])).find_map(Result::ok)
}
