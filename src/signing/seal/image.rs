//! The image of an organisation's seal: a PNG that the operator gives (Decree 30/2020: red, its background transparent, in true size).

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, PixelDimensions, Transformations, Unit};

/// Octets of a file.
const LARGEST: usize = 8 << 20;
/// Pixels across and up.
const MOST: u32 = 4096;
/// Octets that decoding may take.
const MEMORY: usize = 64 << 20;
/// What the seal of an office measures, in millimetres, if the file says nothing that a seal could measure.
const USUAL: f64 = 36.0;
/// What a seal can measure, in millimetres.
const SIZES: std::ops::RangeInclusive<f64> = 10.0..=60.0;
const MILLIMETRE: f64 = 72.0 / 25.4;
const OPAQUE: u8 = 128;

/// A seal as it is painted: nothing of it transparent, but some of it left out.
#[derive(Clone, PartialEq)]
pub struct SealImage {
    pub(super) pixels: (u32, u32),
    /// In points.
    pub(super) width: f64,
    pub(super) height: f64,
    /// Red, green, blue of each pixel, row by row; what was half transparent lies on white.
    pub(super) colours: Vec<u8>,
    /// A bit for each pixel, rows filled up to octets: 1 where nothing is painted. `None`: everything is.
    pub(super) left_out: Option<Vec<u8>>,
}

impl std::fmt::Debug for SealImage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SealImage({} x {} points)", self.width, self.height)
    }
}

/// Why a file is no image of a seal.
#[derive(Debug, thiserror::Error)]
pub enum SealImageError {
    #[error("the image of the seal has {length} octets, more than {LARGEST}")]
    TooLarge { length: usize },
    #[error("the image of the seal measures {0} x {1} pixels, more than {MOST} x {MOST} or none")]
    Pixels(u32, u32),
    #[error("the image of the seal is no PNG that can be read: {source}")]
    Png {
        #[from]
        source: png::DecodingError,
    },
}

impl SealImage {
    /// Reads a PNG file of whatever colour type. Its resolution, if it says one, gives its size; else, or if a seal cannot measure that, it
    /// is 36 mm wide.
    pub fn read(file: &[u8]) -> Result<Self, SealImageError> {
        if file.len() > LARGEST {
            return Err(SealImageError::TooLarge { length: file.len() });
        }
        let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: MEMORY });
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info()?;
        let (across, up) = reader.info().size();
        let fits = (1..=MOST).contains(&across) && (1..=MOST).contains(&up);
        let room = reader.output_buffer_size().filter(|_| fits).ok_or(SealImageError::Pixels(across, up))?;
        let dimensions = reader.info().pixel_dims;
        let mut samples = vec![0; room];
        let frame = reader.next_frame(&mut samples)?;
        samples.truncate(frame.buffer_size());
        let (colours, left_out) = painted(&samples, frame.color_type, across as usize);
        let (width, height) = size(dimensions, (across, up));
        Ok(Self { pixels: (across, up), width, height, colours, left_out })
    }
}

/// In points.
fn size(dimensions: Option<PixelDimensions>, (across, up): (u32, u32)) -> (f64, f64) {
    let (across, up) = (f64::from(across), f64::from(up));
    if let Some(PixelDimensions { xppu, yppu, unit: Unit::Meter }) = dimensions
        && xppu > 0
        && yppu > 0
    {
        let (wide, high) = (across / f64::from(xppu) * 1000.0, up / f64::from(yppu) * 1000.0);
        if SIZES.contains(&wide) && SIZES.contains(&high) {
            return (wide * MILLIMETRE, high * MILLIMETRE);
        }
    }
    let scale = USUAL * MILLIMETRE / across.max(up);
    (across * scale, up * scale)
}

fn painted(samples: &[u8], kind: ColorType, across: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let pixel = |samples: &[u8]| match *samples {
        [grey] => ([grey; 3], u8::MAX),
        [grey, alpha] => ([grey; 3], alpha),
        [red, green, blue] => ([red, green, blue], u8::MAX),
        [red, green, blue, alpha] => ([red, green, blue], alpha),
        _ => ([u8::MAX; 3], 0),
    };
    let on_white = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha)) / 255) as u8
    };
    let octets = across.div_ceil(8);
    let mut colours = Vec::with_capacity(samples.len());
    let mut left_out = Vec::new();
    for row in samples.chunks_exact(across * kind.samples()) {
        let begin = left_out.len();
        left_out.resize(begin + octets, 0);
        for (column, samples) in row.chunks_exact(kind.samples()).enumerate() {
            let (colour, alpha) = pixel(samples);
            colours.extend(colour.map(|colour| on_white(colour, alpha)));
            if alpha < OPAQUE {
                left_out[begin + column / 8] |= 0x80 >> (column % 8);
            }
        }
    }
    let is_whole = left_out.iter().all(|octet| *octet == 0);
    (colours, (!is_whole).then_some(left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: ColorType, samples: &[u8], (across, up): (u32, u32), per_metre: Option<u32>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, across, up);
        encoder.set_color(kind);
        if let Some(per_metre) = per_metre {
            encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
        }
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
        out
    }

    #[test]
    fn what_is_transparent_is_left_out_and_edges_lie_on_white() {
        let samples = [255, 0, 0, 255, 255, 0, 0, 0, 255, 0, 0, 128];
        let image = SealImage::read(&file(ColorType::Rgba, &samples, (3, 1), None)).unwrap();
        assert_eq!(image.colours, [255, 0, 0, 255, 255, 255, 255, 127, 127]);
        assert_eq!(image.left_out, Some(vec![0b0100_0000]));
        let grey = SealImage::read(&file(ColorType::Grayscale, &[7, 9], (1, 2), None)).unwrap();
        assert_eq!((grey.colours, grey.left_out), (vec![7, 7, 7, 9, 9, 9], None));
    }

    #[test]
    fn its_size_is_what_it_says_if_a_seal_can_be_so_large() {
        let millimetres = |per_metre| {
            let image = SealImage::read(&file(ColorType::Grayscale, &[0; 80], (10, 8), per_metre)).unwrap();
            ((image.width / MILLIMETRE).round(), (image.height / MILLIMETRE).round())
        };
        assert_eq!(millimetres(Some(250)), (40.0, 32.0));
        assert_eq!(
            (millimetres(Some(100_000)), millimetres(Some(2)), millimetres(None)),
            ((36.0, 29.0), (36.0, 29.0), (36.0, 29.0))
        );
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(matches!(SealImage::read(b"GIF89a"), Err(SealImageError::Png { .. })));
        assert!(matches!(SealImage::read(&vec![0; LARGEST + 1]), Err(SealImageError::TooLarge { .. })));
        let good = file(ColorType::Rgb, &[0; 300], (10, 10), None);
        assert!(matches!(SealImage::read(&good[..good.len() - 20]), Err(SealImageError::Png { .. })));
        // It says that it is larger than anything.
        let mut huge = good;
        huge[16..20].copy_from_slice(&5000_u32.to_be_bytes());
        assert!(SealImage::read(&huge).is_err());
    }
}
