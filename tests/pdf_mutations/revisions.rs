//! Revisions behind the signed ones: what is shown is replaced, objects are written again one by one, certified files are annotated and
//! signed over, revisions change places.

use super::Take;
use super::subject::Subject;
use crate::kit::pdf::sign::{fill, forged, with_entry};
use crate::kit::pdf::{Layout, Objects, Section, Signing, stream};

const EVIL: &[u8] = b"BT /F1 24 Tf 72 700 Td (Three convictions.) Tj ET";

/// A body with something after the first `<<`.
fn entered(body: &[u8], entry: &str) -> Option<Vec<u8>> {
    let at = memchr::memmem::find(body, b"<<")? + 2;
    Some([&body[..at], b" ", entry.as_bytes(), b" ", &body[at..]].concat())
}

/// The revision in each layout, alone, without its trailer, behind nothing, and with junk.
fn each_way(subject: &Subject, name: &str, objects: &Objects, take: &mut Take<'_>) {
    for attacked in subject.with(objects) {
        let added = &attacked[subject.octets.len()..];
        for word in [&b"xref\n"[..], b"trailer", b"startxref", b"%%EOF"] {
            if let Some(at) = memchr::memmem::rfind(added, word) {
                take(&format!("{name}, cut"), [&subject.octets, &added[..at]].concat());
            }
        }
        take(&format!("{name}, a space more"), [&attacked[..], b" "].concat());
        take(name, attacked);
    }
    let alone = Section { prev: None, objects: objects.clone(), ..subject.section() };
    take(&format!("{name}, without what was before"), subject.followed_by(&alone));
}

/// What is shown, replaced.
pub fn saving(subject: &Subject, take: &mut Take<'_>) {
    let new = subject.size;
    let evil = stream("", EVIL);
    let page = format!("<< /Type /Page /MediaBox [0 0 595 842] /Parent 2 0 R /Contents {new} 0 R >>").into_bytes();
    for number in subject.having("/Type /Page").into_iter().chain(subject.having("/Type/Page")) {
        let body = subject.body(number).expect("it is there");
        let text = String::from_utf8_lossy(body).into_owned();
        for key in ["/Contents", "/Kids", "/MediaBox", "/Resources", "/Annots", "/Count"] {
            if let Some(at) = text.find(key) {
                let other = format!("{}/Xx {}", &text[..at], &text[at..]).replacen(key, &format!("{new} 0 R {key}"), 1);
                each_way(
                    subject,
                    &format!("{key} of {number}"),
                    &[(number, other.into_bytes()), (new, evil.clone())].into(),
                    take,
                );
                let without = text.replacen(key, "/Xx", 1);
                each_way(subject, &format!("no {key} in {number}"), &[(number, without.into_bytes())].into(), take);
            }
        }
        for entry in ["/Rotate 180", "/CropBox [0 0 1 1]", "/UserUnit 100", "/Hidden true"] {
            let Some(other) = entered(body, entry) else { continue };
            each_way(subject, &format!("{entry} in {number}"), &[(number, other)].into(), take);
        }
        each_way(
            subject,
            &format!("another page {number}"),
            &[(number, page.clone()), (new, evil.clone())].into(),
            take,
        );
    }
    if let Some(root) = subject.body(subject.root) {
        for entry in [
            "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>",
            "/OCProperties << /D << /OFF [3 0 R] >> >>",
            "/Lang (vi)",
            "/NeedsRendering true",
            "/AA << >>",
            "/Collection << >>",
            "/Threads []",
            "/Names << /EmbeddedFiles << /Names [] >> >>",
        ] {
            each_way(subject, entry, &[(subject.root, entered(root, entry).expect("a catalogue"))].into(), take);
        }
        for key in ["/Pages", "/AcroForm", "/Type", "/Perms", "/DSS"] {
            let text = String::from_utf8_lossy(root).into_owned();
            if text.contains(key) && key != "/DSS" {
                each_way(
                    subject,
                    &format!("no {key}"),
                    &[(subject.root, text.replacen(key, "/Xx", 1).into_bytes())].into(),
                    take,
                );
            }
        }
    }
    each_way(subject, "an object that nothing uses", &[(new, evil.clone())].into(), take);
    each_way(subject, "a page that nothing uses", &[(new + 1, page), (new, evil)].into(), take);
}

/// Each object of the file in turn, by others.
pub fn rewriting(subject: &Subject, take: &mut Take<'_>) {
    let newest = subject.newest();
    for (index, (number, body)) in newest.iter().enumerate() {
        if subject.store.contains(number) {
            continue;
        }
        let other = newest[(index + 1) % newest.len()].1;
        let kinds = [
            ("null", Some(b"null".to_vec())),
            ("a dictionary", Some(b"<< >>".to_vec())),
            ("a stream", Some(stream("", EVIL))),
            ("the next one", (other != *body).then(|| other.to_vec())),
            // Of what an object stream says of itself nothing is shown.
            ("an entry more", entered(body, "/Xx 1").filter(|body| memchr::memmem::find(body, b"/ObjStm").is_none())),
            ("a reference", Some(format!("{} 0 R", newest[0].0.max(1)).into_bytes())),
        ];
        for (name, other) in kinds {
            let Some(other) = other else { continue };
            for attacked in subject.with(&[(*number, other)].into()) {
                take(&format!("{number}: {name}"), attacked);
            }
        }
        for layout in [Layout::Table, Layout::Stream] {
            let section = Section { layout, free: vec![*number], ..subject.section() };
            take(&format!("{number}: free"), subject.followed_by(&section));
        }
    }
}

/// The same, with something that may be added naming what was written: as validation data, metadata, a part of the form.
pub fn naming(subject: &Subject, take: &mut Take<'_>) {
    let Some(root) = subject.body(subject.root) else { return };
    let text = String::from_utf8_lossy(root).into_owned();
    for (number, body) in subject.newest() {
        if subject.store.contains(&number) || number == subject.root {
            continue;
        }
        for entry in [
            "/DSS << /Certs [{} 0 R] >>",
            "/DSS {} 0 R",
            "/Metadata {} 0 R",
            "/Extensions << /X {} 0 R >>",
            "/AcroForm {} 0 R",
        ] {
            let key = entry.split(' ').next().unwrap_or_default();
            let entry = entry.replace("{}", &number.to_string());
            let renamed = text.replacen(key, "/Xx", 1);
            // The form that it has is not named twice.
            if key == "/AcroForm" && text.contains(key) {
                continue;
            }
            let root = with_entry(renamed.as_bytes(), &entry);
            let kinds = [
                ("a stream", Some(stream("", EVIL))),
                ("an entry more", entered(body, "/Rotate 90")),
                ("null", Some(b"null".to_vec())),
            ];
            for (name, other) in kinds {
                let Some(other) = other else { continue };
                for attacked in subject.with(&[(subject.root, root.clone()), (number, other)].into()) {
                    take(&format!("{number}: {name}, {key}"), attacked);
                }
            }
        }
    }
}

/// Annotations and signatures over what is shown.
pub fn certification(subject: &Subject, take: &mut Take<'_>) {
    let (note, look, field) = (subject.size, subject.size + 1, subject.size + 2);
    let pages: Vec<u32> = subject
        .newest()
        .into_iter()
        .filter(|(_, body)| {
            let text = String::from_utf8_lossy(body);
            (text.contains("/Type /Page") || text.contains("/Type/Page")) && !text.contains("/Kids")
        })
        .map(|(number, _)| number)
        .collect();
    let appearance = stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]", b"1 g 0 0 595 842 re f");
    for page in &pages {
        let body = String::from_utf8_lossy(subject.body(*page).expect("it is there")).into_owned();
        let annotated = |number: u32| -> Vec<u8> {
            match body.split_once("/Annots") {
                Some((before, after)) if after.trim_start().starts_with('[') => {
                    let after = after.trim_start().trim_start_matches('[');
                    format!("{before}/Annots [{number} 0 R {after}").into_bytes()
                }
                Some((before, after)) => format!("{before}/Annots [{number} 0 R] /Xx {after}").into_bytes(),
                None => entered(body.as_bytes(), &format!("/Annots [{number} 0 R]")).expect("a page"),
            }
        };
        for kind in ["FreeText", "Stamp", "Square", "Text", "Redact", "Widget", "Link", "Ink", "Popup", "Highlight"] {
            for (rect, flags) in
                [("[0 0 595 842]", 4), ("[0 0 0 0]", 4), ("[72 700 90 712]", 132), ("[0 0 595 842]", 2)]
            {
                let body = format!(
                    "<< /Type /Annot /Subtype /{kind} /Rect {rect} /F {flags} /AP << /N {look} 0 R >> /P {page} 0 R >>"
                );
                let objects: Objects =
                    [(note, body.into_bytes()), (look, appearance.clone()), (*page, annotated(note))].into();
                for attacked in subject.with(&objects) {
                    take(&format!("{kind} {rect}"), attacked);
                }
            }
        }
        // A signature field that is not, or not rightly, signed.
        let form = form_of(subject);
        for (name, value) in [
            ("no value", String::new()),
            ("null", "/V null".to_owned()),
            ("no dictionary", "/V 1".to_owned()),
            ("an empty one", "/V << >>".to_owned()),
            ("a name", "/V << /Type /Sig /SubFilter /ETSI.CAdES.detached >>".to_owned()),
            ("a text", "/V (Three convictions.)".to_owned()),
        ] {
            for rect in ["[0 0 595 842]", "[0 0 0 0]"] {
                let body = format!(
                    "<< /Type /Annot /Subtype /Widget /FT /Sig /T (new) /Rect {rect} /F 4 /AP << /N {look} 0 R >> /P {page} 0 R {value} >>"
                );
                let mut objects: Objects =
                    [(field, body.into_bytes()), (look, appearance.clone()), (*page, annotated(field))].into();
                let Some((number, form)) = form(field) else { continue };
                objects.insert(number, form);
                for attacked in subject.with(&objects) {
                    take(&format!("a field with {name} {rect}"), attacked);
                }
            }
        }
        let Some((number, form)) = form(field) else { continue };
        let visible = [
            ("visible", Signing { rect: "[0 0 595 842]", ..Signing::named("new") }),
            ("never signed", Signing { message: forged, ..Signing::named("new") }),
            ("never signed and visible", Signing { rect: "[0 0 595 842]", message: forged, ..Signing::named("new") }),
            ("a certification", Signing { catalogue: String::new(), name: "new".to_owned(), ..Signing::certifying(2) }),
            ("unknown", Signing { sub_filter: "/SubFilter /None", ..Signing::named("new") }),
            ("a stamp of nothing", Signing { message: |_| vec![0x30, 0], ..Signing::time_stamp() }),
        ];
        for (name, how) in visible {
            // By hand: the subject may be anybody's.
            let value = subject.size + 3;
            let body = format!(
                "<< /Type /Annot /Subtype /Widget /FT /Sig /T (new) /Rect {} /F 4 /AP << /N {look} 0 R >> /P {page} 0 R /V {value} 0 R >>",
                how.rect
            );
            let objects: Objects = [
                (field, body.into_bytes()),
                (look, appearance.clone()),
                (*page, annotated(field)),
                (number, form.clone()),
                (value, how.dictionary().into_bytes()),
            ]
            .into();
            for mut attacked in subject.with(&objects) {
                fill(&mut attacked, subject.octets.len(), &how);
                take(&format!("a signature, {name}"), attacked);
            }
        }
    }
    if let Some(root) = subject.body(subject.root) {
        let text = String::from_utf8_lossy(root).into_owned();
        for entry in ["/Perms << >>", "/Perms << /DocMDP 1 0 R >>", "/Perms << /UR3 1 0 R >>", "/Legal << >>"] {
            let other = if text.contains("/Perms") {
                text.replacen("/Perms", &format!("{entry} /Xx"), 1)
            } else {
                String::from_utf8_lossy(&with_entry(root, entry)).into_owned()
            };
            for attacked in subject.with(&[(subject.root, other.into_bytes())].into()) {
                take(entry, attacked);
            }
        }
    }
}

/// The object that lists fields, with this one more; none if it stands in an object stream.
fn form_of(subject: &Subject) -> impl Fn(u32) -> Option<(u32, Vec<u8>)> + '_ {
    move |field| {
        subject.newest().into_iter().find_map(|(number, body)| {
            let text = String::from_utf8_lossy(body).into_owned();
            let (before, after) = text.split_once("/Fields")?;
            let (inside, after) = after.trim_start().strip_prefix('[')?.split_once(']')?;
            Some((number, format!("{before}/Fields [{inside} {field} 0 R]{after}").into_bytes()))
        })
    }
}

/// Revisions in another order, twice, left out, of another file.
pub fn swapping(subject: &Subject, take: &mut Take<'_>) {
    let octets = &subject.octets;
    let mut from = 0;
    let parts: Vec<&[u8]> = subject
        .ends
        .iter()
        .map(|end| {
            let part = &octets[from..*end];
            from = *end;
            part
        })
        .collect();
    for one in 0..parts.len() {
        take("one left out", [&parts[..one], &parts[one + 1..]].concat().concat());
        take("one twice", [&parts[..=one], &parts[one..]].concat().concat());
        take("one at the end again", [octets.as_slice(), parts[one]].concat());
        take("one alone", parts[one].to_vec());
        take("one filled with spaces", {
            let mut parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
            parts[one].fill(b' ');
            parts.concat()
        });
        for other in one + 1..parts.len() {
            let mut parts = parts.clone();
            parts.swap(one, other);
            take("two swapped", parts.concat());
        }
    }
    take("the file twice", [octets.as_slice(), octets].concat());
    let first = subject.ends.first().copied().unwrap_or(octets.len());
    take("the first revision behind it", [octets.as_slice(), &octets[..first]].concat());
    // An older section is the newest again.
    for end in &subject.ends {
        let Some(startxref) = crate::kit::pdf::scan::startxref(&octets[..*end]) else { continue };
        take("an older beginning", [octets.as_slice(), format!("startxref\n{startxref}\n%%EOF\n").as_bytes()].concat());
        for layout in [Layout::Table, Layout::Stream] {
            let section = Section { layout, prev: Some(startxref), ..subject.section() };
            if startxref != subject.startxref {
                take("an older revision goes on", subject.followed_by(&section));
            }
        }
    }
}
