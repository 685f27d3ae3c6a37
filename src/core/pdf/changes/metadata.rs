//! Metadata streams (ISO 32000-2 §14.3.2): whoever writes a revision says when and by what, and nothing else.

/// Properties of XMP that each writer sets.
const OF_WRITER: [&[u8]; 4] = [b"ModifyDate", b"MetadataDate", b"Producer", b"InstanceID"];

/// Both say the same but for those. White space does not count.
pub fn say_the_same(one: &[u8], other: &[u8]) -> bool {
    rest(one) == rest(other)
}

/// Without the values of those properties, as elements or attributes.
fn rest(octets: &[u8]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(octets.len());
    let mut at = 0;
    while at < octets.len() {
        let value = OF_WRITER.iter().find_map(|name| {
            let after = octets[at..].strip_prefix(*name)?;
            let length = match after {
                [b'>', value @ ..] => 1 + memchr::memchr(b'<', value)?,
                [b'=', quote @ (b'"' | b'\''), value @ ..] => 3 + memchr::memchr(*quote, value)?,
                _ => return None,
            };
            Some(name.len() + length)
        });
        match value {
            Some(length) => at += length,
            None => {
                if !octets[at].is_ascii_whitespace() {
                    rest.push(octets[at]);
                }
                at += 1;
            }
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_may_change_and_the_title_may_not() {
        let of = |title: &str, date: &str, producer: &str| {
            format!(
                "<x xmp:ModifyDate=\"{date}\"><pdf:Producer>{producer}</pdf:Producer>\n<dc:title>{title}</dc:title></x>"
            )
        };
        let before = of("Paper", "2026-11-22", "one");
        assert!(say_the_same(before.as_bytes(), of("Paper", "2026-11-23", "other").as_bytes()));
        assert!(!say_the_same(before.as_bytes(), of("Another", "2026-11-22", "one").as_bytes()));
        assert!(!say_the_same(before.as_bytes(), b""));
        assert!(!say_the_same(b"", before.as_bytes()));
        assert!(say_the_same(b"Producer>", b"Producer>") && !say_the_same(b"Producer>", b"Producer"));
    }
}
