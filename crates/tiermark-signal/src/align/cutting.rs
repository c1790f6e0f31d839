//! Where a cutting lies that was neither scaled nor turned: what an editor's crop leaves.
//!
//! Features tell that of most cuttings. Of one that shows a sky and the corner of a coat there are too few.

use super::Prepared;
use crate::filter::gaussian;
use crate::transform::Spectrum;
use crate::{Homography, Plane, Size};

/// The long side that an original is halved to: a peak is found there to a pixel, and refined on the samples.
const LONG: usize = 1280;
/// A cutting is at least so large there, px: less has no place of its own.
const LEAST: usize = 40;
/// Peaks that are looked at.
const PEAKS: usize = 3;
/// What a peak rises above the deviation of all places: beyond noise. Other drawings have such peaks, too; refinement refuses them.
const RISES: f32 = 7.0;
/// Code values from which on an edge counts no more.
const EDGE: f32 = 24.0;

/// The places at which `found` may have been cut out of `original`, best first; none if it is as large.
pub(super) fn places(original: &Prepared, found: &Prepared) -> Vec<Homography> {
    let (whole, part) = (original.size(), found.size());
    let fits =
        part.width <= whole.width && part.height <= whole.height && 10 * part.area() < 9 * whole.area();
    let times = (0..super::HALVINGS).find(|k| whole.long_side() >> k <= LONG);
    let Some(times) = times.filter(|_| fits) else { return Vec::new() };
    let (whole, part) = (edges(&original.halved(times)), edges(&found.halved(times)));
    if part.size().short_side() < LEAST {
        return Vec::new();
    }
    let padded = Size { width: smooth(whole.width()), height: smooth(whole.height()) };
    let fit = Spectrum::of(&whole, padded).phase_correlation(&Spectrum::of(&part, padded));
    let fit = gaussian(&fit, 0.7);
    let rooms = [whole.width() - part.width(), whole.height() - part.height()];
    let step = (1_usize << times) as f64;
    peaks(&fit, rooms)
        .into_iter()
        .map(|at| {
            // Off by less than a block of what was averaged.
            let [dx, dy] = at.map(|v| -(v as f64) * step);
            Homography { rows: [[1.0, 0.0, dx], [0.0, 1.0, dy], [0.0, 0.0, 1.0]] }
        })
        .collect()
}

/// What changes within a few pixels, limited: paint and edges alike.
fn edges(luma: &Plane) -> Plane {
    let mut edges = luma.clone();
    let around = gaussian(luma, 3.0);
    edges.samples_mut().iter_mut().zip(around.samples()).for_each(|(v, a)| *v = (*v - a).clamp(-EDGE, EDGE));
    edges
}

/// The highest places that leave room for the part, each with its surroundings once.
fn peaks(fit: &Plane, [right, bottom]: [usize; 2]) -> Vec<[usize; 2]> {
    let square: f64 = fit.samples().iter().map(|v| f64::from(v * v)).sum();
    let least = RISES * (square / fit.size().area() as f64).sqrt() as f32;
    let all = (0..=bottom).flat_map(|y| (0..=right).map(move |x| [x, y]));
    let mut high: Vec<(f32, [usize; 2])> =
        all.map(|[x, y]| (fit.at(x, y), [x, y])).filter(|(v, _)| *v >= least).collect();
    high.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<[usize; 2]> = Vec::new();
    for (_, at) in high {
        if kept.len() == PEAKS {
            break;
        }
        if kept.iter().all(|other| other[0].abs_diff(at[0]).max(other[1].abs_diff(at[1])) > 4) {
            kept.push(at);
        }
    }
    kept
}

/// The next length that a fast transform likes: no factors but 2, 3 and 5.
fn smooth(length: usize) -> usize {
    let is_smooth = |mut n: usize| {
        for factor in [2, 3, 5] {
            while n.is_multiple_of(factor) {
                n /= factor;
            }
        }
        n == 1
    };
    (length..).find(|n| is_smooth(*n)).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use super::super::sample::blobs;
    use super::*;

    #[test]
    fn a_cutting_is_found_at_its_own_scale_and_nowhere_else() {
        let size = Size { width: 960, height: 540 };
        let (picture, other) = (blobs(size, 300, 1), blobs(size, 300, 2));
        let cut = |picture: &Plane| {
            let part = Size { width: 215, height: 121 };
            Prepared::from(Plane::from_fn(part, |x, y| 0.8 * picture.at(601 + x, 207 + y) + 20.0))
        };
        let original = Prepared::new(&picture);
        let found = places(&original, &cut(&picture));
        assert!(found.first().is_some_and(|map| (map.apply([601.0, 207.0])[0]).abs() < 1.5), "{found:?}");
        assert!(found.first().is_some_and(|map| (map.apply([601.0, 207.0])[1]).abs() < 1.5), "{found:?}");
        assert!(super::super::register(&original, &cut(&other)).is_empty());
        assert!(places(&original, &Prepared::new(&picture)).is_empty());
        assert_eq!([smooth(1), smooth(7), smooth(1080), smooth(1081)], [1, 8, 1080, 1125]);
    }
}
