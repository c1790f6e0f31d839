//! Where the pixels of a row lie in another picture, many at once.

/// Pixels from one place that is worked out to the next; between them lie straight lines.
///
/// A perspective that turns a square into a trapezium of half its height, the strongest lens that is believed and a bend's kinks
/// stay within a hundredth of a pixel of their own lines over so few.
const KNOT: usize = 8;

/// The places of the first pixels of row `y`, as many as `places` takes, by `place`, which is asked for every eighth only.
///
/// What is not finite there is not finite between there and the next.
pub fn row_places(place: &dyn Fn([f64; 2]) -> [f64; 2], y: usize, places: &mut [[f64; 2]]) {
    let y = y as f64;
    let mut from = place([0.0, y]);
    for (k, places) in places.chunks_mut(KNOT).enumerate() {
        let to = place([((k + 1) * KNOT) as f64, y]);
        let step = [0, 1].map(|i| (to[i] - from[i]) / KNOT as f64);
        for (i, at) in places.iter_mut().enumerate() {
            let i = i as f64;
            *at = [from[0] + i * step[0], from[1] + i * step[1]];
        }
        from = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Homography, Size};

    #[test]
    fn places_are_where_the_map_says() {
        let size = Size { width: 1003, height: 700 };
        let tilted = Homography { rows: [[1.1, 0.2, 3.5], [-0.1, 0.9, 40.0], [3e-4, 2e-4, 1.0]] };
        for map in [tilted, Homography::IDENTITY] {
            let mut row = vec![[0.0; 2]; size.width];
            for y in [0, 350, 699] {
                row_places(&|at| map.apply(at), y, &mut row);
                for (x, at) in row.iter().enumerate() {
                    let want = map.apply([x as f64, y as f64]);
                    assert!((0..2).all(|i| (at[i] - want[i]).abs() < 0.01), "{x} {y}: {at:?} {want:?}");
                    assert!(map != Homography::IDENTITY || *at == want);
                }
            }
        }
    }
}
