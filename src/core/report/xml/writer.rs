//! Writing XML 1.0: elements nest because closures do, and text by others is only ever text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A document in the making, indented by one space a level.
pub struct XmlWriter {
    text: String,
    depth: usize,
}

/// Name and value; the name is ours, the value anybody's.
pub type Attribute<'a> = (&'static str, Cow<'a, str>);

impl XmlWriter {
    /// With the declaration: UTF-8, no document type, so that no reader resolves anything.
    pub fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(), depth: 0 }
    }

    /// An element with elements in it.
    pub fn element(&mut self, name: &'static str, attributes: &[Attribute<'_>], inside: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        self.text.push('>');
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.break_line();
        let _ = write!(self.text, "</{name}>");
    }

    /// An element with text in it.
    pub fn leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>], content: &str) {
        self.open(name, attributes);
        self.text.push('>');
        push_escaped(&mut self.text, content);
        let _ = write!(self.text, "</{name}>");
    }

    /// An element with nothing in it.
    pub fn empty(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.open(name, attributes);
        self.text.push_str("/>");
    }

    pub fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }

    fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.break_line();
        let _ = write!(self.text, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"");
            push_escaped(&mut self.text, value);
            self.text.push('"');
        }
    }

    fn break_line(&mut self) {
        let depth = self.depth;
        let _ = write!(self.text, "\n{:depth$}", "");
    }
}

impl Default for XmlWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Text that says the same in an element and in an attribute (XML 1.0 §2.4, §3.3.3): white space but the plain one as references, for
/// readers normalise it. A character that XML does not have at all (§2.2) is shown as U+FFFD.
fn push_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            // U+0085 and U+2028 end lines for readers of XML 1.1.
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' => {
                let _ = write!(text, "&#{};", u32::from(character));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_by_others_stays_text() {
        let hostile = "]]></a><b c='\"'>&amp;<!-- <?x?> \0\u{1}\u{8}\u{b}\u{1f}\u{fffe}\u{ffff}\r\n\t\u{85}";
        let mut writer = XmlWriter::new();
        writer.element("a", &[("n", hostile.into())], |writer| writer.leaf("t", &[], hostile));
        let written = writer.finish();
        let inside = "]]&gt;&lt;/a&gt;&lt;b c=&apos;&quot;&apos;&gt;&amp;amp;&lt;!-- &lt;?x?&gt; \
                      \u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}&#13;&#10;&#9;&#133;";
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        assert_eq!(written, format!("{head}\n<a n=\"{inside}\">\n <t>{inside}</t>\n</a>\n"));
    }
}
