//! The visible seal as other programs see it: poppler renders and reads it, zbar reads its QR code, qpdf the file.
//!
//! Needs `pdftoppm`, `pdftotext` (Debian: poppler-utils), `zbarimg` (zbar-tools) and `qpdf`.

use std::path::{Path, PathBuf};
use std::process::Command;

use antin::cli::demo::{JUDICIAL_CERTIFICATE, judicial_pdf};
use antin::core::pdf::document::Document;
use antin::core::pdf::geometry::Rectangle;
use antin::core::pdf::object::{Dictionary, Object};
use antin::core::pdf::occupied::{occupied, overlaps};
use antin::core::pdf::page::pages;
use antin::core::pdf::update::Update;
use antin::core::time::Time;
use antin::signing::seal::{Ink, PlaceError, PlacedSeal, Position, Seal, SealImage, draw, place};

pub const ADDRESS: &str = "https://kiemtra.thunghiem.example/v/7d1e4c52-8c1b-4b7e-9a53-0c5d1e6f7a8b";
pub const SIGNER: &str = "NGUYỄN ĐẶNG PHƯỢNG VỸ";
pub const ORGANISATION: &str = "CÔNG AN TỈNH THỬ NGHIỆM";

/// A red ring with a star on nothing: 36 mm at 300 dots an inch.
pub fn ring() -> Vec<u8> {
    const SIDE: u32 = 425;
    let mut samples = Vec::new();
    for row in 0..SIDE {
        for column in 0..SIDE {
            let (x, y) = (f64::from(column) - 212.0, f64::from(row) - 212.0);
            let (radius, angle) = (x.hypot(y), y.atan2(x));
            let star = 45.0 + 30.0 * (5.0 * (angle + std::f64::consts::FRAC_PI_2)).cos();
            let is_red = (195.0..210.0).contains(&radius) || (110.0..114.0).contains(&radius) || radius < star;
            samples.extend(if is_red { [200, 16, 24, 255] } else { [0, 0, 0, 0] });
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgba);
    let unit = png::Unit::Meter;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: 11811, yppu: 11811, unit }));
    encoder.write_header().unwrap().write_image_data(&samples).unwrap();
    out
}

pub fn paper() -> Vec<u8> {
    judicial_pdf::render(&serde_json::from_str(JUDICIAL_CERTIFICATE).unwrap()).unwrap()
}

/// One empty page of A4, turned.
pub fn empty(rotation: usize) -> Vec<u8> {
    let objects = [
        "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_owned(),
        "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n".to_owned(),
        format!("3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Rotate {rotation}>>\nendobj\n"),
    ];
    let (mut file, mut table) = ("%PDF-1.7\n".to_owned(), "xref\n0 4\n0000000000 65535 f \n".to_owned());
    for object in objects {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&object);
    }
    let at = file.len();
    format!("{file}{table}trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n").into_bytes()
}

/// Into the build's scratch folder, where a person can open it too.
pub fn written(octets: &[u8], name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, octets).unwrap();
    path
}

/// What the program prints; it must end well.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} does not start ({error}): see scripts/packages"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The first page at 100 dots an inch.
pub fn picture(path: &Path) -> PathBuf {
    let stem = path.with_extension("");
    output("pdftoppm", &["-r", "100", "-png", "-singlefile", path.to_str().unwrap(), stem.to_str().unwrap()]);
    stem.with_extension("png")
}

/// Red, green, blue of the picture at a place of an upright page of this height, in points.
struct Pixels {
    width: usize,
    samples: Vec<u8>,
}

impl Pixels {
    fn of(path: &Path) -> Self {
        let mut reader =
            png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path).unwrap())).read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut samples).unwrap();
        assert_eq!(frame.color_type, png::ColorType::Rgb);
        Self { width: frame.width as usize, samples }
    }

    /// How many are of a kind within a part of the picture, counted in points from its top left corner.
    fn count(&self, left: f64, top: f64, width: f64, height: f64, is_counted: impl Fn([u8; 3]) -> bool) -> usize {
        let at = |points: f64| (points / 72.0 * 100.0) as usize;
        let columns = || at(left)..at(left + width);
        let rows = at(top)..at(top + height);
        let pixel = |row: usize, column: usize| {
            let begin = (row * self.width + column) * 3;
            [self.samples[begin], self.samples[begin + 1], self.samples[begin + 2]]
        };
        rows.flat_map(|row| columns().map(move |column| (row, column)))
            .filter(|(row, column)| is_counted(pixel(*row, *column)))
            .count()
    }
}

fn is_red([red, green, blue]: [u8; 3]) -> bool {
    red > 150 && green < 90 && blue < 90
}

fn is_black([red, green, blue]: [u8; 3]) -> bool {
    red < 60 && green < 60 && blue < 60
}

fn time() -> Time {
    Time::parse_rfc3339("2026-11-22T10:40:05Z").unwrap()
}

/// The paper with a seal that nobody signed.
fn sealed(
    paper: &[u8],
    number: usize,
    seal: &Seal<'_>,
    position: Position,
) -> Result<(Vec<u8>, PlacedSeal), PlaceError> {
    let document = Document::read(paper).unwrap();
    let placed = place(&document, number, &draw(seal).unwrap(), position)?;
    let mut update = Update::new(&document);
    let form = update.take(&placed.form)[0];
    let Rectangle { left, bottom, right, top } = placed.rectangle;
    let widget = Dictionary::default()
        .with("Type", Object::of_name("Annot"))
        .with("Subtype", Object::of_name("Stamp"))
        .with("F", Object::Integer(132))
        .with("Rect", Object::of_array([left, bottom, right, top].map(Object::Real)))
        .with("AP", Object::Dictionary(Dictionary::default().with("N", Object::Reference(form))));
    let widget = update.add(Object::Dictionary(widget));
    let page = update.dictionary(placed.page).unwrap();
    update.put(placed.page, Object::Dictionary(page.with("Annots", Object::of_array([Object::Reference(widget)]))));
    Ok(([paper, &update.finish().unwrap().octets].concat(), placed))
}

fn seal<'a>(image: Option<&'a SealImage>, address: Option<&'a str>) -> Seal<'a> {
    Seal { signer: SIGNER, organisation: Some(ORGANISATION), signing_time: time(), image, address, ink: Ink::Black }
}

#[test]
fn a_seal_is_seen_and_read_where_nothing_else_is() {
    let paper = paper();
    let image = SealImage::read(&ring()).unwrap();
    let (octets, placed) = sealed(&paper, 1, &seal(Some(&image), Some(ADDRESS)), Position::Free).unwrap();
    let path = written(&octets, "seal-free.pdf");
    output("qpdf", &["--check", path.to_str().unwrap()]);
    let before = Document::read(&paper).unwrap();
    let page = pages(&before).unwrap()[0];
    assert!(!overlaps(&occupied(&before, page).unwrap(), &placed.rectangle));
    let after = Document::read(&octets).unwrap();
    assert!(overlaps(&occupied(&after, page).unwrap(), &placed.rectangle));

    let text = output("pdftotext", &["-layout", path.to_str().unwrap(), "-"]);
    for expected in [SIGNER, ORGANISATION, "Thời gian ký:", "22/11/2026 17:40:05 +07:00"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let picture = picture(&path);
    let found = output("zbarimg", &["--quiet", "--raw", picture.to_str().unwrap()]);
    assert_eq!(found.trim(), ADDRESS);

    let pixels = Pixels::of(&picture);
    let Rectangle { left, top, .. } = placed.rectangle;
    // The image in its true size, 36 mm, at the left; its background is that of the page.
    let red = pixels.count(left, 841.89 - top, 115.0, placed.rectangle.height(), is_red);
    assert!((2000..9000).contains(&red), "{red}");
    assert_eq!(pixels.count(left, 841.89 - top, 115.0, placed.rectangle.height(), is_black), 0);
    assert!(
        pixels.count(left + 115.0, 841.89 - top, placed.rectangle.width() - 115.0, placed.rectangle.height(), is_black)
            > 1000
    );
}

#[test]
fn without_an_image_it_has_a_red_frame() {
    let (octets, placed) = sealed(&paper(), 1, &seal(None, None), Position::At(300.0, 60.0)).unwrap();
    assert_eq!((placed.rectangle.left, placed.rectangle.bottom), (300.0, 60.0));
    let path = written(&octets, "seal-frame.pdf");
    let pixels = Pixels::of(&picture(&path));
    let top = 841.89 - placed.rectangle.top;
    assert!(pixels.count(300.0, top, placed.rectangle.width(), 5.0, is_red) > 100);
    // Words that are too long for a line are broken, not cut off.
    let long = Seal { organisation: Some(&"PHƯỜNG ".repeat(25)), ..seal(None, Some(ADDRESS)) };
    let (octets, _) = sealed(&paper(), 1, &long, Position::At(200.0, 20.0)).unwrap();
    let text = output("pdftotext", &["-layout", written(&octets, "seal-long.pdf").to_str().unwrap(), "-"]);
    assert_eq!(text.matches("PHƯỜNG").count(), 25, "{text}");
}

#[test]
fn a_seal_is_upright_on_a_page_that_is_turned() {
    for rotation in [90, 180, 270] {
        let paper = empty(rotation);
        let image = SealImage::read(&ring()).unwrap();
        let (octets, _) = sealed(&paper, 1, &seal(Some(&image), Some(ADDRESS)), Position::Free).unwrap();
        let path = written(&octets, &format!("seal-turned-{rotation}.pdf"));
        let found = output("zbarimg", &["--quiet", "--raw", picture(&path).to_str().unwrap()]);
        assert_eq!(found.trim(), ADDRESS, "{rotation}");
        // Upright text is read in lines.
        let text = output("pdftotext", &["-layout", path.to_str().unwrap(), "-"]);
        assert!(text.contains("22/11/2026 17:40:05 +07:00"), "{rotation}: {text}");
    }
}

#[test]
fn a_seal_has_a_page_and_stays_on_it() {
    let paper = paper();
    let seal = seal(None, None);
    let refused = |number, position| sealed(&paper, number, &seal, position).err().map(|error| error.to_string());
    assert_eq!(refused(0, Position::Free).as_deref(), Some("the document has 1 pages, no page 0"));
    assert_eq!(refused(2, Position::Free).as_deref(), Some("the document has 1 pages, no page 2"));
    for at in [(-1.0, 0.0), (580.0, 0.0), (0.0, 830.0), (f64::NAN, 0.0)] {
        assert!(refused(1, Position::At(at.0, at.1)).is_some(), "{at:?}");
    }
    let document = Document::read(&paper).unwrap();
    let huge = antin::signing::seal::DrawnSeal { width: 500.0, height: 400.0, form: Vec::new() };
    assert!(matches!(place(&document, 1, &huge, Position::Free), Err(PlaceError::NoRoom { .. })));
}

#[test]
fn the_same_seal_gives_the_same_octets() {
    let image = SealImage::read(&ring()).unwrap();
    let seal = seal(Some(&image), Some(ADDRESS));
    assert_eq!(draw(&seal).unwrap(), draw(&seal).unwrap());
    assert_ne!(draw(&seal).unwrap(), draw(&Seal { ink: Ink::Blue, ..seal }).unwrap());
    for wrong in [Seal { signer: "王", ..seal }, Seal { address: Some(&"x".repeat(301)), ..seal }] {
        assert!(draw(&wrong).is_err());
    }
}
