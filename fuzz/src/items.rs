//! Several objects in one input: a kind, a length of two octets, and so many octets, again and again.

/// What an item holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Certificate,
    Crl,
    Ocsp,
    Anchor,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Certificate, Self::Crl, Self::Ocsp, Self::Anchor];
}

/// The items; the last one may be cut off.
pub fn split(mut input: &[u8]) -> Vec<(Kind, &[u8])> {
    let mut items = Vec::new();
    while let [kind, high, low, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        items.push((Kind::ALL[usize::from(kind & 3)], &rest[..length]));
        input = &rest[length..];
    }
    items
}

/// Appends an item; one that is too long for its length field is left out.
pub fn push(input: &mut Vec<u8>, kind: Kind, octets: &[u8]) {
    if let Ok(length) = u16::try_from(octets.len()) {
        input.push(kind as u8);
        input.extend(length.to_be_bytes());
        input.extend_from_slice(octets);
    }
}
