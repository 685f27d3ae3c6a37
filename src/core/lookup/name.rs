//! The full name, in the one or two forms in which it can be asked for.
//!
//! - With its marks ([`NameForm::Marked`]): words in their order, each its letters and then its tones, so that `hoà` and `hòa`, `thuý` and
//!   `thúy` are one; a Vietnamese syllable has one tone, whose place says nothing. `Mỹ` and `Mĩ` stay two names: they are spelt differently.
//! - Without ([`NameForm::Plain`]): as passports have it in their readable zone, `NGUYEN THI HOA`, special letters by ICAO Doc 9303 part 3
//!   (`đ` is D, `ß` SS); its words sorted, for abroad the family name comes first or last.
//!
//! A document answers both. A question asks one: without marks if it has none at all, else with them; one that has wrong marks, or some
//! only, is answered by nothing. That `An` and `Ân` meet without marks joins no two people: code, birth date and number must agree too.
//!
//! Letters that look like others (Cyrillic `а`, full-width `Ａ`, the Icelandic `Ð` in place of `Đ`, a `d` that a line was laid over) are
//! refused, not mapped: a mapping would have to know what was meant, and whoever meets the refusal types the name again.

use unicode_normalization::UnicodeNormalization;

use super::LONGEST_FIELD;

/// A name in both its forms.
pub(super) struct Name {
    marked: String,
    plain: String,
    /// Somebody wrote marks.
    has_marks: bool,
}

/// The form in which a name is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameForm {
    Marked,
    Plain,
}

impl NameForm {
    /// In the digest; never changed.
    pub(super) const fn tag(self) -> &'static [u8] {
        match self {
            Self::Marked => b"marked",
            Self::Plain => b"plain",
        }
    }
}

const LENGTH: &str = "have 1 to 256 octets";
const LETTERS: &str = "have Latin letters with their marks, spaces, hyphens, apostrophes, points and commas only; letters of other scripts and \
                       full-width ones are refused, and Đ must not be the Icelandic Ð: type the name again";
const NO_WORD: &str = "have at least one letter";

impl Name {
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn normalise(written: &str) -> Result<Self, &'static str> {
        if written.is_empty() || written.len() > LONGEST_FIELD {
            return Err(LENGTH);
        }
        let (mut words, mut word, mut has_marks) = (Vec::new(), Word::default(), false);
        // Lower case first: a capital may become a letter and a mark.
        for letter in written.nfd().flat_map(char::to_lowercase).nfd() {
            if is_separator(letter) {
                words.push(std::mem::take(&mut word));
            } else if is_tone(letter) && !word.plain.is_empty() {
                word.tones.push(letter);
                has_marks = true;
            } else if is_other_mark(letter) && !word.plain.is_empty() {
                word.marked.push(letter);
                has_marks = true;
            } else if let Some(plain) = plain(letter) {
                word.marked.push(letter);
                word.plain.push_str(plain);
                has_marks |= !letter.is_ascii();
            } else if letter.is_ascii_lowercase() {
                word.marked.push(letter);
                word.plain.push(letter);
            } else if !matches!(letter, '\'' | '\u{2019}') {
                return Err(LETTERS);
            }
        }
        words.push(word);
        words.retain(|word| !word.plain.is_empty());
        if words.is_empty() {
            return Err(NO_WORD);
        }
        let marked: Vec<String> = words.iter().map(|word| format!("{}{}", word.marked, word.tones)).collect();
        let mut plain: Vec<String> = words.into_iter().map(|word| word.plain).collect();
        plain.sort_unstable();
        Ok(Self { marked: marked.join(" "), plain: plain.join(" "), has_marks })
    }

    /// In the form in which a question has it.
    pub(super) fn asked_form(&self) -> NameForm {
        if self.has_marks { NameForm::Marked } else { NameForm::Plain }
    }

    pub(super) fn in_form(&self, form: NameForm) -> &str {
        match form {
            NameForm::Marked => &self.marked,
            NameForm::Plain => &self.plain,
        }
    }

    /// Asked by this name, a document of that name answers.
    pub(super) fn answers(&self, document: &Self) -> bool {
        let form = self.asked_form();
        self.in_form(form) == document.in_form(form)
    }
}

/// A word, taken apart.
#[derive(Default)]
struct Word {
    /// Letters with the marks that make other letters of them.
    marked: String,
    tones: String,
    plain: String,
}

/// Between words; `Jean-Pierre` is two in a passport.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '\u{2010}' | '\u{2011}' | '.' | ',')
}

/// It stands on a letter of a Latin alphabet.
pub(super) fn is_mark(letter: char) -> bool {
    is_tone(letter) || is_other_mark(letter)
}

/// Grave, acute, tilde, hook above, dot below: huyền, sắc, ngã, hỏi, nặng.
fn is_tone(letter: char) -> bool {
    matches!(letter, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}')
}

/// The other marks of Latin alphabets. Not those laid over a letter: they make look-alikes of `đ`, `ø`, `ł`.
fn is_other_mark(letter: char) -> bool {
    matches!(letter, '\u{302}' | '\u{304}' | '\u{306}'..='\u{308}' | '\u{30a}'..='\u{30c}' | '\u{31b}' | '\u{324}'..='\u{328}' | '\u{331}')
}

/// What passports write for a letter that has no decomposition (ICAO Doc 9303 part 3 §6.A).
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'đ' => "d",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "oe",
        'ł' => "l",
        'ı' => "i",
        'þ' => "th",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The question is answered by a document of this name.
    fn answers(question: &str, document: &str) -> bool {
        let name = |text| Name::normalise(text).expect("a name");
        name(question).answers(&name(document))
    }

    #[test]
    fn one_name_written_in_many_ways() {
        for (document, questions) in [
            (
                "Nguyễn Thị Hoà",
                &[
                    "NGUYỄN THỊ HOÀ",
                    "nguyễn  thị\u{a0}hòa ",
                    "Nguye\u{302}\u{303}n Thi\u{323} Hoa\u{300}",
                    "Nguy\u{1ec5}n Thị Ho\u{e0}",
                    "NGUYEN THI HOA",
                    "Hoa Thi Nguyen",
                    "NGUYEN, Thi Hoa",
                ][..],
            ),
            ("Đặng Thuý Quỳnh", &["ĐẶNG THÚY QUỲNH", "đặng thúy qùynh", "DANG THUY QUYNH", "\u{110}ặng Thuý Quỳnh"]),
            // Two marks on one letter in either order.
            ("Lê Thị Huệ", &["Le\u{302} Thị Hue\u{323}\u{302}", "Lê Thị Hue\u{302}\u{323}"]),
            ("Lý Mỹ Dương", &["LY MY DUONG", "Lý Mỹ Du\u{31b}o\u{31b}ng"]),
            ("Jean-Pierre O'Brien", &["JEAN PIERRE OBRIEN", "O’Brien Jean-Pierre", "OBRIEN JEAN PIERRE"]),
            ("Jürgen Groß", &["JURGEN GROSS", "JÜRGEN GROẞ"]),
            ("Søren Łukasz", &["SOEREN LUKASZ", "SØREN ŁUKASZ"]),
        ] {
            for question in questions {
                assert!(answers(question, document), "{question:?} of {document:?}");
            }
        }
    }

    #[test]
    fn other_names_are_not_taken_for_it() {
        for (document, question) in [
            ("Nguyễn Thị Hoà", "Nguyễn Thị Hoa"),
            ("Nguyễn Thị Hoà", "Nguyễn Thị Hoá"),
            ("Nguyễn Thị Hoà", "Nguyễn Hoà"),
            ("Nguyễn Thị Hoà", "Thị Nguyễn Hoà"),
            ("Nguyễn Thị Hoà", "NGUYEN HOA"),
            ("Nguyễn Thị Hoà", "NGUYEN THI THI HOA"),
            ("Nguyễn Thị Hoà", "NGUYENTHI HOA"),
            ("Lê Văn An", "Lê Văn Ân"),
            ("Đỗ An", "Dỗ An"),
            ("Lý Mỹ", "Lý Mĩ"),
            // Who writes marks must write them all.
            ("Nguyễn Thị Hoà", "Nguyễn Thi Hoa"),
            ("NGUYEN THI HOA", "Nguyễn Thị Hoà"),
        ] {
            assert!(!answers(question, document), "{question:?} of {document:?}");
        }
    }

    #[test]
    fn look_alikes_and_what_is_no_name_are_refused() {
        for (text, rule) in [
            ("", LENGTH),
            (&"a".repeat(LONGEST_FIELD + 1), LENGTH),
            (" -. ", NO_WORD),
            ("'", NO_WORD),
            ("Nguyen V\u{430}n", LETTERS),
            ("Ｎguyen", LETTERS),
            ("\u{d0}ặng", LETTERS),
            ("d\u{335}ặng", LETTERS),
            ("\u{189}ặng", LETTERS),
            ("An\u{200b}", LETTERS),
            ("\u{202e}nA", LETTERS),
            ("An\0", LETTERS),
            ("An 2", LETTERS),
            ("\u{301}An", LETTERS),
            ("ﬁ", LETTERS),
            ("阮", LETTERS),
        ] {
            assert_eq!(Name::normalise(text).err(), Some(rule), "{text:?}");
        }
    }

    /// Words of Vietnamese letters.
    fn words() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-zA-ZăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệỳýỷỹỵĂÂĐÊÔƠƯỪỨỬỮỰ]{1,7}", 1..5)
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_normal_stays(text in "\\PC{0,60}") {
            if let Ok(name) = Name::normalise(&text) {
                prop_assert!(name.plain.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b' '));
                let again = Name::normalise(&name.plain).expect("a plain name");
                prop_assert_eq!(again.plain, name.plain);
            }
        }

        #[test]
        fn form_case_and_blanks_say_nothing(words in words()) {
            let text = words.join(" ");
            let name = Name::normalise(&text).expect("a name");
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            for other in [composed, decomposed, text.to_uppercase(), text.to_lowercase(), words.join(" \t ")] {
                let other = Name::normalise(&other).expect("a name");
                prop_assert_eq!(&other.marked, &name.marked);
                prop_assert_eq!(&other.plain, &name.plain);
            }
        }

        #[test]
        fn without_marks_in_any_order(words in words(), turn in 0..4_usize) {
            let name = Name::normalise(&words.join(" ")).expect("a name");
            let mut plain: Vec<&str> = name.plain.split(' ').collect();
            let turn = turn % plain.len();
            plain.rotate_left(turn);
            prop_assert!(answers(&plain.join(" ").to_uppercase(), &words.join(" ")));
        }

        #[test]
        fn a_letter_more_is_another_name(words in words(), letter in "[a-zđăâ]") {
            let text = words.join(" ");
            let longer = format!("{text}{letter}");
            prop_assert!(!answers(&longer, &text) && !answers(&text, &longer));
        }
    }
}
