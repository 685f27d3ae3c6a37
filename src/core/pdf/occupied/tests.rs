use std::time::Instant;

use super::*;
use crate::core::pdf::sample;

const PAGE: Reference = Reference { number: 3, generation: 0 };

fn of(file: &[u8]) -> Vec<Rectangle> {
    let document = Document::read(file).expect("a file");
    occupied(&document, PAGE).expect("a page")
}

fn of_content(content: &str) -> Vec<Rectangle> {
    of(&sample::page(content, "", "", &[]))
}

fn is_free(occupied: &[Rectangle], [left, bottom, right, top]: [f64; 4]) -> bool {
    !overlaps(occupied, &Rectangle { left, bottom, right, top })
}

/// Painted at (50, 40) to (60, 50) and not far around.
fn assert_at_its_place(occupied: &[Rectangle], what: &str) {
    assert!(!is_free(occupied, [49.9, 39.9, 60.1, 50.1]), "{what}: {occupied:?}");
    for corner in [[50.0, 40.0], [59.0, 40.0], [59.0, 49.0], [50.0, 49.0]] {
        let [x, y] = corner;
        assert!(!is_free(occupied, [x, y, x + 1.0, y + 1.0]), "{what}: {occupied:?}");
    }
    for far in [[0.0, 0.0, 30.0, 100.0], [90.0, 0.0, 200.0, 100.0], [0.0, 70.0, 200.0, 100.0], [0.0, 0.0, 200.0, 20.0]]
    {
        assert!(is_free(occupied, far), "{what}: {far:?} {occupied:?}");
    }
}

#[test]
fn paths_and_images_are_where_their_matrix_says() {
    for content in [
        "50 40 10 10 re f",
        "q 1 0 0 1 50 40 cm 0 0 10 10 re S Q",
        "q 10 0 0 10 50 40 cm 0 0 1 1 re B* Q",
        "50 40 m 60 50 l S",
        "50 40 m 50 50 60 50 60 40 c s",
        "50 40 m 60 50 55 40 v f",
        "q 0 1 -1 0 60 40 cm 0 0 10 10 re f Q",
        "q 1 0 0 1 40 0 cm 1 0 0 1 10 40 cm 10 10 m 0 0 l s Q",
        "4 w 51 41 8 8 re S",
        "q 10 0 0 10 50 40 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q",
    ] {
        assert_at_its_place(&of_content(content), content);
    }
    assert_eq!(of_content("50 40 10 10 re W n 50 40 10 10 re n"), []);
    assert_eq!(of_content("500 40 10 10 re f"), []);
}

#[test]
fn a_thick_line_reaches_beside_its_path() {
    assert!(!is_free(&of_content("40 w 100 0 m 100 100 l S"), [81.0, 50.0, 82.0, 51.0]));
    assert!(!is_free(&of_content("q 4 0 0 4 0 0 cm 10 w 25 0 m 25 25 l S Q"), [81.0, 50.0, 82.0, 51.0]));
    assert!(!is_free(&of_content("10 w 50 40 m 60 50 l 50 41 l S"), [65.0, 53.0, 66.0, 54.0]), "a sharp corner");
    let wide = sample::page("/G gs 100 0 m 100 100 l S", "", "/ExtGState<</G<</LW 40>>>>", &[]);
    assert!(!is_free(&of(&wide), [81.0, 50.0, 82.0, 51.0]));
}

#[test]
fn forms_are_followed() {
    let form = |entries: &str, data: &str| sample::stream(&format!("/Subtype/Form/BBox[0 0 10 10]{entries}"), data);
    let of_form = |content: &str, entries: &str, data: &str| {
        of(&sample::page(content, "", "/XObject<</X 6 0 R>>", &[form(entries, data)]))
    };
    assert_at_its_place(&of_form("q 1 0 0 1 50 40 cm /X Do Q", "", "0 0 10 10 re f"), "a form");
    assert_at_its_place(&of_form("/X Do", "/Matrix[1 0 0 1 50 40]", "0 0 10 10 re f"), "its matrix");
    // Cut off by its box, and yet it counts.
    assert!(!is_free(&of_form("/X Do", "", "150 40 10 10 re f"), [150.0, 40.0, 160.0, 50.0]));
    for (what, entries, data) in [
        ("itself", "/Resources<</XObject<</X 6 0 R>>>>", "/X Do"),
        ("another file", "/Ref<<>>", ""),
        ("names without resources", "", "/X Do"),
        ("unbalanced", "", "Q"),
    ] {
        assert_eq!(of_form("/X Do", entries, data), [Rectangle::EVERYWHERE], "{what}");
    }
    let image = sample::stream("/Subtype/Image", "");
    let image = sample::page("q 10 0 0 10 50 40 cm /X Do Q", "", "/XObject<</X 6 0 R>>", &[image]);
    assert_at_its_place(&of(&image), "an image");
}

/// What a page shows in a font with these entries: ten letters of half an em in 10 points from (50, 40) on would end at 100.
fn text(content: &str, entries: &str) -> Vec<Rectangle> {
    let font = format!("<</Type/Font{entries}>>");
    of(&sample::page(content, "", "/Font<</F 6 0 R>>", &[font]))
}

#[test]
fn text_is_as_long_as_its_widths() {
    let simple = format!("/Subtype/TrueType/FirstChar 65/Widths[{}]", "500 ".repeat(30));
    let composite =
        "/Subtype/Type0/Encoding/Identity-H/DescendantFonts[<</Subtype/CIDFontType2/DW 500/W[9[1]10 20 2]>>]";
    for (content, font) in [
        ("BT /F 10 Tf 50 40 Td (AAAAAAAAAA) Tj ET", simple.as_str()),
        ("BT /F 1 Tf 10 0 0 10 50 40 Tm (AAAAAAAAAA) Tj ET", &simple),
        ("BT /F 10 Tf 1 0 0 1 0 50 Tm 50 -10 TD (AAAAA) Tj (AAAAA) Tj ET", &simple),
        ("BT /F 10 Tf 10 TL 50 50 Td T* [(AAAAA) -500 (AAAA)] TJ ET", &simple),
        ("BT /F 10 Tf 12 TL 50 52 Td (AAAAAAAAAA) ' ET", &simple),
        ("BT /F 10 Tf 12 TL 50 52 Td 0 5 (AAAAA) \" ET", &simple),
        ("BT /F 10 Tf 200 Tz 50 40 Td (AAAAA) Tj ET", &simple),
        ("BT /F 10 Tf 5 Tc 50 40 Td (AAAAA) Tj ET", &simple),
        ("BT 3 Tr /F 10 Tf 50 20 Td 20 Ts (AAAAAAAAAA) Tj ET", &simple),
        ("BT /F 10 Tf 50 40 Td <00410041004100410041004100410041004100410041> Tj ET", composite),
    ] {
        let occupied = text(content, font);
        assert!(
            !is_free(&occupied, [50.0, 40.0, 51.0, 41.0]) && !is_free(&occupied, [98.0, 46.0, 99.0, 47.0]),
            "{content}"
        );
        for far in
            [[0.0, 0.0, 38.0, 100.0], [130.0, 0.0, 200.0, 100.0], [0.0, 60.0, 200.0, 100.0], [0.0, 0.0, 200.0, 30.0]]
        {
            assert!(is_free(&occupied, far), "{content}: {far:?} {occupied:?}");
        }
    }
    let narrow = "/Subtype/Type0/Encoding/Identity-H/DescendantFonts[<</Subtype/CIDFontType2/DW 500/W[9[1]10 20 2]>>]";
    assert!(is_free(&text("BT /F 10 Tf 50 40 Td <000900100012> Tj ET", narrow), [70.0, 0.0, 200.0, 100.0]));
}

#[test]
fn outlined_text_is_as_thick_as_its_line() {
    let at = [60.0, 70.0, 61.0, 71.0];
    assert!(is_free(&text("BT 0 Tr 40 w /F 10 Tf 50 40 Td (AA) Tj ET", "/Subtype/Type1"), at));
    assert!(!is_free(&text("BT 1 Tr 40 w /F 10 Tf 50 40 Td (AA) Tj ET", "/Subtype/Type1"), at));
}

#[test]
fn text_of_unknown_width_is_as_long_as_it_can_be() {
    let content = "BT /F 10 Tf 50 40 Td (AAAAAAAAAA) Tj (A) Tj ET";
    assert!(!is_free(&text(content, "/Subtype/Type1/BaseFont/Helvetica"), [165.0, 40.0, 166.0, 41.0]));
    let other = "/Subtype/Type0/Encoding/UniGB-UCS2-H/DescendantFonts[<</Subtype/CIDFontType2>>]";
    assert!(!is_free(&text(content, other), [140.0, 40.0, 141.0, 41.0]));
    // The last is where the first could end, not behind it only.
    assert!(!is_free(&text(content, other), [51.0, 40.0, 52.0, 41.0]));
    let tall = "/Subtype/Type1/FontDescriptor<</FontBBox[0 0 1000 5000]>>";
    assert!(!is_free(&text(content, tall), [60.0, 85.0, 61.0, 86.0]));
    for strange in
        ["/Subtype/Type3", "/Subtype/Type0/Encoding/Identity-V/DescendantFonts[<<>>]", "/Subtype/Type1/Widths 7", ""]
    {
        assert_eq!(text(content, strange), [Rectangle::EVERYWHERE], "{strange}");
    }
}

#[test]
fn what_is_not_understood_is_everywhere() {
    for content in [
        "0 0 1 1 re f what",
        "/S sh",
        "/X Do",
        "Q",
        "1 0 0 1 5 cm",
        "1 0 0 1 (5) 5 cm",
        "BT (A) Tj ET",
        "BT BT ET ET",
        "(A) Tj",
        "BT q Q ET",
        "1 1 m 0 0 1 1 0 0 cm 2 2 l S",
        "BT 0 0 1 1 re f ET",
        "1 0 0 1 99999999999 0 cm",
        "/G gs",
        "BX 1 2 3 frob EX",
        "BI /W 1 /H 1 /BPC 8 /CS /G /F /AHx ID 00> EI",
        "7",
        &"q ".repeat(300),
    ] {
        assert_eq!(of_content(content), [Rectangle::EVERYWHERE], "{content}");
    }
    let other_filter = sample::file(&[
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>".to_owned(),
        sample::stream("/Filter/LZWDecode", "20>"),
    ]);
    assert_eq!(of(&other_filter), [Rectangle::EVERYWHERE]);
}

#[test]
fn an_even_fill_below_everything_is_a_background() {
    for background in [
        "1 g 0 0 200 100 re f",
        "0 0 200 100 re W n 1 0 0 rg -1 -1 202 102 re f*",
        "q 200 0 0 -100 0 100 cm 0 0 1 1 re f Q 0 0 200 100 re f",
        "/P cs /P scn 1 g 0 0 200 100 re f",
    ] {
        assert_eq!(of_content(background), [], "{background}");
    }
    for content in [
        "1 1 2 2 re f 0 0 200 100 re f",
        "0 0 100 100 re f",
        "0 0 200 100 re B",
        "/P cs /Letters scn 0 0 200 100 re f",
        "0 0 m 200 0 l 200 100 l 0 100 l f",
        "0 0 200 100 re 5 5 m 6 6 l f",
        "0 0 m 3 3 l 5 0 l W n 0 0 200 100 re f",
        "q 1 1 9 9 re W n 0 0 200 100 re f Q",
        "-9e 0 0 200 100 re f",
        "-900000000 -900000000 1999999999 1999999999 re f",
        "q .7 .7 -.7 .7 0 0 cm -500 -500 1000 1000 re f Q",
    ] {
        assert!(!is_free(&of_content(content), [99.0, 50.0, 100.0, 51.0]), "{content}");
    }
    let letters = "BT 7 Tr /F 99 Tf (A) Tj ET 0 0 200 100 re f";
    assert!(!is_free(&text(letters, "/Subtype/Type1"), [180.0, 90.0, 181.0, 91.0]));
    let mask = sample::page("/G gs 0 0 200 100 re f", "", "/ExtGState<</G<</SMask<<>>>>>>", &[]);
    assert!(!is_free(&of(&mask), [180.0, 90.0, 181.0, 91.0]));
    let form = sample::stream("/Subtype/Form/BBox[0 0 10 10]", "0 0 200 100 re f");
    assert!(!is_free(&of(&sample::page("/X Do", "", "/XObject<</X 6 0 R>>", &[form])), [180.0, 90.0, 181.0, 91.0]));
}

#[test]
fn annotations_cover_their_rectangle() {
    let look = sample::stream("/Subtype/Form/BBox[0 0 10 10]", "q 0 0 5 5 re f Q");
    let with = |annotation: &str| {
        of(&sample::page("", &format!("/Annots[<<{annotation}>> 99 0 R]"), "", std::slice::from_ref(&look)))
    };
    for annotation in [
        "/Subtype/Link/Rect[50 40 60 50]",
        "/Subtype/Widget/FT/Sig/Rect[60 50 50 40]/F 4",
        "/Subtype/Highlight/QuadPoints[0 0 0 0 0 0 0 0]/Rect[50 40 60 50]/AP<</N 6 0 R>>",
        "/Subtype/Highlight/QuadPoints[0 0 0 0 0 0 0 0]/Rect[50 40 60 50]/AS/On/AP<</N<</On 6 0 R>>>>",
        // Not on the screen, and perhaps on paper.
        "/Subtype/Link/Rect[50 40 60 50]/F 2",
        "/Subtype/Stamp/Rect[50 40 60 50]/F 32",
    ] {
        assert_at_its_place(&with(annotation), annotation);
    }
    assert_eq!(with("/Subtype/Widget/Rect[0 0 0 0]"), []);
    for anywhere in [
        "/Subtype/Ink/InkList[[1 1 2 2]]/Rect[50 40 60 50]",
        "/Subtype/Link/Rect[50 40 60]",
        "/Subtype/Link",
        "/Rect[50 40 60 50]",
        "/Subtype/Watermark/Rect[50 40 60 50]/AP<</N<<>>>>",
        "/Subtype/Link/Rect[50 40 60 50]/F /Hidden",
        "/Subtype/Highlight/QuadPoints[0 0 0 0 0 0 0 0]/Rect[50 40 60 50]/AP<</N 99 0 R>>",
        "/Subtype/Highlight/QuadPoints[0 0 0 0 0 0 0 0]/Rect[50 40 60 50]/AP<</N<<>>>>",
        "/Subtype/Ink/InkList[[1 1 2 2]]/Rect[50 40 60 50]/AS/Off/AP<</N<</On 6 0 R>>>>",
    ] {
        assert_eq!(with(anywhere), [Rectangle::EVERYWHERE], "{anywhere}");
    }
    assert!(!is_free(&with("/Subtype/Text/F 24/Rect[50 40 60 50]"), [65.0, 40.0, 66.0, 41.0]));
    assert!(!is_free(&with("/Subtype/Square/Border[0 0 30]/Rect[50 40 60 50]"), [80.0, 40.0, 81.0, 41.0]));
}

#[test]
fn a_page_that_is_not_in_the_tree_is_a_fault() {
    let catalogue = "<</Type/Catalog/Pages 2 0 R>>".to_owned();
    let kids = |kids: &str| format!("<</Type/Pages/MediaBox[0 0 9 9]/Kids[{kids}]/Count 1>>");
    let page = |parent: &str| format!("<</Type/Page/Parent {parent}>>");
    for objects in [
        [catalogue.clone(), kids("4 0 R"), page("2 0 R"), "null".to_owned()],
        [catalogue.clone(), kids("3 0 R"), page("4 0 R"), kids("3 0 R")],
        [catalogue.clone(), kids("3 0 R"), page("3 0 R"), "null".to_owned()],
        [catalogue.clone(), kids("3 0 R").replace("MediaBox", "Box"), page("2 0 R"), "null".to_owned()],
        [catalogue.clone(), kids("3 0 R").replace("9 9", "9"), page("2 0 R"), "null".to_owned()],
        [catalogue.clone(), kids("3 0 R"), page("2 0 R/Rotate 45"), "null".to_owned()],
    ] {
        let file = sample::file(&objects);
        let document = Document::read(&file).expect("a file");
        assert!(occupied(&document, PAGE).is_err(), "{objects:?}");
    }
    let good = sample::file(&[catalogue, kids("3 0 R"), page("2 0 R")]);
    let document = Document::read(&good).expect("a file");
    assert_eq!(occupied(&document, PAGE).expect("a page"), []);
    assert_eq!(crate::core::pdf::page::pages(&document).expect("a tree"), [PAGE]);
}

#[test]
fn a_free_area_is_at_the_bottom_right_and_then_elsewhere() {
    let free = |content: &str, entries: &str| {
        let file = sample::page(content, entries, "", &[]);
        let document = Document::read(&file).expect("a file");
        free_area(&document, PAGE, (60.0, 30.0), 5.0).expect("a page")
    };
    let at = |left: f64, bottom: f64| Rectangle { left, bottom, right: left + 60.0, top: bottom + 30.0 };
    assert_eq!(free("", ""), Some(at(135.0, 5.0)));
    let above = free("80 0 120 9 re f", "").expect("room");
    assert!(above.left >= 120.0 && above.bottom > 14.0 && above.bottom < 20.0, "{above:?}");
    let left = free("100 0 100 100 re f", "").expect("room");
    assert!(left.right <= 95.0 && left.bottom == 5.0, "{left:?}");
    assert_eq!(free("0 50 200 20 re f", "").map(|place| place.bottom), Some(5.0));
    assert_eq!(free("0 20 200 60 re f", ""), None);
    assert_eq!(free("what", ""), None);
    // As it is seen: turned clockwise, its right edge is at the bottom.
    let turned = free("", "/Rotate 90").expect("room");
    assert_eq!((turned.right, turned.top), (195.0, 95.0));
    assert_eq!((turned.width(), turned.height()), (30.0, 60.0));
    let cropped = free("", "/CropBox[0 0 100 100]").expect("room");
    assert_eq!((cropped.right, cropped.bottom), (95.0, 5.0));
}

/// However it is made, it ends soon.
#[test]
fn work_is_bounded() {
    let begin = Instant::now();
    let form = |next: usize| {
        let resources = format!("/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</X {next} 0 R>>>>");
        sample::stream(&resources, &"/X Do ".repeat(50))
    };
    let forms: Vec<String> = (7..21).map(form).collect();
    let doubling = sample::page("/X Do", "", "/XObject<</X 6 0 R>>", &forms);
    assert_eq!(of(&doubling), [Rectangle::EVERYWHERE]);
    assert_eq!(of_content(&"0 0 1 1 re S ".repeat(400_000)), [Rectangle::EVERYWHERE]);
    let crowded: String = (0..60_000).map(|at| format!("{} {} 1 1 re S ", at % 200, at % 97)).collect();
    assert!(of_content(&crowded).len() <= 20_000);
    // Long resources that are looked at again and again.
    let long = format!("/ExtGState<</G<</D[{}]>>>>", "1 ".repeat(100_000));
    assert_eq!(of(&sample::page(&"/G gs ".repeat(20_000), "", &long, &[])), [Rectangle::EVERYWHERE]);
    let form = sample::stream(&format!("/Subtype/Form/BBox[0 0 1 1]/Resources<<{long}>>"), "/G gs");
    let again = sample::page(&"/X Do ".repeat(20_000), "", "/XObject<</X 6 0 R>>", &[form]);
    assert_eq!(of(&again), [Rectangle::EVERYWHERE]);
    let many = sample::page("", &format!("/Annots[{}]", "6 0 R ".repeat(20_001)), "", &["<<>>".to_owned()]);
    assert!(occupied(&Document::read(&many).expect("a file"), PAGE).is_err());
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

/// Garbage of the words of the language ends without a panic, and soon.
#[test]
fn garbage_ends() {
    const WORDS: [&str; 46] = [
        "q",
        "Q",
        "cm",
        "w",
        "M",
        "re",
        "m",
        "l",
        "c",
        "h",
        "f",
        "S",
        "B*",
        "n",
        "W",
        "BT",
        "ET",
        "Tf",
        "Td",
        "Tm",
        "T*",
        "Tj",
        "TJ",
        "'",
        "\"",
        "Tz",
        "Do",
        "gs",
        "sh",
        "BI",
        "ID",
        "EI",
        "/F",
        "/X",
        "1",
        "0",
        "-3.5",
        "999999999",
        "(text)",
        "<00>",
        "[",
        "]",
        "<<",
        ">>",
        "1 0 0 1 9 9",
        "%",
    ];
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut draw = |count: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % count as u64) as usize
    };
    let mut understood = 0;
    for _ in 0..3000 {
        let length = 1 + draw(12);
        let content: Vec<&str> = (0..length).map(|_| WORDS[draw(WORDS.len())]).collect();
        let content = content.join([" ", "\n", ""][draw(3)]);
        let font = "<</Subtype/Type1/FirstChar 0/Widths[500]>>".to_owned();
        let form = sample::stream("/Subtype/Form/BBox[0 0 9 9]", "0 0 1 1 re f");
        let file = sample::page(&content, "", "/Font<</F 6 0 R>>/XObject<</X 7 0 R>>", &[font, form]);
        understood += usize::from(of(&file) != [Rectangle::EVERYWHERE]);
    }
    assert!(understood > 50, "{understood}");
}
