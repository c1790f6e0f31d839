//! Re-integration of a gradient field.

use crate::transform::{Cosine, fft::transpose};
use crate::{Plane, Size};

/// The plane whose gradient comes nearest to (`dx`, `dy`) in the sense of least squares; its mean is zero.
///
/// `dx(x, y)` is the step from column x to x + 1, `dy(x, y)` from row y to y + 1; the last column of `dx`
/// and the last row of `dy` lead outside and are ignored. Solves `Laplace u = div (dx, dy)` with Neumann
/// borders: in the cosine basis the operator is the number `2 cos(pi i / h) + 2 cos(pi j / w) - 4`.
///
/// # Panics
/// If the two fields differ in size.
pub fn integrate(dx: &Plane, dy: &Plane) -> Plane {
    assert_eq!(dx.size(), dy.size(), "one field");
    let Size { width, height } = dx.size();
    let mut rows = divergence(dx, dy);
    let (across, down) = (Cosine::new(width), Cosine::new(height));
    across.forward(&mut rows);
    let mut columns = transpose(&rows, width, height);
    down.forward(&mut columns);
    let eigen = |n: usize| -> Vec<f32> {
        (0..n).map(|i| (2.0 * libm::cos(std::f64::consts::PI * i as f64 / n as f64) - 2.0) as f32).collect()
    };
    let (horizontal, vertical) = (eigen(width), eigen(height));
    for (column, &h) in columns.chunks_exact_mut(height).zip(&horizontal) {
        column.iter_mut().zip(&vertical).for_each(|(v, &e)| *v /= h + e);
    }
    columns[0] = 0.0;
    down.inverse(&mut columns);
    let mut rows = transpose(&columns, height, width);
    across.inverse(&mut rows);
    Plane::new(dx.size(), rows).expect("as many samples as before")
}

/// Backward divergence with nothing flowing over the border.
fn divergence(dx: &Plane, dy: &Plane) -> Vec<f32> {
    let Size { width, height } = dx.size();
    let mut divergence = Vec::with_capacity(width * height);
    for y in 0..height {
        let flow = dx.row(y);
        let below = (y + 1 < height).then(|| dy.row(y));
        let above = y.checked_sub(1).map(|y| dy.row(y));
        for x in 0..width {
            let right = if x + 1 < width { flow[x] } else { 0.0 };
            let left = if x > 0 { flow[x - 1] } else { 0.0 };
            divergence.push(right - left + below.map_or(0.0, |row| row[x]) - above.map_or(0.0, |row| row[x]));
        }
    }
    divergence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_a_plane_from_its_gradient() {
        for (width, height) in [(1, 1), (1, 9), (16, 10), (23, 31)] {
            let size = Size { width, height };
            let plane = Plane::from_fn(size, |x, y| ((x * 31 + y * 17) % 29) as f32);
            let mean = plane.samples().iter().sum::<f32>() / size.area() as f32;
            let dx =
                Plane::from_fn(
                    size,
                    |x, y| if x + 1 < width { plane.at(x + 1, y) - plane.at(x, y) } else { 9.0 },
                );
            let dy =
                Plane::from_fn(
                    size,
                    |x, y| if y + 1 < height { plane.at(x, y + 1) - plane.at(x, y) } else { 9.0 },
                );
            let back = integrate(&dx, &dy);
            for (want, got) in plane.samples().iter().zip(back.samples()) {
                // Single precision, amplified by the smallest eigenvalue (pi / 31)^2 = 0.01.
                assert!((want - mean - got).abs() < 2e-3, "{width}x{height}: {want} {got}");
            }
        }
    }
}
