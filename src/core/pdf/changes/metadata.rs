//! Metadata streams (ISO 32000-2 §14.3.2; ISO 16684-1): whoever writes a revision says when and by what, and nothing else.

use std::collections::{BTreeMap, HashSet};

use roxmltree::{Document, Node, ParsingOptions};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
/// Of those, what people see.
const SEEN: [&str; 4] = ["title", "creator", "subject", "description"];
const META: &str = "adobe:ns:meta/";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const PDF: &str = "http://ns.adobe.com/pdf/1.3/";
const MEDIA_MANAGEMENT: &str = "http://ns.adobe.com/xap/1.0/mm/";
/// Properties that each writer sets.
const OF_WRITER: [(&str, &str); 4] =
    [(XMP, "ModifyDate"), (XMP, "MetadataDate"), (PDF, "Producer"), (MEDIA_MANAGEMENT, "InstanceID")];
/// Octets of a packet that is taken apart, its nodes, and how deep they stand.
const LONGEST: usize = 1 << 20;
/// Octets of what a writer says of himself.
const WRITER: usize = 256;
/// Octets of one that says nothing: many writers leave two to four thousand blanks.
const SHORT: usize = 8 << 10;
const NODES: u32 = 20_000;
const DEPTH: usize = 32;

/// Both are the same packet, or say the same but for those properties, in whatever order and spelling. One that cannot be read says nothing
/// like another.
pub fn say_the_same(one: &[u8], other: &[u8]) -> bool {
    one == other || properties(one).zip(properties(other)).is_some_and(|(one, other)| one == other)
}

/// It has no other properties than those.
pub fn say_nothing(packet: &[u8]) -> bool {
    packet.len() <= SHORT && properties(packet).is_some_and(|found| found.is_empty())
}

/// The properties of a packet in a fixed order; `None`: readers may differ on what they are.
fn properties(packet: &[u8]) -> Option<BTreeMap<Name, String>> {
    if packet.len() > LONGEST || memchr::memmem::find(packet, b"<![CDATA[").is_some() {
        return None;
    }
    let text = std::str::from_utf8(packet).ok()?.trim_start_matches('\u{FEFF}');
    let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    let is_odd = |node: Node<'_, '_>| node.is_comment() || node.is_pi() || !is_written_plainly(text, node);
    let is_around = |node: Node<'_, '_>| node == root || node.pi().is_some_and(|own| own.target == "xpacket");
    if root.descendants().any(is_odd)
        || !has_plain_tags(text)
        || !document.root().children().all(is_around)
        || has_other_encoding(text)
    {
        return None;
    }
    let descriptions = match root.has_tag_name((RDF, "RDF")) {
        true => root,
        false if root.has_tag_name((META, "xmpmeta")) => {
            only(elements(root)?).filter(|below| below.has_tag_name((RDF, "RDF")))?
        }
        false => return None,
    };
    let mut found = BTreeMap::new();
    let mut names = HashSet::new();
    for description in elements(descriptions)? {
        if !description.has_tag_name((RDF, "Description")) {
            return None;
        }
        for (name, value) in fields(description, DEPTH)? {
            let is_of_writer = OF_WRITER.iter().any(|(space, own)| (*space, *own) == (&*name.0, &*name.1));
            // Of two, readers take one or the other; some do not know small letters from large ones.
            if !names.insert((name.0.clone(), name.1.to_ascii_lowercase())) && !is_of_writer {
                return None;
            }
            if is_of_writer && (value.len() > WRITER || !value.starts_with('=')) {
                return None;
            }
            if found.insert(name, value).is_some() && !is_of_writer {
                return None;
            }
        }
    }
    found.retain(|(space, own), _| !OF_WRITER.contains(&(&**space, &**own)));
    Some(found)
}

/// It is read as UTF-8, and says that it is something else.
fn has_other_encoding(text: &str) -> bool {
    let declaration = text.strip_prefix("<?xml ").and_then(|rest| rest.split("?>").next());
    let declaration = declaration.map(str::to_ascii_lowercase);
    declaration.is_some_and(|own| own.contains("encoding") && !own.contains("utf-8"))
}

/// No sign that ends a tag stands within one, and no backslash anywhere: some readers mend packets of another writer by these.
fn has_plain_tags(text: &str) -> bool {
    let mut quote = None;
    let mut is_in_tag = false;
    text.chars().all(|letter| {
        match (letter, quote) {
            ('\\', _) | ('<' | '>', Some(_)) => return false,
            ('<', None) => is_in_tag = true,
            ('>', None) => is_in_tag = false,
            ('"' | '\'', None) if is_in_tag => quote = Some(letter),
            (end, Some(begin)) if end == begin => quote = None,
            _ => {}
        }
        true
    })
}

/// What people see is a text, or a list of texts in their languages: other spellings of it are not known to all.
fn is_seen_by_all(property: Node<'_, '_>) -> bool {
    let is_text = |node: &Node<'_, '_>| node.children().all(|child| child.is_text());
    let is_item = |item: &Node<'_, '_>| {
        let mut attributes = item.attributes();
        item.has_tag_name((RDF, "li"))
            && is_text(item)
            && attributes.all(|own| (own.namespace(), own.name()) == (Some(XML), "lang"))
    };
    let is_list = |list: Node<'_, '_>| {
        list.attributes().next().is_none() && elements(list).is_some_and(|items| items.iter().all(is_item))
    };
    let below = || elements(property).and_then(only).is_some_and(is_list);
    property.attributes().next().is_none() && (is_text(&property) || below())
}

/// Its prefix is the one that readers know which look at prefixes alone; what people see stands in elements.
fn is_written_plainly(text: &str, node: Node<'_, '_>) -> bool {
    if !node.is_element() {
        return true;
    }
    let written = text.get(node.range().start + 1..).unwrap_or_default();
    let prefix = written.split(|letter: char| letter.is_whitespace() || matches!(letter, ':' | '/' | '>')).next();
    let prefix = prefix.unwrap_or_default().to_ascii_lowercase();
    let has_own = [("rdf", RDF), ("dc", DC)]
        .iter()
        .all(|(known, space)| (prefix == *known) == (node.tag_name().namespace() == Some(*space)));
    let is_seen = |name: &str| SEEN.iter().any(|seen| name.eq_ignore_ascii_case(seen));
    has_own && node.attributes().all(|own| own.namespace() != Some(DC) || !is_seen(own.name()))
}

/// A namespace and a name in it.
type Name = (String, String);

/// The fields of a structure: attributes and elements say the same (ISO 16684-1 §7.9.2.2).
fn fields(structure: Node<'_, '_>, depth: usize) -> Option<BTreeMap<Name, String>> {
    let depth = depth.checked_sub(1)?;
    let mut found = BTreeMap::new();
    for attribute in structure.attributes() {
        match (attribute.namespace()?, attribute.name()) {
            (RDF, "parseType") => {}
            (RDF, "about") if attribute.value().is_empty() => {}
            (RDF | XML, _) => return None,
            (space, name) => {
                found.insert((space.to_owned(), name.to_owned()), simple(attribute.value()));
            }
        }
    }
    for property in elements(structure)? {
        let (space, own) = (property.tag_name().namespace(), property.tag_name().name());
        if space == Some(RDF) {
            // Some readers take small letters for large ones.
            return None;
        }
        if space == Some(DC) && SEEN.contains(&own) && !is_seen_by_all(property) {
            return None;
        }
        let name = (property.tag_name().namespace()?.to_owned(), property.tag_name().name().to_owned());
        if found.insert(name, value(property, depth)?).is_some() {
            return None;
        }
    }
    Some(found)
}

/// The value of a property or of an item of an array, in one spelling (§7.4 to §7.9).
fn value(property: Node<'_, '_>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let language = property.attribute((XML, "lang")).map(|language| format!("@{language:?}")).unwrap_or_default();
    let others: Vec<_> =
        property.attributes().filter(|own| (own.namespace(), own.name()) != (Some(XML), "lang")).collect();
    let structure = |node: Node<'_, '_>| fields(node, depth).map(|fields| format!("{fields:?}"));
    let is_simple = !property.children().any(|child| child.is_element());
    let value = match others.as_slice() {
        [only] if (only.namespace(), only.name()) == (Some(RDF), "resource") => {
            (is_simple && property.text().is_none_or(|text| text.trim().is_empty())).then(|| simple(only.value()))?
        }
        [only] if (only.namespace(), only.name(), only.value()) == (Some(RDF), "parseType", "Resource") => {
            structure(property)?
        }
        [] if is_simple => simple(property.text().unwrap_or_default()),
        [] => {
            let below = only(elements(property)?)?;
            match (below.tag_name().namespace(), below.tag_name().name()) {
                (Some(RDF), "Description") => structure(below)?,
                (Some(RDF), kind @ ("Alt" | "Bag" | "Seq")) if below.attributes().next().is_none() => {
                    let is_item = |item: &Node<'_, '_>| item.has_tag_name((RDF, "li"));
                    let items = elements(below)?.into_iter().map(|item| value(Some(item).filter(is_item)?, depth));
                    format!("{kind}{:?}", items.collect::<Option<Vec<_>>>()?)
                }
                _ => return None,
            }
        }
        // A structure without elements.
        _ => {
            (is_simple && property.text().is_none_or(|text| text.trim().is_empty())).then(|| structure(property))??
        }
    };
    Some(value + &language)
}

fn simple(text: &str) -> String {
    format!("={:?}", text.trim())
}

/// The elements below one that has no text of its own.
fn elements<'a, 'i>(above: Node<'a, 'i>) -> Option<Vec<Node<'a, 'i>>> {
    let has_text =
        above.children().any(|child| child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()));
    (!has_text).then(|| above.children().filter(Node::is_element).collect())
}

fn only<T>(items: Vec<T>) -> Option<T> {
    let mut items = items.into_iter();
    items.next().filter(|_| items.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(attributes: &str, inside: &str) -> Vec<u8> {
        format!(
            "<?xpacket begin=\"\u{FEFF}\" id=\"x\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">\
             <rdf:Description rdf:about=\"\" xmlns:xmp=\"{XMP}\" xmlns:pdf=\"{PDF}\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
             {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
        )
        .into_bytes()
    }

    #[test]
    fn the_writer_may_change_and_the_title_may_not() {
        let title = |text: &str| {
            format!("<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{text}</rdf:li></rdf:Alt></dc:title>")
        };
        let before = packet("pdf:Producer=\"one\" pdf:Keywords=\"k\"", &title("Phiếu"));
        for same in [
            packet("pdf:Keywords=\"k\" xmp:ModifyDate=\"2026-11-22T10:00:00Z\"", &title("Phiếu")),
            packet(
                "",
                &format!(
                    "<xmp:MetadataDate>2026</xmp:MetadataDate> {}<pdf:Keywords>k</pdf:Keywords>",
                    title("\n Phiếu ")
                ),
            ),
        ] {
            assert!(say_the_same(&before, &same), "{}", String::from_utf8_lossy(&same));
        }
        for other in [
            packet("pdf:Keywords=\"k\"", &title("Giấy")),
            packet("pdf:Keywords=\"other\"", &title("Phiếu")),
            packet("", &title("Phiếu")),
            packet("pdf:Keywords=\"k\" xmp:Label=\"new\"", &title("Phiếu")),
            packet("pdf:Keywords=\"k\"", &format!("{}{}", title("Phiếu"), title("Giấy"))),
            b"".to_vec(),
            b"<x".to_vec(),
        ] {
            assert!(!say_the_same(&before, &other), "{}", String::from_utf8_lossy(&other));
        }
        assert!(!say_the_same(b"<x", b"<y") && say_the_same(b"<x", b"<x"));
        assert!(say_nothing(&packet("pdf:Producer=\"one\"", "")) && !say_nothing(&packet("pdf:Keywords=\"k\"", "")));
    }

    /// RDF has several spellings, and writers change them.
    #[test]
    fn a_structure_is_the_same_in_every_spelling() {
        let of = |inside: &str| {
            packet("", &format!("<dc:a xmlns:s=\"urn:s\"><rdf:Bag><rdf:li{inside}</rdf:li></rdf:Bag></dc:a>"))
        };
        let before = of(" rdf:parseType=\"Resource\"><s:one>1</s:one><s:two>urn:x</s:two>");
        for same in [
            of("><rdf:Description s:two=\"urn:x\" s:one=\"1\"/>"),
            of("><rdf:Description s:one=\"1\"><s:two rdf:resource=\"urn:x\"/></rdf:Description>"),
            of(" s:one=\"1\" s:two=\"urn:x\">"),
        ] {
            assert!(say_the_same(&before, &same), "{}", String::from_utf8_lossy(&same));
        }
        for other in [
            of("><rdf:Description s:two=\"urn:x\" s:one=\"2\"/>"),
            of("><rdf:Description s:two=\"urn:x\"/>"),
            of(" rdf:parseType=\"Literal\"><s:one>1</s:one><s:two>urn:x</s:two>"),
            of(">1"),
        ] {
            assert!(!say_the_same(&before, &other), "{}", String::from_utf8_lossy(&other));
        }
    }

    /// Where readers may differ, only the same octets are the same.
    #[test]
    fn what_can_be_read_in_two_ways_says_nothing() {
        for inside in [
            "<dc:title>a</dc:title><dc:title>a</dc:title>",
            "<dc:title>a</dc:title><dc:Title>b</dc:Title>",
            "</rdf:Description><rdf:Description dc:Title=\"a\">",
            "<x:title xmlns:x=\"http://purl.org/dc/elements/1.1/\">a</x:title>",
            "<DC:title xmlns:DC=\"urn:x\">a</DC:title>",
            "<r:title xmlns:r=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">a</r:title>",
            "</rdf:Description><rdf:Description rdf:about=\"x\"><dc:title>a</dc:title>",
            "</rdf:Description><rdf:Description dc:title=\"a\">",
            "<!-- --><dc:title>a</dc:title>",
            "<dc:title><![CDATA[a]]></dc:title>",
            "<?x?><dc:title>a</dc:title>",
            "<dc:title>a</dc:title>text",
            "<dc:title rdf:ID=\"x\">a</dc:title>",
            "</rdf:Description><dc:title>a</dc:title><rdf:Description>",
            "</rdf:Description></rdf:RDF><rdf:RDF><rdf:Description><dc:title>a</dc:title>",
            "<dc:title xmlns:q='>\\376\\377'>a</dc:title>",
            "<dc:title>\\376</dc:title>",
            "<dc:a xmlns:q='>'>a</dc:a>",
            "<rdf:rdf>a</rdf:rdf>",
            "<xmp:ModifyDate><rdf:Bag><rdf:li>a</rdf:li></rdf:Bag></xmp:ModifyDate>",
            "<dc:title><rdf:Alt><rdf:li rdf:resource=\"a\"/></rdf:Alt></dc:title>",
            "<dc:title rdf:resource=\"a\"/>",
            "<dc:title rdf:parseType=\"Resource\"><dc:a>a</dc:a></dc:title>",
            "<dc:title><rdf:Alt><rdf:li><rdf:Alt><rdf:li>a</rdf:li></rdf:Alt></rdf:li></rdf:Alt></dc:title>",
        ] {
            let one = packet("", inside);
            let other = packet(" ", inside);
            assert!(say_the_same(&one, &one) && !say_the_same(&one, &other), "{inside}");
        }
        let long = packet("", &format!("<pdf:Producer>{}</pdf:Producer>", "x".repeat(300)));
        for (from, to) in [("<x:xmpmeta", "<?y a?><x:xmpmeta"), ("x:xmpmeta", "x:meta"), ("x:xmpmeta", "rdf:rdf")] {
            let text = String::from_utf8(packet("", "<dc:title>a</dc:title>")).expect("text");
            assert!(!say_the_same(text.as_bytes(), text.replace(from, to).as_bytes()), "{to}");
        }
        assert!(!say_the_same(&long, &packet("", "")));
        let plain = |attributes| packet(attributes, "<dc:title>a</dc:title>");
        assert!(say_the_same(&plain(""), &plain(" ")));
    }

    #[test]
    fn what_is_too_deep_or_too_large_says_nothing() {
        let deep = |letter: &str| packet("", &format!("{}{letter}{}", "<dc:a>".repeat(40), "</dc:a>".repeat(40)));
        assert!(!say_the_same(&deep("a"), &deep("a ")));
        let many = packet("", &"<dc:a/>".repeat(30_000));
        let spaced = [many.clone(), b" ".to_vec()].concat();
        assert!(!say_the_same(&many, &spaced));
    }
}
