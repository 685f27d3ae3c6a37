//! Rectangles and matrices of the coordinates of a page (ISO 32000-2 §7.9.5, §8.3).

use super::object::Object;

/// In units of default user space: 1/72 inch unless the page says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    pub left: f64,
    pub bottom: f64,
    pub right: f64,
    pub top: f64,
}

impl Rectangle {
    /// What may be at any place.
    pub const EVERYWHERE: Self = Self { left: -1e30, bottom: -1e30, right: 1e30, top: 1e30 };

    /// The smallest around these points; everywhere if one is at no place at all. `None`: no points.
    pub fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let point = |(x, y): (f64, f64)| {
            let is_somewhere = x.abs() < 1e12 && y.abs() < 1e12;
            if is_somewhere { Self { left: x, bottom: y, right: x, top: y } } else { Self::EVERYWHERE }
        };
        points.into_iter().map(point).reduce(Self::united)
    }

    /// Four numbers: two opposite corners, in any order (§7.9.5).
    pub fn of_corners(numbers: &[f64]) -> Option<Self> {
        match *numbers {
            [x, y, other_x, other_y] => Self::around([(x, y), (other_x, other_y)]),
            _ => None,
        }
    }

    pub const fn united(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            bottom: self.bottom.min(other.bottom),
            right: self.right.max(other.right),
            top: self.top.max(other.top),
        }
    }

    /// What both have; turned inside out if that is nothing.
    pub const fn shared(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.min(other.right),
            top: self.top.min(other.top),
        }
    }

    pub fn expanded(self, by: f64) -> Self {
        if !(0.0..1e12).contains(&by) {
            return Self::EVERYWHERE;
        }
        Self { left: self.left - by, bottom: self.bottom - by, right: self.right + by, top: self.top + by }
    }

    /// Whether they share more than an edge. What cannot be compared overlaps.
    pub fn overlaps(&self, other: &Self) -> bool {
        !(self.right <= other.left || other.right <= self.left || self.top <= other.bottom || other.top <= self.bottom)
    }

    pub const fn contains(&self, other: &Self) -> bool {
        self.left <= other.left && self.bottom <= other.bottom && self.right >= other.right && self.top >= other.top
    }

    pub const fn width(&self) -> f64 {
        self.right - self.left
    }

    pub const fn height(&self) -> f64 {
        self.top - self.bottom
    }

    pub const fn corners(&self) -> [(f64, f64); 4] {
        [(self.left, self.bottom), (self.right, self.bottom), (self.right, self.top), (self.left, self.top)]
    }
}

/// `a b c d e f` of §8.3.3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matrix(pub [f64; 6]);

/// Lengths and scales that numbers of 32 bits have to some hundredths.
const EXACT: f64 = 100_000.0;
const EXACT_SCALES: std::ops::RangeInclusive<f64> = 0.0001..=10_000.0;

impl Matrix {
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub const fn moved(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// First this, then the other; no numbers at all where readers that calculate with 32 bits would come to others.
    pub fn then(self, other: Self) -> Self {
        let ([a, b, c, d, e, f], [other_a, other_b, other_c, other_d, other_e, other_f]) = (self.0, other.0);
        let both = Self([
            a * other_a + b * other_c,
            a * other_b + b * other_d,
            c * other_a + d * other_c,
            c * other_b + d * other_d,
            e * other_a + f * other_c + other_e,
            e * other_b + f * other_d + other_f,
        ]);
        if [self, other, both].iter().all(Self::is_exact) { both } else { Self([f64::NAN; 6]) }
    }

    fn is_exact(&self) -> bool {
        let [a, b, c, d, e, f] = self.0;
        let largest = [a, b, c, d].into_iter().map(f64::abs).fold(0.0, f64::max);
        EXACT_SCALES.contains(&largest) && e.abs() <= EXACT && f.abs() <= EXACT
    }

    pub fn apply(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }

    /// The smallest upright rectangle around what becomes of this one.
    pub fn around(&self, rectangle: &Rectangle) -> Rectangle {
        Rectangle::around(rectangle.corners().map(|corner| self.apply(corner))).unwrap_or(Rectangle::EVERYWHERE)
    }

    /// No length grows by more than this factor.
    pub fn growth(&self) -> f64 {
        let [a, b, c, d, ..] = self.0;
        (a * a + b * b + c * c + d * d).sqrt()
    }

    /// An upright rectangle stays one.
    pub fn is_upright(&self) -> bool {
        let [a, b, c, d, ..] = self.0;
        b == 0.0 && c == 0.0 || a == 0.0 && d == 0.0
    }
}

/// Of an integer or a real number; `None` too if it is larger than any program must take (Annex C).
pub fn number(object: &Object) -> Option<f64> {
    let number = match object {
        Object::Integer(number) => *number as f64,
        Object::Real(number) => *number,
        _ => return None,
    };
    (number.abs() < 1e9).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_no_place_is_everywhere() {
        let small = Rectangle { left: 1.0, bottom: 1.0, right: 2.0, top: 2.0 };
        assert_eq!(Rectangle::of_corners(&[2.0, 1.0, 1.0, 2.0]), Some(small));
        for wrong in [f64::NAN, f64::INFINITY, 1e300] {
            let around = Rectangle::around([(0.0, 0.0), (1.0, wrong)]).expect("points");
            assert!(around.overlaps(&small), "{wrong}");
            assert!(small.expanded(wrong).overlaps(&Rectangle::around([(500.0, 500.0)]).expect("a point")), "{wrong}");
        }
        let nothing = Rectangle { left: f64::NAN, ..small };
        assert!(nothing.overlaps(&small) && small.overlaps(&nothing));
        assert!(!small.overlaps(&Rectangle { left: 2.0, right: 3.0, ..small }));
    }

    #[test]
    fn a_matrix_is_applied_before_the_next() {
        let turned = Matrix([0.0, 1.0, -1.0, 0.0, 0.0, 0.0]).then(Matrix::moved(10.0, 20.0));
        assert_eq!(turned.apply((1.0, 0.0)), (10.0, 21.0));
        assert!(turned.is_upright() && turned.growth() >= 1.0);
    }
}
