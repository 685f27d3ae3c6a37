//! Days on which offices work: Monday to Friday, but for what is laid down otherwise for a year: data (`config/working-days.toml`).
//!
//! ```toml
//! [year.2026]
//! closed = ["2026-09-02"]
//! open = ["2026-08-22"]
//! perhaps = ["2026-11-24"]
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use time::{Date, Month, OffsetDateTime, UtcOffset};

use super::time::Time;

/// Vietnam's, all year (Decision 134/2002/QĐ-TTg: UTC+7).
const OFFSET: UtcOffset = match UtcOffset::from_hms(7, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};
/// Of a year for which nothing is laid down so many more days may be closed: the eleven holidays of the Labour Code (Article 112), and one.
const UNKNOWN_CLOSED: u32 = 12;

/// The calendar of offices; without data, Mondays to Fridays, of which some may be closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct WorkingDays {
    years: BTreeMap<i32, Year>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Year {
    closed: BTreeSet<Date>,
    open: BTreeSet<Date>,
    perhaps: BTreeSet<Date>,
}

/// As it stands in a file, before the days are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    year: BTreeMap<String, WrittenYear>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct WrittenYear {
    /// Mondays to Fridays on which offices are closed.
    closed: Vec<String>,
    /// Saturdays and Sundays on which they work.
    open: Vec<String>,
    /// Mondays to Fridays of which that is not known.
    perhaps: Vec<String>,
}

/// A calendar that nobody can have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarFault {
    Year(String),
    Day { year: i32, day: String },
    Weekday { year: i32, day: Date, expected: &'static str },
}

impl fmt::Display for CalendarFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(formatter, "year.{year}: no year of four digits"),
            Self::Day { year, day } => {
                write!(formatter, "year.{year}: {day:?} is no day of it, as in \"{year}-09-02\"")
            }
            Self::Weekday { year, day, expected } => {
                write!(formatter, "year.{year}: {day} is no {expected}, or stands twice")
            }
        }
    }
}

impl std::error::Error for CalendarFault {}

enum Kind {
    Working,
    Closed,
    Unknown,
}

impl TryFrom<Written> for WorkingDays {
    type Error = CalendarFault;

    fn try_from(written: Written) -> Result<Self, CalendarFault> {
        let mut years = BTreeMap::new();
        for (name, WrittenYear { closed, open, perhaps }) in written.year {
            let number =
                name.parse().ok().filter(|_| name.len() == 4 && name.bytes().all(|byte| byte.is_ascii_digit()));
            let year: i32 = number.ok_or(CalendarFault::Year(name))?;
            let mut seen = BTreeSet::new();
            let mut read = |days: Vec<String>, weekend: bool| {
                let day = |day: String| {
                    let date = parse(&day).filter(|date| date.year() == year);
                    let date = date.ok_or(CalendarFault::Day { year, day })?;
                    let expected = if weekend { "Saturday or Sunday" } else { "Monday to Friday" };
                    let fits = is_weekend(date) == weekend && seen.insert(date);
                    fits.then_some(date).ok_or(CalendarFault::Weekday { year, day: date, expected })
                };
                days.into_iter().map(day).collect::<Result<BTreeSet<_>, _>>()
            };
            let known = Year { closed: read(closed, false)?, open: read(open, true)?, perhaps: read(perhaps, false)? };
            years.insert(year, known);
        }
        Ok(Self { years })
    }
}

impl WorkingDays {
    /// From the text of a file.
    ///
    /// # Errors
    /// The line and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Those that come with antin (`config/working-days.toml`).
    pub fn held() -> Self {
        Self::parse(include_str!("../../config/working-days.toml")).unwrap_or_default()
    }

    /// The last day of so many working days after this one, at the earliest and at the latest.
    pub(super) fn after(&self, day: Date, count: u32) -> (Option<Date>, Option<Date>) {
        (self.counted(day, count, false), self.counted(day, count, true))
    }

    /// `latest`: what is not known is taken for closed, of years without data no more days than are closed in one.
    fn counted(&self, mut day: Date, count: u32, latest: bool) -> Option<Date> {
        let (mut left, mut may_be_closed) = (count, UNKNOWN_CLOSED);
        while left > 0 {
            day = day.next_day()?;
            let works = match self.kind(day) {
                Kind::Working => true,
                Kind::Closed => false,
                Kind::Unknown if !latest => true,
                Kind::Unknown if self.years.contains_key(&day.year()) => false,
                Kind::Unknown if may_be_closed > 0 => {
                    may_be_closed -= 1;
                    false
                }
                Kind::Unknown => true,
            };
            left -= u32::from(works);
        }
        Some(day)
    }

    fn kind(&self, day: Date) -> Kind {
        let Some(year) = self.years.get(&day.year()) else {
            return if is_weekend(day) { Kind::Closed } else { Kind::Unknown };
        };
        if year.perhaps.contains(&day) {
            return Kind::Unknown;
        }
        let works = if is_weekend(day) { year.open.contains(&day) } else { !year.closed.contains(&day) };
        if works { Kind::Working } else { Kind::Closed }
    }
}

fn is_weekend(day: Date) -> bool {
    day.weekday().number_from_monday() > 5
}

fn parse(day: &str) -> Option<Date> {
    let (year, month, day) = match day.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _] => (day.get(..4)?, day.get(5..7)?, day.get(8..)?),
        _ => return None,
    };
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

/// The day of a time in Vietnam.
pub(super) fn day_of(time: Time) -> Option<Date> {
    Some(OffsetDateTime::from_unix_timestamp(time.unix()).ok()?.checked_to_offset(OFFSET)?.date())
}

/// The last second of a day in Vietnam.
pub(super) fn last_second(day: Date) -> Option<Time> {
    let next = day.next_day()?.midnight().assume_offset(OFFSET).unix_timestamp();
    Some(Time::from_unix(next).plus_seconds(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        parse(text).expect("a day")
    }

    #[test]
    fn the_calendar_that_comes_along_can_be_read() {
        let text = include_str!("../../config/working-days.toml");
        assert_eq!(WorkingDays::parse(text).map(|days| days.years.is_empty()), Ok(false));
    }

    #[test]
    fn holidays_and_days_made_up_for_count() {
        let days = "[year.2026]\nclosed = ['2026-08-31', '2026-09-01', '2026-09-02']\nopen = ['2026-08-22']\nperhaps = ['2026-09-08']";
        let days = WorkingDays::parse(days).expect("a calendar");
        for (from, count, earliest, latest) in [
            ("2026-08-20", 1, "2026-08-21", "2026-08-21"),
            ("2026-08-20", 2, "2026-08-22", "2026-08-22"),
            ("2026-08-28", 1, "2026-09-03", "2026-09-03"),
            ("2026-08-28", 4, "2026-09-08", "2026-09-09"),
            // Nothing is known of 2027.
            ("2026-12-31", 1, "2027-01-01", "2027-01-19"),
            ("2026-12-31", 10, "2027-01-14", "2027-02-01"),
        ] {
            let expected = (Some(date(earliest)), Some(date(latest)));
            assert_eq!(days.after(date(from), count), expected, "{count} after {from}");
        }
        assert_eq!(days.after(Date::MAX, 1), (None, None));
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        for text in [
            "[year.26]\nclosed = []",
            "[year.2026]\nclosed = ['2025-09-02']",
            "[year.2026]\nclosed = ['2026-9-2']",
            "[year.2026]\nclosed = ['2026-02-30']",
            "[year.2026]\nclosed = ['2026-09-05']",
            "[year.2026]\nopen = ['2026-09-02']",
            "[year.2026]\nclosed = ['2026-09-02']\nperhaps = ['2026-09-02']",
            "[year.2026]\nshut = []",
        ] {
            assert!(WorkingDays::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_is_one_of_vietnam() {
        let time = |text: &str| Time::parse_rfc3339(text).expect("a time");
        assert_eq!(day_of(time("2026-11-22T16:59:59Z")), Some(date("2026-11-22")));
        assert_eq!(day_of(time("2026-11-22T17:00:00Z")), Some(date("2026-11-23")));
        assert_eq!(last_second(date("2026-11-22")), Some(time("2026-11-22T16:59:59Z")));
        assert_eq!(day_of(Time::from_unix(i64::MAX)), None);
    }
}
