//! Small least squares.

/// Weighted normal equations for `N` unknowns.
#[derive(Clone, Copy)]
pub(super) struct Normal<const N: usize> {
    /// The upper triangle of `sum w row row^T`.
    matrix: [[f64; N]; N],
    right: [f64; N],
}

impl<const N: usize> Normal<N> {
    pub(super) fn new() -> Self {
        Self { matrix: [[0.0; N]; N], right: [0.0; N] }
    }

    /// One equation, `row . unknowns = value`.
    #[inline]
    pub(super) fn add(&mut self, row: &[f64; N], value: f64, weight: f64) {
        for i in 0..N {
            let scaled = weight * row[i];
            self.matrix[i][i..].iter_mut().zip(&row[i..]).for_each(|(m, r)| *m += scaled * r);
            self.right[i] += scaled * value;
        }
    }

    /// Pull unknown `i` towards zero; a huge weight holds it there.
    pub(super) fn hold(&mut self, i: usize, weight: f64) {
        self.matrix[i][i] += weight;
    }

    /// Pull unknown `i` towards `value`.
    pub(super) fn pull(&mut self, i: usize, value: f64, weight: f64) {
        self.matrix[i][i] += weight;
        self.right[i] += weight * value;
    }

    /// What unknown `i` weighs on the diagonal.
    pub(super) fn weight(&self, i: usize) -> f64 {
        self.matrix[i][i]
    }

    /// The unknowns, by Cholesky decomposition; nothing if the equations do not settle them.
    pub(super) fn solve(&self) -> Option<[f64; N]> {
        let mut lower = [[0.0; N]; N];
        for i in 0..N {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let rest = self.matrix[j][i] - known;
                if i == j {
                    let enough = rest > 1e-11 * self.matrix[i][i] && rest.is_finite();
                    lower[i][i] = enough.then(|| rest.sqrt())?;
                } else {
                    lower[i][j] = rest / lower[j][j];
                }
            }
        }
        let mut x = self.right;
        for i in 0..N {
            let known: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
            x[i] = (x[i] - known) / lower[i][i];
        }
        for i in (0..N).rev() {
            let known: f64 = (i + 1..N).map(|k| lower[k][i] * x[k]).sum();
            x[i] = (x[i] - known) / lower[i][i];
        }
        Some(x)
    }
}

/// The middle value; 0.0 of nothing. Reorders `values`.
pub(super) fn median(values: &mut [f32]) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_is_found_again_and_a_held_unknown_is_zero() {
        let mut normal = Normal::<3>::new();
        for i in 0..20 {
            let x = i as f64 * 0.3 - 2.0;
            normal.add(&[1.0, x, x * x], 3.0 - 2.0 * x + 0.5 * x * x, 1.0 + i as f64);
        }
        let x = normal.solve().expect("twenty equations for three");
        assert!((x[0] - 3.0).abs() < 1e-9 && (x[1] + 2.0).abs() < 1e-9 && (x[2] - 0.5).abs() < 1e-9, "{x:?}");
        normal.hold(2, 1e12);
        assert!(normal.solve().expect("still enough")[2].abs() < 1e-6);
    }

    #[test]
    fn too_few_equations_settle_nothing() {
        let mut normal = Normal::<2>::new();
        normal.add(&[1.0, 2.0], 3.0, 1.0);
        normal.add(&[2.0, 4.0], 6.0, 1.0);
        assert!(normal.solve().is_none());
        normal.add(&[f64::NAN, 1.0], 6.0, 1.0);
        assert!(normal.solve().is_none());
    }

    #[test]
    fn the_middle_of_few() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [5.0, 1.0, 9.0]), 5.0);
    }
}
