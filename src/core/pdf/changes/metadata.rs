//! Metadata streams (ISO 32000-2 §14.3.2; ISO 16684-1): whoever writes a revision says when and by what, and nothing else.

use roxmltree::{Document, Node, ParsingOptions};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const PDF: &str = "http://ns.adobe.com/pdf/1.3/";
const MEDIA_MANAGEMENT: &str = "http://ns.adobe.com/xap/1.0/mm/";
/// Properties that each writer sets.
const OF_WRITER: [(&str, &str); 4] =
    [(XMP, "ModifyDate"), (XMP, "MetadataDate"), (PDF, "Producer"), (MEDIA_MANAGEMENT, "InstanceID")];
/// Octets of a packet that is taken apart, its nodes, and how deep they stand.
const LONGEST: usize = 1 << 20;
const NODES: u32 = 20_000;
const DEPTH: usize = 32;

/// Both are the same packet, or say the same but for those properties, in whatever order and spelling. One that cannot be read says nothing
/// like another.
pub fn say_the_same(one: &[u8], other: &[u8]) -> bool {
    one == other || properties(one).zip(properties(other)).is_some_and(|(one, other)| one == other)
}

/// The properties of a packet in a fixed order.
fn properties(packet: &[u8]) -> Option<Vec<String>> {
    if packet.len() > LONGEST {
        return None;
    }
    let text = std::str::from_utf8(packet).ok()?.trim_start_matches('\u{FEFF}');
    let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let mut found = Vec::new();
    for description in document.descendants().filter(|node| node.has_tag_name((RDF, "Description"))) {
        // One in another is the value of a property.
        if description.ancestors().skip(1).any(|above| above.has_tag_name((RDF, "Description"))) {
            continue;
        }
        for attribute in description.attributes() {
            let (space, name) = (attribute.namespace().unwrap_or_default(), attribute.name());
            if space != RDF && !OF_WRITER.contains(&(space, name)) {
                found.push(format!("{{{space}}}{name}=({:?})", attribute.value().trim()));
            }
        }
        for property in description.children().filter(Node::is_element) {
            let name = (property.tag_name().namespace().unwrap_or_default(), property.tag_name().name());
            if !OF_WRITER.contains(&name) {
                found.push(written(property, DEPTH)?);
            }
        }
    }
    found.sort_unstable();
    Some(found)
}

/// An element with all that is in it.
fn written(element: Node<'_, '_>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let space = element.tag_name().namespace().unwrap_or_default();
    let mut attributes: Vec<String> = element
        .attributes()
        .map(|own| format!("{{{}}}{}={:?}", own.namespace().unwrap_or_default(), own.name(), own.value()))
        .collect();
    attributes.sort_unstable();
    let mut inside = Vec::new();
    for child in element.children() {
        if child.is_element() {
            inside.push(written(child, depth)?);
        } else if let Some(text) = child.text().filter(|text| child.is_text() && !text.trim().is_empty()) {
            inside.push(format!("{:?}", text.trim()));
        }
    }
    let attributes: String = attributes.concat();
    Some(format!("{{{space}}}{}{attributes}=({})", element.tag_name().name(), inside.concat()))
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
