//! Maps that mean something simpler: whole frames and cuttings are stretched exactly, along their sides.
//!
//! What refinement finds of a frame that was handed on whole is off by hundredths of a pixel. Where a map that only stretches, or
//! only moves by whole pixels, is as good as that, it is what was done: nothing is then interpolated that was not, and each row
//! and column is brought to the found grid by itself.

use super::pose::Pose;
use crate::{Homography, Size};

/// Places to a side at which two maps are compared.
const GRID: usize = 9;
/// What two maps may be apart anywhere to be called the same, found px.
///
/// It does not grow where less is known: line art after JPEG 10 and extracted lines, snapped to what was done over 0.06 px, read at
/// nine tenths of the z that the refined map gives.
const SAME: f64 = 0.03;

/// The simplest map of an original to a found picture that is the same as `pose`; `None` if there is no simple one.
pub(super) fn simplest(pose: &Pose, original: Size, found: Size) -> Option<Homography> {
    if pose.bend.is_some() {
        return None;
    }
    let places = shared(pose, original, found);
    if places.len() < GRID {
        return None;
    }
    let is_near = |one: &Homography| {
        places.iter().all(|(found, original)| {
            let [x, y] = one.apply(*original);
            (x - found[0]).abs() <= SAME && (y - found[1]).abs() <= SAME
        })
    };
    let [[sx, tx], [sy, ty]] =
        [0, 1].map(|i| line(&places.iter().map(|(f, o)| (o[i], f[i])).collect::<Vec<_>>()));
    let along = |sx: f64, tx: f64, sy: f64, ty: f64| Homography {
        rows: [[sx, 0.0, tx], [0.0, sy, ty], [0.0, 0.0, 1.0]],
    };
    // Mirrored, too; shifts are whole about the middle of what is shared, where a scale that is not quite one moves nothing.
    let middle =
        [0, 1].map(|i| places.iter().map(|(_, original)| original[i]).sum::<f64>() / places.len() as f64);
    let whole = |s: f64, t: f64, middle: f64| libm::round(t + (s - 1.0_f64.copysign(s)) * middle);
    let moved =
        along(1.0_f64.copysign(sx), whole(sx, tx, middle[0]), 1.0_f64.copysign(sy), whole(sy, ty, middle[1]));
    let stretched = Homography::stretch(original, found);
    [moved, stretched, along(sx, tx, sy, ty)].into_iter().find(is_near)
}

/// Places of the found picture that lie in the original, with where.
fn shared(pose: &Pose, original: Size, found: Size) -> Vec<([f64; 2], [f64; 2])> {
    let at = |i: usize, n: usize| i as f64 / (GRID - 1) as f64 * (n - 1) as f64;
    let within = |v: f64, n: usize| (-0.5..=n as f64 - 0.5).contains(&v);
    (0..GRID * GRID)
        .map(|i| [at(i % GRID, found.width), at(i / GRID, found.height)])
        .map(|place| (place, pose.original_at(place)))
        .filter(|(_, [x, y])| within(*x, original.width) && within(*y, original.height))
        .collect()
}

/// Slope and constant of the straight line through these points; not finite without two of them.
fn line(points: &[(f64, f64)]) -> [f64; 2] {
    let n = points.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let slope = mean(&|p| (p.0 - x) * (p.1 - y)) / mean(&|p| (p.0 - x) * (p.0 - x));
    [slope, y - slope * x]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Size = Size { width: 1920, height: 1080 };

    /// A map that is off by less than a fiftieth of a pixel.
    fn nearly(map: Homography) -> Homography {
        let off = Homography {
            rows: [[1.0 + 1e-5, 3e-6, -0.008], [-2e-6, 1.0 - 6e-6, 0.006], [1e-10, 2e-10, 1.0]],
        };
        map.then(&off)
    }

    fn simple(map: Homography, found: Size) -> Option<Homography> {
        simplest(&Pose::of(&map, found).expect("no shadow"), LARGE, found)
    }

    fn moved(x: f64, left: f64, y: f64, top: f64) -> Homography {
        Homography { rows: [[x, 0.0, left], [0.0, y, top], [0.0, 0.0, 1.0]] }
    }

    #[test]
    fn frames_and_cuttings_are_exact() {
        let small = Size { width: 480, height: 270 };
        let cases = [
            (Homography::IDENTITY, LARGE),
            (Homography::stretch(LARGE, small), small),
            (moved(1.0, -700.0, 1.0, -300.0), small),
            (moved(-1.0, 1919.0, 1.0, 0.0), LARGE),
        ];
        for (map, size) in cases {
            assert_eq!(simple(nearly(map), size), Some(map));
        }
    }

    #[test]
    fn what_is_not_simple_stays_and_scales_of_windows_lose_their_skew() {
        let window = simple(nearly(moved(0.55, 300.0, 0.55, 97.0)), LARGE).expect("a window");
        assert_eq!((window.rows[0][1], window.rows[1][0], window.rows[2]), (0.0, 0.0, [0.0, 0.0, 1.0]));
        assert!((window.rows[0][0] - 0.55).abs() < 1e-4 && (window.rows[1][2] - 97.0).abs() < 0.05);
        let turned = Homography { rows: [[1.0, 0.001, 3.0], [-0.001, 1.0, 5.0], [0.0, 0.0, 1.0]] };
        assert_eq!(simple(turned, LARGE), None);
        // Half a pixel off is half a pixel off.
        let half = simple(moved(1.0, 0.5, 1.0, 0.0), LARGE).expect("a shift");
        assert!((half.rows[0][2] - 0.5).abs() < 1e-9);
    }
}
