//! How long a document of a kind is good for, from the day on which it was signed: data of its kind.
//!
//! A window ends with the last second of its last day in Vietnam; the day of signing is not counted. Where it cannot be told which window
//! applies, or which days are working days, there is an earliest and a latest end.

use serde::{Deserialize, Serialize};
use time::{Date, Month};

use super::time::Time;
use super::validation::{Requirement, SignatureValidation, Validation};
use super::working_days::{WorkingDays, day_of, last_second};

/// The longest windows.
const MOST_DAYS: u32 = 36_525;
const MOST_WORKING_DAYS: u32 = 1_000;
const MOST_MONTHS: u32 = 1_200;

/// A window of validity: one of `days`, `working-days` and `months`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all(deserialize = "kebab-case", serialize = "camelCase"))]
pub struct Window {
    /// For this purpose alone.
    pub purpose: Option<String>,
    /// In this case alone, as the document says.
    pub when: Option<String>,
    pub days: Option<u32>,
    pub working_days: Option<u32>,
    pub months: Option<u32>,
}

/// When a document stops being good: the last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Until then it surely is.
    pub earliest: Option<Time>,
    /// After it, it surely is not; `None`: there may be no end.
    pub latest: Option<Time>,
}

/// Where a time lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Within,
    /// It cannot be told.
    Unknown,
    Past,
}

impl Ends {
    pub fn at(&self, time: Time) -> Validity {
        match self {
            Self { earliest: Some(earliest), .. } if time <= *earliest => Validity::Within,
            Self { latest: Some(latest), .. } if time > *latest => Validity::Past,
            _ => Validity::Unknown,
        }
    }

    /// The end, where it is known.
    pub fn known(&self) -> Option<Time> {
        self.earliest.filter(|_| self.earliest == self.latest)
    }
}

impl Window {
    /// One length, of a size that can be meant.
    pub fn is_one(&self) -> bool {
        let lengths = [(self.days, MOST_DAYS), (self.working_days, MOST_WORKING_DAYS), (self.months, MOST_MONTHS)];
        let mut given = lengths.iter().filter_map(|(length, most)| length.map(|length| (1..=*most).contains(&length)));
        given.next() == Some(true) && given.next().is_none()
    }

    fn ends(&self, from: Date, calendar: &WorkingDays) -> (Option<Date>, Option<Date>) {
        let sure = |day: Option<Date>| (day, day);
        match (self.days, self.working_days, self.months) {
            (Some(days), ..) => sure(from.checked_add(time::Duration::days(days.into()))),
            (_, Some(count), _) => calendar.after(from, count),
            (.., Some(months)) => sure(months_after(from, months)),
            _ => (None, None),
        }
    }
}

/// The same day of a later month, or its last one.
fn months_after(day: Date, months: u32) -> Option<Date> {
    let since = day.year().checked_mul(12)?.checked_add(i32::from(u8::from(day.month())) - 1)?;
    let since = since.checked_add_unsigned(months)?;
    let (year, month) = (since.div_euclid(12), Month::try_from(since.rem_euclid(12) as u8 + 1).ok()?);
    Date::from_calendar_date(year, month, day.day().min(month.length(year))).ok()
}

/// When a document signed at `from` stops being good for a purpose; `None`: no window applies. `case`: whether the document says that
/// something is the case; `None`: that cannot be told.
pub fn ends(
    windows: &[Window],
    purpose: Option<&str>,
    case: impl Fn(&str) -> Option<bool>,
    from: Option<Time>,
    calendar: &WorkingDays,
) -> Option<Ends> {
    let mut possible = Vec::new();
    let mut is_bounded = false;
    for window in windows.iter().filter(|window| window.purpose.is_none() || window.purpose.as_deref() == purpose) {
        let applies = window.when.as_deref().map_or(Some(true), &case);
        if applies != Some(false) {
            possible.push(window);
        }
        if applies == Some(true) {
            is_bounded = true;
            break;
        }
    }
    if possible.is_empty() {
        return None;
    }
    let Some(from) = from.and_then(day_of) else { return Some(Ends { earliest: None, latest: None }) };
    let ends = possible.iter().map(|window| window.ends(from, calendar));
    let (earliest, latest): (Vec<_>, Vec<_>) = ends.unzip();
    // A day that there is not ends nothing.
    let second = |day: Option<Date>| day.and_then(last_second);
    let all = |days: Vec<Option<Date>>| days.into_iter().collect::<Option<Vec<_>>>();
    let latest = second(all(latest).and_then(|days| days.into_iter().max())).filter(|_| is_bounded);
    Some(Ends { earliest: second(all(earliest).and_then(|days| days.into_iter().min())), latest })
}

/// When the document was signed: of the signatures that its kind needs the last, where nothing is laid down the first of those that decide,
/// for then anybody could add one. A signer's own word counts against him alone: not later than the time proved.
pub fn signed_at(validation: &Validation, time: Time) -> Option<Time> {
    let signed = |signature: &SignatureValidation| {
        let proved = signature.best_signature_time(time);
        let is_proved = signature.timestamps.iter().any(|timestamp| timestamp.outcome.is_ok());
        signature.claimed_signing_time.map(|claimed| claimed.min(proved)).or(is_proved.then_some(proved))
    };
    let times: Option<Vec<Time>> = validation.deciding().map(signed).collect();
    match validation.requirement {
        Requirement::Met(_) => times?.into_iter().max(),
        Requirement::None | Requirement::Unmet(..) => times?.into_iter().min(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse_rfc3339(text).expect("a time")
    }

    fn days(days: u32) -> Window {
        Window { days: Some(days), ..Window::default() }
    }

    #[test]
    fn the_first_window_that_applies_counts() {
        let listed = Window { when: Some("listed".into()), months: Some(12), ..Window::default() };
        let own = Window { purpose: Some("adoption".into()), ..days(90) };
        let windows = [own, listed, days(10)];
        let from = Some(time("2026-11-22T16:59:59Z"));
        let of = |purpose, case: Option<bool>| ends(&windows, purpose, |_| case, from, &WorkingDays::default());
        let (short, long) = (time("2026-12-02T16:59:59Z"), time("2027-11-22T16:59:59Z"));
        let sure = |end| Some(Ends { earliest: Some(end), latest: Some(end) });
        assert_eq!(of(None, Some(false)), sure(short));
        assert_eq!(of(Some("treatment"), Some(true)), sure(long));
        assert_eq!(of(Some("adoption"), None), sure(time("2027-02-20T16:59:59Z")));
        let unknown = of(None, None).expect("ends");
        assert_eq!(unknown, Ends { earliest: Some(short), latest: Some(long) });
        let at = |text| unknown.at(time(text));
        assert_eq!(at("2026-12-02T16:59:59Z"), Validity::Within);
        assert_eq!(at("2026-12-02T17:00:00Z"), Validity::Unknown);
        assert_eq!(at("2027-11-22T17:00:00Z"), Validity::Past);
        // Whether any window applies is not known either.
        let perhaps = ends(&windows[1..2], None, |_| None, from, &WorkingDays::default());
        assert_eq!(perhaps, Some(Ends { earliest: Some(long), latest: None }));
        assert_eq!(ends(&windows[..1], None, |_| None, from, &WorkingDays::default()), None);
        let untimed = ends(&windows, None, |_| None, None, &WorkingDays::default()).expect("ends");
        assert_eq!(untimed.at(time("2026-12-02T17:00:00Z")), Validity::Unknown);
    }

    #[test]
    fn months_end_with_their_last_day() {
        let date = |year, month: u8, day| {
            Date::from_calendar_date(year, Month::try_from(month).expect("a month"), day).expect("a day")
        };
        assert_eq!(months_after(date(2026, 1, 31), 1), Some(date(2026, 2, 28)));
        assert_eq!(months_after(date(2024, 2, 29), 12), Some(date(2025, 2, 28)));
        assert_eq!(months_after(date(2026, 12, 15), 1), Some(date(2027, 1, 15)));
        assert_eq!(months_after(date(9999, 12, 1), 1), None);
    }

    #[test]
    fn a_window_has_one_length() {
        assert!(days(1).is_one() && !days(0).is_one() && !days(40_000).is_one());
        assert!(!Window::default().is_one() && !Window { months: Some(1), ..days(1) }.is_one());
    }
}
