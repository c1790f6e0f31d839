//! Do matches of local features agree on how a part of one picture lies in another?

use crate::Affine;

/// Where a feature is, how large and how turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Pixels.
    pub at: [f32; 2],
    /// Pixels.
    pub scale: f32,
    /// Radians; x to y is positive.
    pub angle: f32,
}

/// A feature of an original that may be the one in a found picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Its number in the original.
    pub number: usize,
    /// There.
    pub original: Spot,
    /// And here.
    pub found: Spot,
}

/// The map that most matches agree on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// From the original to the found picture.
    pub map: Affine,
    /// How many features of the original lie where it says.
    pub features: usize,
}

/// The map that most of `matches` agree on within `reach` pixels of the original; `None` without two that do.
///
/// Each match by itself says how far, how large and how turned: the similarity of each is tried, the best is fitted anew as
/// an affine map over all that agree with it, twice. Without chance: at most [`TRIALS`] of the first are tried.
pub fn agreement(matches: &[Match], reach: f32) -> Option<Agreement> {
    let similarities = matches.iter().take(TRIALS).filter_map(similarity);
    let best = similarities.map(|map| (agreeing(matches, &map, reach), map)).max_by_key(|(all, _)| all.len());
    let (mut all, mut map) = best.filter(|(all, _)| all.len() >= 2)?;
    for _ in 0..2 {
        let Some(fitted) = fitted(&all) else { break };
        let fit = agreeing(matches, &fitted, reach);
        if fit.len() < all.len() {
            break;
        }
        (all, map) = (fit, fitted);
    }
    Some(Agreement { map, features: all.len() })
}

/// Matches whose similarities are tried.
pub const TRIALS: usize = 200;

/// The map that one match gives.
fn similarity(one: &Match) -> Option<Affine> {
    let (scale, turn) = (one.found.scale / one.original.scale, one.found.angle - one.original.angle);
    if !scale.is_finite() || !turn.is_finite() || !(0.02..50.0).contains(&scale) {
        return None;
    }
    let (sin, cos) = (f64::from(libm::sinf(turn) * scale), f64::from(libm::cosf(turn) * scale));
    let matrix = [[cos, -sin], [sin, cos]];
    let turned = Affine { matrix, shift: [0.0; 2] }.apply(one.original.at.map(f64::from));
    let shift = [0, 1].map(|i| f64::from(one.found.at[i]) - turned[i]);
    Some(Affine { matrix, shift })
}

/// The matches that a map explains, one to each feature of the original and of the found picture.
fn agreeing(matches: &[Match], map: &Affine, reach: f32) -> Vec<Match> {
    let [[a, b], [c, d]] = map.matrix;
    let (scale, turn) = ((a * d - b * c).abs().sqrt() as f32, libm::atan2(c - b, a + d) as f32);
    // Two pixels are what a feature's place is worth in a copy, however small that is.
    let reach = (reach * scale).max(2.0);
    let agrees = |one: &&Match| {
        let at = map.apply(one.original.at.map(f64::from));
        let away = [0, 1].map(|i| at[i] as f32 - one.found.at[i]);
        let stretch = one.found.scale / (one.original.scale * scale);
        let half = std::f32::consts::PI;
        let turned = (one.found.angle - one.original.angle - turn + 5.0 * half).rem_euclid(2.0 * half) - half;
        away[0] * away[0] + away[1] * away[1] <= reach * reach
            && (1.0 / STRETCH..STRETCH).contains(&stretch)
            && turned.abs() < TURN
    };
    let mut all: Vec<Match> = matches.iter().filter(agrees).copied().collect();
    all.sort_by_key(|one| one.number);
    all.dedup_by_key(|one| one.number);
    let place = |one: &Match| one.found.at.map(f32::to_bits);
    all.sort_by_key(place);
    all.dedup_by_key(|one| place(one));
    all
}

/// How much larger or smaller a feature may be than the map says, and how much it may be turned, radians: a step between
/// layers is 1.26, a bin of directions 0.17; perspective adds to both.
const STRETCH: f32 = 1.6;
const TURN: f32 = 0.5;

/// The affine map nearest to all matches in the mean square; `None` if they lie on a line or are fewer than six.
fn fitted(all: &[Match]) -> Option<Affine> {
    if all.len() < 6 {
        return None;
    }
    let count = all.len() as f64;
    let middle = |at: &dyn Fn(&Match) -> [f32; 2]| {
        [0, 1].map(|i| all.iter().map(|one| f64::from(at(one)[i])).sum::<f64>() / count)
    };
    let (from, to) = (middle(&|one| one.original.at), middle(&|one| one.found.at));
    // Normal equations of two unknowns for each coordinate: sums of p p' and of q p'.
    let (mut square, mut mixed) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    for one in all {
        let p = [0, 1].map(|i| f64::from(one.original.at[i]) - from[i]);
        let q = [0, 1].map(|i| f64::from(one.found.at[i]) - to[i]);
        for i in 0..2 {
            for j in 0..2 {
                square[i][j] += p[i] * p[j];
                mixed[i][j] += q[i] * p[j];
            }
        }
    }
    let [[a, b], [_, d]] = square;
    let determinant = a * d - b * b;
    // A thousandth of a round cloud's: nearly on a line.
    if determinant <= 1e-3 * (0.5 * (a + d)) * (0.5 * (a + d)) {
        return None;
    }
    let inverse = [[d / determinant, -b / determinant], [-b / determinant, a / determinant]];
    let matrix = [0, 1].map(|i| [0, 1].map(|j| mixed[i][0] * inverse[0][j] + mixed[i][1] * inverse[1][j]));
    let moved = Affine { matrix, shift: [0.0; 2] }.apply(from);
    Some(Affine { matrix, shift: [to[0] - moved[0], to[1] - moved[1]] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::super::thrown;
    use super::*;

    fn cloud(count: usize, map: &Affine, wrong: usize) -> Vec<Match> {
        let mut state = 4;
        let mut next = |most: f32| (thrown(&mut state) >> 40) as f32 / (1 << 24) as f32 * most;
        let [[a, _], [c, _]] = map.matrix;
        let (scale, turn) = (libm::hypot(a, c) as f32, libm::atan2(c, a) as f32);
        let one = |number: usize| {
            let original = Spot { at: [next(900.0), next(500.0)], scale: 2.0 + next(9.0), angle: next(3.0) };
            let to = map.apply(original.at.map(f64::from));
            let right = Spot {
                at: to.map(|v| v as f32),
                scale: original.scale * scale,
                angle: original.angle + turn,
            };
            let lost = Spot { at: [next(900.0), next(500.0)], scale: 2.0 + next(9.0), angle: next(3.0) };
            Match { number, original, found: if number < wrong { lost } else { right } }
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn the_map_is_found_among_wrong_matches() {
        let map = Affine { matrix: [[0.6, -0.2], [0.2, 0.6]], shift: [40.0, -30.0] };
        let found = agreement(&cloud(60, &map, 45), 9.0).unwrap();
        assert!((15..20).contains(&found.features), "{}", found.features);
        let corner = found.map.apply([900.0, 500.0]);
        let want = map.apply([900.0, 500.0]);
        assert!(
            (corner[0] - want[0]).abs() < 6.0 && (corner[1] - want[1]).abs() < 6.0,
            "{corner:?} {want:?}"
        );
    }

    #[test]
    fn chance_agrees_on_little() {
        let found = agreement(&cloud(150, &Affine::IDENTITY, 150), 12.0);
        assert!(found.is_none_or(|found| found.features < 8), "{found:?}");
    }

    #[test]
    fn one_feature_counts_once() {
        let mut matches = cloud(1, &Affine::IDENTITY, 0);
        matches.extend_from_within(..);
        assert_eq!(agreement(&matches, 5.0), None);
        let broken = Spot { at: [f32::NAN; 2], scale: 0.0, angle: f32::INFINITY };
        let matches = vec![Match { number: 0, original: broken, found: broken }; 9];
        assert_eq!(agreement(&matches, 5.0), None);
    }
}
