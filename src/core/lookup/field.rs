//! The fields that are no names: file code, birth date, gender, identity or passport number.

use unicode_normalization::UnicodeNormalization;

use super::{LONGEST_FIELD, name::is_mark};

const FILE_CODE: &str = "have 1 to 40 Latin letters and digits; blanks, points, hyphens and slashes between them and marks on letters count for nothing, and Đ must \
     not be the Icelandic Ð";
const IDENTITY_NUMBER: &str = "have 5 to 20 letters A to Z and digits, as an identity card (9 or 12 digits) or passport has them; blanks, \
                               points and hyphens between them count for nothing";
const BIRTH_DATE: &str = "be a date from 1850 to 2199 as 1990-12-31 or 31/12/1990, or where no more is known the month (1990-12, 12/1990) or \
                          the year (1990)";
const GENDER: &str = "be nam, nữ or khác, or male, female, other or unknown";

/// Upper case, without marks (papers of `BVĐK` are asked for as `BVDK`) and what stands between. Two codes that differ in that alone meet only
/// if they belong to one person.
pub(super) fn file_code(written: &str) -> Result<String, &'static str> {
    if written.len() > LONGEST_FIELD {
        return Err(FILE_CODE);
    }
    let without_marks = written.nfd().filter(|letter| !is_mark(*letter));
    let plain: String = without_marks.map(|letter| if matches!(letter, 'đ' | 'Đ') { 'D' } else { letter }).collect();
    letters_and_digits(&plain, &['.', '-', '/'], 1..=40).ok_or(FILE_CODE)
}

/// Upper case, without what stands between.
pub(super) fn identity_number(written: &str) -> Result<String, &'static str> {
    letters_and_digits(written, &['.', '-'], 5..=20).ok_or(IDENTITY_NUMBER)
}

/// `None`: another character among them (look-alikes too), too few or too many.
fn letters_and_digits(written: &str, between: &[char], length: std::ops::RangeInclusive<usize>) -> Option<String> {
    if written.len() > LONGEST_FIELD {
        return None;
    }
    let counts = |letter: &char| !letter.is_whitespace() && !between.contains(letter);
    let text: String = written.chars().filter(counts).map(|letter| letter.to_ascii_uppercase()).collect();
    let allowed = text.bytes().all(|octet| octet.is_ascii_digit() || octet.is_ascii_uppercase());
    (allowed && length.contains(&text.len())).then_some(text)
}

/// As papers print it, `ngày 3 tháng 02 năm 1990`, and with blanks around what separates: as `3/02/1990`.
fn without_words(written: &str) -> String {
    let text: String = written.nfc().flat_map(char::to_lowercase).collect();
    let text = text.trim().trim_start_matches("ngày").replace("tháng", "/").replace("năm", "/");
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    // Where the words begin with the month or year.
    let has_words = written.chars().any(char::is_alphabetic);
    text.strip_prefix('/').filter(|_| has_words).map(str::to_owned).unwrap_or(text)
}

/// `YYYY-MM-DD`, `YYYY-MM` or `YYYY`. A document of which the day is not known does not answer who names one, nor the other way round.
pub(super) fn birth_date(written: &str) -> Result<String, &'static str> {
    if written.len() > LONGEST_FIELD {
        return Err(BIRTH_DATE);
    }
    let text = without_words(written);
    if text.len() > 10 {
        return Err(BIRTH_DATE);
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let separators = text.chars().filter(|letter| !letter.is_ascii_digit());
    let is_mixed = separators.clone().min() != separators.max();
    let digits =
        |part: &&str, longest| (1..=longest).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit());
    let year_first = parts.first().is_some_and(|part| part.len() == 4);
    let (year, rest): (&str, Vec<&str>) = match (&parts[..], year_first) {
        _ if is_mixed => return Err(BIRTH_DATE),
        // Largest first as in ISO 8601, else smallest first as in Vietnam; the American order does not exist here.
        ([year, rest @ ..], true) => (year, rest.to_vec()),
        ([rest @ .., year], false) => (year, rest.iter().rev().copied().collect()),
        ([], _) => return Err(BIRTH_DATE),
    };
    if year.len() != 4 || !digits(&year, 4) || rest.len() > 2 || !rest.iter().all(|part| digits(part, 2)) {
        return Err(BIRTH_DATE);
    }
    let number = |part: &str| part.parse::<u16>().map_err(|_| BIRTH_DATE);
    let year = number(year)?;
    let rest = rest.into_iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let month = |month: u16| u8::try_from(month).ok().and_then(|month| time::Month::try_from(month).ok());
    let exists = (1850..=2199).contains(&year)
        && match rest[..] {
            [] => true,
            [in_year] => month(in_year).is_some(),
            [in_year, day] => month(in_year).is_some_and(|month| {
                (1..=month.length(i32::from(year))).contains(&u8::try_from(day).unwrap_or_default())
            }),
            _ => false,
        };
    if !exists {
        return Err(BIRTH_DATE);
    }
    Ok(rest.iter().fold(format!("{year:04}"), |text, part| format!("{text}-{part:02}")))
}

/// One of `male`, `female`, `other`, `unknown` (those of FHIR's AdministrativeGender).
pub(super) fn gender(written: &str) -> Result<&'static str, &'static str> {
    if written.len() > LONGEST_FIELD {
        return Err(GENDER);
    }
    let text: String = written.trim().nfc().flat_map(char::to_lowercase).collect();
    match text.as_str() {
        "nam" | "male" | "m" => Ok("male"),
        "nữ" | "nu" | "female" | "f" => Ok("female"),
        "khác" | "khac" | "other" | "x" => Ok("other"),
        "không rõ" | "khong ro" | "unknown" => Ok("unknown"),
        _ => Err(GENDER),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_and_numbers_have_one_spelling() {
        for written in ["LLTP.2026-00123", "lltp 2026 00123", "LLTP/2026.00123", "\u{a0}LLTP202600123\t"] {
            assert_eq!(file_code(written), Ok("LLTP202600123".to_owned()), "{written}");
        }
        for (written, number) in [
            ("001190012345", "001190012345"),
            ("001 190 012 345", "001190012345"),
            ("123.456.789", "123456789"),
            ("b1234567", "B1234567"),
        ] {
            assert_eq!(identity_number(written), Ok(number.to_owned()), "{written}");
        }
        for written in ["", "--", "A1", "Đ1234567", "B123456７", "А1234567", "1234/5678", "12345\0", &"1".repeat(21)]
        {
            assert_eq!(identity_number(written), Err(IDENTITY_NUMBER), "{written}");
        }
        for written in
            ["", "-/.", "LLTP_1", "LLTP–1", "\u{d0}N-1234", "Г-1234", "１234", &"1".repeat(41), &" ".repeat(300)]
        {
            assert_eq!(file_code(written), Err(FILE_CODE), "{written}");
        }
        for written in ["12/GCT-BVĐK", "12 gct bvdk", "12/GCT-BV\u{111}K"] {
            assert_eq!(file_code(written), Ok("12GCTBVDK".to_owned()), "{written}");
        }
        // Leading zeros and look-alikes within ASCII are other codes.
        assert_ne!(file_code("O123"), file_code("0123"));
        assert_ne!(file_code("0123"), file_code("123"));
    }

    #[test]
    fn dates_have_one_spelling() {
        for (written, date) in [
            ("1990-02-03", "1990-02-03"),
            ("03/02/1990", "1990-02-03"),
            ("3/2/1990", "1990-02-03"),
            (" 03.02.1990 ", "1990-02-03"),
            ("03-02-1990", "1990-02-03"),
            ("2000-02-29", "2000-02-29"),
            ("02/1990", "1990-02"),
            ("1990-02", "1990-02"),
            ("1990", "1990"),
            ("ngày 28 tháng 02 năm 1991", "1991-02-28"),
            ("28 tháng 2 năm 1991", "1991-02-28"),
            ("Nga\u{300}y 3 tha\u{301}ng 2 na\u{306}m 1990", "1990-02-03"),
            ("tháng 02 năm 1990", "1990-02"),
            ("Năm 1990", "1990"),
            ("3 / 2 / 1990", "1990-02-03"),
        ] {
            assert_eq!(birth_date(written), Ok(date.to_owned()), "{written}");
        }
        for written in [
            "",
            "90",
            "1/1",
            "1900-02-29",
            "1990-13-01",
            "13/13/1990",
            "31/04/1990",
            "00/02/1990",
            "1849",
            "2200",
            "1990-2-3-4",
            "1990-02/03",
            "03/02/90",
            "1990--03",
            "1990-02-",
            "/1990",
            "+990-01-01",
            "１990",
            "1990-02-03T00:00:00Z",
            "abcd",
            "28021991",
            "28 tháng 2",
            "ngày 28 tháng 2 năm 91",
            "ngày ngày",
            "năm",
        ] {
            assert_eq!(birth_date(written), Err(BIRTH_DATE), "{written}");
        }
    }

    #[test]
    fn genders_have_one_word() {
        for (written, word) in [
            ("Nam", "male"),
            ("MALE", "male"),
            ("m", "male"),
            ("Nữ", "female"),
            ("NỮ", "female"),
            ("nu\u{31b}\u{303}", "female"),
            ("nu", "female"),
            ("Female", "female"),
            ("Khác", "other"),
            ("x", "other"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(gender(written), Ok(word), "{written}");
        }
        for written in ["", "nừ", "man", "nam nữ", &"m".repeat(300)] {
            assert_eq!(gender(written), Err(GENDER), "{written}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_normal_stays(text in "\\PC{0,40}") {
            for normalise in [file_code, identity_number, birth_date] {
                if let Ok(once) = normalise(&text) {
                    prop_assert_eq!(normalise(&once), Ok(once));
                }
            }
            prop_assert!(gender(&text).is_err() || text.len() < 20);
        }

        #[test]
        fn both_orders_are_one_date(year in 1850..=2199_u16, month in 1..=12_u8, day in 1..=28_u8) {
            let iso = format!("{year}-{month:02}-{day:02}");
            prop_assert_eq!(birth_date(&format!("{day}/{month}/{year}")), Ok(iso.clone()));
            prop_assert_eq!(birth_date(&iso), Ok(iso));
        }
    }
}
