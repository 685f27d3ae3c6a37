//! The form of a kind's file, and its rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    content::{Content, ContentFault, Form, WrittenContent},
    schema::Schemas,
};
use crate::core::{document_kind::Period, document_validity::Window, lookup::LookupFields};

/// What may be issued as one kind of document.
#[derive(Debug)]
pub struct DocumentKind {
    /// 1 to 64 characters of `a`–`z`, `0`–`9`, `-`; that of its file.
    pub name: String,
    pub title: Title,
    /// What it rests on.
    pub law: Vec<String>,
    /// One a media type.
    pub contents: Vec<Content>,
    /// Whose signatures it needs, and since when; none: nothing is laid down.
    pub periods: Vec<Period>,
    pub reliance: Reliance,
    pub disclosure: Disclosure,
}

/// Its name for people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    pub vi: String,
    pub en: String,
}

/// What a document of this kind is good for, and how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all(deserialize = "kebab-case", serialize = "camelCase"))]
pub struct Reliance {
    /// As requests to verify name them; none: not laid down.
    pub purposes: Vec<String>,
    /// From its signing; the first that applies, none: until it is withdrawn.
    pub validity: Vec<Window>,
    /// What `when` of a window names: the place in JSON content (RFC 6901) where `true` stands if it is the case.
    pub case: BTreeMap<String, String>,
    /// Good for one office.
    pub single_use: bool,
}

/// Who may be told what, without having the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Whoever knows the code on the document, and what a check of a paper asks for.
    pub public: Vec<Fact>,
}

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Its signatures are good.
    Legality,
    /// In force, withdrawn, used…
    Standing,
    IssuedAt,
    Issuer,
}

/// Why a file describes no kind.
#[derive(Debug, thiserror::Error)]
pub enum KindFault {
    #[error("{0}; config/kinds shows the form")]
    Syntax(String),
    #[error("name must be that of the file, of 1 to 64 characters a-z, 0-9 and hyphen")]
    Name,
    #[error("{0} must {1}")]
    Value(&'static str, &'static str),
    #[error("no {0} stands beside it")]
    SchemaMissing(String),
    #[error("not a JSON Schema: {0}")]
    Schema(String),
}

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: String,
    title: Title,
    #[serde(default)]
    law: Vec<String>,
    #[serde(rename = "content")]
    contents: Vec<WrittenContent>,
    #[serde(default, rename = "period")]
    periods: Vec<Period>,
    #[serde(default)]
    reliance: Reliance,
    #[serde(default)]
    disclosure: Disclosure,
}

const LONGEST_NAME: usize = 64;
const LONGEST_PURPOSE: usize = 64;

impl DocumentKind {
    /// From the text of its file.
    pub(super) fn read(text: &str, schemas: &Schemas) -> Result<Self, KindFault> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            KindFault::Syntax(format!("line {line}: {}", error.message()))
        })?;
        let is_word = |text: &str, longest: usize| {
            let allowed = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
            (1..=longest).contains(&text.len()) && text.bytes().all(allowed)
        };
        if !is_word(&written.name, LONGEST_NAME) {
            return Err(KindFault::Name);
        }
        let reliance = &written.reliance;
        if !reliance.purposes.iter().all(|purpose| is_word(purpose, LONGEST_PURPOSE)) {
            return Err(KindFault::Value("reliance.purposes", "have 1 to 64 characters a-z, 0-9 and hyphen each"));
        }
        let is_known = |window: &Window| {
            window.purpose.as_ref().is_none_or(|purpose| reliance.purposes.contains(purpose))
                && window.when.as_ref().is_none_or(|case| reliance.case.contains_key(case))
        };
        if !reliance.validity.iter().all(|window| window.is_one() && is_known(window)) {
            let rule = "give days, working-days or months above 0 each (of at most 100 years, or 1000 working days), and name no purpose \
                        that is not among purposes and no case that has no place in reliance.case";
            return Err(KindFault::Value("reliance.validity", rule));
        }
        if !reliance.case.values().all(|place| place.starts_with('/')) {
            return Err(KindFault::Value("reliance.case", "give places of JSON content, as in \"/listedDisease\""));
        }
        let needs_someone =
            |period: &Period| !period.signers.is_empty() && period.signers.iter().all(|roles| !roles.is_empty());
        let roles = written.periods.iter().flat_map(|period| &period.signers).flatten();
        if !written.periods.iter().all(needs_someone) || !roles.clone().all(|role| is_word(role, LONGEST_NAME)) {
            return Err(KindFault::Value("period.signers", "name roles, in each list at least one"));
        }
        if !Period::are_in_order(&written.periods) {
            return Err(KindFault::Value("period", "follow the one before without overlap"));
        }
        if written.contents.is_empty() {
            return Err(KindFault::Value("content", "be there at least once"));
        }
        let disclosure_is_empty = written.disclosure.public.is_empty();
        let mut contents: Vec<Content> = Vec::new();
        for content in written.contents {
            let content = content.with(schemas)?;
            if contents.iter().any(|other| other.media_type == content.media_type) {
                return Err(KindFault::Value("content.media-type", "differ between contents"));
            }
            contents.push(content);
        }
        if disclosure_is_empty && contents.iter().any(|content| content.lookup.is_some()) {
            return Err(KindFault::Value(
                "content.lookup",
                "be given only where disclosure.public has something to tell",
            ));
        }
        let Written { name, title, law, periods, reliance, disclosure, .. } = written;
        Ok(Self { name, title, law, contents, periods, reliance, disclosure })
    }

    /// The document may be issued as this kind, under this media type (parameters of which are passed over).
    ///
    /// # Errors
    /// [`ContentFault`] says where what is wrong, and nothing of what the document says.
    pub fn check(&self, media_type: &str, document: &[u8]) -> Result<(), ContentFault> {
        self.content(media_type)?.check(document)
    }

    /// By which fields the public may ask for a document that was checked; none: it may not be told of this one, or the document does not
    /// say (a PDF, a person without an identity paper).
    ///
    /// # Errors
    /// [`ContentFault`], likewise.
    pub fn lookup_fields(&self, media_type: &str, document: &[u8]) -> Result<Vec<LookupFields>, ContentFault> {
        if self.disclosure.public.is_empty() {
            return Ok(Vec::new());
        }
        self.content(media_type)?.lookup_fields(document)
    }

    /// Whether documents of this media type say by what they are asked for.
    pub fn has_lookup(&self, media_type: &str) -> bool {
        self.content(media_type).is_ok_and(|content| content.lookup.is_some())
    }

    /// By its media type, parameters of which are passed over.
    fn content(&self, media_type: &str) -> Result<&Content, ContentFault> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let content = self.contents.iter().find(|content| content.media_type.eq_ignore_ascii_case(essence));
        content.ok_or_else(|| self.media_type_fault())
    }

    /// The same for a document whose media type nobody told: by how it begins.
    pub fn check_untold(&self, document: &[u8]) -> Result<(), ContentFault> {
        let is_pdf = document.starts_with(b"%PDF-");
        let content = self.contents.iter().find(|content| (content.form == Form::Pdf) == is_pdf);
        content.ok_or_else(|| self.media_type_fault())?.check(document)
    }

    fn media_type_fault(&self) -> ContentFault {
        let known: Vec<&str> = self.contents.iter().map(|content| content.media_type.as_str()).collect();
        ContentFault::media_type(&known.join(", "))
    }

    /// Whether a document of this kind says that something is the case; `None`: it cannot be told.
    pub fn case(&self, name: &str, document: Option<&serde_json::Value>) -> Option<bool> {
        document?.pointer(self.reliance.case.get(name)?)?.as_bool()
    }

    /// Its periods as a file of rules has them.
    pub(super) fn rules(&self) -> String {
        let mut text = format!("\n[[kind]]\nnames = [\"{}\"]\nperiods = [\n", self.name);
        for period in &self.periods {
            let time = |name, time: Option<crate::core::time::Time>| {
                time.map(|time| format!("{name} = \"{time}\", ")).unwrap_or_default()
            };
            let (from, until) = (time("from", period.from), time("until", period.until));
            text.push_str(&format!("    {{ {from}{until}signers = {:?} }},\n", period.signers));
        }
        text + "]\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"permit\"\ntitle = { vi = \"a\", en = \"b\" }\n[[content]]\nmedia-type = \"application/pdf\"\n\
                        form = \"pdf\"\nmaximum-bytes = 100\n";

    const LOOKUP: &str = "[content.lookup]\nfile-code = \"/a\"\nfull-name = \"/b\"\nbirth-date = \"/c\"\ngender = \"/d\"\n\
                          identity-number = [\"/e\"]\n";

    #[test]
    fn each_rule_is_held_and_named() {
        assert!(DocumentKind::read(GOOD, &Schemas::default()).is_ok());
        let changed = |from: &str, to: &str| GOOD.replacen(from, to, 1);
        let more = |text: &str| format!("{GOOD}{text}");
        for (text, words) in [
            (changed("permit", "Permit"), "name must be"),
            (changed("maximum-bytes = 100", "maximum-bytes = 0"), "content.maximum-bytes must"),
            (changed("title", "titel"), "line 2: unknown field"),
            (more("schema = \"a.schema.json\"\n"), "content.schema must"),
            (changed("form = \"pdf\"", "form = \"json\"\nschema = \"a.schema.json\""), "no a.schema.json stands"),
            (changed("form = \"pdf\"", "form = \"json\""), "content.schema must"),
            (changed("application/pdf", "pdf"), "content.media-type must"),
            (more("sections = [{ name = \"a\", codes = [\"1-8\"] }]\n"), "content.sections must"),
            (more("[[content]]\nmedia-type = \"application/pdf\"\nform = \"pdf\"\nmaximum-bytes = 1\n"), "differ"),
            (more("[content.lookup]\n"), "missing field"),
            (more(LOOKUP), "content.lookup must be given for json"),
            (more("[[period]]\nsigners = []\n"), "period.signers must"),
            (more("[[period]]\nsigners = [[\"A\"]]\n"), "period.signers must"),
            (more("[[period]]\nsigners = [[\"a\"]]\n[[period]]\nsigners = [[\"a\"]]\n"), "period must follow"),
            (more("[reliance]\nvalidity = [{ days = 1, months = 1 }]\n"), "reliance.validity must"),
            (more("[reliance]\nvalidity = [{ days = 0 }]\n"), "reliance.validity must"),
            (more("[reliance]\nvalidity = [{ days = 1, when = \"a\" }]\n"), "reliance.validity must"),
            (more("[reliance]\ncase = { a = \"a\" }\n"), "reliance.case must"),
            (more("[reliance]\nvalidity = [{ days = 1, purpose = \"a\" }]\n"), "reliance.validity must"),
            (more("[reliance]\npurposes = [\"A b\"]\n"), "reliance.purposes must"),
            (more("[disclosure]\npublic = [\"convictions\"]\n"), "unknown variant"),
        ] {
            let error = DocumentKind::read(&text, &Schemas::default()).expect_err(&text).to_string();
            assert!(error.contains(words), "{error}, not {words}");
        }
    }
}
