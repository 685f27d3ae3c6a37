//! A judicial record certificate, form No. 1, as a PDF paper: A4, PDF/A-2u, laid out as Vietnamese official papers are
//! (Decree 30/2020: motto, letterhead, number, place and date, title, signature on the right).
//!
//! The same data gives the same bytes: dates come from the data, fonts from the program, nothing from the clock.

use super::judicial::{Conviction, JudicialCertificate, PositionBan};
use super::paper::{self, Imprint};
use super::sheet::{self, Placing, Sheet};
use crate::typesetting::cell::{self, Align, Cell, bold, italic, regular};
pub use crate::typesetting::typeface::RenderError;
use crate::typesetting::typeface::{Style, Typefaces};

const BODY: f32 = 11.0;
const TABLE: f32 = 9.0;
const NO_CONVICTION: &str = "Không có án tích";
const NO_BAN: &str = "Không bị cấm đảm nhiệm chức vụ, thành lập, quản lý doanh nghiệp, hợp tác xã";

/// Renders the certificate. Long values wrap and go on on further pages (at most [`sheet::MAX_PAGES`]).
///
/// # Errors
/// [`RenderError::MissingGlyph`] for a character outside the embedded fonts, [`RenderError::TooManyPages`] for endless
/// data; [`RenderError::Font`] and [`RenderError::Write`] do not depend on well-formed data.
pub fn render(data: &JudicialCertificate) -> Result<Vec<u8>, RenderError> {
    let faces = Typefaces::load()?;
    let mut sheet = Sheet::new(&faces);
    letterhead(&mut sheet, &faces, data)?;
    person(&mut sheet, &faces, data)?;
    criminal_record(&mut sheet, &faces, &data.convictions)?;
    position_bans(&mut sheet, &faces, &data.position_bans)?;
    signature(&mut sheet, &faces, data)?;
    let imprint = Imprint {
        title: format!("Phiếu lý lịch tư pháp số 1 – {}", data.number),
        author: data.issuer.name.clone(),
        created: data.issue_date.parts(),
        notice: data.sample_notice.as_deref(),
        watermark: data.watermark.as_deref(),
    };
    paper::write(&faces, &imprint, sheet.into_pages())
}

fn letterhead(sheet: &mut Sheet, faces: &Typefaces, data: &JudicialCertificate) -> Result<(), RenderError> {
    const SIZE: f32 = 10.0;
    let issuer = Cell::new(sheet::LEFT - 22.0, 204.0, SIZE, Align::Centre)
        .paragraph(faces, &[regular(&data.issuer.superior)])?
        .paragraph(faces, &[bold(&data.issuer.name)])?
        .underlined(0.4);
    let motto = Cell::new(sheet::LEFT + 188.0, 265.28, SIZE, Align::Centre)
        .paragraph(faces, &[bold("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")])?
        .paragraph(faces, &[bold("Độc lập - Tự do - Hạnh phúc")])?
        .underlined(1.0);
    sheet.row(vec![issuer, motto], Placing::Flow)?;
    sheet.space(8.0);
    let number = Cell::new(sheet::LEFT - 22.0, 204.0, SIZE, Align::Centre)
        .paragraph(faces, &[regular("Số: "), regular(&data.number)])?
        .paragraph(faces, &[regular("Mã hồ sơ: "), regular(&data.file_code)])?;
    let dated = format!("{}, {}", data.place, data.issue_date.in_words());
    let date = Cell::new(sheet::LEFT + 188.0, 265.28, SIZE, Align::Centre).paragraph(faces, &[italic(&dated)])?;
    sheet.row(vec![number, date], Placing::Flow)?;

    sheet.space(24.0);
    sheet.row(
        vec![sheet::full_cell(15.0, Align::Centre).paragraph(faces, &[bold("PHIẾU LÝ LỊCH TƯ PHÁP SỐ 1")])?],
        Placing::Flow,
    )?;
    sheet.space(12.0);
    for basis in &data.legal_bases {
        sheet.row(vec![sheet::full_cell(BODY, Align::Left).paragraph(faces, &[italic(basis)])?], Placing::Flow)?;
        sheet.space(2.0);
    }
    sheet.space(8.0);
    sheet.row(vec![sheet::full_cell(BODY, Align::Centre).paragraph(faces, &[bold("XÁC NHẬN:")])?], Placing::Flow)?;
    sheet.space(8.0);
    Ok(())
}

fn person(sheet: &mut Sheet, faces: &Typefaces, data: &JudicialCertificate) -> Result<(), RenderError> {
    let person = &data.person;
    let paper = &person.identity_paper;
    let identity = format!("{} số {}", paper.kind, paper.number);
    let identity_issue = format!(", cấp ngày {}, nơi cấp: {}", paper.issue_date, paper.issuer);
    let birth_date = person.birth_date.to_string();
    let fields: [(&str, &[cell::Run]); 8] = [
        ("Họ và tên", &[bold(&person.full_name)]),
        ("Giới tính", &[regular(&person.gender)]),
        ("Ngày, tháng, năm sinh", &[regular(&birth_date)]),
        ("Nơi sinh", &[regular(&person.birth_place)]),
        ("Quốc tịch", &[regular(&person.nationality), regular("; Dân tộc: "), regular(&person.ethnicity)]),
        ("Nơi thường trú", &[regular(&person.permanent_residence)]),
        ("Giấy tờ tùy thân", &[bold(&identity), regular(&identity_issue)]),
        ("Tình trạng án tích", &[]),
    ];
    for (index, (label, value)) in fields.iter().enumerate() {
        field(sheet, faces, index + 1, label, value)?;
    }
    Ok(())
}

/// `3. Label: value`, the wrapped lines hanging under the label, not under the number.
fn field(
    sheet: &mut Sheet,
    faces: &Typefaces,
    number: usize,
    label: &str,
    value: &[cell::Run],
) -> Result<(), RenderError> {
    const INDENT: f32 = 20.0;
    let number = format!("{number}.");
    let mut runs = vec![regular(label), regular(": ")];
    runs.extend_from_slice(value);
    let cells = vec![
        Cell::new(sheet::LEFT, INDENT, BODY, Align::Left).paragraph(faces, &[regular(&number)])?,
        Cell::new(sheet::LEFT + INDENT, sheet::RIGHT - sheet::LEFT - INDENT, BODY, Align::Left)
            .paragraph(faces, &runs)?,
    ];
    sheet.row(cells, Placing::Flow)?;
    sheet.space(6.0);
    Ok(())
}

fn criminal_record(sheet: &mut Sheet, faces: &Typefaces, convictions: &[Conviction]) -> Result<(), RenderError> {
    const SHARES: [f32; 4] = [0.6, 2.6, 2.6, 2.6];
    const HEADINGS: [&str; 4] = [
        "STT",
        "Bản án số, ngày, tháng, năm, Tòa án đã tuyên",
        "Tội danh, điều khoản luật được áp dụng",
        "Hình phạt chính, hình phạt bổ sung",
    ];
    table_row(sheet, faces, &SHARES, Style::Bold, &HEADINGS)?;
    if convictions.is_empty() {
        let whole_width = sheet::table_cells(&[1.0], BODY, Align::Centre).pop();
        if let Some(cell) = whole_width {
            sheet.row(vec![cell.paragraph(faces, &[bold(NO_CONVICTION)])?], Placing::Bordered)?;
        }
    }
    for (index, conviction) in convictions.iter().enumerate() {
        let number = (index + 1).to_string();
        let judgment =
            format!("{}, ngày {}, {}", conviction.judgment_number, conviction.judgment_date, conviction.court);
        let crime = format!("{}; {}", conviction.crime, conviction.articles);
        let additional = conviction.additional_penalty.as_deref().unwrap_or("không");
        let penalty = format!("{}; hình phạt bổ sung: {additional}", conviction.main_penalty);
        table_row(sheet, faces, &SHARES, Style::Regular, &[&number, &judgment, &crime, &penalty])?;
    }
    sheet.space(8.0);
    Ok(())
}

fn position_bans(sheet: &mut Sheet, faces: &Typefaces, bans: &[PositionBan]) -> Result<(), RenderError> {
    const LABEL: &str = "Thông tin về cấm đảm nhiệm chức vụ, thành lập, quản lý doanh nghiệp, hợp tác xã";
    const SHARES: [f32; 4] = [0.6, 2.6, 3.2, 2.0];
    const HEADINGS: [&str; 4] = ["STT", "Quyết định số, ngày, Tòa án", "Chức vụ, hoạt động bị cấm", "Thời hạn"];
    if bans.is_empty() {
        return field(sheet, faces, 9, LABEL, &[bold(NO_BAN), regular(".")]);
    }
    field(sheet, faces, 9, LABEL, &[])?;
    table_row(sheet, faces, &SHARES, Style::Bold, &HEADINGS)?;
    for (index, ban) in bans.iter().enumerate() {
        let number = (index + 1).to_string();
        let decision = format!("{}, ngày {}, {}", ban.decision_number, ban.decision_date, ban.court);
        table_row(sheet, faces, &SHARES, Style::Regular, &[&number, &decision, &ban.banned_from, &ban.duration])?;
    }
    sheet.space(8.0);
    Ok(())
}

fn table_row(
    sheet: &mut Sheet,
    faces: &Typefaces,
    shares: &[f32],
    style: Style,
    texts: &[&str],
) -> Result<(), RenderError> {
    let align = if style == Style::Bold { Align::Centre } else { Align::Left };
    let cells = sheet::table_cells(shares, TABLE, align);
    let cells: Result<Vec<Cell>, RenderError> =
        cells.into_iter().zip(texts).map(|(cell, text)| cell.paragraph(faces, &[cell::Run { style, text }])).collect();
    sheet.row(cells?, Placing::Bordered)
}

/// Recipients on the left, the signer on the right, room for the signature and the seal between capacity and name.
fn signature(sheet: &mut Sheet, faces: &Typefaces, data: &JudicialCertificate) -> Result<(), RenderError> {
    let mut recipients = Cell::new(sheet::LEFT, 190.0, 9.0, Align::Left);
    if !data.recipients.is_empty() {
        recipients = recipients.paragraph(faces, &[italic("Nơi nhận:")])?;
    }
    for recipient in &data.recipients {
        recipients = recipients.paragraph(faces, &[regular("- "), regular(recipient)])?;
    }
    let mut signer = Cell::new(sheet::RIGHT - 230.0, 230.0, BODY, Align::Centre);
    for line in &data.signer.capacity {
        signer = signer.paragraph(faces, &[bold(line)])?;
    }
    signer = signer.blank(4);
    let rank = data.signer.rank.as_deref().map(|rank| format!("{rank} "));
    signer = signer.paragraph(faces, &[bold(rank.as_deref().unwrap_or_default()), bold(&data.signer.name)])?;
    sheet.space(16.0);
    sheet.row(vec![recipients, signer], Placing::Together)
}
