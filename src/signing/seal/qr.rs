//! A QR code as rectangles (ISO/IEC 18004).

use qrcodegen::{QrCode, QrCodeEcc};

/// White around the code, in modules (§5.3.8 of the standard).
const QUIET: f32 = 4.0;
/// 20 mm: the least that the code itself measures.
const LEAST: f32 = 20.0 / 25.4 * 72.0;
/// The least that a module measures, in points: 0.75 mm, three dots of a page at 100 dots an inch.
const LEAST_MODULE: f32 = 0.75 / 25.4 * 72.0;

/// A code with its quiet zone.
pub struct Code {
    code: QrCode,
    /// Of one module, in points.
    module: f32,
}

impl Code {
    /// With error correction M: 15 % of it may be unreadable. `None`: there is no room for the text in any code.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let module = (LEAST / code.size() as f32).max(LEAST_MODULE);
        Some(Self { code, module })
    }

    /// With its quiet zone, in points.
    pub fn side(&self) -> f32 {
        self.module * (2.0f32).mul_add(QUIET, self.code.size() as f32)
    }

    /// The dark modules, those side by side together: left, top (from the top edge of the quiet zone), width, height, in points.
    pub fn dark(&self) -> Vec<[f32; 4]> {
        let mut found = Vec::new();
        for row in 0..self.code.size() {
            let mut column = 0;
            while column < self.code.size() {
                let begin = column;
                while self.code.get_module(column, row) {
                    column += 1;
                }
                if column > begin {
                    let at = |index: i32| (QUIET + index as f32) * self.module;
                    found.push([at(begin), at(row), (column - begin) as f32 * self.module, self.module]);
                }
                column += 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_large_enough_and_has_its_quiet_zone() {
        for text in ["https://kiemtra.example/v", &"https://kiemtra.example/".repeat(10)] {
            let code = Code::of(text).expect("room");
            let dark = code.dark();
            let least = |index: usize| dark.iter().map(|rectangle| rectangle[index]).fold(f32::MAX, f32::min);
            let most =
                |index: usize| dark.iter().map(|rectangle| rectangle[index] + rectangle[index + 2]).fold(0.0, f32::max);
            for index in [0, 1] {
                assert!((least(index) - 4.0 * code.module).abs() < 0.01);
                assert!((code.side() - most(index) - 4.0 * code.module).abs() < 0.01);
                assert!(most(index) - least(index) >= LEAST - 0.01);
            }
        }
        assert!(Code::of(&"x".repeat(5000)).is_none());
    }
}
