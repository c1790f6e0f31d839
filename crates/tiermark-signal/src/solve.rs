//! Small systems of least squares.

/// Normal equations of a linear least-squares problem in a few unknowns, gathered one equation at a time.
#[derive(Clone, Debug)]
pub struct Normal {
    unknowns: usize,
    /// Lower triangle, row by row in a full square.
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    /// No equation yet.
    pub fn new(unknowns: usize) -> Self {
        Self { unknowns, matrix: vec![0.0; unknowns * unknowns], right: vec![0.0; unknowns] }
    }

    /// Add `weight` times the equation `sum coefficient * x[index] = value`, of which `terms` holds the coefficients that are not
    /// zero, in the order of their indices.
    #[inline(always)]
    pub fn add(&mut self, terms: &[(usize, f64)], value: f64, weight: f64) {
        for (k, &(i, a)) in terms.iter().enumerate() {
            let row = &mut self.matrix[i * self.unknowns..][..self.unknowns];
            for &(j, b) in &terms[..=k] {
                row[j] += weight * a * b;
            }
            self.right[i] += weight * a * value;
        }
    }

    /// Add an equation in all unknowns.
    #[inline(always)]
    pub fn add_full(&mut self, coefficients: &[f64], value: f64, weight: f64) {
        for (i, &a) in coefficients.iter().enumerate() {
            let row = &mut self.matrix[i * self.unknowns..][..=i];
            let scaled = weight * a;
            row.iter_mut().zip(coefficients).for_each(|(m, b)| *m += scaled * b);
            self.right[i] += scaled * value;
        }
    }

    /// The solution, by Cholesky's decomposition; `None` if the equations leave it open.
    pub fn solve(&self) -> Option<Vec<f64>> {
        let n = self.unknowns;
        let mut l = self.matrix.clone();
        for i in 0..n {
            for j in 0..=i {
                let (upper, lower) = l.split_at(i * n);
                let row_j = if i == j { &lower[..j] } else { &upper[j * n..][..j] };
                let sum: f64 = lower[..j].iter().zip(row_j).map(|(a, b)| a * b).sum();
                let rest = l[i * n + j] - sum;
                l[i * n + j] = match i == j {
                    true if rest > 1e-12 * self.matrix[i * n + i].abs().max(1e-300) => rest.sqrt(),
                    true => return None,
                    false => rest / l[j * n + j],
                };
            }
        }
        let mut x = self.right.clone();
        for i in 0..n {
            let known: f64 = (0..i).map(|j| l[i * n + j] * x[j]).sum();
            x[i] = (x[i] - known) / l[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| l[j * n + i] * x[j]).sum();
            x[i] = (x[i] - known) / l[i * n + i];
        }
        x.iter().all(|v| v.is_finite()).then_some(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_through_points_is_found() {
        let (mut sparse, mut full) = (Normal::new(3), Normal::new(3));
        for (x, y) in [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (3.0, 5.0), (-4.0, 1.0)] {
            let z = 2.0 * x - 7.0 * y + 0.5;
            sparse.add(&[(0, x), (1, y), (2, 1.0)], z, 2.0);
            full.add_full(&[x, y, 1.0], z, 0.25);
        }
        for solution in [sparse.solve(), full.solve()] {
            let solution = solution.expect("five points off one line");
            for (got, want) in solution.iter().zip([2.0, -7.0, 0.5]) {
                assert!((got - want).abs() < 1e-9, "{solution:?}");
            }
        }
    }

    #[test]
    fn an_open_question_has_no_answer() {
        let mut normal = Normal::new(2);
        normal.add_full(&[1.0, 2.0], 3.0, 1.0);
        normal.add_full(&[2.0, 4.0], 6.0, 1.0);
        assert!(normal.solve().is_none());
        assert!(Normal::new(1).solve().is_none());
    }
}
