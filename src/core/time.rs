//! A point in time as the standards of this field write it: UTC, whole seconds.
//!
//! ASN.1 `UTCTime` and `GeneralizedTime` are read in the one form RFC 5280 §4.1.2.5 allows (seconds present, `Z`, no
//! fraction); [`Time::from_generalized_time_fraction`] also reads the fraction that RFC 3161 §2.4.2 allows in `genTime`.

use std::fmt;

use time::{Date, Month, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::der::tag;

/// Seconds since 1970-01-01T00:00:00Z, negative before; leap seconds are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Why bytes or text are not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// Not the form the standard demands (length, digits, final `Z`).
    Form,
    /// The form is right, but there is no such day or second.
    Range,
}

impl Time {
    /// From Unix seconds.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Unix seconds.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This time moved by a number of seconds, either way, held at the ends of the range.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; negative if `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 text with any offset, of the years 0 to 9999 in UTC; a fraction of a second is dropped.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let value = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimeError::Form)?;
        let time = Self(value.unix_timestamp());
        time.rfc3339(&mut [0; 20]).map(|_| time).ok_or(TimeError::Form)
    }

    /// The content octets of a `UTCTime`: `YYMMDDHHMMSSZ`; 50–99 are 1950–1999 (RFC 5280 §4.1.2.5.1).
    pub fn from_utc_time(content: &[u8]) -> Result<Self, TimeError> {
        let [digits @ .., b'Z'] = content else { return Err(TimeError::Form) };
        if digits.len() != 12 {
            return Err(TimeError::Form);
        }
        let short_year = number(&digits[..2])?;
        let year = if short_year >= 50 { 1900 + short_year } else { 2000 + short_year };
        Self::from_fields(year, &digits[2..])
    }

    /// The content octets of a `GeneralizedTime`: `YYYYMMDDHHMMSSZ` (RFC 5280 §4.1.2.5.2).
    pub fn from_generalized_time(content: &[u8]) -> Result<Self, TimeError> {
        let [digits @ .., b'Z'] = content else { return Err(TimeError::Form) };
        if digits.len() != 14 {
            return Err(TimeError::Form);
        }
        Self::from_fields(number(&digits[..4])?, &digits[4..])
    }

    /// A `GeneralizedTime` with the optional DER fraction of RFC 3161 §2.4.2 (no trailing zero); the fraction is dropped.
    pub fn from_generalized_time_fraction(content: &[u8]) -> Result<Self, TimeError> {
        let Some(point) = content.iter().position(|byte| *byte == b'.') else {
            return Self::from_generalized_time(content);
        };
        let [fraction @ .., b'Z'] = &content[point + 1..] else { return Err(TimeError::Form) };
        if point != 14 || fraction.is_empty() || fraction.ends_with(b"0") || !fraction.iter().all(u8::is_ascii_digit) {
            return Err(TimeError::Form);
        }
        Self::from_fields(number(&content[..4])?, &content[4..14])
    }

    /// `MMDDHHMMSS` in a given year.
    fn from_fields(year: u32, digits: &[u8]) -> Result<Self, TimeError> {
        let field = |at: usize| number(&digits[at..at + 2]).map(|value| value as u8);
        let month = Month::try_from(field(0)?).map_err(|_| TimeError::Range)?;
        let date = Date::from_calendar_date(year as i32, month, field(2)?).map_err(|_| TimeError::Range)?;
        let moment = date.with_hms(field(4)?, field(6)?, field(8)?).map_err(|_| TimeError::Range)?;
        Ok(Self(moment.assume_utc().unix_timestamp()))
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`, unless the year has other than four digits.
    fn rfc3339(self, buffer: &mut [u8; 20]) -> Option<&str> {
        let value = self.utc().filter(|value| (0..=9999).contains(&value.year()))?;
        let year = value.year() as u16;
        buffer.copy_from_slice(b"0000-00-00T00:00:00Z");
        let fields = [(year / 100) as u8, (year % 100) as u8, value.month().into(), value.day()].into_iter().chain([
            value.hour(),
            value.minute(),
            value.second(),
        ]);
        for (at, number) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(fields) {
            buffer[at] += number / 10;
            buffer[at + 1] += number % 10;
        }
        std::str::from_utf8(buffer).ok()
    }

    fn utc(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.0).ok()
    }

    /// The content octets this time has in a certificate: `UTCTime` through 2049, else `GeneralizedTime`
    /// (RFC 5280 §4.1.2.5), with the ASN.1 tag that goes with them.
    pub fn to_asn1(self) -> (u8, String) {
        let tag = match self.utc() {
            Some(value) if (1950..2050).contains(&value.year()) => tag::UTC_TIME,
            _ => tag::GENERALIZED_TIME,
        };
        let mut digits = Vec::with_capacity(15);
        self.push_asn1(tag, &mut digits);
        (tag, digits.into_iter().map(char::from).collect())
    }

    /// Appends the content octets that this time has as a `UTCTime` (`tag::UTC_TIME`; of 1950 to 2049) or else as a
    /// `GeneralizedTime` (RFC 5280 §4.1.2.5); the last moment of the year 9999 instead of a time that has no four-digit year.
    pub fn push_asn1(self, tag: u8, encoded: &mut Vec<u8>) {
        let Some(value) = self.utc().filter(|value| (0..=9999).contains(&value.year())) else {
            return encoded.extend_from_slice(b"99991231235959Z");
        };
        let (year, month, day) = value.to_calendar_date();
        let (hour, minute, second) = value.to_hms();
        let (century, short_year) = ((year / 100) as u8, (year % 100) as u8);
        if tag != tag::UTC_TIME {
            encoded.extend_from_slice(&[b'0' + century / 10, b'0' + century % 10]);
        }
        for number in [short_year, month.into(), day, hour, minute, second] {
            encoded.extend_from_slice(&[b'0' + number / 10, b'0' + number % 10]);
        }
        encoded.push(b'Z');
    }

    /// The same moment as a wall clock in Vietnam shows it: `YYYY-MM-DD HH:MM:SS +07:00`.
    pub fn in_vietnam(self) -> String {
        let offset = UtcOffset::from_hms(7, 0, 0).unwrap_or(UtcOffset::UTC);
        // The last seven hours of the year 9999, in which certificates without an end end, are of no year there.
        match self.utc().and_then(|value| value.checked_to_offset(offset)) {
            Some(local) => {
                let (date, time) = (local.date(), local.time());
                format!("{date} {:02}:{:02}:{:02} +07:00", time.hour(), time.minute(), time.second())
            }
            None => self.to_string(),
        }
    }
}

/// Decimal digits as a number; at most four.
fn number(digits: &[u8]) -> Result<u32, TimeError> {
    digits.iter().try_fold(0_u32, |value, digit| match digit {
        b'0'..=b'9' => Ok(value * 10 + u32::from(digit - b'0')),
        _ => Err(TimeError::Form),
    })
}

/// RFC 3339 in UTC: `2026-07-01T08:30:00Z`.
impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rfc3339(&mut [0; 20]) {
            Some(text) => formatter.write_str(text),
            None => write!(formatter, "@{}", self.0),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(|_| serde::de::Error::custom(format!("{text:?} is not an RFC 3339 time")))
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.rfc3339(&mut [0; 20]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hours_before_the_year_10000_are_written_too() {
        let last = Time::from_generalized_time(b"99991231235959Z").expect("a time");
        assert_eq!(last.in_vietnam(), "9999-12-31T23:59:59Z");
        assert_eq!(last.plus_seconds(-7 * 3600).in_vietnam(), "9999-12-31 23:59:59 +07:00");
    }

    #[test]
    fn reads_and_writes_the_forms_of_rfc_5280() {
        let cases: [(&[u8], &str); 3] = [
            (b"500101000000Z", "1950-01-01T00:00:00Z"),
            (b"491231235959Z", "2049-12-31T23:59:59Z"),
            (b"260701083000Z", "2026-07-01T08:30:00Z"),
        ];
        for (content, text) in cases {
            let time = Time::from_utc_time(content).expect("a time");
            assert_eq!(time.to_string(), text);
            assert_eq!(time.to_asn1(), (0x17, String::from_utf8(content.to_vec()).expect("ascii")));
            assert_eq!(Time::parse_rfc3339(text), Ok(time));
        }
        let far = Time::from_generalized_time(b"20500101000000Z").expect("a time");
        assert_eq!(far.to_asn1(), (0x18, "20500101000000Z".to_owned()));
        assert_eq!(Time::from_unix(0).in_vietnam(), "1970-01-01 07:00:00 +07:00");
        assert_eq!(Time::from_unix(253_402_300_799).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Time::from_unix(i64::MAX).to_string(), "@9223372036854775807");
    }

    #[test]
    fn refuses_every_other_form() {
        for content in [&b"2607010830Z"[..], b"260701083000+0700", b"26070108300Z", b"260701083000", b"", b"Z"] {
            assert_eq!(Time::from_utc_time(content), Err(TimeError::Form));
        }
        for content in [&b"261301000000Z"[..], b"260230000000Z", b"260101240000Z", b"260101006000Z"] {
            assert_eq!(Time::from_utc_time(content), Err(TimeError::Range));
        }
        for content in [&b"20260701083000.5Z"[..], b"260701083000Z", b"20260701083000"] {
            assert_eq!(Time::from_generalized_time(content), Err(TimeError::Form));
        }
        assert!(Time::from_generalized_time_fraction(b"20260701083000.5Z").is_ok());
        for content in [&b"20260701083000.50Z"[..], b"20260701083000.Z", b"2026070108300.5Z", b"20260701083000.-Z"] {
            assert_eq!(Time::from_generalized_time_fraction(content), Err(TimeError::Form));
        }
    }
}
