//! Forms as browsers and OAuth clients send them (`application/x-www-form-urlencoded`).

pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Names and values of `application/x-www-form-urlencoded`; `None`: it is none.
pub fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let read = pairs.map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        Some((decoded(&pair[..at])?, decoded(pair.get(at + 1..).unwrap_or_default())?))
    });
    read.collect()
}

fn decoded(text: &[u8]) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        (octets, rest) = match first {
            b'%' => {
                let digits = after.get(..2)?;
                octets.extend(hex::decode(digits).ok()?);
                (octets, &after[2..])
            }
            other => {
                octets.push(if *other == b'+' { b' ' } else { *other });
                (octets, after)
            }
        };
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_they_were_meant() {
        let read = |text: &str| pairs(text.as_bytes());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("a=b+c&&d%3D=%C3%A9&e"), Some(vec![pair("a", "b c"), pair("d=", "é"), pair("e", "")]));
        for wrong in ["a=%", "a=%4", "a=%zz", "%C3=a"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
