//! Text for people (FHIR R4 §2.4): XHTML in which nothing acts, and something stands (txt-1, txt-2).

use roxmltree::{Document, Node};
use serde_json::Value;

use super::values::is_text;

/// Elements of formatted text (HTML 4.0 chapters 7 to 11 but section 4, 9 and 15; links and images).
const ELEMENTS: &str = " a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre \
                        q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var ";
/// How documents can be led elsewhere.
const TARGETS: [&str; 3] = ["href", "src", "cite"];

/// What is wrong with a Narrative: the member, and the rule.
pub fn fault(text: &Value) -> Option<(&'static str, &'static str)> {
    if !["generated", "extensions", "additional", "empty"].iter().any(|status| text["status"] == *status) {
        return Some(("/status", "must be generated, extensions, additional or empty"));
    }
    let Some(div) = text["div"].as_str().filter(|_| is_text(&text["div"])) else {
        return Some(("/div", "must be XHTML"));
    };
    let whole = without_named_entities(div);
    let Ok(document) = Document::parse(&whole) else {
        return Some(("/div", "must be one well-formed element (FHIR txt-1)"));
    };
    let root = document.root_element();
    if root.tag_name().name() != "div" || !root.descendants().all(is_harmless) {
        return Some(("/div", "must be a div of formatted text, without anything that acts or is loaded (FHIR txt-1)"));
    }
    let says = |node: Node<'_, '_>| {
        node.tag_name().name() == "img" || node.text().is_some_and(|text| node.is_text() && !text.trim().is_empty())
    };
    (!root.descendants().any(says)).then_some(("/div", "must say something (FHIR txt-2)"))
}

fn is_harmless(node: Node<'_, '_>) -> bool {
    if !node.is_element() {
        return !node.is_pi();
    }
    let name = node.tag_name().name();
    let is_plain = |name: &str, value: &str| {
        let value = value.trim_start().to_ascii_lowercase();
        let leads = TARGETS.contains(&name);
        let is_safe = ["http:", "https:", "mailto:", "#", "data:image/"].iter().any(|start| value.starts_with(start));
        !name.starts_with("on") && name != "srcset" && (!leads || is_safe || !value.contains(':'))
    };
    ELEMENTS.contains(&format!(" {name} "))
        && node.attributes().all(|attribute| is_plain(attribute.name(), attribute.value()))
}

/// What HTML has names for, and XML does not: each stands for one letter.
fn without_named_entities(div: &str) -> String {
    let mut plain = String::with_capacity(div.len());
    let mut rest = div;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let end = from[1..].find(|letter: char| !letter.is_ascii_alphanumeric()).map(|end| end + 1);
        let name = end.map(|end| &from[1..end]).unwrap_or_default();
        let is_named = !name.is_empty() && end.is_some_and(|end| from[end..].starts_with(';'));
        if is_named && !["amp", "lt", "gt", "quot", "apos"].contains(&name) {
            plain.push(' ');
            rest = &from[name.len() + 2..];
        } else {
            plain.push('&');
            rest = &from[1..];
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(div: &str) -> Option<&'static str> {
        fault(&json!({"status": "generated", "div": div})).map(|(member, _)| member)
    }

    #[test]
    fn text_is_text_and_nothing_that_acts() {
        for good in [
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Không&nbsp;có &amp; 5 &lt; 6</p></div>",
            "<div><table><tbody><tr><td class=\"a\" style=\"color: red\">1</td></tr></tbody></table></div>",
            "<div><a href=\"https://example.vn/\">x</a> <a href=\"#b\">y</a> <img src=\"a.png\" alt=\"z\"/></div>",
        ] {
            assert_eq!(of(good), None, "{good}");
        }
        for bad in [
            "",
            " ",
            "text",
            "<p>text</p>",
            "<div> <p/> </div>",
            "<div>&nbsp;</div>",
            "<div><script>alert(1)</script></div>",
            "<div><p onclick=\"a()\">x</p></div>",
            "<div><a href=\" JavaScript:a()\">x</a></div>",
            "<div><iframe src=\"http://a\"/>x</div>",
            "<div><form>x</form></div>",
            "<div>x</div><div>y</div>",
            "<div>x",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><div>&b;</div>",
            "<div><?php a ?>x</div>",
        ] {
            assert_eq!(of(bad), Some("/div"), "{bad}");
        }
        assert_eq!(fault(&json!({"status": "x", "div": "<div>a</div>"})).map(|fault| fault.0), Some("/status"));
        assert!(fault(&json!({})).is_some());
    }
}
