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
    let tried = |k: f64| Some((k, agreed(matches, map, Lens { k, ..Lens::none(found) }, unit)?));
    let plain = tried(0.0).map_or(0, |(_, (count, _))| count);
    let best = |ks: &mut dyn Iterator<Item = f64>| {
        let sane = ks.filter_map(tried).filter(|(_, (_, map))| is_sane(map, original));
        sane.max_by_key(|(k, (count, _))| (*count, (-1e6 * k.abs()) as i64))
    };
    let (coarse, _) = best(&mut (-6..=6).map(|i| 0.02 * f64::from(i)))?;
    let (k, (count, map)) = best(&mut (-4..=4).map(|i| coarse + 0.004 * f64::from(i)))?;
    let more = count > plain + 4 && 20 * count > 21 * plain;
    more.then(|| (Lens { k, ..Lens::none(found) }, map))
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
