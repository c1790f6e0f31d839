//! Where in a found picture the lattice was seen.

use tiermark_signal::filter::gaussian;
use tiermark_signal::statistics::quantile;
use tiermark_signal::{Plane, Size};

use super::map::Area;

/// How far each place agrees with a map: 1.0 where the lattice stands as well as in the best places, near 0.0 where
/// something else was drawn, pasted or shown.
///
/// Made of the lattice alone, so that it may weigh the payload without touching its false-alarm bound.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    blocks: Plane,
    area: Area,
}

/// Even where nothing agrees a little is left: the payload's own evidence may know better.
const LEAST: f32 = 0.04;
/// What chance alone makes of a block's agreement: the mean of 32 lines of variance 1/2, smoothed over about four blocks.
/// Where the lattice is hardly stronger than that, all places count nearly alike.
const CHANCE: f32 = 0.07;
/// Places above this belong to the picture that the map is of.
const PART_OF_IT: f32 = 0.3;
/// Neighbouring blocks belong together, blocks.
const SMOOTH: f32 = 0.85;

impl Trust {
    /// From the agreement of the lines in each block of a grid over `area`.
    pub(super) fn of(grid: [usize; 2], agreement: Vec<f32>, area: Area) -> Self {
        let size = Size { width: grid[0], height: grid[1] };
        let blocks = gaussian(&Plane::new(size, agreement).expect("a value for each block"), SMOOTH);
        let best = quantile(blocks.samples().iter().map(|v| v.max(0.0)), 0.95, 4.0);
        let share = |v: f32| ((v + CHANCE) / (best + CHANCE)).clamp(LEAST, 1.0);
        Self { blocks: blocks.map(share), area }
    }

    /// The same trust everywhere.
    pub(crate) fn even(area: Area) -> Self {
        Self { blocks: Plane::filled(Size { width: 1, height: 1 }, 1.0), area }
    }

    /// The trust in a found place, between the centres of blocks by straight lines.
    pub(crate) fn at(&self, place: [f64; 2]) -> f32 {
        let (width, height) = (self.blocks.width(), self.blocks.height());
        let along = |v: f64, from: f64, extent: f64, count: usize| {
            let t = ((v - from) / extent * count as f64 - 0.5).clamp(0.0, (count - 1) as f64);
            let first = (t as usize).min(count.saturating_sub(2));
            (first, (first + 1).min(count - 1), (t - first as f64) as f32)
        };
        let (x0, x1, s) = along(place[0], self.area.left, self.area.width, width);
        let (y0, y1, t) = along(place[1], self.area.top, self.area.height, height);
        let line = |y: usize| {
            let (a, b) = (self.blocks.at(x0, y), self.blocks.at(x1, y));
            a + s * (b - a)
        };
        line(y0) + t * (line(y1) - line(y0))
    }

    /// What of the picture it was measured over.
    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// The part of the picture that holds all places that agree, one block wider on each side.
    pub(crate) fn extent(&self) -> Area {
        let (width, height) = (self.blocks.width(), self.blocks.height());
        let (mut low, mut high) = ([usize::MAX; 2], [0; 2]);
        for (i, _) in self.blocks.samples().iter().enumerate().filter(|(_, v)| **v > PART_OF_IT) {
            for (axis, at) in [i % width, i / width].into_iter().enumerate() {
                low[axis] = low[axis].min(at);
                high[axis] = high[axis].max(at);
            }
        }
        let side = [self.area.width / width as f64, self.area.height / height as f64];
        let from = |axis: usize| side[axis] * low[axis].saturating_sub(1) as f64;
        let to = |axis: usize, count: usize| side[axis] * (high[axis] + 2).min(count) as f64;
        let (left, top) = (from(0), from(1));
        Area {
            left: self.area.left + left,
            top: self.area.top + top,
            width: to(0, width) - left,
            height: to(1, height) - top,
        }
    }

    /// The place that agrees best.
    pub(crate) fn best_place(&self) -> [f64; 2] {
        let samples = self.blocks.samples().iter().enumerate();
        // Of equals the first, so that every machine takes the same.
        let best = samples.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map_or(0, |(i, _)| i);
        let (width, height) = (self.blocks.width(), self.blocks.height());
        let middle =
            |i: usize, from: f64, extent: f64, count: usize| from + extent * (i as f64 + 0.5) / count as f64;
        [
            middle(best % width, self.area.left, self.area.width, width),
            middle(best / width, self.area.top, self.area.height, height),
        ]
    }

    /// Mean trust over an area.
    pub(crate) fn mean_over(&self, area: &Area) -> f32 {
        const STEPS: usize = 8;
        let at = |i: usize, j: usize| {
            let along = |from: f64, extent: f64, n: usize| from + extent * (n as f64 + 0.5) / STEPS as f64;
            self.at([along(area.left, area.width, i), along(area.top, area.height, j)])
        };
        (0..STEPS * STEPS).map(|n| at(n % STEPS, n / STEPS)).sum::<f32>() / (STEPS * STEPS) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, top: 0.0, width: 800.0, height: 400.0 };

    #[test]
    fn a_pasted_picture_is_trusted_and_its_surroundings_are_not() {
        // Blocks of 100: the picture covers columns 4 to 6, rows 1 and 2.
        let agreement =
            (0..32).map(|i| if (4..7).contains(&(i % 8)) && (1..3).contains(&(i / 8)) { 1.0 } else { 0.0 });
        let trust = Trust::of([8, 4], agreement.collect(), AREA);
        assert!(trust.at([550.0, 200.0]) > 0.9, "{}", trust.at([550.0, 200.0]));
        assert!(trust.at([50.0, 200.0]) < 0.1, "{}", trust.at([50.0, 200.0]));
        let extent = trust.extent();
        assert!(
            extent.left >= 200.0 && extent.left <= 400.0 && extent.left + extent.width >= 700.0,
            "{extent:?}"
        );
        assert!(trust.mean_over(&Area { left: 400.0, top: 100.0, width: 300.0, height: 200.0 }) > 0.6);
    }

    #[test]
    fn without_any_agreement_all_places_count_alike() {
        let trust = Trust::of([8, 4], vec![0.0; 32], AREA);
        assert_eq!(trust.at([5.0, 5.0]), trust.at([799.0, 399.0]));
        assert!(trust.at([5.0, 5.0]) > 0.8);
        let one = Trust::of([1, 1], vec![2.0], AREA);
        assert!(one.at([400.0, 200.0]) > 0.98, "a quantile is known to a 64th of its range");
    }
}
