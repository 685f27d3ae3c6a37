//! Primitive types (FHIR R4 §2.24.0.1), and whether something is said at all.

use serde_json::Value;
use time::{Date, Month, OffsetDateTime, format_description::well_known::Rfc3339};

/// Text with more in it than white space.
pub fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// A year, a month of a year, or a day that there is.
pub fn is_date(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|octet| octet.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| is_number)
    };
    let Some(year) = parts.first().and_then(|part| number(part, 4)).filter(|year| *year > 0) else { return false };
    let Some(month) = parts.get(1) else { return true };
    let month = number(month, 2).and_then(|month| Month::try_from(u8::try_from(month).ok()?).ok());
    let (Some(month), true) = (month, parts.len() <= 3) else { return false };
    let Some(day) = parts.get(2) else { return true };
    let day = number(day, 2).and_then(|day| u8::try_from(day).ok());
    day.is_some_and(|day| Date::from_calendar_date(i32::from(year), month, day).is_ok())
}

/// A moment to the second with its zone.
pub fn is_instant(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains('T') && OffsetDateTime::parse(text, &Rfc3339).is_ok())
}

/// A date, or a moment.
pub fn is_date_time(value: &Value) -> bool {
    is_date(value) || is_instant(value)
}

/// A concept with a code, or with text (CodeableConcept).
pub fn is_concept(value: &Value) -> bool {
    let codings = value["coding"].as_array().map(Vec::as_slice).unwrap_or_default();
    is_text(&value["text"]) || codings.iter().any(|coding| is_text(&coding["code"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_are_days_that_there_are() {
        for good in ["1978", "1978-11", "2024-02-29", "0001-01-01"] {
            assert!(is_date(&json!(good)) && is_date_time(&json!(good)), "{good}");
        }
        for bad in
            ["", "0000", "78", "1978-13", "1978-00", "2023-02-29", "1978-1-1", "1978-11-17-1", "1978-11-+1", "19780"]
        {
            assert!(!is_date_time(&json!(bad)), "{bad}");
        }
        assert!(is_instant(&json!("2026-08-03T09:30:00+07:00")) && is_instant(&json!("2026-08-03T09:30:00.25Z")));
        for bad in ["2026-08-03", "2026-08-03T09:30:00", "2026-08-03T25:30:00Z", "2026-08-03 09:30:00Z", "never"] {
            assert!(!is_instant(&json!(bad)), "{bad}");
        }
        assert!(!is_date(&json!(1978)) && !is_date(&Value::Null));
    }
}
