//! What a judicial record certificate (*Phiếu lý lịch tư pháp*), form No. 1, says: the data, without its looks.
//!
//! Form No. 1 names convictions that are not expunged; nothing of parents, spouse or expunged records (those are form No. 2).

use std::fmt;

use serde::Deserialize;
use time::Date;
use time::macros::format_description;

/// One certificate. JSON keys are camelCase; an unknown key is refused, so that a misspelt field cannot vanish from the paper.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudicialCertificate {
    /// Printed in a red frame on top of every page: this paper is a specimen. `None` on a real one.
    pub sample_notice: Option<String>,
    /// Printed large and pale across every page.
    pub watermark: Option<String>,
    /// *Mã số hồ sơ*: what a checker of the paper types in to ask for it.
    pub file_code: String,
    /// *Số*: the number of the certificate in the issuer's book.
    pub number: String,
    pub issuer: Issuer,
    /// Where it was issued, as printed before the date.
    pub place: String,
    pub issue_date: CalendarDate,
    /// *Căn cứ …*: one sentence each.
    pub legal_bases: Vec<String>,
    pub person: Person,
    /// Convictions in force; empty prints *Không có án tích*.
    pub convictions: Vec<Conviction>,
    /// Bans on holding positions, founding or managing enterprises; empty prints that there is none.
    pub position_bans: Vec<PositionBan>,
    pub signer: Signer,
    /// *Nơi nhận*: one line each.
    pub recipients: Vec<String>,
}

/// The issuing body and the one above it, in the capitals of the letterhead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issuer {
    pub superior: String,
    pub name: String,
}

/// Whom the certificate is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    pub full_name: String,
    pub gender: String,
    pub birth_date: CalendarDate,
    pub birth_place: String,
    pub nationality: String,
    pub ethnicity: String,
    pub permanent_residence: String,
    pub identity_paper: IdentityPaper,
}

/// The identity card or passport the person showed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentityPaper {
    pub kind: String,
    pub number: String,
    pub issue_date: CalendarDate,
    pub issuer: String,
}

/// One judgment in force.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conviction {
    pub judgment_number: String,
    pub judgment_date: CalendarDate,
    pub court: String,
    pub crime: String,
    /// Articles of the Criminal Code applied.
    pub articles: String,
    pub main_penalty: String,
    pub additional_penalty: Option<String>,
}

/// One decision that bans from positions, or from founding and managing enterprises and cooperatives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PositionBan {
    pub decision_number: String,
    pub decision_date: CalendarDate,
    pub court: String,
    pub banned_from: String,
    /// How long, in words: for example *02 năm*.
    pub duration: String,
}

/// Who signs: the capacity lines in capitals, the rank if any, the name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signer {
    pub capacity: Vec<String>,
    pub rank: Option<String>,
    pub name: String,
}

/// A day of the Gregorian calendar, `YYYY-MM-DD` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CalendarDate(Date);

/// A date that is not a day of the calendar written `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a calendar day; write it as YYYY-MM-DD")]
pub struct InvalidDate {
    text: String,
}

impl TryFrom<String> for CalendarDate {
    type Error = InvalidDate;

    fn try_from(text: String) -> Result<Self, InvalidDate> {
        match Date::parse(&text, format_description!("[year]-[month]-[day]")) {
            // The year prints as four digits and fits the PDF's creation date.
            Ok(date) if (1..=9999).contains(&date.year()) => Ok(Self(date)),
            _ => Err(InvalidDate { text }),
        }
    }
}

impl CalendarDate {
    /// The year (1 to 9999), month (1 to 12) and day (1 to 31).
    pub fn parts(self) -> (u16, u8, u8) {
        // The constructor holds the year within 1 to 9999.
        (self.0.year().unsigned_abs() as u16, u8::from(self.0.month()), self.0.day())
    }

    /// As the line under the motto writes it: *ngày 03 tháng 8 năm 2026*. Decree 30/2020: days below 10 and months 1
    /// and 2 take a zero in front, so that no digit can be added.
    pub fn in_words(self) -> String {
        let (year, month, day) = self.parts();
        let zero = if month <= 2 { "0" } else { "" };
        format!("ngày {day:02} tháng {zero}{month} năm {year}")
    }
}

/// Day first, as Vietnamese forms write it: `28/02/1991`.
impl fmt::Display for CalendarDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(formatter, "{day:02}/{month:02}/{year:04}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Result<CalendarDate, InvalidDate> {
        CalendarDate::try_from(text.to_owned())
    }

    #[test]
    fn dates_print_as_official_papers_write_them() {
        assert_eq!(day("2026-08-03").unwrap().in_words(), "ngày 03 tháng 8 năm 2026");
        assert_eq!(day("2026-02-13").unwrap().in_words(), "ngày 13 tháng 02 năm 2026");
        assert_eq!(day("1991-02-28").unwrap().to_string(), "28/02/1991");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in ["1991-02-29", "2026-13-01", "03/08/2026", "2026-8-3", "", "0000-01-01", "-2026-01-01"] {
            assert!(day(text).is_err(), "{text:?} was taken for a day");
        }
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let misspelt = super::super::JUDICIAL_CERTIFICATE.replace("\"fileCode\"", "\"filecode\"");
        assert!(serde_json::from_str::<JudicialCertificate>(&misspelt).is_err());
    }
}
