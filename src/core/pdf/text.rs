//! Text strings and dates (ISO 32000-2 §7.9.2, §7.9.4).

use crate::core::time::Time;

/// A text string: UTF-16 or UTF-8 with their marks, else read as Latin-1, which PDFDocEncoding is for letters and digits.
pub fn string(octets: &[u8]) -> String {
    match octets {
        [0xFE, 0xFF, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => octets.iter().map(|octet| char::from(*octet)).collect(),
    }
}

/// A date, `D:YYYYMMDDHHmmSSOHH'mm'`: what is left out at the end is the first there is, and UTC (§7.9.4).
pub fn date(octets: &[u8]) -> Option<Time> {
    let text = std::str::from_utf8(octets).ok()?;
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (fields, zone) = text.split_at(digits);
    let zone = match zone.as_bytes() {
        [] | [b'Z', ..] => "Z".to_owned(),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let digits: String =
                rest.iter().filter(|octet| octet.is_ascii_digit()).map(|octet| char::from(*octet)).collect();
            let (hours, minutes) = (digits.get(..2)?, digits.get(2..4).unwrap_or("00"));
            format!("{}{hours}:{minutes}", char::from(*sign))
        }
        _ => return None,
    };
    let field = |from: usize, default: &'static str| fields.get(from..from + 2).unwrap_or(default);
    let (year, month, day) = (fields.get(..4)?, field(4, "01"), field(6, "01"));
    let (hour, minute, second) = (field(8, "00"), field(10, "00"), field(12, "00"));
    Time::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_with_what_is_left_out() {
        let time = |text: &str| date(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(time("D:20261122174005+07'00'").as_deref(), Some("2026-11-22T10:40:05Z"));
        assert_eq!(time("D:20261122174005+07'00").as_deref(), Some("2026-11-22T10:40:05Z"));
        assert_eq!(time("20261122104005Z").as_deref(), Some("2026-11-22T10:40:05Z"));
        assert_eq!(time("D:20261122").as_deref(), Some("2026-11-22T00:00:00Z"));
        assert_eq!(time("D:2026").as_deref(), Some("2026-01-01T00:00:00Z"));
        for wrong in ["", "D:", "yesterday", "D:20261399", "D:20261122104005?", "D:20261122104005+7"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_the_two_encodings_of_text() {
        assert_eq!(string(b"\xFE\xFF\x1E\xA4\x00n"), "\u{1EA4}n");
        assert_eq!(string("\u{FEFF}ấn".as_bytes()), "ấn");
        assert_eq!(string(b"abc"), "abc");
    }
}
