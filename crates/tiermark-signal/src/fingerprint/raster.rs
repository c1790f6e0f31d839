//! Where the pictures of a regular sheet stand, told by those whose borders are to be seen.
//!
//! Cells of one size at one distance. Each pair of parts suggests such a raster along one axis; the one on whose borders
//! most parts begin and end is taken.

/// From, and behind the last.
pub(super) type Interval = [usize; 2];

/// The cells along one axis that parts at these places fit into best; none where nothing repeats.
///
/// They are no shorter than `shortest`; `slack` is how far borders may be off, samples.
pub(super) fn cells(parts: &[(Interval, usize)], shortest: usize, slack: usize) -> Vec<Interval> {
    let usual = usual(parts, slack);
    let mut best: (usize, Vec<Interval>) = (0, Vec::new());
    for &one in &usual {
        for &other in &usual {
            // Two that begin, or end, alike at the distance of a cell or more.
            for (a, b) in [(one[0], other[0]), (one[1], other[1])] {
                let length = one[1] - one[0];
                if length < shortest || b < a + length {
                    continue;
                }
                let cells = raster(one, b - a, parts);
                let worth = worth(&cells, parts, slack);
                if worth > best.0 {
                    best = (worth, cells);
                }
            }
        }
    }
    best.1
}

/// Intervals that differ, those of the largest parts together first: no more than [`TRIED`].
fn usual(parts: &[(Interval, usize)], slack: usize) -> Vec<Interval> {
    let mut weighed: Vec<(usize, Interval)> = Vec::new();
    for (part, area) in parts {
        match weighed.iter_mut().find(|(_, other)| is_near(*part, *other, slack / 4)) {
            Some((sum, _)) => *sum = sum.saturating_add(*area),
            None => weighed.push((*area, *part)),
        }
    }
    weighed.sort_by_key(|(sum, interval)| (usize::MAX - sum, *interval));
    weighed.truncate(TRIED);
    weighed.into_iter().map(|(_, interval)| interval).collect()
}

fn is_near(a: Interval, b: Interval, slack: usize) -> bool {
    (0..2).all(|i| a[i].abs_diff(b[i]) <= slack)
}

/// Repetitions of `one` at this distance, as far as there are parts.
fn raster(one: Interval, pitch: usize, parts: &[(Interval, usize)]) -> Vec<Interval> {
    let length = one[1] - one[0];
    let first = parts.iter().map(|(part, _)| part[0]).min().unwrap_or(one[0]);
    let last = parts.iter().map(|(part, _)| part[1]).max().unwrap_or(one[1]);
    let before = one[0].saturating_sub(first).div_ceil(pitch).min(one[0] / pitch);
    let start = one[0] - before * pitch;
    (0..MOST_CELLS)
        .map(|i| start + i * pitch)
        .take_while(|from| *from < last)
        .map(|from| [from, from + length])
        .collect()
}

/// Borders of cells at which parts begin or end, three of each at most, less two for each at which none does; times the area of
/// the parts that lie in a cell.
fn worth(cells: &[Interval], parts: &[(Interval, usize)], slack: usize) -> usize {
    let at = |i: usize, border: usize| {
        let there = parts.iter().filter(|(part, _)| part[i].abs_diff(border) <= slack / 2).count();
        if there == 0 { -2 } else { there.min(3) as isize }
    };
    let borders: isize = cells.iter().map(|[from, to]| at(0, *from) + at(1, *to)).sum();
    let fits = |(part, _): &&(Interval, usize)| {
        cells.iter().any(|[from, to]| part[0] + slack >= *from && part[1] <= to + slack)
    };
    let area = parts.iter().filter(fits).fold(0_usize, |sum, (_, area)| sum.saturating_add(*area));
    usize::try_from(borders).unwrap_or(0).saturating_mul(area)
}

/// Intervals from which rasters are made: a thousand pairs.
const TRIED: usize = 32;
/// Cells along an axis.
const MOST_CELLS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raster_is_told_by_a_few_of_its_borders() {
        // Three columns; of the last only a figure in its middle, and one at its left border, are to be seen.
        let parts =
            [[20, 313], [20, 150], [333, 600], [340, 626], [700, 820], [646, 700], [20, 313], [333, 400]];
        let parts = parts.map(|part| (part, part[1] - part[0]));
        assert_eq!(cells(&parts, 36, 8), [[20, 313], [333, 626], [646, 939]]);
    }

    #[test]
    fn nothing_repeats_in_one_part_and_many_do_no_harm() {
        assert_eq!(cells(&[], 36, 4), Vec::<Interval>::new());
        assert_eq!(cells(&[([5, 90], 9)], 36, 4), Vec::<Interval>::new());
        let part = |i: usize| ([i * 7 % 900, i * 7 % 900 + 1 + i % 50], usize::MAX / 1000);
        let many: Vec<(Interval, usize)> = (0..1000).map(part).collect();
        assert!(cells(&many, 36, 10).len() <= MOST_CELLS);
    }
}
