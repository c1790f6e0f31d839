//! How much of a radial distortion the matches ask for.

use super::pose::Lens;
use super::robust::{Match, homography, is_sane, within};
use crate::{Homography, Size};

/// The lens and homography under which clearly more matches agree than without a lens; `unit` is the found px that one px
/// of the grid of features has.
pub(super) fn fitted(
    matches: &[Match],
    map: &Homography,
    original: Size,
    found: Size,
    unit: f64,
) -> Option<(Lens, Homography)> {
    let tried = |k: f64| Some((k, agreed(matches, map, Lens { k: [k, 0.0], ..Lens::none(found) }, unit)?));
    let plain = tried(0.0).map_or(0, |(_, (count, _))| count);
    let best = |ks: &mut dyn Iterator<Item = f64>| {
        let sane = ks.filter_map(tried).filter(|(_, (_, map))| is_sane(map, original));
        sane.max_by_key(|(k, (count, _))| (*count, (-1e6 * k.abs()) as i64))
    };
    let (coarse, _) = best(&mut (-6..=6).map(|i| 0.02 * f64::from(i)))?;
    let (k, (count, map)) = best(&mut (-4..=4).map(|i| coarse + 0.004 * f64::from(i)))?;
    let more = count > plain + 4 && 20 * count > 21 * plain;
    more.then(|| (Lens { k: [k, 0.0], ..Lens::none(found) }, map))
}

/// Number of matches within [`NEAR`] of the homography that fits best once the lens is taken out.
fn agreed(matches: &[Match], map: &Homography, lens: Lens, unit: f64) -> Option<(usize, Homography)> {
    let mut matches = matches.to_vec();
    matches.iter_mut().for_each(|m| m.found = lens.straight(m.found));
    let mut map = *map;
    for slack in [8.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 1.0] {
        map = homography(&matches, &within(&matches, &map, slack * NEAR * unit), &map)?;
    }
    Some((within(&matches, &map, NEAR * unit).len(), map))
}

/// Distance that counts as agreement, px of the grid of features: what a lens leaves without its term is several.
const NEAR: f64 = 1.2;

#[cfg(test)]
mod tests {
    use super::super::robust::tests::made;
    use super::*;

    #[test]
    fn bent_matches_ask_for_a_lens_and_straight_ones_do_not() {
        let found = Size { width: 900, height: 700 };
        let map = Homography { rows: [[0.8, 0.03, 40.0], [-0.02, 0.9, 60.0], [5e-5, 1e-5, 1.0]] };
        let straight = made(&map, 300, 50, 5);
        let original = Size { width: 1000, height: 600 };
        assert!(fitted(&straight, &map, original, found, 1.0).is_none());
        let lens = Lens { k: [-0.03, 0.0], ..Lens::none(found) };
        let mut bent = straight;
        for m in &mut bent {
            // The found place whose straight one this is.
            let want = m.found;
            m.found = (0..20).fold(want, |p, _| {
                let q = lens.straight(p);
                [p[0] + want[0] - q[0], p[1] + want[1] - q[1]]
            });
        }
        let (fitted, _) = fitted(&bent, &map, original, found, 1.0).expect("the corners are 20 px off");
        assert!((fitted.k[0] + 0.03).abs() < 0.006, "{}", fitted.k[0]);
    }
}
