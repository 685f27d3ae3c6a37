//! The judicial record certificate as poppler, an independent PDF reader, sees it.
//!
//! Needs `pdftotext`, `pdfinfo` and `pdffonts` (Debian: poppler-utils).

use std::path::{Path, PathBuf};
use std::process::Command;

use antin::cli::demo::JUDICIAL_CERTIFICATE;
use antin::cli::demo::judicial::{CalendarDate, Conviction, JudicialCertificate, PositionBan};
use antin::cli::demo::judicial_pdf::{RenderError, render};

fn sample() -> JudicialCertificate {
    serde_json::from_str(JUDICIAL_CERTIFICATE).unwrap()
}

/// Renders into the build's scratch folder, where a person can open it too.
fn written(data: &JudicialCertificate, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, render(data).unwrap()).unwrap();
    path
}

/// What a poppler tool prints about the file.
fn poppler(tool: &str, options: &[&str], path: &Path) -> String {
    let mut command = Command::new(tool);
    command.args(options).arg(path);
    if tool == "pdftotext" {
        command.arg("-");
    }
    let output =
        command.output().unwrap_or_else(|error| panic!("{tool} does not start ({error}): install poppler-utils"));
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{tool} complains: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text in reading order, with every run of white space as one space.
fn text_of(path: &Path) -> String {
    poppler("pdftotext", &["-layout"], path).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn pages_of(path: &Path) -> usize {
    let info = poppler("pdfinfo", &[], path);
    let line = info.lines().find(|line| line.starts_with("Pages:")).unwrap();
    line["Pages:".len()..].trim().parse().unwrap()
}

fn conviction(number: usize) -> Conviction {
    Conviction {
        judgment_number: format!("{number:02}/2019/HS-ST"),
        judgment_date: CalendarDate::try_from("2019-05-06".to_owned()).unwrap(),
        court: "Tòa án nhân dân khu vực 99 – Thử Nghiệm".to_owned(),
        crime: "Vi phạm quy định về tham gia giao thông đường bộ".to_owned(),
        articles: "khoản 1 Điều 260 Bộ luật Hình sự".to_owned(),
        main_penalty: "12 tháng cải tạo không giam giữ".to_owned(),
        additional_penalty: Some("cấm hành nghề lái xe 01 năm".to_owned()),
    }
}

#[test]
fn every_field_of_the_form_is_found_as_text() {
    let path = written(&sample(), "judicial-certificate.pdf");
    let text = text_of(&path);
    for expected in [
        "MẪU THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "BỘ CÔNG AN",
        "CÔNG AN TỈNH THỬ NGHIỆM",
        "Số: 000001/2026/PLLTP-TN",
        "Mã hồ sơ: THU-NGHIEM-2026-000001",
        "Thử Nghiệm, ngày 03 tháng 8 năm 2026",
        "PHIẾU LÝ LỊCH TƯ PHÁP SỐ 1",
        "1. Họ và tên: NGUYỄN ĐẶNG PHƯỢNG VỸ",
        "2. Giới tính: Nữ",
        "3. Ngày, tháng, năm sinh: 28/02/1991",
        "4. Nơi sinh: Xã Suối Ngọc",
        "5. Quốc tịch: Việt Nam; Dân tộc: Kinh",
        "6. Nơi thường trú: Số 00, đường Hướng Dương",
        "7. Giấy tờ tùy thân: Căn cước số 999191000001, cấp ngày 16/09/2024, nơi cấp: Bộ Công an",
        "8. Tình trạng án tích:",
        "Không có án tích",
        "9. Thông tin về cấm đảm nhiệm chức vụ",
        "Không bị cấm",
        "KT. GIÁM ĐỐC",
        "Đại tá Trịnh Ứng Nghiệm",
        "Trang 1/1",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn the_paper_is_one_a4_page_of_vietnamese_with_subset_fonts() {
    let path = written(&sample(), "judicial-certificate-page.pdf");
    assert_eq!(pages_of(&path), 1);
    let info = poppler("pdfinfo", &[], &path);
    assert!(info.contains("(A4)"), "{info}");
    assert!(info.contains("Phiếu lý lịch tư pháp số 1 – 000001/2026/PLLTP-TN"), "{info}");
    let fonts = poppler("pdffonts", &[], &path);
    for line in fonts.lines().skip(2) {
        let columns: Vec<&str> = line.split_whitespace().rev().collect();
        assert_eq!(&columns[2..5], ["yes", "yes", "yes"], "embedded, subset, mapped to Unicode: {line}");
    }
    assert_eq!(fonts.lines().count() - 2, 3, "{fonts}");
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    assert_eq!(render(&sample()).unwrap(), render(&sample()).unwrap());
    let mut other = sample();
    other.file_code.push('1');
    assert_ne!(render(&sample()).unwrap(), render(&other).unwrap());
}

#[test]
fn convictions_and_bans_fill_their_tables_over_several_pages() {
    let mut data = sample();
    data.convictions = (1..=30).map(conviction).collect();
    data.position_bans = vec![PositionBan {
        decision_number: "07/2020/QĐ-PS".to_owned(),
        decision_date: CalendarDate::try_from("2020-01-02".to_owned()).unwrap(),
        court: "Tòa án nhân dân tỉnh Thử Nghiệm".to_owned(),
        banned_from: "Thành lập, quản lý doanh nghiệp, hợp tác xã".to_owned(),
        duration: "02 năm".to_owned(),
    }];
    let path = written(&data, "judicial-certificate-convictions.pdf");
    assert!(pages_of(&path) > 2);
    let text = text_of(&path);
    assert!(!text.contains("Không có án tích"));
    for expected in ["01/2019/HS-ST", "30/2019/HS-ST", "07/2020/QĐ-PS", "Trịnh Ứng Nghiệm"] {
        assert!(text.contains(expected), "{expected:?} is missing");
    }
}

#[test]
fn long_names_stay_inside_the_page() {
    let mut data = sample();
    data.person.full_name = "NGUYỄN PHƯỚC THƯỜNG HUYỀN ".repeat(30);
    data.person.birth_place = "Ẵ".repeat(900);
    data.issuer.name = "CÔNGANTỈNHCÓTÊNDÀIKHÔNGNGỪNGNGHỈ".repeat(3);
    data.sample_notice = Some("MẪU ".repeat(200));
    data.signer.name = "Ứ".repeat(300);
    let path = written(&data, "judicial-certificate-long.pdf");
    assert!(pages_of(&path) >= 2);
    let boxes = poppler("pdftotext", &["-bbox"], &path);
    let mut words = 0;
    for line in boxes.lines().filter(|line| line.contains("<word ")) {
        let edge = |name: &str| {
            let from = line.find(name).unwrap() + name.len() + 2;
            line[from..].split('"').next().unwrap().parse::<f32>().unwrap()
        };
        assert!(edge("xMin") > 40.0 && edge("xMax") < 560.0, "runs over the side: {line}");
        assert!(edge("yMin") > 10.0 && edge("yMax") < 830.0, "runs over the foot: {line}");
        words += 1;
    }
    assert!(words > 100, "only {words} words were found");
    let letters = text_of(&path).chars().filter(|&letter| letter == 'Ẵ').count();
    assert_eq!(letters, 900, "letters of the birthplace");
}

#[test]
fn data_without_end_and_letters_without_glyphs_are_refused() {
    let mut endless = sample();
    endless.convictions = (0..2000).map(conviction).collect();
    assert_eq!(render(&endless), Err(RenderError::TooManyPages { limit: 10 }));
    let mut foreign = sample();
    foreign.person.full_name = "NGUYỄN 漢".to_owned();
    assert_eq!(render(&foreign), Err(RenderError::MissingGlyph { character: '漢' }));
    let mut hidden = sample();
    hidden.person.full_name = "NGUYỄN \0 VỸ".to_owned();
    assert_eq!(render(&hidden), Err(RenderError::MissingGlyph { character: '\0' }));
}

#[test]
fn empty_values_are_no_panic() {
    let mut data = sample();
    data.person.full_name.clear();
    data.issuer.name.clear();
    data.sample_notice = Some(String::new());
    data.watermark = Some(" ".to_owned());
    data.recipients.clear();
    data.signer.capacity.clear();
    data.legal_bases.clear();
    assert_eq!(pages_of(&written(&data, "judicial-certificate-empty.pdf")), 1);
}
