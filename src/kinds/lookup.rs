//! Where a document of a kind says the five fields by which the public may ask for it.

use serde::Deserialize;
use serde_json::Value;

use super::{content::ContentFault, kind::KindFault};
use crate::core::lookup::{Field, LookupFields, WrittenFields};

/// JSON Pointers (RFC 6901) into a document, as the file of its kind has them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LookupPointers {
    file_code: String,
    full_name: String,
    birth_date: String,
    gender: String,
    /// Each that the document has answers by itself: people have an identity card, a passport, or both.
    identity_number: Vec<String>,
}

const LONGEST_POINTER: usize = 256;
/// Each number costs the issuer one stretching, and the registry two digests.
const MOST_NUMBERS: usize = 4;

impl LookupPointers {
    /// As they may stand in a file.
    pub(super) fn check(&self) -> Result<(), KindFault> {
        let one = [&self.file_code, &self.full_name, &self.birth_date, &self.gender];
        let is_pointer = |pointer: &String| pointer.starts_with('/') && pointer.len() <= LONGEST_POINTER;
        let numbers = &self.identity_number;
        if !one.into_iter().chain(numbers).all(is_pointer) || !(1..=MOST_NUMBERS).contains(&numbers.len()) {
            let rule =
                "have JSON Pointers, which begin with /, for each of the five fields, and 1 to 4 for identity-number";
            return Err(KindFault::Value("content.lookup", rule));
        }
        Ok(())
    }

    /// What the document says, once for each number of an identity paper that it has; with none nobody can ask for it.
    ///
    /// # Errors
    /// A field is missing or breaks its rule.
    pub(super) fn fields(&self, document: &Value) -> Result<Vec<LookupFields>, ContentFault> {
        let text = |pointer: &str| {
            let missing =
                || ContentFault::new(pointer, "must be there as text, for those who look the document up by it");
            document.pointer(pointer).and_then(Value::as_str).ok_or_else(missing)
        };
        let mut found = Vec::new();
        for pointer in &self.identity_number {
            if document.pointer(pointer).is_none_or(Value::is_null) {
                continue;
            }
            let written = WrittenFields {
                file_code: text(&self.file_code)?,
                full_name: text(&self.full_name)?,
                birth_date: text(&self.birth_date)?,
                gender: text(&self.gender)?,
                identity_number: text(pointer)?,
            };
            found.push(LookupFields::normalise(&written).map_err(|fault| {
                let at = match fault.field {
                    Field::FileCode => &self.file_code,
                    Field::FullName => &self.full_name,
                    Field::BirthDate => &self.birth_date,
                    Field::Gender => &self.gender,
                    Field::IdentityNumber => pointer,
                };
                ContentFault::new(at, format!("must {}", fault.rule))
            })?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{core::lookup::LookupKey, kinds::Kinds};

    fn key() -> LookupKey {
        LookupKey::new(&(0..32).collect::<Vec<u8>>()).expect("a key")
    }

    fn paper() -> Value {
        json!({
            "number": "CT-2026/00017",
            "patient": {
                "fullName": "Trần Văn Đức", "birthDate": "1978-11-17", "gender": "Nam",
                "citizenId": "001078012345", "passport": "B1234567"
            }
        })
    }

    fn fields(document: &Value) -> Result<Vec<LookupFields>, ContentFault> {
        let kind = Kinds::held().get("referral").expect("held");
        kind.lookup_fields("application/json; charset=utf-8", document.to_string().as_bytes())
    }

    #[test]
    fn each_number_of_a_paper_finds_it() {
        let found = fields(&paper()).expect("fields");
        let digests: Vec<_> = found.iter().map(|fields| key().of_document(fields).expect("digests")).collect();
        assert_eq!(digests.len(), 2);
        for (at, number) in ["001 078 012 345", "b1234567"].into_iter().enumerate() {
            let asked = LookupFields::normalise(&WrittenFields {
                file_code: "ct 2026 00017",
                full_name: "TRAN VAN DUC",
                birth_date: "17/11/1978",
                gender: "male",
                identity_number: number,
            });
            let asked = key().of_question(&asked.expect("five fields")).expect("a digest");
            let answering: Vec<bool> =
                digests.iter().map(|of_one| of_one.iter().any(|one| one.is_same(&asked))).collect();
            assert_eq!(answering, [at == 0, at == 1], "{number}");
        }
    }

    #[test]
    fn a_document_without_a_number_cannot_be_asked_for() {
        let mut document = paper();
        document["patient"]["citizenId"] = Value::Null;
        document["patient"].as_object_mut().expect("an object").remove("passport");
        assert!(fields(&document).expect("no fault").is_empty());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_by_its_place_alone() {
        for (place, name, value) in [
            ("/number", "number", json!("\u{413}-12")),
            ("/number", "number", Value::Null),
            ("/patient/fullName", "fullName", json!("Tr\u{430}n Bí Mật")),
            ("/patient/birthDate", "birthDate", json!("hôm qua")),
            ("/patient/gender", "gender", json!(7)),
            ("/patient/citizenId", "citizenId", json!("bí mật")),
        ] {
            let mut document = paper();
            let parent = if name == "number" { &mut document } else { &mut document["patient"] };
            parent[name] = value;
            let fault = fields(&document).err().expect(place);
            assert_eq!(fault.path, place);
            let told = fault.to_string();
            assert!(fault.rule.starts_with("must ") && !told.to_lowercase().contains("mật"), "{told}");
        }
    }

    #[test]
    fn form_2_and_what_is_not_told_to_the_public_has_no_fields() {
        for name in ["judicial-certificate-2", "judicial-certificate", "social-security-visit"] {
            let kind = Kinds::held().get(name).expect("held");
            assert!(kind.lookup_fields("application/json", paper().to_string().as_bytes()).expect("none").is_empty());
        }
        for name in ["judicial-certificate-1", "referral", "re-examination", "health-check"] {
            let kind = Kinds::held().get(name).expect("held");
            assert!(kind.contents.iter().any(|content| content.lookup.is_some()), "{name}");
        }
        let pdf = Kinds::held().get("referral").expect("held").lookup_fields("application/pdf", b"%PDF-1.7");
        assert!(pdf.expect("none").is_empty());
    }
}
