//! What form of the answer the caller takes (RFC 9110 §12.5): `Accept`, and `Accept-Language` for the form that has one language.

use axum::http::{HeaderMap, HeaderName, header};

use super::problem::Problem;
use crate::core::report::text::Language;

/// The most members of a header that are looked at.
const MOST_RANGES: usize = 64;

/// A form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Text,
    /// A validation report of ETSI TS 119 102-2.
    Xml,
    /// The JSON, signed by this service.
    Receipt,
}

impl Form {
    /// Those that need nothing more; the first is given to who asks for none.
    pub const UNSIGNED: [Self; 3] = [Self::Json, Self::Text, Self::Xml];

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::Xml => "application/xml",
            Self::Receipt => "application/pkcs7-mime",
        }
    }
}

/// The form that suits the caller best, of those offered.
pub fn form(headers: &HeaderMap, offered: &[Form]) -> Result<Form, Problem> {
    let ranges = ranges(headers, &header::ACCEPT);
    let Some(mut ranges) = ranges.filter(|ranges| !ranges.is_empty()) else { return Ok(offered[0]) };
    // A browser that goes somewhere names XML too, and means pages.
    if wants_page(headers) {
        ranges.retain(|range| range.name != Form::Xml.media_type());
    }
    best(&ranges, offered, |form| form.media_type())
}

/// It is a browser that goes to an address, for somebody to read what is there.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers, &header::ACCEPT).unwrap_or_default();
    ranges.iter().any(|range| range.name == "text/html" && range.weight > 0)
}

/// The media type that suits the caller best, of those offered; the first for who asks for none.
pub fn media_type(headers: &HeaderMap, offered: &[&'static str]) -> Result<&'static str, Problem> {
    let ranges = ranges(headers, &header::ACCEPT);
    let Some(ranges) = ranges.filter(|ranges| !ranges.is_empty()) else { return Ok(offered[0]) };
    best(&ranges, offered, |media_type| media_type)
}

fn best<T: Copy>(ranges: &[Range], offered: &[T], media_type: impl Fn(T) -> &'static str) -> Result<T, Problem> {
    // The most specific range about a form says how welcome it is; among those equally welcome, the one that was named itself.
    let welcome =
        |form: T| ranges.iter().filter_map(|range| Some((range.about(media_type(form))?, range.weight))).max();
    let rated = offered.iter().filter_map(|form| welcome(*form).map(|(specific, weight)| (*form, weight, specific)));
    let rated = rated.filter(|(_, weight, _)| *weight > 0);
    // The first of the greatest.
    let best = rated.reduce(|best, next| if (next.1, next.2) > (best.1, best.2) { next } else { best });
    best.map(|(form, ..)| form).ok_or_else(|| {
        let names: Vec<&str> = offered.iter().map(|form| media_type(*form)).collect();
        Problem::not_acceptable(&names.join(", "))
    })
}

/// The language of a text; Vietnamese for who asks for neither.
pub fn language(headers: &HeaderMap) -> Language {
    let ranges = ranges(headers, &header::ACCEPT_LANGUAGE).unwrap_or_default();
    let weight = |tag: &str| {
        let about = ranges.iter().filter_map(|range| {
            let primary = range.name.split('-').next().unwrap_or_default();
            if primary == tag { Some((1, range.weight)) } else { (primary == "*").then_some((0, range.weight)) }
        });
        about.max().map_or(0, |(_, weight)| weight)
    };
    if weight("en") > weight("vi") { Language::English } else { Language::Vietnamese }
}

/// One member: `text/*;q=0.5`.
struct Range {
    /// In lower case, without parameters.
    name: String,
    /// A parameter that no form of ours has.
    is_narrower: bool,
    /// In thousandths.
    weight: u16,
}

impl Range {
    /// How specifically it speaks of a form; `None`: not at all.
    fn about(&self, media_type: &str) -> Option<u8> {
        let kind = media_type.split('/').next().unwrap_or_default();
        let exact = self.name == media_type && !self.is_narrower;
        let within = self.name.strip_suffix("/*") == Some(kind);
        if exact { Some(2) } else { within.then_some(1).or((self.name == "*/*").then_some(0)) }
    }

    /// What nobody has: a member that is none.
    const fn of_nothing() -> Self {
        Self { name: String::new(), is_narrower: true, weight: 0 }
    }

    fn parse(member: &str) -> Option<Self> {
        let mut parts = member.split(';').map(|part| part.trim_matches([' ', '\t']));
        let name = parts.next()?.to_ascii_lowercase();
        let (mut weight, mut is_narrower) = (1000, false);
        for parameter in parts {
            let (key, value) = parameter.split_once('=')?;
            match key.to_ascii_lowercase().as_str() {
                "q" => weight = thousandths(value)?,
                // As receipts are sent.
                "smime-type" if value.eq_ignore_ascii_case("signed-data") => {}
                "charset" if value.trim_matches('"').eq_ignore_ascii_case("utf-8") => {}
                _ => is_narrower = true,
            }
        }
        Some(Self { name, is_narrower, weight })
    }
}

/// `qvalue`: `0`, `0.5`, `1.000`.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

/// The members of a header, all its lines together; `None`: it is not there.
fn ranges(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<Range>> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let members = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    let named = members.filter(|member| !member.trim().is_empty()).take(MOST_RANGES);
    Some(named.map(|member| Range::parse(member).unwrap_or_else(Range::of_nothing)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Form; 4] = [Form::Json, Form::Text, Form::Xml, Form::Receipt];

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_best_form_is_chosen() {
        for (lines, expected) in [
            (&[][..], Some(Form::Json)),
            (&[""], Some(Form::Json)),
            (&["*/*"], Some(Form::Json)),
            (&["application/*"], Some(Form::Json)),
            (&["text/*"], Some(Form::Text)),
            (&["application/xml"], Some(Form::Xml)),
            (&["APPLICATION/XML ; charset=\"UTF-8\""], Some(Form::Xml)),
            (&["application/xml, */*"], Some(Form::Xml)),
            (&["*/*;q=0.1, application/xml;q=0.2"], Some(Form::Xml)),
            (&["application/xml;q=0.2", "text/plain;q=0.3"], Some(Form::Text)),
            (&["application/json;q=0, */*"], Some(Form::Text)),
            (&["application/pkcs7-mime"], Some(Form::Receipt)),
            (&["application/pkcs7-mime; smime-type=signed-data"], Some(Form::Receipt)),
            (&["application/pkcs7-mime; smime-type=enveloped-data"], None),
            (&["application/xml;level=1, text/plain;q=0.1"], Some(Form::Text)),
            (&["application/xml;q=2"], None),
            (&["application/xml;q=0.0001"], None),
            (&["application/xml;q"], None),
            (&["text/html"], None),
            // Chromium and Firefox where a form is sent.
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"], Some(Form::Json)),
            (&["*/*;q=0"], None),
            (&["application/json;q=0.000"], None),
            (&["json"], None),
        ] {
            assert_eq!(form(&headers(header::ACCEPT, lines), &ALL).ok(), expected, "{lines:?}");
        }
        assert!(form(&headers(header::ACCEPT, &["application/pkcs7-mime"]), &Form::UNSIGNED).is_err());
        let many = format!("{}application/xml", "a/b,".repeat(MOST_RANGES));
        assert!(form(&headers(header::ACCEPT, &[&many]), &ALL).is_err(), "no more than so many are looked at");
    }

    #[test]
    fn texts_are_vietnamese_unless_english_is_preferred() {
        for (line, expected) in [
            ("", Language::Vietnamese),
            ("fr", Language::Vietnamese),
            ("*", Language::Vietnamese),
            ("en-GB", Language::English),
            ("vi-VN, en;q=0.9", Language::Vietnamese),
            ("en, vi;q=0.9", Language::English),
            ("vi;q=0, *", Language::English),
        ] {
            assert_eq!(language(&headers(header::ACCEPT_LANGUAGE, &[line])), expected, "{line}");
        }
    }
}
