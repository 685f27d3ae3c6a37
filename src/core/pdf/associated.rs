//! Files embedded in a PDF (ISO 32000-2 §7.11.4, §14.13).

use std::collections::HashSet;

use super::document::Document;
use super::fault::{PdfFault, PdfFaultKind};
use super::object::{Dictionary, Object, Reference, Value};
use super::text;
use crate::core::crypto;

/// Files of one document.
pub const FILES: usize = 256;
/// Octets of a file as it stands in the document; longer ones are listed and not read.
const LONGEST: i64 = 8 << 20;
/// Names of its tree, and how deep they stand.
const NAMES: usize = 10_000;
const DEPTH: usize = 32;

/// A file specification with a file.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedFile {
    /// `UF`, else `F`.
    pub name: String,
    /// `Subtype` of the file.
    pub media_type: Option<String>,
    /// `AFRelationship`.
    pub relationship: Option<String>,
    /// The catalogue lists it as associated with the whole document.
    pub is_associated: bool,
    /// The stream, which [`Document::stream`] reads.
    pub stream: Option<Reference>,
    /// What it holds; the fault if it cannot be read.
    pub content: Result<EmbeddedContent, PdfFault>,
}

/// What a stream holds, decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedContent {
    pub sha256: [u8; 32],
    /// It is JSON with the `resourceType` of a FHIR Bundle (FHIR R4 §2.36).
    pub is_bundle: bool,
    /// In octets.
    pub size: usize,
    /// `Size` of its parameters is that; `None`: it does not say.
    pub has_stated_size: Option<bool>,
    /// `CheckSum` is its MD5, which protects from accidents alone; `None`: it does not say, or MD5 is not computed on this machine.
    pub has_stated_checksum: Option<bool>,
}

/// Every file that is embedded anywhere, listed or not, in the order of its objects.
///
/// # Errors
/// An object that cannot be read; more files than [`FILES`].
pub fn embedded(document: &Document<'_>) -> Result<Vec<EmbeddedFile>, PdfFault> {
    let catalogue = document.catalogue()?;
    let associated: HashSet<Reference> = document
        .array(&catalogue, b"AF")?
        .unwrap_or_default()
        .iter()
        .filter_map(|value| value.object.as_reference())
        .collect();
    let mut numbers: Vec<u32> = document.numbers().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut found = Vec::new();
    for reference in numbers.into_iter().filter_map(|number| document.in_use(number)) {
        let Some(object) = document.object(reference)? else { continue };
        let mut open = vec![(&object.value.object, associated.contains(&reference))];
        while let Some((object, is_associated)) = open.pop() {
            match object {
                Object::Array(values) => open.extend(values.iter().map(|value| (&value.object, false))),
                Object::Dictionary(dictionary) => {
                    if let Some(files) = document.dictionary(dictionary, b"EF")? {
                        if found.len() == FILES {
                            return Err(PdfFault { at: object_offset(dictionary), kind: PdfFaultKind::Limit });
                        }
                        found.push(file(document, dictionary, &files, is_associated)?);
                    }
                    open.extend(dictionary.iter().map(|(_, value)| (&value.object, false)));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn object_offset(dictionary: &Dictionary) -> usize {
    dictionary.get(b"EF").map_or(0, |value| value.span.start)
}

fn file(
    document: &Document<'_>,
    specification: &Dictionary,
    files: &Dictionary,
    is_associated: bool,
) -> Result<EmbeddedFile, PdfFault> {
    let mut name = String::new();
    for key in [&b"UF"[..], b"F"] {
        if let Some(Object::String { octets, .. }) = document.get(specification, key)? {
            name = text::string(&octets);
            break;
        }
    }
    let relationship = match document.get(specification, b"AFRelationship")? {
        Some(Object::Name(name)) => Some(String::from_utf8_lossy(&name).into_owned()),
        _ => None,
    };
    let stream = |key: &[u8]| files.get(key).and_then(|value| value.object.as_reference());
    // Under its two names it must be one file: readers take one or the other.
    let stream = match (stream(b"UF"), stream(b"F")) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    };
    let (media_type, content) = match stream.map(|stream| read(document, stream)) {
        Some(Ok((media_type, content))) => (media_type, Ok(content)),
        Some(Err(fault)) => (None, Err(fault)),
        None => (None, Err(PdfFault { at: object_offset(specification), kind: PdfFaultKind::Type })),
    };
    Ok(EmbeddedFile { name, media_type, relationship, is_associated, stream, content })
}

fn read(document: &Document<'_>, reference: Reference) -> Result<(Option<String>, EmbeddedContent), PdfFault> {
    let missing = PdfFault { at: 0, kind: PdfFaultKind::Stream };
    if let Some(found) = document.object(reference)?
        && let Object::Dictionary(dictionary) = &found.value.object
        && !matches!(document.get(dictionary, b"Length")?, Some(Object::Integer(0..=LONGEST)))
    {
        return Err(PdfFault { at: found.value.span.start, kind: PdfFaultKind::Limit });
    }
    let stream = document.stream(reference)?.ok_or(missing)?;
    let media_type = match document.get(&stream.dictionary, b"Subtype")? {
        Some(Object::Name(name)) => Some(String::from_utf8_lossy(&name).into_owned()),
        _ => None,
    };
    let parameters = document.dictionary(&stream.dictionary, b"Params")?.unwrap_or_default();
    let size = stream.octets.len();
    let has_stated_size = match document.get(&parameters, b"Size")? {
        None => None,
        Some(stated) => Some(stated == Object::Integer(i64::try_from(size).unwrap_or(i64::MAX))),
    };
    let has_stated_checksum = match document.get(&parameters, b"CheckSum")? {
        None => None,
        Some(Object::String { octets, .. }) => crypto::md5(&stream.octets).map(|checksum| octets == checksum),
        Some(_) => Some(false),
    };
    let sha256 = crypto::sha256(&stream.octets);
    let is_bundle = is_bundle(&stream.octets);
    Ok((media_type, EmbeddedContent { sha256, is_bundle, size, has_stated_size, has_stated_checksum }))
}

/// The rest is passed over without taking it apart.
fn is_bundle(octets: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Resource<'a> {
        #[serde(rename = "resourceType", borrow)]
        kind: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Resource<'_>>(octets).is_ok_and(|resource| resource.kind == "Bundle")
}

/// The names of the embedded files and what they stand for (§7.7.4, §7.9.6), as far as the tree has them.
///
/// # Errors
/// The tree is none: a circle, too deep, something else than names and their values.
pub fn names(document: &Document<'_>) -> Result<Vec<(Vec<u8>, Object)>, PdfFault> {
    let catalogue = document.catalogue()?;
    let Some(all) = document.dictionary(&catalogue, b"Names")? else { return Ok(Vec::new()) };
    let Some(root) = all.get(b"EmbeddedFiles") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![(root.clone(), DEPTH)];
    while let Some((node, depth)) = open.pop() {
        let fault = |kind| PdfFault { at: node.span.start, kind };
        if node.object.as_reference().is_some_and(|reference| !seen.insert(reference)) {
            return Err(fault(PdfFaultKind::Circle));
        }
        let depth = depth.checked_sub(1).ok_or_else(|| fault(PdfFaultKind::Depth))?;
        let Some(Object::Dictionary(dictionary)) = document.resolve(&node)?.map(|found| found.value.object) else {
            return Err(fault(PdfFaultKind::Type));
        };
        let pairs: Vec<Value> = document.array(&dictionary, b"Names")?.unwrap_or_default();
        let kids = document.array(&dictionary, b"Kids")?.unwrap_or_default();
        if found.len() + pairs.len() + kids.len() + open.len() > NAMES {
            return Err(fault(PdfFaultKind::Limit));
        }
        for pair in pairs.chunks(2) {
            let name = document.resolve(&pair[0])?.map(|found| found.value.object);
            let (Some(Object::String { octets, .. }), Some(value)) = (name, pair.get(1)) else {
                return Err(fault(PdfFaultKind::Type));
            };
            found.push((octets, value.object.clone()));
        }
        open.extend(kids.into_iter().rev().map(|kid| (kid, depth)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::pdf::sample;

    fn with(catalogue: &str, further: &[String]) -> Vec<u8> {
        let objects =
            [format!("<</Type/Catalog/Pages 2 0 R{catalogue}>>"), "<</Type/Pages/Kids[]/Count 0>>".to_owned()];
        sample::file(&[&objects[..], further].concat())
    }

    fn of(catalogue: &str, further: &[String]) -> Result<Vec<EmbeddedFile>, PdfFault> {
        embedded(&Document::read(&with(catalogue, further)).expect("a file"))
    }

    #[test]
    fn finds_files_wherever_they_are_and_checks_what_they_say() {
        let checksum = hex::encode(crypto::md5(b"{}").expect("MD5"));
        let stream =
            |parameters: &str| sample::stream(&format!("/Subtype/application#2Fjson/Params<<{parameters}>>"), "{}");
        let specification =
            "<</Type/Filespec/F(a.json)/UF<FEFF1EA50062>/AFRelationship/Data/EF<</F 4 0 R/UF 4 0 R>>>>".to_owned();
        let found = of("/AF[3 0 R]", &[specification.clone(), stream(&format!("/Size 2/CheckSum<{checksum}>"))])
            .expect("files");
        let [file] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((file.name.as_str(), file.media_type.as_deref()), ("ấb", Some("application/json")));
        assert_eq!((file.relationship.as_deref(), file.is_associated), (Some("Data"), true));
        let content = file.content.clone().expect("readable");
        assert_eq!((content.size, content.sha256), (2, crypto::sha256(b"{}")));
        assert_eq!((content.has_stated_size, content.has_stated_checksum), (Some(true), Some(true)));

        let wrong = of("", &[specification.clone(), stream("/Size 3/CheckSum<00>")]).expect("files");
        let content = wrong[0].content.clone().expect("readable");
        assert!(!wrong[0].is_associated);
        assert_eq!((content.has_stated_size, content.has_stated_checksum), (Some(false), Some(false)));
        let silent = of("", &[specification.clone(), stream("")]).expect("files")[0].content.clone().expect("readable");
        assert_eq!((silent.has_stated_size, silent.has_stated_checksum), (None, None));
        // In another object, and nested.
        let nested = format!("<</Kids[[{specification}]]>>");
        assert_eq!(of("", &[nested, stream("")]).expect("files").len(), 1);
    }

    #[test]
    fn what_is_no_file_is_told() {
        let two = "<</F(a)/EF<</F 4 0 R/UF 5 0 R>>>>".to_owned();
        let streams = [sample::stream("", "a"), sample::stream("", "b")];
        let found = of("", &[&[two][..], &streams].concat()).expect("files");
        assert!(found[0].content.is_err(), "which of the two?");
        for stream in ["null".to_owned(), "<<>>".to_owned(), sample::stream("/Filter/LZWDecode", "a")] {
            let found = of("", &["<</F(a)/EF<</F 4 0 R>>>>".to_owned(), stream]).expect("files");
            assert!(found[0].content.is_err());
        }
        let many = format!("[{}]", "<</EF<<>>>>".repeat(FILES + 1));
        assert!(of("", &[many]).is_err());
    }

    #[test]
    fn reads_the_tree_of_names() {
        let names = |catalogue: &str, further: &[String]| {
            let file = with(catalogue, further);
            names(&Document::read(&file).expect("a file"))
                .map(|all| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        let tree = |kids: &str| ["/Names<</EmbeddedFiles 3 0 R>>".to_owned(), format!("<</Kids[{kids}]>>")];
        let [catalogue, root] = tree("4 0 R 5 0 R");
        let leaf = |name: &str| format!("<</Names[({name}) null]>>");
        assert_eq!(names(&catalogue, &[root, leaf("a"), leaf("b")]), Ok(vec![b"a".to_vec(), b"b".to_vec()]));
        assert_eq!(names("", &[]), Ok(Vec::new()));
        for wrong in ["3 0 R", "4 0 R 4 0 R", "7", "6 0 R"] {
            let [catalogue, root] = tree(wrong);
            assert!(names(&catalogue, &[root, leaf("a"), leaf("b")]).is_err(), "{wrong}");
        }
        assert!(names("/Names<</EmbeddedFiles<</Names[(a)]>>>>", &[]).is_err());
    }
}
