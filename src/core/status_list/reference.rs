//! Where the status of a document is, as its signer states it: `<uri>#idx=<index>`, for `uri` and `idx` of §6.1 in one URI.

const MARK: &str = "#idx=";

/// A list and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusListReference<'a> {
    /// The `sub` of the list's token.
    pub uri: &'a str,
    pub index: u64,
}

impl<'a> StatusListReference<'a> {
    /// `None`: it is no reference to a list. An index has one spelling.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (uri, index) = text.split_once(MARK)?;
        let number: u64 = index.parse().ok()?;
        (number.to_string() == index && !uri.is_empty()).then_some(Self { uri, index: number })
    }
}

impl std::fmt::Display for StatusListReference<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{MARK}{}", self.uri, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_one_spelling() {
        let text = "https://example.vn/status-lists/7#idx=1048575";
        let reference = StatusListReference::parse(text).unwrap();
        assert_eq!(reference, StatusListReference { uri: "https://example.vn/status-lists/7", index: 1_048_575 });
        assert_eq!(reference.to_string(), text);
        for other in
            ["", "#idx=1", "https://a/1", "https://a/1#idx=", "https://a/1#idx=01", "https://a/1#idx=+1", "a#idx=-1"]
        {
            assert_eq!(StatusListReference::parse(other), None, "{other}");
        }
    }
}
