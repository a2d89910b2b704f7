//! Affine maps of the plane.

/// The map of `(x, y)` to `(a x + c y + e, b x + d y + f)`: the order of the protocol and of the HTML canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the fields carry the protocol's own names")]
pub struct Matrix {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
    pub e: f64,
    pub f: f64,
}

impl Matrix {
    /// The map that changes nothing.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// Moves by `(x, y)`.
    pub const fn moving(x: f64, y: f64) -> Self {
        Self { e: x, f: y, ..Self::IDENTITY }
    }

    /// First `inner`, then `self`. `None` where a number would no longer be finite.
    pub fn after(&self, inner: &Self) -> Option<Self> {
        let linear = |x: f64, y: f64| (self.a * x + self.c * y, self.b * x + self.d * y);
        let ((a, b), (c, d)) = (linear(inner.a, inner.b), linear(inner.c, inner.d));
        let (e, f) = self.map(inner.e, inner.f);
        let product = Self { a, b, c, d, e, f };
        [a, b, c, d, e, f].iter().all(|value| value.is_finite()).then_some(product)
    }

    /// Where a point goes.
    pub fn map(&self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// The map back. `None` where all points fall on one line.
    pub fn inverse(&self) -> Option<Self> {
        let determinant = self.a * self.d - self.b * self.c;
        if determinant == 0.0 || !determinant.is_finite() {
            return None;
        }
        let linear = Self {
            a: self.d / determinant,
            b: -self.b / determinant,
            c: -self.c / determinant,
            d: self.a / determinant,
            e: 0.0,
            f: 0.0,
        };
        linear.after(&Self::moving(-self.e, -self.f))
    }
}

impl Default for Matrix {
    fn default() -> Self {
        Self::IDENTITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_composed_and_undone() {
        let turn = Matrix { a: 0.0, b: 2.0, c: -2.0, d: 0.0, e: 10.0, f: 20.0 };
        assert_eq!(turn.map(3.0, 4.0), (2.0, 26.0));
        let shifted = turn.after(&Matrix::moving(1.0, 0.0)).unwrap();
        assert_eq!(shifted.map(2.0, 4.0), (2.0, 26.0));
        assert_eq!(turn.inverse().unwrap().after(&turn), Some(Matrix::IDENTITY));
    }

    #[test]
    fn what_cannot_be_undone_has_no_inverse_and_no_number_is_infinite() {
        let flat = Matrix { a: 0.0, ..Matrix::IDENTITY };
        assert_eq!(flat.inverse(), None);
        let large = Matrix { a: 1e200, d: 1e200, ..Matrix::IDENTITY };
        assert_eq!((large.inverse(), large.after(&large)), (None, None));
    }
}
